"""The exploring side of locks, queues, threads and looks: a stop before what others can notice.

Each asks the kernel that runs, whoever made it and wherever, so that what an earlier simulation or
schedule made takes part like any other. An operation on an object that was made a moment ago needs
no stop: nobody else can know it.
"""

import logging
import sys
import threading
from collections.abc import Callable, Hashable
from copy import copy
from itertools import chain
from typing import Any, cast
from weakref import WeakKeyDictionary

from threadsim.exploration.dependence import PAST
from threadsim.exploration.execution import SchedulePoint
from threadsim.exploration.exploring_kernel import SteppingKernel
from threadsim.primitives.lock import Lockable
from threadsim.primitives.primitive import Primitive
from threadsim.primitives.simple_queue import SimpleQueue
from threadsim.primitives.threads import virtual_thread_of
from threadsim.reporting.origin import Origin
from threadsim.runtime.hooks import READ, RELEASE, WAITED, WRITE
from threadsim.runtime.kernel import here
from threadsim.runtime.virtual_thread import VirtualThread

_condition_wait = threading.Condition.wait
_barrier_release: Any = threading.Barrier._release  # type: ignore[attr-defined]

# Their waits are loops or tests of their own: CPython's Condition never wakes up by itself.
_STANDARD = {"threading", "queue", "concurrent.futures._base", "concurrent.futures.thread"}


# What a pool's queue is put into by when nobody has the pool any more.
_POOL_IS_LOST = "weakref_cb"


class SpuriousWakeUp(BaseException):
    """Ends the wait of a Condition without a notification."""


class ExploredKernel(SteppingKernel):
    """The kernel of one schedule, as locks, queues, threads and looks know it.

    Each method that stops notes what the step touches that begins then.

    Attributes:
        earlier: From which moment on the last schedule has made objects, and where each.
        places: Where threads stopped that could go on, by the row of the trace, if it is noted.
        past: What earlier schedules have made and this one has used before it started a thread,
            and how it was found.
    """

    earlier: tuple[int, dict[Hashable, Origin]] = sys.maxsize, {}
    places: dict[int, str] = {}  # noqa: RUF012  # Of each that notes it an own one.

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        # Weakly: most of it is used by a finalizer, and goes with it.
        self.past: WeakKeyDictionary[Any, list[Any]] = WeakKeyDictionary()

    @property
    def points(self) -> "ExploredKernel | None":  # type: ignore[override]  # Never set.
        """Itself, for code that is part of the schedule."""
        # What runs while it ends or decides (a ``finally``, a finalizer, a report) is none.
        part = self.failure is None and not self.ending and not self._deciding
        return self if part else None

    def take(self, lock: Lockable, what: str, blocking: bool, timeout: float) -> bool:
        """Stop until a lock is free, or as long as it may take.

        Args:
            lock: One that the running thread does not hold re-entrantly.
            what: What it is called, for reports.
            blocking: As for ``acquire``.
            timeout: As for ``acquire``.

        Returns:
            Whether it is free.
        """
        key = self._key_of(lock)
        if key is PAST and lock.holder is not self.main:
            return True  # Whoever has it ended with an earlier schedule.
        if blocking and timeout == -1:
            if lock.made_in != self.moment or lock.is_held():
                op = SchedulePoint(
                    f"acquire {what}", lock.is_held, None, lock, key=key, mode=WRITE | WAITED
                )
                self._stop(op, lock)
                self.touch(key, WRITE | WAITED)
            return True
        if lock.holder is not self.running:
            self.looked = True
        if not blocking or timeout == 0:
            op = SchedulePoint(f"try to acquire {what}", None, None, lock)
        else:
            deadline = self.deadline(timeout)
            op = SchedulePoint(f"acquire {what}", lock.is_held, deadline, lock, key=key, mode=WRITE)
        self._stop(op, lock)
        free = not lock.is_held()
        self.touch(key, WRITE if free else READ)
        return free

    def before_release(self, lock: Lockable) -> None:
        """Stop where somebody could tell, before a lock is freed."""
        key = self._key_of(lock)
        if key is PAST:
            return
        if self.switch_points:
            self.point(SchedulePoint("release a lock"))
        # Of a free one it is an error, which whoever takes it first can prevent, as can whoever has
        # freed it, by coming later.
        held = lock.is_held()
        self.looked |= not held
        self.touch(key, RELEASE if held else READ)

    def peek(self, thing: Any, *, at_itself: bool = False) -> None:
        """Stop before a look.

        Args:
            thing: What is looked at, or the lock that guards it for all but looks; nothing is done
                for a real one.
            at_itself: Whether it is the lock's own state, which its release changes.
        """
        if not isinstance(thing, Primitive):
            return
        key = self._key_of(thing)
        if thing.made_in != self.moment and key is not PAST:
            self.point(SchedulePoint("look"))
            self.touch(key, READ)
            self.looked |= at_itself

    def before_put(self, queue: SimpleQueue) -> None:
        """Stop before an item is put into a queue."""
        if queue.made_in < self.first_moment and sys._getframe(2).f_code.co_name == _POOL_IS_LOST:
            return  # Its workers ended with their schedule, and nobody is told.
        key = self._key_of(queue)
        if key is PAST:
            return
        self.point(SchedulePoint("put into a SimpleQueue"))
        self.touch(key, WRITE)

    def before_get(self, queue: SimpleQueue, timeout: float | None) -> None:
        """Stop until there is an item, or as long as it may take.

        Args:
            queue: Where to get it from.
            timeout: Longest wait in seconds; ``None`` waits without limit.
        """
        key, blocked, deadline = self._key_of(queue), None, None
        if key is PAST and (timeout == 0 or not queue.is_empty()):
            return
        if timeout != 0:
            blocked = queue.is_empty
            deadline = None if timeout is None else self.deadline(timeout)
        self.point(SchedulePoint("get from a SimpleQueue", blocked, deadline, key=key, mode=WRITE))
        self.touch(key, WRITE)

    def before_start(self, thread: Any) -> None:
        """Stop where somebody could tell, before a ``Thread`` is started."""
        if self.switch_points:
            self.point(SchedulePoint("start a thread"))
        self.looked |= thread._started._flag  # Who is the first to start it?
        self.touch(self.key_of(_start_lock(thread)), WRITE)

    def peek_started(self, thread: Any) -> None:
        """Stop before a look whether a ``Thread`` has been started, until it has."""
        if not thread._started._flag:
            self.peek(_start_lock(thread), at_itself=True)
        virtual = virtual_thread_of(self, thread)
        if virtual in self.numbers and self.parents.get(virtual) is not self.running:
            # Before the other one comes to the start, it would look otherwise.
            self.looked = True
        self.touch(self.key_of(_start_lock(thread)), READ)

    def peek_alive(self, thread: Any) -> None:
        """Stop before a look whether a ``Thread`` is alive."""
        self.peek(_start_lock(thread), at_itself=True)
        virtual = virtual_thread_of(self, thread)
        if virtual in self.numbers:
            self.touch(self.numbers[virtual], READ)

    def wait_for_end(self, thread: VirtualThread, deadline: int | None) -> None:
        """Stop until a thread has ended, or until an instant.

        Args:
            thread: Which; one of an earlier schedule has ended.
            deadline: In microseconds; ``None`` waits without limit.
        """
        key, mode = self.numbers.get(thread), READ
        if key is None:
            return
        if deadline is None:
            mode |= WAITED
        else:
            self.looked = True
        self.point(SchedulePoint(f"join {thread.name}", lambda: not thread.done, deadline))
        self.touch(key, mode)

    def put_back(self) -> None:
        """Leave what no schedule makes anew as the first one found it."""
        for thing, values in chain(self.kept.items(), self.past.items()):
            if values:  # Else it is put back elsewhere.
                for name, value in zip(thing.state, values, strict=True):
                    setattr(thing, name, copy(value))

    def key_of(self, thing: Any) -> Hashable:
        """Return the name of a thing; real ones share one."""
        return self._key_of(thing) if isinstance(thing, Primitive) else None

    # Its own.

    def _key_of(self, thing: Any) -> Hashable:
        """Return the name of a thing; one that no schedule makes anew has one from now on."""
        if thing.made_in < self.first_moment:
            if self._is_past(thing):
                return PAST
            self._keep(thing)
        key: Hashable = thing.key
        return key

    def _is_past(self, thing: Any) -> bool:
        """Return whether an earlier schedule has made a thing, and main alone lives in this one.

        Nobody else can tell then what is done with it. Mostly a finalizer does that: the program
        lets go of what the schedule before has left. What that was is no part of this one.
        """
        # A name of outside's is -1; what stands for real locks is put back elsewhere.
        past = len(self.numbers) == 1 and thing.made_in >= 0 and bool(thing.state)
        if past and thing not in self.past:
            self.past[thing] = _state_of(thing)
        return past

    def _keep(self, thing: Any) -> None:
        """Remember how a thing was found that no schedule makes anew."""
        kept = self.kept
        if thing not in kept:
            words = f"the {thing.__class__.__name__} from outside"
            first_moment, origins = self.earlier
            if thing.made_in >= first_moment:
                kind, file, line = origins[thing.key]
                words = f"the {kind} that an earlier run made at {file}:{line}"
            thing.key, thing.made_in = (words, len(kept)), -1
            kept[thing] = self.past.pop(thing, []) or _state_of(thing)

    def _stop(self, op: SchedulePoint, lock: Lockable) -> None:
        """Stop before an acquire, which may be that of a Condition's wait."""
        if self.waiting_conditions and lock.holder is self.running:
            op.condition = self.waiting_conditions.get(self.running)
        self.point(op)
        if op.spurious:
            raise SpuriousWakeUp


def points_here() -> ExploredKernel | None:
    """Return the kernel of the running schedule, for code that is part of one."""
    kernel = here()
    return None if kernel is None else cast("ExploredKernel | None", kernel.points)


def _state_of(thing: Any) -> list[Any]:
    return [copy(getattr(thing, name)) for name in thing.state]


def _looking(getter: Callable[[Any], Any]) -> property:
    def look(self: threading.Barrier) -> Any:
        if (kernel := points_here()) is not None:
            kernel.peek(self._cond._lock)  # type: ignore[attr-defined]
        return getter(self)

    return property(look, doc=getter.__doc__)


def barrier_release(self: Any) -> None:
    """Run a barrier's action and let go who waits; see ``Barrier.wait``.

    What looks see changes between the action's steps, which are those of other things.
    """
    kernel = points_here()
    if kernel is None:
        _barrier_release(self)
        return
    key, writing = kernel.key_of(self._cond._lock), kernel.writing.setdefault(kernel.running, set())
    writing.add(key)
    try:
        _barrier_release(self)
    finally:
        writing.remove(key)
        kernel.touch(key, WRITE)


def condition_wait(self: threading.Condition, timeout: float | None = None) -> bool:
    """Wait until notified, or for nothing at all; see ``Condition.wait``."""
    kernel = points_here()
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


# What is swapped in an exploration alone, each as owner, name and what stands there.
SWAPPED: list[tuple[Any, str, Any]] = [
    (logging.Logger, "isEnabledFor", is_enabled_for),
    (threading.Barrier, "_release", barrier_release),
    (threading.Barrier, "n_waiting", _looking(threading.Barrier.n_waiting.fget)),  # type: ignore[attr-defined]
    (threading.Barrier, "broken", _looking(threading.Barrier.broken.fget)),  # type: ignore[attr-defined]
]

SPURIOUS = (threading.Condition, "wait", condition_wait)


def _start_lock(thread: Any) -> Any:
    """Return the lock that stands for whether a ``Thread`` has been started: it is made with it."""
    return thread._started._cond._lock


def _called_by_the_standard_library() -> bool:
    """Return whether a wait is one of a primitive of the standard library."""
    frame = sys._getframe(2)
    if frame.f_code is threading.Condition.wait_for.__code__ and frame.f_back is not None:
        frame = frame.f_back
    return frame.f_globals.get("__name__") in _STANDARD
