"""replay: a program once more, under the schedule that a failure printed."""

import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, redirect_stderr, redirect_stdout, suppress
from pathlib import Path
from types import ModuleType

from threadsim.exploration.data.switch_points import switching_in
from threadsim.exploration.execution import Execution
from threadsim.exploration.explore import warm_up
from threadsim.exploration.options import Options
from threadsim.exploration.reports.failure import cause, described
from threadsim.exploration.reports.nondeterminism import repeated
from threadsim.exploration.schedule_string import Replay, ScheduleDiverged, read


def replay(
    program: Callable[[], object],
    schedule: str,
    *,
    spurious_wakeups: bool = False,
    early_timeouts: bool = False,
    switch_in: Sequence[Callable[..., object] | ModuleType] = (),
) -> None:
    """Run a program once under the schedule of a failure.

    Args:
        program: The function that was explored.
        schedule: The string that the failure printed.
        spurious_wakeups: As for ``explore``.
        early_timeouts: As for ``explore``.
        switch_in: As for ``explore``.

    Raises:
        ScheduleFailure: It fails.
        ScheduleDiverged: The program no longer fits the schedule.
        TypeError: ``program`` is nothing that can be called, or ``schedule`` no string.
        ValueError: ``schedule`` is no schedule.
    """
    __tracebackhide__ = True
    replay_with(Options(program, spurious_wakeups, early_timeouts, switch_in), schedule)


def replay_with(options: Options, schedule: str) -> None:
    """Do what ``replay`` does."""
    __tracebackhide__ = True
    choices, points = read(schedule)
    with switching_in(options.switch_in), options.runner() as world:

        def follow() -> Execution:
            __tracebackhide__ = True
            chooser = Replay(choices)
            ran = world.run(chooser, switch_points=points, shown=True)
            chooser.check_fits(ran)
            return ran

        first = None
        with _unheard():
            warm_up(world)
            with suppress(ScheduleDiverged):  # For want of what the second one finds in its place.
                first = follow()
        ran = repeated(follow, first)
        if ran.error is not None:
            raise described(options, ran) from cause(ran)


@contextmanager
def _unheard() -> Iterator[None]:
    """Let a program print nothing and stop at no breakpoint: it will do so once more."""
    hook = sys.breakpointhook
    with Path(os.devnull).open("w") as nowhere, redirect_stdout(nowhere), redirect_stderr(nowhere):
        sys.breakpointhook = lambda *_args, **_kwargs: None
        try:
            yield
        finally:
            sys.breakpointhook = hook
