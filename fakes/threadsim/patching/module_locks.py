"""Real locks and locals that were made before a simulation and that a module or a class holds.

All virtual threads are one OS thread. A real lock that one of them holds while another wants it
stops the whole process, and a real re-entrant one, or a condition on it, lets the second one in. So
for the block such a lock is replaced where it is found, and a condition gets a virtual lock inside,
be it that of an event, a semaphore, a barrier or a queue. Who holds the virtual lock holds the real
one too: real threads beside the simulation go on using that. One that is held, or waited on, when
the block begins stays as it is: its owner is out of reach.

A ``threading.local`` knows OS threads only, so that all virtual threads would share one. The main
thread takes its values into the block, and out of it again.
"""

import _queue
import _thread
import queue
import threading
from collections import deque
from typing import Any

from threadsim.primitives.lock import Lock, Lockable, RLock
from threadsim.primitives.threads import forget, local
from threadsim.runtime.kernel import here

# Kept: inside a simulation these names are swapped too.
_LOCK: Any = _thread.LockType
_RLOCK: Any = type(_thread.RLock())
_CONDITION: Any = threading.Condition
_LOCAL: Any = _thread._local
_SIMPLE_QUEUE: Any = _queue.SimpleQueue
_get_ident = _thread.get_ident

# What has conditions inside, and where.
_CONDITIONS_OF: dict[type, tuple[str, ...]] = {
    **dict.fromkeys(
        (threading.Event, threading.Semaphore, threading.BoundedSemaphore, threading.Barrier),
        ("_cond",),
    ),
    **dict.fromkeys(
        (queue.Queue, queue.LifoQueue, queue.PriorityQueue),
        ("not_empty", "not_full", "all_tasks_done"),
    ),
}

# What is looked for, by its exact type.
TYPES = frozenset({_LOCK, _RLOCK, _CONDITION, _LOCAL, _SIMPLE_QUEUE, *_CONDITIONS_OF})


class LockReplacements:
    """What one simulation replaces, each by one virtual thing wherever it is found.

    Asked while the simulation is active.

    Attributes:
        found: All that it has been asked for.
    """

    def __init__(self) -> None:
        self._virtual: dict[int, Any] = {}
        # Kept alive, so that no other object gets the same id.
        self.found: list[Any] = []
        # Each as what has been changed in place, and what was in it.
        self._conditions: list[tuple[Any, dict[str, Any]]] = []
        self._queues: list[tuple[Any, Any]] = []
        self._locals: list[tuple[Any, local]] = []
        self._os_ident = _get_ident()

    def by(self, real: Any) -> Any:
        """Return what stands for a real lock or local, which is itself when it has to stay."""
        if id(real) not in self._virtual:
            self.found.append(real)
            self._virtual[id(real)] = self._make(real)
        return self._virtual[id(real)]

    def start_afresh(self) -> None:
        """Free every lock, forget who waits, and give locals the values that they began with."""
        for lock in self._virtual.values():
            if isinstance(lock, _HeldLockable):
                lock.free()
        for condition, _ in self._conditions:
            _forget_virtual(condition._waiters)
        for real, virtual in self._locals:
            forget(virtual)
            if values := real.__dict__:
                virtual.__dict__.update(values)

    def put_back(self) -> None:
        """Give the conditions their real locks back, and the locals the main thread's values."""
        for condition, inside in reversed(self._conditions):
            _forget_virtual(condition._waiters)
            # In this order: a real thread may use it meanwhile.
            condition.__dict__.update(inside)
            for name in condition.__dict__.keys() - inside:
                del condition.__dict__[name]
        for real, mutex in self._queues:
            real.mutex = mutex
        if _get_ident() != self._os_ident:
            return  # The values of another thread are out of reach.
        for real, virtual in self._locals:
            real.__dict__.clear()
            real.__dict__.update(virtual.__dict__)

    def _make(self, real: Any) -> Any:
        for name in _CONDITIONS_OF.get(type(real), ()):
            self.by(getattr(real, name))
        if isinstance(real, queue.Queue):
            self._queues.append((real, real.mutex))
            real.mutex = self.by(real.mutex)
        if type(real) in _CONDITIONS_OF:
            return real
        if isinstance(real, _CONDITION):
            inside = dict(real.__dict__)
            lock = self.by(inside["_lock"])
            if not real._waiters and lock is not inside["_lock"]:
                self._conditions.append((real, inside))
                # In place: others may know it too. Real threads that begin to wait meanwhile are
                # among its waiters, and stay there.
                real.__dict__.update(_CONDITION(lock).__dict__, _waiters=real._waiters)
            return real
        if isinstance(real, _LOCAL):
            virtual = local()
            virtual.__dict__.update(real.__dict__)
            self._locals.append((real, virtual))
            return _HeldLocal(real, virtual)
        if type(real) not in (_LOCK, _RLOCK) or not real.acquire(blocking=False):
            return real  # An earlier simulation has made it, or somebody has it.
        real.release()
        if isinstance(real, _LOCK):
            return HeldLock(real)
        return real if real._is_owned() else HeldRLock(real)


def _forget_virtual(waiters: deque[Any]) -> None:
    """Take virtual threads, which have ended, out of the waiters of a condition."""
    for waiter in list(waiters):
        if isinstance(waiter, Lock):
            waiters.remove(waiter)


class _HeldLockable(Lockable):
    """A virtual lock over a real one, and that one outside the simulation."""

    state = ()  # Replaced.start_afresh puts it back.

    def __init__(self, real: Any) -> None:
        super().__init__()
        self.real = real
        self._has_real = False

    def acquire(self, blocking: bool = True, timeout: float = -1) -> bool:
        """Take both; see ``threading.Lock.acquire``."""
        if here() is None:
            return bool(self.real.acquire(blocking, timeout))
        if not super().acquire(blocking, timeout):
            return False
        # Against real threads the wait is a real one; theirs are short. A real re-entrant one
        # counts levels of its own: one for all of the virtual one's.
        if self.levels > 1:
            return True
        self._has_real = self.real.acquire(blocking)
        if not self._has_real:
            super().release()
        return self._has_real

    __enter__ = take = acquire

    def release(self) -> None:
        """Free both; see ``threading.Lock.release``."""
        super().release()
        if here() is not None:
            self._free_real()

    drop = release

    def free(self) -> None:
        """Be free, whoever holds it."""
        self.levels = 0
        self.holder = None
        self._free_real()

    def _free_real(self) -> None:
        """Free the real one, if the virtual one is free that had it."""
        # Not by who held that before: the release may have stopped, and another has taken it there.
        if self._has_real and not self.levels:
            self._has_real = False
            self.real.release()

    def _at_fork_reinit(self) -> None:
        self.__init__(self.real)  # type: ignore[misc]
        self.real._at_fork_reinit()

    def outside(self) -> Any:
        return self.real


class HeldLock(_HeldLockable, Lock):
    """A virtual lock over a real one."""

    kind = _LOCK

    acquire_lock = _HeldLockable.acquire
    release_lock = _HeldLockable.release


class HeldRLock(_HeldLockable, RLock):
    """A virtual re-entrant lock over a real one."""

    kind = _RLOCK

    def _release_save(self) -> Any:
        state = super()._release_save()
        if here() is not None:
            self._free_real()
        return state


class _HeldLocal:
    """A virtual ``threading.local`` over a real one, which real threads go on using."""

    __slots__ = ("__weakref__", "_both")

    def __init__(self, real: Any, virtual: local) -> None:
        object.__setattr__(self, "_both", (real, virtual))

    def __getattribute__(self, name: str) -> Any:
        return getattr(_here(self), name)

    def __setattr__(self, name: str, value: object) -> None:
        setattr(_here(self), name, value)

    def __delattr__(self, name: str) -> None:
        delattr(_here(self), name)

    def __repr__(self) -> str:
        return repr(_here(self))


def _here(held: _HeldLocal) -> Any:
    real, virtual = object.__getattribute__(held, "_both")
    return real if here() is None else virtual
