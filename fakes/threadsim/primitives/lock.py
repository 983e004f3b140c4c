"""Lock and RLock of a simulation: when a thread has to wait, and who has a lock.

The wait itself is ``Kernel.wait``. The standard library's Condition, Event, Semaphore, Barrier,
Queue and Future are Python on top of these two and need no stand-in.

A lock that is made in a simulation works as a real one outside. It is free there, even if a virtual
thread held it when the block ended.
"""

import _thread
import sys
from typing import ClassVar

from threadsim.primitives.primitive import Primitive, check_timeout, real_outside
from threadsim.runtime.hooks import WRITE
from threadsim.runtime.kernel import Kernel, here


class Lockable(Primitive):
    """What the two locks share."""

    __slots__ = ()

    called: ClassVar[str]
    _is_reentrant: ClassVar[bool]

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
                if not kernel.wait(self, self.waits_for, self.is_held, limit):
                    return False
        self.levels = 1
        self.holder = kernel.running
        return True

    # Of a subclass, too, which may have another ``acquire``.
    __enter__ = acquire

    def release(self, *_: object) -> None:
        """Free the lock, or undo one ``acquire``; its first waiter competes for it again."""
        kernel = here()
        if kernel is None:
            self.outside().release()
            return
        if self.levels > 1 and self.holder is kernel.running:
            self.levels -= 1
            return
        if (points := kernel.points) is not None:
            points.before_release(self)
        if self.holder is None or (self._is_reentrant and self.holder is not kernel.running):
            if not kernel.unwinding:
                self.make_real().release()  # Raises the real error.
            return
        self.holder, self.levels = None, 0
        if self.waiters:
            kernel.wake(self.waiters[0])

    __exit__ = release

    def is_held(self) -> bool:
        """Return whether a virtual thread holds it; it is no step."""
        return self.holder is not None

    def _at_fork_reinit(self) -> None:
        """Start afresh in a forked child."""
        self.real, self.holder, self.levels = self.make_real(), None, 0

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

    @real_outside
    def locked(self, kernel: Kernel) -> bool:
        """Return whether a thread holds it."""
        kernel.count_look()
        if (points := kernel.points) is not None:
            points.peek(self, at_itself=True)
        return self.holder is not None

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

    if sys.version_info >= (3, 14):
        locked = Lock.locked

    # What Condition asks of its lock.

    @real_outside
    def _is_owned(self, kernel: Kernel) -> bool:
        return self.holder is kernel.running

    @real_outside
    def _recursion_count(self, kernel: Kernel) -> int:
        return self.levels if self.holder is kernel.running else 0

    @real_outside
    def _release_save(self, kernel: Kernel) -> int:
        levels = self.levels
        if self.holder is kernel.running:
            self.levels = 1
        Lockable.release(self)
        return levels

    @real_outside
    def _acquire_restore(self, _: Kernel, state: int) -> None:
        if Lockable.acquire(self):
            self.levels = state
