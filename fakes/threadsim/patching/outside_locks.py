"""Replaces what was made before a block and has a real lock inside: locks, conditions, queues.

All virtual threads are one OS thread: a real lock would stop the process, a real RLock would let
every one of them in, and a real local would be shared. A lock that is held or waited on at entry
stays real. Real threads beside the block take the real locks. Between two schedules ``reset`` puts
back the state of what was made before an exploration.
"""

import _queue
import _thread
import queue
import threading
from collections.abc import Iterable
from copy import copy
from typing import Any
from weakref import WeakKeyDictionary

from threadsim.primitives.local import forget, local
from threadsim.primitives.lock import Lock, Lockable, RLock
from threadsim.primitives.simple_queue import SimpleQueue

# Kept: inside a block these names are replaced.
_LOCK: Any = _thread.LockType
_RLOCK: Any = type(_thread.RLock())
_CONDITION: Any = threading.Condition
_LOCAL: Any = _thread._local
_SIMPLE_QUEUE: Any = _queue.SimpleQueue

_OF_A_QUEUE = (
    ("mutex", "not_empty", "not_full", "all_tasks_done"),
    ("queue", "unfinished_tasks", "is_shutdown"),
)

# By exact type: the attributes that hold a lock or a condition, and those that are its state.
_ATTRIBUTES: dict[type, tuple[tuple[str, ...], tuple[str, ...]]] = {
    threading.Event: (("_cond",), ("_flag",)),
    threading.Semaphore: (("_cond",), ("_value",)),
    threading.BoundedSemaphore: (("_cond",), ("_value",)),
    threading.Barrier: (("_cond",), ("_state",)),
    queue.Queue: _OF_A_QUEUE,
    queue.LifoQueue: _OF_A_QUEUE,
    queue.PriorityQueue: _OF_A_QUEUE,
}

# The exact types of what is replaced, or changed in place.
TYPES = frozenset({_LOCK, _RLOCK, _CONDITION, _LOCAL, _SIMPLE_QUEUE, *_ATTRIBUTES})


class LockReplacements:
    """The replacements of one block. Each real object has one, wherever it is found.

    Attributes:
        found: The real objects, kept alive so that no other object gets the same id.
    """

    def __init__(self) -> None:
        self.found: list[Any] = []
        self._replacements: dict[int, Any] = {}  # By the id of the real object.
        self._locals: list[tuple[Any, local]] = []
        # The state of objects at the beginning of an exploration. Weakly: it keeps none alive.
        self._states: WeakKeyDictionary[Any, dict[str, Any]] = WeakKeyDictionary()
        # Attributes of an object, a name, and its value before.
        self._changed: list[tuple[dict[str, Any], str, Any]] = []

    def replacement_of(self, real: Any) -> Any:
        """Return what replaces a real lock or local: itself if it is changed in place or stays."""
        if id(real) not in self._replacements:
            self.found.append(real)
            self._replacements[id(real)] = self._replace(real)
        return self._replacements[id(real)]

    def note(self, objects: Iterable[Any]) -> None:
        """Note the state of events, semaphores, barriers and queues for ``reset``."""
        for each in objects:
            _, names = _ATTRIBUTES.get(type(each), ((), ()))
            if names:
                state = {name: value for name, value in vars(each).items() if name in names}
                self._states[each] = {name: copy(value) for name, value in state.items()}

    def reset(self) -> None:
        """Give objects the values that they had when an exploration began, but for locks."""
        for each, state in list(self._states.items()):
            vars(each).update({name: copy(value) for name, value in state.items()})
        for real, virtual in self._locals:
            forget(virtual)
            if values := real.__dict__:  # Most have none, and to look at the virtual one is slow.
                virtual.__dict__.update(values)

    def put_back(self) -> None:
        """Give events and queues their real conditions, and locals the main thread's values."""
        for attributes, name, before in self._changed:
            attributes[name] = before
        for real, virtual in self._locals:
            real.__dict__.clear()
            real.__dict__.update(virtual.__dict__)

    def _replace(self, real: Any) -> Any:
        kind, virtual = type(real), real
        if kind in _ATTRIBUTES:
            parts = [(name, getattr(real, name)) for name in _ATTRIBUTES[kind][0]]
            if not any(getattr(part, "_waiters", ()) for _, part in parts):
                self._changed += [(vars(real), name, part) for name, part in parts]
                vars(real).update({name: self.replacement_of(part) for name, part in parts})
        elif kind is _CONDITION:
            lock = self.replacement_of(real._lock)
            if lock is not real._lock and not real._waiters:
                virtual = _CONDITION(lock)
                # Real threads that begin to wait meanwhile are among the waiters, and stay there.
                virtual._waiters = real._waiters
        elif kind is _LOCAL:
            virtual = local()
            virtual.__dict__.update(real.__dict__)
            self._locals.append((real, virtual))
        elif kind is _SIMPLE_QUEUE:
            virtual = SimpleQueue()
            virtual.real = real
        elif kind in (_LOCK, _RLOCK) and real.acquire(blocking=False):
            real.release()
            if kind is _LOCK or not real._is_owned():
                virtual = ReplacedLock() if kind is _LOCK else ReplacedRLock()
                virtual.real = real
        return virtual


class _Replaced(Lockable):
    """A virtual lock in the place of a real one, which real threads go on using."""

    def outside(self) -> Any:
        return self.real


class ReplacedLock(_Replaced, Lock):
    """The replacement of a real ``Lock``."""

    kind = _LOCK


class ReplacedRLock(_Replaced, RLock):
    """The replacement of a real ``RLock``."""

    kind = _RLOCK
