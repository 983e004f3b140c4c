"""What an exploration alone replaces in the standard library."""

import concurrent.futures._base
import concurrent.futures.thread
import logging
import queue
import sys
import threading
from collections.abc import Callable
from typing import Any

from threadsim.exploration.points import SpuriousWakeUp, points_here
from threadsim.runtime.own_code import caller

_condition_wait = threading.Condition.wait

# Their waits are loops or tests of their own: CPython's Condition never wakes up by itself.
_WAITS_IN_LOOPS = [
    vars(module)
    for module in (threading, queue, concurrent.futures._base, concurrent.futures.thread)
]


def _looking(getter: Callable[[Any], Any]) -> property:
    def look(self: threading.Barrier) -> Any:
        if (points := points_here()) is not None:
            points.peek(self._cond._lock)  # type: ignore[attr-defined]
        return getter(self)

    return property(look, doc=getter.__doc__)


def condition_wait(self: threading.Condition, timeout: float | None = None) -> bool:
    """Wait until notified, or wake up by itself; see ``Condition.wait``."""
    points = points_here()
    if points is None or _called_by_the_standard_library():
        return _condition_wait(self, timeout)
    thread = points.kernel.running
    points.waiting_conditions[thread] = self
    try:
        return _condition_wait(self, timeout)
    except SpuriousWakeUp:
        return True
    finally:
        del points.waiting_conditions[thread]


def is_enabled_for(self: logging.Logger, level: int) -> bool:
    """Return whether a logger takes a level; see ``Logger.isEnabledFor``.

    The real one keeps the answer, under a lock that it takes the first time only: no two schedules
    would be alike.
    """
    return not self.disabled and self.manager.disable < level and level >= self.getEffectiveLevel()


# Owner, name and replacement.
SWAPPED: list[tuple[Any, str, Any]] = [
    (logging.Logger, "isEnabledFor", is_enabled_for),
    (threading.Barrier, "n_waiting", _looking(threading.Barrier.n_waiting.fget)),  # type: ignore[attr-defined]
    (threading.Barrier, "broken", _looking(threading.Barrier.broken.fget)),  # type: ignore[attr-defined]
]

SPURIOUS = (threading.Condition, "wait", condition_wait)


def _called_by_the_standard_library() -> bool:
    """Return whether a wait is one of a primitive of the standard library."""
    frame = caller(sys._getframe())
    if frame.f_code is threading.Condition.wait_for.__code__ and frame.f_back is not None:
        frame = frame.f_back
    return any(frame.f_globals is each for each in _WAITS_IN_LOOPS)
