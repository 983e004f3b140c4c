"""``explore`` runs a program under many schedules.

The program is a function without arguments that makes all that it changes anew. Each schedule runs
it once in virtual threads and virtual time, from its first line to the end of its last thread that
is no daemon. Before each operation that other threads can notice (on a lock, an Event or a queue, a
thread's start, state and end, a wait) the schedule chooses the thread that goes on.
"""

import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from types import ModuleType
from typing import Any

from threadsim.exploration.execution import NECESSARY, Execution, SwitchPoints
from threadsim.exploration.options import Options
from threadsim.exploration.reports.failure import ScheduleFailure, shrunk_failure
from threadsim.exploration.reports.nondeterminism import failure_signature, rerun
from threadsim.exploration.run_options import runs
from threadsim.exploration.runner import ScheduleRunner
from threadsim.exploration.schedule_string import Replay
from threadsim.exploration.strategies.arguments import check_bool
from threadsim.exploration.strategies.iterative_bound import IterativeBound
from threadsim.exploration.strategies.strategy import Search, Strategy
from threadsim.reporting.progress import Progress
from threadsim.reporting.tracebacks import shorten
from threadsim.runtime.errors import SimulationError
from threadsim.runtime.formatting import counted

# One in so many schedules runs twice, to see that the program does the same again.
_REPEAT = 50

# A short program may have few schedules. So the first ones run twice, until the second runs have
# taken about so many steps: all of the first schedule's, half of the second's and so on.
_REPEATED_STEPS = 40


@dataclass(frozen=True)
class Exploration:
    """The result of an exploration without a failure.

    Attributes:
        schedules: How many distinct orders ran.
        runs: How many schedules ran for that: some end early, or run an order once more.
        complete: Whether every order was covered, or every order within a bound.
        within: That bound: the largest number of preemptions. ``None`` if there is none.
        deepest: The number of steps of the longest schedule.
        seconds: Real time that it took.
        claim: What holds now, in words.
        races: What threads read and write in an order that no lock decides, benign or not, in
            words; without ``data="off"``.
        modules: The names of the user's modules whose data was watched.
    """

    schedules: int
    runs: int
    complete: bool
    within: int | None
    deepest: int
    seconds: float
    claim: str
    races: tuple[str, ...] = ()
    modules: tuple[str, ...] = ()

    def __str__(self) -> str:
        covered = "complete: " if self.complete else ""
        if self.within is not None:
            covered = f"complete within {counted(self.within, 'preemption')}: "
        return (
            f"{covered}{counted(self.schedules, 'schedule')} ({counted(self.runs, 'run')}), at "
            f"most {counted(self.deepest, 'step')}, {self.seconds:.1f} s: {self.claim}"
        )


class ExplorationIncomplete(AssertionError):
    """A search reached the end of its budget before it covered what it claims."""

    __module__ = "threadsim"


def explore(
    program: Callable[[], object],
    strategy: Strategy | None = None,
    *,
    spurious_wakeups: bool = False,
    early_timeouts: bool = False,
    switch_in: Sequence[Callable[..., object] | ModuleType] = (),
    data: str = Options.data,
    races: str = Options.races,
    allowed_races: Sequence[str] = (),
    keep_going: bool = False,
) -> Exploration:
    """Run a program under many schedules.

    Args:
        program: A function that starts threads and makes all that they share.
        strategy: Which schedules; ``None`` stands for ``IterativeBound()``.
        spurious_wakeups: Whether each thread may return once from ``Condition.wait`` without a
            notification.
        early_timeouts: Whether time may also move while threads can run. Then a wait may time out
            between any two steps.
        switch_in: Functions, classes and modules of libraries whose data is watched, too.
        data: "switch" watches what the program's own code reads and writes. Data that two threads
            access and no lock orders becomes a place to switch threads. "report" lists these races
            only, "off" does not watch.
        races: "fail" lets a schedule fail in which a race is seen, with a ``DataRace``.
        allowed_races: The kinds of data that may race then, as the ``DataRace`` names them.
        keep_going: Whether to continue after a failure, and report one failure of each kind.

    Returns:
        What was explored.

    Raises:
        ScheduleFailure: The program fails under a schedule.
        ExceptionGroup: It fails in several ways, with ``keep_going``.
        ExplorationIncomplete: A search reached the end of its budget before it covered what it
            claims.
        ScheduleDiverged: The program behaves differently under the same schedule.
        NotModelled: The call is inside a simulation, or the program does what has no model.
        OutsideThread: A thread or scheduler from before takes part.
        StallLimit: The program waits for something real.
        TypeError: An argument has a wrong type.
        ValueError: ``data`` or ``races`` has an unknown value.
    """
    __tracebackhide__ = True
    options = Options(
        program, spurious_wakeups, early_timeouts, switch_in, data, races, allowed_races
    )
    return explore_with(options, strategy, keep_going=keep_going)


def explore_with(
    options: Options, strategy: Strategy | None = None, *, keep_going: bool = False
) -> Exploration:
    """Explore a program that has its options; see ``explore``."""
    __tracebackhide__ = True
    check_bool("explore(keep_going", keep_going)
    strategy = _strategy(IterativeBound() if strategy is None else strategy)
    failures: list[ScheduleFailure] = []
    reported: set[object] = set()
    count = deepest = 0
    began = time.perf_counter()
    progress = Progress()
    of_all = strategy.schedules and counted(strategy.schedules, "schedule")
    with ScheduleRunner(options) as runner, _interruptions(lambda: 0 if reported else count):
        search = begin(runner, strategy)
        for execution in schedules(runner, search):
            count += 1
            deepest = max(deepest, len(execution.steps))
            for signature in map(failure_signature, execution.errors):
                if signature not in reported and (keep_going or not reported):
                    reported.add(signature)
                    failures.append(shrunk_failure(runner, execution, signature, progress))
                    reported |= failures[-1].signatures
            if failures and not keep_going:
                break
            progress.tell(f"{count:,} of {of_all}" if of_all else counted(count, "schedule"))
    if options.data != "off" and not (runner.modules or options.switch_in):
        warnings.warn(
            "explore: no module of your own was found, so that no data was watched. Let the "
            "program stand in a file, or name modules in switch_in.",
            stacklevel=3,
        )
    if failures:
        raise _all_of(failures, search.shortfall)
    if search.shortfall:
        raise ExplorationIncomplete(f"no failure so far: {search.shortfall}")
    return Exploration(
        schedules=search.schedules,
        runs=count,
        complete=search.complete,
        within=search.within,
        deepest=deepest,
        seconds=time.perf_counter() - began,
        claim=f"{search.claim()}; {options.covered(runner.modules)}",
        races=tuple(runner.races.values()),
        modules=tuple(runner.modules),
    )


def _strategy(asked: Strategy) -> Strategy:
    """Return the strategy of this run, which pytest's options may change."""
    if not isinstance(asked, Strategy):
        raise TypeError(
            f"explore(strategy={asked!r}): this is no strategy. Pass IterativeBound(…), "
            "Exhaustive(…), Random(…) or PCT(…)."
        )
    run = runs[-1]
    chosen: Any = run.strategy or asked
    changed = {}
    if run.schedules is not None:
        changed["schedules" if chosen.schedules else "max_schedules"] = run.schedules
    strategy: Strategy = replace(chosen, **changed)
    return strategy


@contextmanager
def _interruptions(passed: Callable[[], int]) -> Iterator[None]:
    """Add to what ends an exploration from outside how many schedules have passed, if all have."""
    try:
        yield
    except SimulationError:
        raise
    except BaseException as error:
        if count := passed():
            error.add_note(
                f"explore: {counted(count, 'schedule')} without a failure so far; give it a bound: "
                "Exhaustive(max_preemptions=1) or Random(200)."
            )
        shorten(error)
        raise


def begin(runner: ScheduleRunner, strategy: Strategy) -> Search:
    """Warm a program up, and return a search of it."""
    execution = warm_up(runner)
    data = SwitchPoints(data=execution.needs.data)
    search = strategy.search(len(execution.steps))
    if search.switch_points.every:  # At all points the program has more steps.
        execution = runner.run(Replay([]), switch_points=search.switch_points)
        search = strategy.search(len(execution.steps))
    search.add_points(data)
    return search


def schedules(runner: ScheduleRunner, search: Search) -> Iterator[Execution]:
    """Run a program under every schedule of a search.

    Raises:
        ScheduleDiverged: The program behaves differently under the same schedule.
    """
    __tracebackhide__ = True
    more, count = True, 0
    while more:
        execution = runner.run(search.choose, switch_points=search.switch_points)
        count += 1
        yield execution
        short = _REPEATED_STEPS // (count * len(execution.steps))
        for _ in range(short or count % _REPEAT == 1):
            rerun(runner, execution)
        more = search.advance(execution)


def warm_up(runner: ScheduleRunner) -> Execution:
    """Fill imports and caches in a first schedule, and return it."""
    execution = runner.run(Replay([]), switch_points=NECESSARY)
    runner.settle()
    runner.first_run_passed = not execution.errors
    return execution


def _all_of(failures: list[ScheduleFailure], cut_off: str) -> Exception:
    """Return the error for all failures, with a note of the limit that ended the search."""
    failure: Exception = failures[0]
    if len(failures) > 1:
        failure = ExceptionGroup(f"the program fails in {len(failures)} ways", failures)
    if cut_off:
        failure.add_note(cut_off)
    return failure
