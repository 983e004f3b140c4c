"""Locks, queues, threads and looks as an exploration needs them: each stops before what others see.

Each is the simulation's own one with a stop before the operation and a note of what it touched.
Outside an exploration, and while a schedule is being unwound, it is the simulation's own.

An operation on an object that was made a moment ago needs no stop: nobody else can know it.
"""

import logging
import sys
import threading
from collections.abc import Callable, Hashable
from typing import Any

import apscheduler_fakes.held as held  # noqa: PLR0402  # As in install.py.
import apscheduler_fakes.locks as locks  # noqa: PLR0402
import apscheduler_fakes.threads as threads  # noqa: PLR0402
from apscheduler_fakes.footprints import READ, RELEASE, WAITED, WRITE
from apscheduler_fakes.kernel import VirtualThread
from apscheduler_fakes.stepping import Op, SteppingKernel, Stops, life, life_lock, stepping

_condition_wait = threading.Condition.wait
_real_lock = locks._real_lock

# When a thing was made that outlives a schedule: in none of them.
_KEPT = sys.maxsize

# Their waits are loops or tests of their own: CPython's Condition never wakes up by itself.
_STANDARD = {"threading", "queue", "concurrent.futures._base", "concurrent.futures.thread"}


class SpuriousWakeUp(BaseException):
    """Ends the wait of a Condition without a notification."""


class Lock(locks.Lock):
    """``threading.Lock`` in an exploration."""

    __slots__ = ("key", "made_in")

    _make_real = locks._real_lock

    def __init__(self) -> None:
        super().__init__()
        self.key, self.made_in = _made()

    def acquire(self, blocking: bool = True, timeout: float = -1) -> bool:
        """Take the lock; see ``threading.Lock.acquire``."""
        kernel = _stepping_with(self)
        if kernel is None:
            return super().acquire(blocking, timeout)
        if not blocking or timeout != -1:
            if not _try(kernel, self, "acquire a Lock", blocking=blocking, timeout=timeout):
                return False
        elif self._locked or self.made_in != kernel.moment:
            op = Op("acquire a Lock", self._held, None, self, key=self.key, mode=WRITE | WAITED)
            _stop(kernel, op, self.holder)
            kernel.touch(self.key, WRITE | WAITED)
        self._locked = True
        self.holder = kernel.running
        return True

    def release(self) -> None:
        """Free the lock; see ``threading.Lock.release``."""
        kernel = _stepping_with(self)
        if kernel is not None:
            _before_release(kernel, self)
        super().release()

    def locked(self) -> bool:
        """Return whether somebody holds it."""
        _look(self, at_lock=True)
        return super().locked()

    def _is_owned(self) -> bool:
        kernel = _stepping_with(self)
        return (kernel is not None and self.holder is kernel.running) or self.locked()

    acquire_lock = acquire
    release_lock = release
    locked_lock = locked

    def _held(self) -> bool:
        return self._locked


class RLock(locks.RLock):
    """``threading.RLock`` in an exploration."""

    __slots__ = ("key", "made_in")

    _make_real = locks._real_rlock

    def __init__(self, *_args: Any, **_kwargs: Any) -> None:
        super().__init__()
        self.key, self.made_in = _made()

    def acquire(self, blocking: bool = True, timeout: float = -1) -> bool:
        """Take the lock, once more if it is this thread's; see ``threading.RLock.acquire``."""
        kernel = _stepping_with(self)
        if kernel is None or self.holder is kernel.running:
            return super().acquire(blocking, timeout)
        if not blocking or timeout != -1:
            if not _try(kernel, self, "acquire an RLock", blocking=blocking, timeout=timeout):
                return False
        elif self.made_in != kernel.moment:
            kernel.point(
                Op("acquire an RLock", self._held, None, self, key=self.key, mode=WRITE | WAITED)
            )
            kernel.touch(self.key, WRITE | WAITED)
        self._count = 1
        self.holder = kernel.running
        return True

    def release(self) -> None:
        """Undo one ``acquire``; see ``threading.RLock.release``."""
        kernel = _stepping_with(self)
        if kernel is not None and self.holder is kernel.running and self._count == 1:
            _before_release(kernel, self)
        super().release()

    def _release_save(self) -> Any:
        kernel = _stepping_with(self)
        if kernel is not None and self.holder is kernel.running:
            _before_release(kernel, self)
        return super()._release_save()

    def _held(self) -> bool:
        return self._count > 0


class HeldLock(held.HeldLock, Lock):
    """What replaces a real lock in an exploration."""

    __slots__ = ()


class HeldRLock(held.HeldRLock, RLock):
    """What replaces a real re-entrant lock in an exploration."""

    __slots__ = ()


class SimpleQueue(locks.SimpleQueue):
    """``queue.SimpleQueue`` in an exploration."""

    __slots__ = ("key", "made_in")

    _make_real = locks._real_queue

    def __init__(self) -> None:
        super().__init__()
        self.key, self.made_in = _made()

    def put(self, item: Any, block: bool = True, timeout: float | None = None) -> None:
        """Add an item; see ``queue.SimpleQueue.put``."""
        kernel = _stepping_with(self)
        if kernel is not None:
            kernel.point(Op("put into a SimpleQueue"))
            kernel.touch(self.key, WRITE)
        super().put(item, block, timeout)

    def get(self, block: bool = True, timeout: float | None = None) -> Any:
        """Take the oldest item; see ``queue.SimpleQueue.get``."""
        kernel = _stepping_with(self)
        if kernel is None or (block and timeout is not None and timeout < 0):
            return super().get(block, timeout)
        blocked = deadline = None
        if block and timeout != 0:
            blocked = self._is_empty
            deadline = None if timeout is None else kernel.deadline(timeout)
        kernel.point(Op("get from a SimpleQueue", blocked, deadline, key=self.key, mode=WRITE))
        kernel.touch(self.key, WRITE)
        return super().get(block=False)

    def qsize(self) -> int:
        """Return how many items there are."""
        _look(self)
        return super().qsize()

    def _is_empty(self) -> bool:
        return not self._items


_EXPLORED = (Lock, RLock, SimpleQueue)


def start(self: Any) -> None:
    """Start a thread; see ``Thread.start``."""
    kernel = stepping()
    if kernel is not None and self._initialized:
        if kernel.stops is not Stops.FEW:
            kernel.point(Op("start a thread"))
        if self._started._flag:
            kernel.looked = True  # Who is the first to start it?
        kernel.touch(life(self), WRITE)
    threads.start(self)


def join(self: Any, timeout: float | None = None) -> None:
    """Wait until a thread has ended; see ``Thread.join``."""
    kernel = stepping()
    if kernel is not None and self._initialized and not self._started._flag:
        _look(life_lock(self), at_lock=True)
        if not self._started._flag:
            raise RuntimeError("cannot join thread before it is started")
    virtual = None if kernel is None else threads._virtual(kernel, self)
    if kernel is None or virtual not in kernel.numbers or virtual is kernel.running:
        threads.join(self, timeout)
        return
    if kernel.parents.get(virtual) is not kernel.running:
        # Where the other one has not yet come to the start, this is an error.
        kernel.looked = True
    kernel.touch(life(self), READ)
    join_virtual(kernel, virtual, timeout)


def join_virtual(
    kernel: SteppingKernel, virtual: VirtualThread, timeout: float | None = None
) -> None:
    """Stop the running thread until another one has ended.

    Args:
        kernel: The kernel of both.
        virtual: The other one.
        timeout: Longest wait in seconds; ``None`` waits without limit.
    """
    key, mode, deadline = kernel.numbers[virtual], READ | WAITED, None
    if timeout is not None:
        deadline, mode = kernel.deadline(max(timeout, 0)), READ
        kernel.looked = True
    kernel.point(Op(f"join {virtual.name}", lambda: not virtual.done, deadline, key=key, mode=mode))
    kernel.touch(key, mode)


def is_alive(self: Any) -> bool:
    """Return whether a thread has started and not ended; see ``Thread.is_alive``."""
    kernel = stepping()
    if kernel is not None and self._initialized:
        _look(life_lock(self), at_lock=True)
        virtual = threads._virtual(kernel, self)
        if virtual in kernel.numbers:
            kernel.touch(kernel.numbers[virtual], READ)
    return threads.is_alive(self)


def is_set(self: threading.Event) -> bool:
    """Return the flag, which nobody locks for that; see ``Event.is_set``."""
    _look(self._cond._lock)  # type: ignore[attr-defined]
    return threads.is_set(self)


def _looking(getter: Callable[[Any], Any]) -> property:
    def look(self: threading.Barrier) -> Any:
        _look(self._cond._lock)  # type: ignore[attr-defined]
        return getter(self)

    return property(look, doc=getter.__doc__)


def condition_wait(self: threading.Condition, timeout: float | None = None) -> bool:
    """Wait until notified, or for nothing at all; see ``Condition.wait``."""
    kernel = stepping()
    if kernel is None or _called_by_the_standard_library():
        return _condition_wait(self, timeout)
    thread = kernel.running
    kernel.waiting_conditions[thread] = self
    try:
        return _condition_wait(self, timeout)
    except SpuriousWakeUp:
        return True
    finally:
        del kernel.waiting_conditions[thread]


def is_enabled_for(self: logging.Logger, level: int) -> bool:
    """Return whether a logger takes a level; see ``Logger.isEnabledFor``.

    The real one keeps the answer, under a lock that it takes the first time only: no two schedules
    would be alike.
    """
    return not self.disabled and self.manager.disable < level and level >= self.getEffectiveLevel()


# What else stands for what, beside the stand-ins of every simulation.
INSTEAD: list[tuple[Any, Any]] = [
    (locks.Lock, Lock),
    (locks.RLock, RLock),
    (locks.SimpleQueue, SimpleQueue),
    (threads.start, start),
    (threads.join, join),
    (threads.is_alive, is_alive),
    (threads.is_set, is_set),
]

# What is swapped beside that, each as owner, name and what stands there.
SWAPPED: list[tuple[Any, str, Any]] = [
    (logging.Logger, "isEnabledFor", is_enabled_for),
    (threading.Barrier, "n_waiting", _looking(threading.Barrier.n_waiting.fget)),  # type: ignore[attr-defined]
    (threading.Barrier, "broken", _looking(threading.Barrier.broken.fget)),  # type: ignore[attr-defined]
]

SPURIOUS = (threading.Condition, "wait", condition_wait)


def _stepping_with(thing: Any) -> SteppingKernel | None:
    """Return the kernel of the running schedule; a thing used outside one takes its state along."""
    kernel = stepping()
    if kernel is not None:
        if thing._real is not None:
            thing._take_back()
        if thing.made_in < kernel.first_moment:
            _rename(thing, kernel)
    return kernel


def _rename(thing: Any, kernel: SteppingKernel) -> None:
    """Give a thing that no schedule makes anew a name that none gives to another."""
    thing.key = kernel.naming.new_name()
    thing.made_in = _KEPT


def _made() -> tuple[Hashable, int]:
    kernel = stepping()
    return (None, -1) if kernel is None else (kernel.new_name(), kernel.moment)


def _look(lock: Any, *, at_lock: bool = False) -> None:
    """Stop before a look at what a lock guards; ``at_lock`` at its own state."""
    kernel = _stepping_with(lock) if isinstance(lock, _EXPLORED) else None
    if kernel is not None and lock.made_in != kernel.moment:
        kernel.point(Op("look"))
        kernel.touch(lock.key, READ)
        if at_lock:
            kernel.looked = True


def _stop(kernel: SteppingKernel, op: Op, holder: VirtualThread | None) -> None:
    """Stop before an acquire, which may be that of a Condition's wait."""
    if holder is kernel.running:
        op.condition = kernel.waiting_conditions.get(holder)
    kernel.point(op)
    if op.spurious:
        raise SpuriousWakeUp


def _try(kernel: SteppingKernel, lock: Any, text: str, *, blocking: bool, timeout: float) -> bool:
    """Stop before a try of a lock and return whether it is free then."""
    if timeout != -1:
        _real_lock().acquire(blocking, timeout)  # Raises what is wrong with these arguments.
    if lock.holder is not kernel.running:
        kernel.looked = True
    if not blocking or timeout == 0:
        op = Op(f"try to {text}", None, None, lock, key=lock.key, mode=WRITE)
    else:
        op = Op(text, lock._held, kernel.deadline(timeout), lock, key=lock.key, mode=WRITE)
    _stop(kernel, op, lock.holder)
    free = not lock._held()
    kernel.touch(lock.key, WRITE if free else READ)
    return free


def _before_release(kernel: SteppingKernel, lock: Any) -> None:
    if kernel.stops is Stops.ALL:
        kernel.point(Op("release a lock"))
    kernel.touch(lock.key, RELEASE)


def _called_by_the_standard_library() -> bool:
    """Return whether a wait is one of a primitive of the standard library."""
    frame = sys._getframe(2)
    if frame.f_code is threading.Condition.wait_for.__code__ and frame.f_back is not None:
        frame = frame.f_back
    return frame.f_globals.get("__name__") in _STANDARD
