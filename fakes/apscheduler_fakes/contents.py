"""What semaphores, events, barriers and queues from before an exploration hold.

Each schedule finds it as the exploration has found it, and so does who comes after. Left alone are
the items in queues, what a class derived from these holds beside, and what real threads wait for.
"""

import _queue
import concurrent.futures.thread as pools
import queue
import threading
from collections import OrderedDict, deque
from collections.abc import Iterable
from contextlib import suppress
from copy import copy
from typing import Any

from apscheduler_fakes.loaded import attributes_of

# Kept: inside a simulation these names are swapped.
SIMPLE_QUEUE: Any = _queue.SimpleQueue

# Where each holds it. Python 3.11 and 3.12 cannot shut a queue down.
_STATE_OF: dict[type, tuple[str, ...]] = {
    threading.Event: ("_flag",),
    threading.Semaphore: ("_value",),
    threading.Barrier: ("_state", "_count"),
    queue.Queue: ("queue", "unfinished_tasks", "is_shutdown"),
}

HOLDERS = (SIMPLE_QUEUE, *_STATE_OF)

# What can be told: a copy of another thing may share what it holds.
_PLAIN = {bool, int, deque, list, set, dict, OrderedDict}


class Contents:
    """What some things hold now.

    Args:
        things: Which; others among them are passed over.
    """

    def __init__(self, things: Iterable[Any] = ()) -> None:
        held = [each for each in things if issubclass(type(each), HOLDERS)]
        # Their workers are real threads.
        of_pools = list(pools._threads_queues.values())
        self._items = [
            (each, _emptied(each))
            for each in held
            if issubclass(type(each), SIMPLE_QUEUE) and each not in of_pools
        ]
        self._states = [(each, _state(each)) for each in held]
        self.put_back()

    def put_back(self) -> None:
        """Let them hold it again."""
        for thing, items in self._items:
            _emptied(thing)
            for each in items:
                SIMPLE_QUEUE.put(thing, each)
        for thing, state in self._states:
            attributes_of(thing).update({name: copy(value) for name, value in state.items()})


def _emptied(items: Any) -> list[Any]:
    """Take everything out of a SimpleQueue and return it."""
    taken = []
    with suppress(queue.Empty):
        while True:
            taken.append(SIMPLE_QUEUE.get_nowait(items))
    return taken


def _state(thing: Any) -> dict[str, Any]:
    """Return what is in the attributes of a thing; nothing if it cannot be told or waited for."""
    attributes = attributes_of(thing)
    names = (names for kind, names in _STATE_OF.items() if issubclass(type(thing), kind))
    state = {name: copy(attributes[name]) for name in next(names, ()) if name in attributes}
    waited_for = any(
        each._waiters for each in attributes.values() if issubclass(type(each), threading.Condition)
    )
    return {} if waited_for or not _PLAIN.issuperset(map(type, state.values())) else state
