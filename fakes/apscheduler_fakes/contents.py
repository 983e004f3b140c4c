"""What semaphores, events, barriers and queues from before an exploration hold.

Each schedule finds it as the exploration has found it, and so does who comes after. Left alone are
the items themselves, things of a class derived from these, which may hold what nobody else can
tell, and all of them where real threads live beside the exploration, which may use them any time.
"""

import _queue
import _thread
import queue
import sys
import threading
from collections import deque
from collections.abc import Iterable
from contextlib import suppress
from types import FrameType
from typing import Any
from weakref import WeakKeyDictionary

from apscheduler_fakes.loaded import LEFT_ALONE

# Kept: inside a simulation these names are swapped.
SIMPLE_QUEUE: Any = _queue.SimpleQueue

_OF_A_QUEUE = {"queue", "unfinished_tasks", "is_shutdown"}

# Where each holds it, by its exact type; a SimpleQueue is its own container.
_STATE_OF: dict[type, set[str]] = {
    SIMPLE_QUEUE: set(),
    threading.Event: {"_flag"},
    threading.Semaphore: {"_value"},
    threading.BoundedSemaphore: {"_value"},
    threading.Barrier: {"_state"},
    queue.Queue: _OF_A_QUEUE,
    queue.LifoQueue: _OF_A_QUEUE,
    queue.PriorityQueue: _OF_A_QUEUE,
}


class Contents:
    """What some things hold; of none, where real threads may use them, too."""

    def __init__(self) -> None:
        # Weakly: what the program lets go of must not live longer than without an exploration.
        self._held: WeakKeyDictionary[Any, tuple[dict[str, Any], list[Any] | None]] = (
            WeakKeyDictionary()
        )
        listed = threading._active  # type: ignore[attr-defined]
        # Not all that are listed run, nor are all listed that do.
        frames = sys._current_frames()
        del frames[_thread.get_ident()]
        self._alone = all(
            _is_of_the_runner(listed.get(ident), frame) for ident, frame in frames.items()
        )

    def note(self, things: Iterable[Any]) -> None:
        """Note what things hold now.

        Args:
            things: Which; others among them are passed over.
        """
        for each in things:
            names = _STATE_OF.get(type(each))
            if self._alone and names is not None:
                attributes = getattr(each, "__dict__", {})
                state = {name: attributes[name] for name in names & attributes.keys()}
                self._held[each] = state, _filled(state.get("queue", each), None)

    def put_back(self) -> None:
        """Let them hold it again."""
        for thing, (state, items) in list(self._held.items()):
            if state:
                vars(thing).update(state)
            if items is not None:
                _filled(state.get("queue", thing), items)


def _filled(container: Any, items: list[Any] | None) -> list[Any] | None:
    """Fill a container with other items, which stays the same one, and return what is in it.

    Args:
        container: What may be one.
        items: Its items; ``None`` leaves it as it is.

    Returns:
        Its items; ``None`` if it is of another kind.
    """
    if type(container) is SIMPLE_QUEUE:
        taken = []
        with suppress(queue.Empty):
            while True:
                taken.append(SIMPLE_QUEUE.get_nowait(container))
        items = taken if items is None else items
        for each in items:
            SIMPLE_QUEUE.put(container, each)
        return items
    if type(container) not in (deque, list):
        return None
    if items is not None:
        container.clear()
        container.extend(items)
    return list(container)


def _is_of_the_runner(thread: Any, frame: FrameType) -> bool:
    """Return whether a thread is one of the test runner's, such as the timer of a time-out.

    Args:
        thread: What ``threading`` knows of it; ``None`` if that is nothing.
        frame: Where it is.
    """
    while frame.f_back is not None:
        frame = frame.f_back
    runs = getattr(thread, "function", getattr(thread, "_target", None))
    names = getattr(runs, "__module__", ""), frame.f_globals.get("__name__", "")
    return any(str(name).partition(".")[0] in LEFT_ALONE for name in names)
