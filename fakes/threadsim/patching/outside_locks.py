"""Replaces what was made before a block and has a real lock inside: locks, conditions, queues.

All virtual threads are one OS thread: a real lock would stop the process, a real RLock would let
every one of them in, and a real local would be shared. A replaced lock takes the real one too, so
that real threads are kept out. A lock that is held or waited on at entry stays real. What was made
before an exploration is put back between two schedules.
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
from threadsim.runtime.kernel import here

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
        self._locks: list[_WithReal] = []
        self._conditions: list[Any] = []
        self._locals: list[tuple[Any, local]] = []
        # The state of objects at the beginning of an exploration. Weakly: it keeps none alive.
        self._states: WeakKeyDictionary[Any, dict[str, Any]] = WeakKeyDictionary()
        # Attributes of an object, their values before, and the names that it did not have.
        self._changed: list[tuple[dict[str, Any], dict[str, Any], set[str]]] = []

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
            if state := {name: copy(vars(each)[name]) for name in names if name in vars(each)}:
                self._states[each] = state

    def reset(self) -> None:
        """Free the locks, forget the waiters, and give all else the values that they had."""
        for each, state in list(self._states.items()):
            for name, value in state.items():
                if name == "queue":  # In place: the program may have another name for it.
                    vars(each)[name].clear()
                    vars(each)[name].extend(value)
                else:
                    vars(each)[name] = value
        for lock in self._locks:
            lock.free()
        self._forget_waiters()
        for real, virtual in self._locals:
            forget(virtual)
            if values := real.__dict__:  # Most have none, and to look at the virtual one is slow.
                virtual.__dict__.update(values)

    def put_back(self) -> None:
        """Give conditions and queues their real locks, and locals the main thread's values."""
        self._forget_waiters()
        for attributes, before, added in reversed(self._changed):
            # In this order: a real thread may use the object meanwhile.
            attributes.update(before)
            for name in added:
                del attributes[name]
        for real, virtual in self._locals:
            real.__dict__.clear()
            real.__dict__.update(virtual.__dict__)

    def _replace(self, real: Any) -> Any:
        kind = type(real)
        for name in _ATTRIBUTES.get(kind, ((), ()))[0]:
            self._change(real, {name: self.replacement_of(getattr(real, name))})
        if kind is _CONDITION:
            lock = self.replacement_of(real._lock)
            if lock is not real._lock and not real._waiters:
                self._conditions.append(real)
                # Real threads that begin to wait meanwhile are among the waiters, and stay there.
                self._change(real, vars(_CONDITION(lock)) | {"_waiters": real._waiters})
        elif kind is _LOCAL:
            virtual = local()
            virtual.__dict__.update(real.__dict__)
            self._locals.append((real, virtual))
            return virtual
        elif kind is _SIMPLE_QUEUE:
            replacement: Any = SimpleQueue()
            replacement.real = real
            return replacement
        elif kind in (_LOCK, _RLOCK) and real.acquire(blocking=False):
            real.release()
            if kind is _LOCK or not real._is_owned():
                self._locks.append(ReplacedLock(real) if kind is _LOCK else ReplacedRLock(real))
                return self._locks[-1]
        return real

    def _change(self, owner: Any, new: dict[str, Any]) -> None:
        attributes = owner.__dict__
        before = {name: attributes[name] for name in new.keys() & attributes.keys()}
        self._changed.append((attributes, before, new.keys() - before.keys()))
        attributes.update(new)

    def _forget_waiters(self) -> None:
        """Take virtual threads, which have ended, out of the waiters of conditions."""
        for condition in self._conditions:
            for waiter in [each for each in condition._waiters if isinstance(each, Lock)]:
                condition._waiters.remove(waiter)


class _WithReal(Lockable):
    """A virtual lock that also takes the real lock which it replaces."""

    state = ()  # `LockReplacements.reset` puts it back.

    def __init__(self, real: Any) -> None:
        super().__init__()
        self.real = real
        self._has_real = False

    def acquire(self, blocking: bool = True, timeout: float = -1) -> bool:
        """Take both locks. See ``threading.Lock.acquire``."""
        if here() is None:
            return bool(self.real.acquire(blocking, timeout))
        if not super().acquire(blocking, timeout):
            return False
        if self.levels > 1:  # The real lock is taken once for all levels.
            return True
        # A wait for a real thread is real: its critical sections are short.
        self._has_real = self.real.acquire(blocking)
        if not self._has_real:
            super().release()
        return self._has_real

    __enter__ = take = acquire

    def release(self) -> None:
        """Free both locks. See ``threading.Lock.release``."""
        super().release()
        if here() is not None:
            self._free_real()

    drop = release

    def free(self) -> None:
        """Free both locks, whichever thread holds them."""
        self.levels = 0
        self.holder = None
        self._free_real()

    def _free_real(self) -> None:
        # Another thread may have taken the virtual lock since: a release is a schedule point.
        if self._has_real and not self.levels:
            self._has_real = False
            self.real.release()

    def _at_fork_reinit(self) -> None:
        self.__init__(self.real)  # type: ignore[misc]
        self.real._at_fork_reinit()

    def outside(self) -> Any:
        return self.real


class ReplacedLock(_WithReal, Lock):
    """The replacement of a real ``Lock``."""

    kind = _LOCK


class ReplacedRLock(_WithReal, RLock):
    """The replacement of a real ``RLock``."""

    kind = _RLOCK

    def _release_save(self) -> Any:
        state = super()._release_save()
        if here() is not None:
            self._free_real()
        return state
