"""Lock, RLock and SimpleQueue of a simulation.

The standard library's Condition, Event, Semaphore, Barrier, Queue and Future are Python on top of
these three and need no stand-in. Each behaves as the real one: arguments, results, errors.

An object made in a simulation outlives it: outside it works as a plain one, with real threads too,
and its state goes along. Asked for outside a simulation, each of the three makes a real one.

In an exploration the kernel stops whoever is about to use one, and knows when nobody has to wait.
"""

import _queue
import _thread
import sys
import threading
from collections import OrderedDict, deque
from collections.abc import Hashable
from math import ldexp
from operator import index
from types import GenericAlias
from typing import Any, ClassVar, Self

from threadsim.runtime.errors import OutsideThread
from threadsim.runtime.hooks import READ
from threadsim.runtime.kernel import Kernel, active, here
from threadsim.runtime.virtual_thread import VirtualThread, Waiters

_real_lock = _thread.allocate_lock
_real_rlock = _thread.RLock
_real_queue = _queue.SimpleQueue

# Held while an object changes from virtual to plain, which two real threads may ask for at once.
_changing = _real_lock()


class Primitive:
    """What the three share: a real object that takes over outside a simulation.

    Attributes:
        key: Its name in an exploration.
        made_in: The moment of the exploration in which it was made; -1 outside one.
    """

    __slots__ = ("__weakref__", "_outside", "_real", "_waiters", "key", "made_in")

    # What an exploration puts back between its schedules if none of them makes the object anew.
    state: ClassVar[tuple[str, ...]]
    key: Hashable
    made_in: int

    _real: Any
    # One item for each real thread that waits for the real object.
    _outside: list[None]
    # The virtual threads that wait. Made when one does: it is as large as all the rest.
    _waiters: Waiters | None
    _make_real: ClassVar[Any]
    # What it passes for, if it is no program's own kind.
    _kind: ClassVar[type]

    @property  # type: ignore[misc]  # Nobody sets it.
    def __class__(self) -> Any:
        """The real type: a program may know no other, as ``_thread.LockType`` of Python 3.12."""
        return vars(type(self)).get("_kind", type(self))

    def __new__(cls, *args: Any, **kwargs: Any) -> Self:
        """Make one; outside a simulation, a real one."""
        # Without a simulation, or in a real thread beside it, what was meant is the real thing.
        # A subclass has more to it, and its objects act as plain ones there in any case.
        kernel = here()
        if kernel is None and "_make_real" in cls.__dict__:
            return cls._make_real(*args, **kwargs)  # type: ignore[no-any-return]
        made = super().__new__(cls)
        points = None if kernel is None else kernel.points
        if points is None:
            made.key, made.made_in = None, -1
        else:
            made.key, made.made_in = points.new_object(cls.__name__)
        return made

    def _plain(self) -> Any:
        """Return the real object that stands for this one outside a simulation."""
        with _changing:
            if self._real is None:
                kernel = active()
                if kernel is not None:
                    kernel.refused = OutsideThread(
                        f"thread {threading.current_thread().name!r} uses a "
                        f"{type(self).__name__} of the simulation, but was started outside it, "
                        "so virtual time does not reach it. Create the app (and whatever starts "
                        "that thread) inside the `with Simulation()` block, or the explored "
                        "program. What an earlier block has made, and both use, as a logging "
                        "handler: make it outside, or anew in each block."
                    )
                    raise kernel.refused
                real = self._make_real()
                self._hand_over(real)
                self._outside = []
                self._real = real
            return self._real

    def _wait_plain(self, name: str, *arguments: Any) -> Any:
        """Call a method of the real object that may wait, in a real thread."""
        call, outside = getattr(self._plain(), name), self._outside
        outside.append(None)
        try:
            return call(*arguments)
        finally:
            outside.pop()

    def _hand_over(self, real: Any) -> None:
        """Put this object's state into a new real one."""

    def _take_back(self) -> None:
        """Take the state of the real object, which no thread outside may still wait for."""
        kernel = active()
        if self._outside and kernel is not None:
            kernel.refused = OutsideThread(
                f"a real thread waits for a {type(self).__name__} that an earlier simulation "
                "made, and this one would never wake it. End that thread first, or make what it "
                "waits for inside this block."
            )
            raise kernel.refused

    def _queue(self) -> Waiters:
        """Return the queue of the virtual threads that wait."""
        if self._waiters is None:
            self._waiters = OrderedDict()
        return self._waiters

    def __reduce__(self) -> Any:
        # Raises what the real one raises: none of the three can be copied or pickled.
        return self._make_real().__reduce_ex__(2)

    def _at_fork_reinit(self) -> None:
        """Start afresh in a forked child, as the real ones do."""
        self.__init__()  # type: ignore[misc]


class Lockable(Primitive):
    """What the two locks share.

    Attributes:
        holder: Who holds it, as far as that is known.
    """

    __slots__ = ("_count", "holder")

    state: ClassVar[tuple[str, ...]] = ("_count", "holder")
    # What reports call it.
    _called: ClassVar[str]

    def __init__(self) -> None:
        self._real = None
        self._waiters = None
        self._count = 0
        self.holder: VirtualThread | None = None

    def acquire(self, blocking: bool = True, timeout: float = -1) -> bool:
        """Take the lock, once more if who runs owns it; see ``threading.RLock.acquire``."""
        kernel = here()
        if kernel is None:
            return bool(self._wait_plain("acquire", blocking, timeout))
        if self._real is not None:
            self._take_back()
        if timeout != -1 or blocking is not True:
            timeout = check_timeout(timeout, blocking)
        if self._count and self._is_mine(kernel):
            self._count += 1
            return True
        if (points := kernel.points) is not None:
            if not points.take(self, self._called, blocking, timeout):
                return False
        else:
            kernel.takes += 1
            if kernel.takes > kernel.max_steps:
                kernel.end_busy_loop()
            if self._count and not self._wait(kernel, blocking, timeout):
                return False
        self._count = 1
        self.holder = kernel.running
        return True

    # Each a method of its own, as in C: a program's class may have another ``acquire``.
    __enter__ = _take = acquire

    def release(self) -> None:
        """Undo one ``acquire``; the first waiter of a free one competes for it again."""

    def __exit__(self, *_: object) -> None:
        self.release()

    def is_held(self) -> bool:
        """Return whether somebody holds it, in a simulation."""
        return self._count > 0

    def _is_locked(self) -> bool:
        if here() is None:
            return self._plain().locked()  # type: ignore[no-any-return]
        if self._real is not None:
            self._take_back()
        return self._count > 0

    def _is_mine(self, _kernel: Kernel) -> bool:
        """Return whether who runs owns it. A plain lock has no owner."""
        return False

    def _wait(self, kernel: Kernel, blocking: bool, timeout: float) -> bool:
        """Wait until it is free, or as long as it may take, and return whether it is."""
        if not blocking or timeout == 0:
            kernel.count_step()
            return False
        deadline = None if timeout == -1 else kernel.deadline(timeout)
        while self._count:
            if not kernel.block(
                f"waits for {self._called}",
                waiters=self._queue(),
                blocked=self.is_held,
                deadline=deadline,
                waiting_on=self,
            ):
                return False
        return True


class Lock(Lockable):
    """``threading.Lock`` in a simulation: not re-entrant, released by anyone."""

    __slots__ = ()

    _make_real = _real_lock
    _kind = type(_real_lock())
    _called = "a Lock"

    def release(self) -> None:
        """Free the lock; its first waiter becomes ready and competes for it again."""
        kernel = here()
        if kernel is None:
            self._plain().release()
            return
        if self._real is not None:
            self._take_back()
        if (points := kernel.points) is not None:
            points.before_release(self)
        if not self._count:
            if kernel.unwinding:
                return
            raise RuntimeError("release unlocked lock")
        self._count -= 1
        self.holder = None
        if self._waiters:
            kernel.wake_first(self._waiters)

    def locked(self) -> bool:
        """Return whether somebody holds it."""
        kernel = here()
        if kernel is not None:
            kernel.count_step()
            if (points := kernel.points) is not None:
                points.peek(self, at_itself=True)
        return self._is_locked()

    def _is_owned(self) -> bool:
        # Condition asks this of its lock; without it, it would try to take the lock to find out,
        # and a vain try is a step (test_a_notification_takes_no_step).
        kernel = here()
        if kernel is not None and kernel.points is not None:
            if self.holder is not kernel.running:
                return self.locked()
            # Another thread may free it for whoever has it.
            kernel.points.touch(kernel.points.key_of(self), READ)
            return True
        return self._is_locked()

    def _acquire_restore(self, _state: object) -> None:
        # As an RLock's, or Condition would do without. Whoever waited releases it next, but who has
        # it keeps it (test_a_condition_forgets_who_waited_when_the_block_ended).
        kernel = here()
        if kernel is not None and kernel.ending and self._count:
            self._count += 1
        else:
            self._take()

    acquire_lock = Lockable.acquire
    release_lock = release
    locked_lock = locked

    def __repr__(self) -> str:
        state = "locked" if self._is_locked() else "unlocked"
        return f"<{state} _thread.lock object at {id(self):#x}>"

    def _hand_over(self, real: Any) -> None:
        if self._count:
            real.acquire()

    def _take_back(self) -> None:
        super()._take_back()
        self._count = int(self._real.locked())
        self.holder = None
        self._real = None


class RLock(Lockable):
    """``threading.RLock`` in a simulation: re-entrant, released by its owner."""

    __slots__ = ()

    _make_real = _kind = _real_rlock
    _called = "an RLock"

    def __init__(self, *_args: Any, **_kwargs: Any) -> None:  # The real one ignores them too.
        super().__init__()

    def release(self) -> None:
        """Undo one ``acquire``; after the last one the first waiter becomes ready."""
        kernel = here()
        if kernel is None:
            self._plain().release()
            return
        if self._real is not None:
            self._take_back()
        if not self._is_mine(kernel):
            if kernel.unwinding:
                return
            raise RuntimeError("cannot release un-acquired lock")
        if self._count == 1 and kernel.points is not None:
            kernel.points.before_release(self)
        self._count -= 1
        if not self._count:
            self.holder = None
            if self._waiters:
                kernel.wake_first(self._waiters)

    def __exit__(self, *_: object) -> None:
        RLock.release(self)

    if sys.version_info >= (3, 14):

        def locked(self) -> bool:
            """Return whether somebody holds it."""
            kernel = here()
            if kernel is not None:
                kernel.count_step()
                if (points := kernel.points) is not None:
                    points.peek(self, at_itself=True)
            return self._is_locked()

    # What Condition asks of its lock.

    def _is_owned(self) -> bool:
        kernel = here()
        if kernel is None:
            return self._plain()._is_owned()  # type: ignore[no-any-return]
        if self._real is not None:
            self._take_back()
        return self._is_mine(kernel)

    def _is_mine(self, kernel: Kernel) -> bool:
        holder, running = self.holder, kernel.running
        if holder is running:
            return True
        # The main thread may have held it since an earlier simulation. Its identifier is the OS
        # thread's; those of other virtual threads are small.
        if holder is None or running is not kernel.main or holder.ident != running.ident:
            return False
        self.holder = running
        return True

    def _recursion_count(self) -> int:
        return self._count if self._is_owned() else 0

    def _release_save(self) -> Any:
        kernel = here()
        if kernel is None:
            return self._plain()._release_save()
        if self._real is not None:
            self._take_back()
        if not self._is_mine(kernel):
            raise RuntimeError("cannot release un-acquired lock")
        if (points := kernel.points) is not None:
            points.before_release(self)
        count, self._count, self.holder = self._count, 0, None
        if self._waiters:
            kernel.wake_first(self._waiters)
        return count

    def _acquire_restore(self, state: Any) -> None:
        kernel = here()
        if kernel is None:
            self._wait_plain("_acquire_restore", state)
        elif kernel.ending and self._count:
            # Not ended once more: a Condition has its waiter to forget, or that would take a later
            # notification (test_a_condition_forgets_who_waited_when_the_block_ended).
            return
        elif self._take():
            self._count = state

    def __repr__(self) -> str:
        if here() is None:
            return repr(self._plain())
        state, owner = ("locked", self.holder.ident) if self.holder else ("unlocked", 0)
        name = "_thread.RLock" if type(self) is RLock else type(self).__name__
        return f"<{state} {name} object owner={owner} count={self._count} at {id(self):#x}>"

    def _hand_over(self, real: Any) -> None:
        # Only its owner can free it. The main thread still can; the others have ended.
        if self.holder is not None and not self.holder.done:
            real._acquire_restore((self._count, self.holder.ident))

    def _take_back(self) -> None:
        super()._take_back()
        kernel = here()
        owned = self._real._is_owned()
        # Python 3.11.2 has no _recursion_count; the real one is given up here anyway.
        self._count = self._real._release_save()[0] if owned else 0
        self.holder = kernel.running if owned and kernel is not None else None
        self._real = None


class SimpleQueue(Primitive):
    """``queue.SimpleQueue`` in a simulation; put, get, empty and qsize are one step each."""

    __slots__ = ("_items",)

    state = ("_items",)
    _make_real = _kind = _real_queue

    def __init__(self) -> None:
        self._real = None
        self._items: deque[Any] = deque()
        self._waiters = None

    def put(self, item: Any, block: bool = True, timeout: float | None = None) -> None:  # noqa: ARG002
        """Add an item; it never waits, as the real one, which ignores the last two as well."""
        kernel = here()
        if kernel is None:
            self._plain().put(item)
            return
        if self._real is not None:
            self._take_back()
        if (points := kernel.points) is not None:
            points.before_put(self)
        self._items.append(item)
        if self._waiters:
            kernel.wake_first(self._waiters)

    def put_nowait(self, item: Any) -> None:
        """Add an item."""
        SimpleQueue.put(self, item)

    def get(self, block: bool = True, timeout: float | None = None) -> Any:
        """Take the oldest item; see ``queue.SimpleQueue.get``.

        Raises:
            queue.Empty: There is none, or none came within ``timeout`` seconds.
        """
        kernel = here()
        if kernel is None:
            return self._wait_plain("get", block, timeout)
        if self._real is not None:
            self._take_back()
        if block and timeout is not None:
            timeout = _check_get(timeout)
        if (points := kernel.points) is not None:
            points.before_get(self, timeout if block else 0)
            block = False  # It has waited.
        if not self._items:
            if not block or timeout == 0:
                kernel.count_step()
                raise _queue.Empty
            deadline = None if timeout is None else kernel.deadline(timeout)
            while not self._items:
                if not kernel.block(
                    "waits for an item of a SimpleQueue",
                    waiters=self._queue(),
                    blocked=self.is_empty,
                    deadline=deadline,
                ):
                    raise _queue.Empty
        return self._items.popleft()

    def get_nowait(self) -> Any:
        """Take the oldest item, if there is one."""
        return SimpleQueue.get(self, block=False)

    def empty(self) -> bool:
        """Return whether there is no item."""
        return SimpleQueue.qsize(self) == 0

    def qsize(self) -> int:
        """Return how many items there are."""
        kernel = here()
        if kernel is None:
            return self._plain().qsize()  # type: ignore[no-any-return]
        kernel.count_step()
        if self._real is not None:
            self._take_back()
        if (points := kernel.points) is not None:
            points.peek(self)
        return len(self._items)

    def is_empty(self) -> bool:
        """Return whether there is no item, in a simulation."""
        return not self._items

    def __repr__(self) -> str:
        if type(self) is not SimpleQueue:
            return object.__repr__(self)
        return f"<_queue.SimpleQueue object at {id(self):#x}>"

    __class_getitem__ = classmethod(GenericAlias)  # type: ignore[var-annotated]  # As in queue.

    def _hand_over(self, real: Any) -> None:
        for item in self._items:
            real.put(item)
        self._items.clear()

    def _take_back(self) -> None:
        super()._take_back()
        while not self._real.empty():
            self._items.append(self._real.get())
        self._real = None


def check_timeout(timeout: float, blocking: bool = True) -> float:
    """Return a time-out as a number; raise what the real ``acquire`` raises for these arguments."""
    _real_lock().acquire(blocking, timeout)  # A free lock takes no time.
    return number(timeout)


def _check_get(timeout: float) -> float:
    """Return a time-out as a number; raise what the real ``get`` raises for this argument."""
    queue: Any = _real_queue()
    queue.put(None)
    queue.get(timeout=timeout)  # Nor does getting what is there.
    return number(timeout)


def number(length: Any) -> float:
    """Return what the standard library takes for a number; it need not be one."""
    if isinstance(length, int | float):
        return length
    if sys.version_info >= (3, 15) and not hasattr(type(length), "__index__"):
        return ldexp(length, 0)  # A Decimal or a Fraction; a text has no float here.
    return index(length)
