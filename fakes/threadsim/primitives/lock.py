"""Lock and RLock of a simulation: when a thread has to wait, and who has a lock.

The wait itself is ``Primitive.wait``. The standard library's Condition, Event, Semaphore, Barrier,
Queue and Future are Python on top of these two and need no stand-in.

A lock that is made in a simulation works as a real one outside. It is free there, even if a virtual
thread held it when the block ended.
"""

import _thread
import sys
from typing import Any, ClassVar

from threadsim.primitives.primitive import Primitive, check_timeout
from threadsim.runtime.hooks import WRITE
from threadsim.runtime.kernel import here
from threadsim.runtime.virtual_thread import VirtualThread


class Lockable(Primitive):
    """What the two locks share.

    Attributes:
        holder: The virtual thread that holds it.
        levels: How often an RLock's holder has taken it.
    """

    __slots__ = ("holder", "levels")

    state: ClassVar[tuple[str, ...]] = ("holder", "levels")
    _is_reentrant: ClassVar[bool]
    holder: VirtualThread | None

    def __init__(self) -> None:
        self.real = self.make_real()
        self.holder = None
        self.levels = 0

    def acquire(self, blocking: bool = True, timeout: float = -1) -> bool:
        """Take the lock; an RLock's holder takes it again. See ``threading.RLock.acquire``."""
        kernel = here()
        if kernel is None:
            return self.outside().acquire(blocking, timeout)  # type: ignore[no-any-return]
        if timeout != -1 or blocking is not True:
            timeout = check_timeout(timeout, blocking)
        if self.holder is kernel.running and self._is_reentrant:
            self.levels += 1
            return True
        if (points := kernel.points) is not None:
            if not points.acquire(self, blocking, timeout):
                return False
        else:
            kernel.turn_length += 1
            if kernel.turn_length > kernel.max_turn:
                kernel.end_turn()
            if self.holder is not None:
                limit = 0 if not blocking else None if timeout == -1 else timeout
                if not self.wait(kernel, self.is_held, limit, self):
                    return False
        self.levels = 1
        self.holder = kernel.running
        return True

    # Of a subclass, too, which may have another ``acquire``.
    __enter__ = acquire

    def release(self, *_: object) -> None:
        """Free the lock; its first waiter becomes ready and competes for it again."""
        kernel = here()
        if kernel is None:
            self.outside().release()
            return
        if (points := kernel.points) is not None:
            points.before_release(self)
        if self.holder is not None:
            self.levels = 0
            self.holder = None
            if self._waiters:
                kernel.wake_first(self._waiters)
        elif not kernel.unwinding:
            self.make_real().release()  # Raises the real error.

    __exit__ = release

    def is_held(self) -> bool:
        """Return whether a virtual thread holds it; it is no step."""
        return self.holder is not None

    def _locked(self) -> bool:
        """Return whether a thread holds it."""
        kernel = here()
        if kernel is None:
            return self.outside().locked()  # type: ignore[no-any-return]
        kernel.count_look()
        if (points := kernel.points) is not None:
            points.peek(self, at_itself=True)
        return self.holder is not None

    def _at_fork_reinit(self) -> None:
        """Start afresh in a forked child."""
        self.__init__()  # type: ignore[misc]

    def __repr__(self) -> str:
        if here() is None:
            return repr(self.real)
        state, owner = ("locked", self.holder.ident) if self.holder else ("unlocked", 0)
        details = f" owner={owner} count={self.levels}" if self._is_reentrant else ""
        return f"<{state} _thread.{self.kind.__name__} object{details} at {id(self):#x}>"


class Lock(Lockable):
    """``threading.Lock`` in a simulation: not re-entrant, released by any thread."""

    __slots__ = ()

    make_real = _thread.allocate_lock
    kind = type(_thread.allocate_lock())
    called = "a Lock"
    waits_for = "waits for a Lock"
    _is_reentrant = False

    locked = Lockable._locked

    def _is_owned(self) -> bool:
        # Condition asks this of its lock. Without it, Condition would try to take the lock, and a
        # vain try is a step (test_a_notification_takes_no_step).
        kernel = here()
        if kernel is None or self.holder is not kernel.running:
            return self.locked()
        if (points := kernel.points) is not None:
            # Another thread may free a lock that this one holds. A notification, which asks this,
            # follows a change of what a look at a Barrier sees.
            points.touch(points.key_of(self), WRITE)
        return True


class RLock(Lockable):
    """``threading.RLock`` in a simulation: re-entrant, released by its holder."""

    __slots__ = ()

    make_real = kind = _thread.RLock
    called = "an RLock"
    waits_for = "waits for an RLock"
    _is_reentrant = True

    def release(self, *_: object) -> None:
        """Undo one ``acquire``; after the last one the first waiter becomes ready."""
        kernel = here()
        if kernel is not None and self.holder is not kernel.running:
            if not kernel.unwinding:
                self.make_real().release()  # Raises the real error.
        elif kernel is not None and self.levels > 1:
            self.levels -= 1
        else:
            Lockable.release(self)

    __exit__ = release
    if sys.version_info >= (3, 14):
        locked = Lockable._locked

    # What Condition asks of its lock.

    def _is_owned(self) -> bool:
        kernel = here()
        return self.outside()._is_owned() if kernel is None else self.holder is kernel.running

    def _recursion_count(self) -> int:
        kernel = here()
        if kernel is None:
            return self.outside()._recursion_count()  # type: ignore[no-any-return]
        return self.levels if self.holder is kernel.running else 0

    def _release_save(self) -> Any:
        kernel = here()
        if kernel is None:
            return self.outside()._release_save()
        levels = self.levels
        if self.holder is kernel.running:
            self.levels = 1
        RLock.release(self)
        return levels

    def _acquire_restore(self, state: Any) -> None:
        if here() is None:
            self.outside()._acquire_restore(state)
        elif RLock.acquire(self):
            self.levels = state
