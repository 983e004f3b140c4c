"""What an exploration alone replaces in the standard library."""

import logging
import threading
from collections.abc import Callable
from typing import Any

from threadsim.exploration.points import points_here


def _looking(getter: Callable[[Any], Any]) -> property:
    def look(self: threading.Barrier) -> Any:
        if (points := points_here()) is not None:
            points.peek(self._cond._lock)  # type: ignore[attr-defined]
        return getter(self)

    return property(look, doc=getter.__doc__)


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
