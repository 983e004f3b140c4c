"""explore: every order in which a program's threads can run.

The program is a function without arguments. It is run once per schedule, in virtual threads and
virtual time as in a ``Simulation``, from its first line to the end of its last thread that is no
daemon, and must make everything that it changes anew. Before each operation that other threads can
notice (a lock, an Event, a queue, a thread's start, state and end, and a wait) the schedule decides
who goes on.

What is found: deadlocks, exceptions of the program and of any of its threads, failing asserts. What
is not: what depends on a switch between two such operations, in code that reads or writes shared
data without a lock; ``switch_in`` names functions in which such switches are tried as well. Names
and identifiers of threads and ``threading.enumerate`` are no operations in this sense.
"""

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from types import ModuleType
from typing import Protocol

from threadsim.exploration.data.switch_points import switching_in
from threadsim.exploration.execution import Chooser, Execution, SwitchPoints
from threadsim.exploration.options import Options
from threadsim.exploration.reports.failure import ScheduleFailure, again, failure_of
from threadsim.exploration.reports.nondeterminism import DIFFERENT, kind, parting, repeated
from threadsim.exploration.runner import ScheduleRunner
from threadsim.exploration.schedule_string import Replay, ScheduleDiverged
from threadsim.exploration.strategies.arguments import check_bool
from threadsim.exploration.strategies.exhaustive import Exhaustive
from threadsim.reporting.progress import Progress
from threadsim.reporting.trace_diagram import draw
from threadsim.runtime.formatting import counted

# One in so many schedules is run twice.
_REPEAT = 50

# Of a short program the first schedules are, too, as they may be all: so many steps of the first,
# half as many of the second, a third of the third, and so on.
_REPEATED_STEPS = 40


class Search(Chooser, Protocol):
    """A chooser that is told how each schedule went."""

    def advance(self, ran: Execution) -> bool:
        """Take in the schedule that has run and return whether there is another."""
        ...


class Strategy(Protocol):
    """What is explored: ``Exhaustive``, ``Random`` or ``PCT``."""

    @property
    def switch_points(self) -> SwitchPoints:
        """Where its schedules switch threads, unless one shows that they need all points."""
        ...

    @property
    def complete(self) -> bool:
        """Whether it has run every schedule, within its bound, when it ends.

        Then it begins anew when there turn out to be more places to stop.
        """
        ...

    @property
    def schedules(self) -> int | None:
        """How many it runs, if that is known before."""
        ...

    @property
    def max_schedules(self) -> int | None:
        """After how many it gives up."""
        ...

    @property
    def max_preemptions(self) -> int | None:
        """How often at most its schedules stop a thread that could go on, if that is bounded."""
        ...

    def search(self, steps: int) -> Search:
        """Return a new search of a program that took so many steps."""
        ...

    def claim(self, options: Options) -> str:
        """Return in words what holds when it has found no failure."""
        ...


@dataclass(frozen=True)
class Exploration:
    """What has been explored without a failure.

    Attributes:
        schedules: How many schedules ran.
        redundant: How many of them were cut short, because the rest was covered elsewhere.
        complete: Whether every schedule was covered, within the bound if there is one.
        max_preemptions: The bound; ``None`` for none.
        deepest: The number of steps of the longest schedule.
        seconds: Real time that it took.
        claim: In words, what holds now.
    """

    schedules: int
    redundant: int
    complete: bool
    max_preemptions: int | None
    deepest: int
    seconds: float
    claim: str

    def __str__(self) -> str:
        return (
            f"{counted(self.schedules, 'schedule')} ({self.redundant} redundant), at most "
            f"{counted(self.deepest, 'step')}, {self.seconds:.1f} s: {self.claim}"
        )


class ExplorationIncomplete(AssertionError):
    """An exhaustive search came to ``max_schedules`` before its end."""


def explore(
    program: Callable[[], object],
    strategy: Strategy | None = None,
    *,
    spurious_wakeups: bool = False,
    early_timeouts: bool = False,
    switch_in: Sequence[Callable[..., object] | ModuleType] = (),
    keep_going: bool = False,
) -> Exploration:
    """Run a program under many schedules.

    Args:
        program: A function that starts threads and makes all that they share.
        strategy: Which schedules; ``None`` stands for ``Exhaustive()``.
        spurious_wakeups: Whether each thread may return once from ``Condition.wait`` without a
            notification.
        early_timeouts: Whether time may also move while threads can run, so that a wait may time
            out between any two steps.
        switch_in: Functions, classes and modules in which a place to switch is before every
            statement, and before an assignment writes what others may see. Name all that touch the
            same unlocked data. Within one statement nothing else is taken apart.
        keep_going: Whether to go on after a failure and report one of each kind at the end.

    Returns:
        What was explored.

    Raises:
        ScheduleFailure: The program fails under a schedule.
        ExceptionGroup: It fails in several ways, with ``keep_going``.
        ExplorationIncomplete: An exhaustive search came to its ``max_schedules``.
        ScheduleDiverged: The program behaves differently under the same schedule.
        NotModelled: It stands inside a simulation, or the program does what has no model.
        OutsideThread: A thread or scheduler from before takes part.
        StallLimit: The program waits for something real.
        TypeError: ``strategy`` is none, ``program`` nothing that can be called, or another argument
            not what it takes.
    """
    __tracebackhide__ = True
    options = Options(program, spurious_wakeups, early_timeouts, switch_in)
    return explore_with(options, strategy, keep_going=keep_going)


def explore_with(
    options: Options, strategy: Strategy | None = None, *, keep_going: bool = False
) -> Exploration:
    """Do what ``explore`` does."""
    __tracebackhide__ = True
    check_bool("explore(keep_going", keep_going)
    strategy = Exhaustive() if strategy is None else strategy
    if not callable(getattr(strategy, "search", None)) or isinstance(strategy, type):
        raise TypeError(
            f"explore(strategy={strategy!r}): this is no strategy. Pass Exhaustive(…), Random(…) "
            "or PCT(…)."
        )
    failures: list[ScheduleFailure] = []
    told: set[object] = set()
    count = redundant = deepest = 0
    began = time.perf_counter()
    of_all = strategy.schedules and counted(strategy.schedules, "schedule")
    with Progress() as progress, switching_in(options.switch_in), options.runner() as world:
        for ran in schedules(world, strategy):
            if count == strategy.max_schedules:
                _raise(
                    failures,
                    f"{counted(count, 'schedule')} ran, as many as may, and there are more.",
                )
                raise ExplorationIncomplete(
                    f"{counted(count, 'schedule')} without a failure, and there are more. Pass a "
                    "larger max_schedules, a small Exhaustive(max_preemptions=…), Random or PCT; "
                    "or make the program smaller."
                )
            count += 1
            redundant += ran.cut
            deepest = max(deepest, len(ran.steps))
            for fault in map(kind, ran.errors):
                if fault not in told and (keep_going or not told):
                    failures.append(failure_of(world, options, ran, fault, progress))
                    told |= failures[-1].faults
            if failures and not keep_going:
                break
            progress.tell(f"{count:,} of {of_all}" if of_all else counted(count, "schedule"))
    _raise(failures)
    return Exploration(
        schedules=count,
        redundant=redundant,
        complete=strategy.complete,
        max_preemptions=strategy.max_preemptions,
        deepest=deepest,
        seconds=time.perf_counter() - began,
        claim=strategy.claim(options),
    )


def schedules(world: ScheduleRunner, strategy: Strategy) -> Iterator[Execution]:
    """Run a program under every schedule of a strategy.

    Args:
        world: The world to run it in.
        strategy: Which schedules.

    Raises:
        ScheduleDiverged: The program behaves differently under the same schedule.
    """
    __tracebackhide__ = True
    points = strategy.switch_points
    steps = warm_up(world)
    if points:  # With more switch points the program has more steps.
        steps = len(world.run(Replay([]), switch_points=points).steps)
    search = strategy.search(steps)
    before, count = None, 0
    while True:
        ran = world.run(search, switch_points=points)
        for error in ran.errors:
            if isinstance(error, ScheduleDiverged):
                raise _shown(error, before, ran) from None
        yield ran
        count += 1
        short = _REPEATED_STEPS // (count * len(ran.steps))
        for _ in range(short or count % _REPEAT == 1):
            repeated(partial(again, world, ran), ran)
        if ran.needs > points:
            points, search, before = ran.needs, strategy.search(steps), None
            continue
        try:
            if not search.advance(ran):
                return
        except ScheduleDiverged as error:
            raise _shown(error, before, ran) from None
        before = ran


def warm_up(world: ScheduleRunner) -> int:
    """Fill imports and caches in a schedule that does not count, and return how long it was."""
    ran = world.run(Replay([]), switch_points=SwitchPoints.NECESSARY)
    world.settle()
    return len(ran.steps)


def _shown(error: ScheduleDiverged, before: Execution | None, ran: Execution) -> ScheduleDiverged:
    """Return an error of a search with what ran before and what does now."""
    assert before is not None  # A search compares with what it has seen.
    where = parting(before, ran._replace(cut=True))
    return ScheduleDiverged(f"{DIFFERENT}: {where}" if where else f"{error}\n\n{draw(ran.trace)}")


def _raise(failures: list[ScheduleFailure], limit: str = "") -> None:
    """Raise what has failed, if anything has; with a note of the limit that was hit, if one was."""
    __tracebackhide__ = True
    if not failures:
        return
    failure: Exception = failures[0]
    if len(failures) > 1:
        failure = ExceptionGroup(f"the program fails in {len(failures)} ways", failures)
    if limit:
        failure.add_note(limit)
    raise failure
