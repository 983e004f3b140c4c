"""``replay`` runs a program once more, under the schedule that a failure printed.

``schedule_string.read`` reads the string; its ``Replay`` chooses the threads by it.
"""

import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from pathlib import Path
from types import ModuleType

from threadsim.exploration.explore import warm_up
from threadsim.exploration.options import Options
from threadsim.exploration.reports.failure import described_failure
from threadsim.exploration.runner import ScheduleRunner
from threadsim.exploration.schedule_string import Replay, read
from threadsim.reporting.progress import say


def replay(
    program: Callable[[], object],
    schedule: str,
    *,
    spurious_wakeups: bool = False,
    early_timeouts: bool = False,
    switch_in: Sequence[Callable[..., object] | ModuleType] = (),
    data: str = Options.data,
    races: str = Options.races,
    allowed_races: Sequence[str] = (),
) -> None:
    """Run a program once under the schedule of a failure; say so if it does not fail any more.

    Args:
        program: The function that was explored.
        schedule: The string that the failure printed.
        spurious_wakeups: As for ``explore``.
        early_timeouts: As for ``explore``.
        switch_in: As for ``explore``.
        data: As for ``explore``.
        races: As for ``explore``.
        allowed_races: As for ``explore``.

    Raises:
        ScheduleFailure: The program fails.
        ScheduleDiverged: The program no longer fits the schedule.
        TypeError: An argument has a wrong type.
        ValueError: ``schedule`` is no schedule.
    """
    __tracebackhide__ = True
    options = Options(
        program, spurious_wakeups, early_timeouts, switch_in, data, races, allowed_races
    )
    replay_with(options, schedule)


def replay_with(options: Options, schedule: str) -> None:
    """Replay a program that has its options; see ``replay``."""
    __tracebackhide__ = True
    run_schedule(options, schedule)
    say(f"replay: schedule {schedule} does not fail any more.")


def run_schedule(options: Options, schedule: str) -> None:
    """Run a program that has its options under a schedule; see ``replay`` for the errors."""
    __tracebackhide__ = True
    choices, switch_points = read(schedule)
    with ScheduleRunner(options) as runner:
        with _unheard():
            warm_up(runner)
            runner.run(Replay(choices), switch_points=switch_points)
        chooser = Replay(choices)
        execution = runner.run(chooser, switch_points=switch_points, shown=True)
        chooser.check_fits(execution)
        if execution.errors:
            raise described_failure(options, execution)


@contextmanager
def _unheard() -> Iterator[None]:
    """Hide what a program prints, and ignore breakpoints: the same run comes once more."""
    hook = sys.breakpointhook
    with Path(os.devnull).open("w") as nowhere, redirect_stdout(nowhere), redirect_stderr(nowhere):
        sys.breakpointhook = lambda *_args, **_kwargs: None
        try:
            yield
        finally:
            sys.breakpointhook = hook
