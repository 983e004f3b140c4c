"""The failure of a schedule: found again, made simple, and shown with the line that replays it."""

from functools import partial
from traceback import format_exception

from threadsim.exploration.execution import Execution
from threadsim.exploration.options import Options
from threadsim.exploration.reports.nondeterminism import (
    check_same,
    headline,
    kind,
    repeated,
    wording,
)
from threadsim.exploration.runner import ScheduleRunner
from threadsim.exploration.schedule_string import Replay, choices_of, write
from threadsim.exploration.shrink import shrink
from threadsim.reporting.progress import Progress
from threadsim.reporting.trace_diagram import draw
from threadsim.reporting.tracebacks import shorten
from threadsim.runtime.formatting import counted

# How many steps are spent, about, on finding the same failure in a simple schedule.
MINIMISE = 10_000


class ScheduleFailure(AssertionError):
    """The program fails under one schedule; ``__cause__`` is what it failed with.

    Attributes:
        schedule: The schedule as a string for ``replay``.
        preemptions: How many threads it stops that could have gone on.
        faults: The kinds of the errors that it tells of, as ``repeats.kind`` knows them.
    """

    # Not given at the call, which pickle repeats with the text alone
    # (test_a_failure_comes_whole_from_another_process).
    schedule: str
    preemptions: int
    faults: set[object]


def failure_of(
    world: ScheduleRunner, options: Options, ran: Execution, fault: object, progress: Progress
) -> ScheduleFailure:
    """Return the failure of a schedule, with the fewest preemptions that are found.

    Args:
        world: The world to run it in.
        options: What was explored.
        ran: The schedule.
        fault: The kind of the error that is to be found again.
        progress: Is told how far it is.

    Raises:
        ScheduleDiverged: It does not fail again.
    """
    __tracebackhide__ = True
    tries = max(1, MINIMISE // len(ran.steps))  # One at least, however long the program is.
    simple, tried = shrink(
        world,
        _failing_again(world, ran),
        fault,
        tries,
        lambda made: progress.tell(
            f"a failure, made simpler in {made:,} of {counted(tries, 'schedule')}"
        ),
    )
    best = _failing_again(world, simple, shown=True)
    failure = described(options, best)
    failure.__cause__ = cause(best)
    if best.preemptions and tried is not None:
        failure.add_note(
            f"Fewer than {counted(best.preemptions, 'preemption')} may do: that was looked for in "
            f"{counted(tried, 'schedule')}, and there are more."
        )
    return failure


def _failing_again(world: ScheduleRunner, ran: Execution, *, shown: bool = False) -> Execution:
    """Run a schedule that failed once more."""
    __tracebackhide__ = True
    second = repeated(partial(again, world, ran, shown=shown), ran)
    if list(map(wording, second.errors)) != list(map(wording, ran.errors)):
        check_same(ran, second)
    return second


def described(options: Options, ran: Execution) -> ScheduleFailure:
    """Return a failure with its lanes and the line that replays it."""
    schedule = write(choices_of(ran.steps), ran.switch_points)
    error, *others = map(headline, ran.errors)
    also = "".join(f"\nIt also fails with {other}" for other in others)
    failure = ScheduleFailure(
        f"{error}{also}\n\n{draw(ran.story)}\n\n{options.replay_line(schedule)}"
    )
    for other in _of_other_kinds(ran.errors):
        shorten(other)
        failure.add_note("It also fails so:\n" + "".join(format_exception(other)).rstrip())
    if ran.caveat:
        failure.add_note(ran.caveat)
    failure.schedule = schedule
    failure.preemptions = ran.preemptions
    failure.faults = set(map(kind, ran.errors))
    return failure


def _of_other_kinds(errors: list[BaseException]) -> list[BaseException]:
    """Return one error of each kind, but for that of the first, which is told as the cause."""
    kinds: dict[object, BaseException] = {}
    for error in errors:
        kinds.setdefault(kind(error), error)
    return list(kinds.values())[1:]


def cause(ran: Execution) -> BaseException:
    """Return what a schedule failed with, without the simulation's own frames."""
    assert ran.error is not None
    shorten(ran.error)
    return ran.error


def again(world: ScheduleRunner, ran: Execution, *, shown: bool = False) -> Execution:
    """Run the schedule of a run once more."""
    return world.run(Replay(choices_of(ran.steps)), switch_points=ran.switch_points, shown=shown)
