"""The state of semaphores, events, barriers and queues from outside, put back in each schedule.

Data that belongs to them is not put back: the items themselves, and the attributes that a derived
class adds. Where other real threads live, nothing is put back, since they may use the same objects.
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

from threadsim.runtime.own_code import is_tool

# Kept: inside a block this name is replaced.
_SIMPLE_QUEUE: Any = _queue.SimpleQueue

_OF_A_QUEUE = ("queue", "unfinished_tasks", "is_shutdown")

# The attributes that make up the state, by the exact type. A SimpleQueue is its own container.
_STATE_OF: dict[type, tuple[str, ...]] = {
    _SIMPLE_QUEUE: (),
    threading.Event: ("_flag",),
    threading.Semaphore: ("_value",),
    threading.BoundedSemaphore: ("_value",),
    threading.Barrier: ("_state",),
    queue.Queue: _OF_A_QUEUE,
    queue.LifoQueue: _OF_A_QUEUE,
    queue.PriorityQueue: _OF_A_QUEUE,
}

_NOT_PUT_BACK = (
    "Semaphores, events, barriers and queues from outside were not put back between schedules, as "
    "other real threads live that may use them: the failure may need what an earlier schedule has "
    "left. End these threads before, or make these objects inside the program."
)


class Contents:
    """The state of some objects, as it was noted.

    Attributes:
        caveat: What a failure has to say about it; "" if every object is put back.
    """

    def __init__(self) -> None:
        # Weakly: an object lives as long as without an exploration. Each with its attributes and
        # the items of its container.
        self._noted: WeakKeyDictionary[Any, tuple[dict[str, Any], list[Any]]] = WeakKeyDictionary()
        frames = sys._current_frames()
        del frames[_thread.get_ident()]
        self._is_shared = not all(map(_is_of_the_runner, frames.values()))
        self.caveat = ""

    def note(self, objects: Iterable[Any]) -> None:
        """Note the state of those objects that have one."""
        for each in objects:
            names = _STATE_OF.get(type(each))
            if names is None:
                continue
            if self._is_shared:
                self.caveat = _NOT_PUT_BACK
                continue
            attributes = getattr(each, "__dict__", {})
            state = {name: attributes[name] for name in names if name in attributes}
            self._noted[each] = state, _exchange(state.get("queue", each))

    def put_back(self) -> None:
        """Give every object its state back."""
        for each, (state, items) in list(self._noted.items()):
            if state:
                vars(each).update(state)
            _exchange(state.get("queue", each), items)


def _exchange(container: Any, items: list[Any] | None = None) -> list[Any]:
    """Put other items into a container, or leave it as it is, and return its items."""
    if type(container) is _SIMPLE_QUEUE:
        before = []
        with suppress(queue.Empty):
            while True:
                before.append(_SIMPLE_QUEUE.get_nowait(container))
        for each in before if items is None else items:
            _SIMPLE_QUEUE.put(container, each)
        return before
    if type(container) not in (deque, list):
        return []
    if items is not None:
        container.clear()
        container.extend(items)
    return list(container)


def _is_of_the_runner(frame: FrameType | None) -> bool:
    """Return whether a thread runs code of the test runner, such as a worker of pytest-xdist."""
    while frame is not None:
        if is_tool(str(frame.f_globals.get("__name__"))):
            return True
        frame = frame.f_back
    return False
