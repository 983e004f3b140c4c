"""Stops threads before operations of locks, queues and threads that other threads can notice.

An operation on an object that was made a moment ago needs no stop: no other thread can know it.
"""

import sys
import threading
from collections.abc import Hashable
from copy import copy
from itertools import count
from types import FrameType
from typing import Any, cast

from threadsim.exploration.execution import SchedulePoint
from threadsim.exploration.schedule import MANY, Schedule, next_moment
from threadsim.primitives.lock import Lockable
from threadsim.primitives.primitive import Primitive
from threadsim.primitives.simple_queue import SimpleQueue
from threadsim.primitives.threads import virtual_thread_of
from threadsim.reporting.frames import can_wait
from threadsim.runtime.hooks import READ, RELEASE, WAITED, WRITE
from threadsim.runtime.kernel import here
from threadsim.runtime.own_code import caller
from threadsim.runtime.virtual_thread import VirtualThread

# Of objects from outside an exploration.
_outside_numbers = count()


class Points(Schedule):
    """The schedule points of primitives; see ``threadsim.runtime.hooks.SchedulePoints``.

    Each method notes what the step touches that begins at its point.
    """

    def acquire(self, lock: Lockable, blocking: bool, timeout: float) -> bool:
        """Stop until a lock is free, or as long as it may take.

        Args:
            lock: One that the running thread does not hold re-entrantly.
            blocking: As for ``acquire``.
            timeout: As for ``acquire``.

        Returns:
            Whether it is free.
        """
        key = self.key_of(lock)
        point = SchedulePoint(
            f"acquire {lock.called}", lock.is_held, None, lock, key=key, mode=WRITE
        )
        if blocking and timeout == -1:
            if lock.made_in == self.moment and not lock.is_held():
                return True
            point.mode = WRITE | WAITED
        else:
            self.looked |= lock.holder is not self.kernel.running
            if not blocking or timeout == 0:
                point = SchedulePoint(f"try to acquire {lock.called}", on=lock, mode=WRITE)
            else:
                point.deadline = self.kernel.deadline(timeout)
        if self.spurious and lock.holder is self.kernel.running:
            point.condition = _waiting_condition(caller(sys._getframe()))
        self.point(point)
        free = not lock.is_held()
        if not point.woken:  # Else the wake-up has touched it.
            self.touch(key, point.mode if free else READ)
        return free

    def before_release(self, lock: Lockable) -> None:
        """Stop before a lock is released, where other threads can notice that."""
        key = self.key_of(lock)
        if self.record.switch_points.every:
            self.point(SchedulePoint("release a lock"))
        # Releasing a free lock is an error, and it depends on the order: there is none if another
        # thread acquires the lock before, or releases it later.
        held = lock.is_held()
        self.looked |= not held
        self.touch(key, RELEASE if held else READ)

    def peek(self, thing: Any, *, at_itself: bool = False) -> None:
        """Stop before a look.

        Args:
            thing: The object that is looked at, or the lock that guards its changes. A real object
                is left alone.
            at_itself: Whether it is the lock's own state, which its release changes.
        """
        key = self.key_of(thing)
        if key is not None and thing.made_in != self.moment:
            self.point(SchedulePoint("look"))
            self.touch(key, READ)
            self.looked |= at_itself

    def before_put(self, queue: SimpleQueue) -> None:
        """Stop before an item is put into a queue."""
        key = self.key_of(queue)
        self.point(SchedulePoint("put into a SimpleQueue"))
        self.touch(key, WRITE)

    def before_get(self, queue: SimpleQueue, timeout: float | None) -> None:
        """Stop until there is an item, or as long as it may take.

        Args:
            queue: Where to get it from.
            timeout: Longest wait in seconds; ``None`` waits without limit.
        """
        key, blocked, deadline = self.key_of(queue), None, None
        if timeout != 0:
            blocked = queue.is_empty
            deadline = None if timeout is None else self.kernel.deadline(timeout)
        self.point(SchedulePoint("get from a SimpleQueue", blocked, deadline, key=key, mode=WRITE))
        self.touch(key, WRITE)

    def before_start(self, thread: Any) -> None:
        """Stop before a ``Thread`` is started, where other threads can notice that."""
        if self.record.switch_points.every:
            self.point(SchedulePoint("start a thread"))
        self.looked |= thread._started._flag  # Which thread is the first to start it?
        self.touch(self.key_of(_start_lock(thread)), WRITE)

    def peek_started(self, thread: Any) -> None:
        """Stop before a look whether a ``Thread`` has been started, until it has."""
        if not thread._started._flag:
            self.peek(_start_lock(thread), at_itself=True)
        virtual = virtual_thread_of(self.kernel, thread)
        running = self.numbers[self.kernel.running]
        if virtual in self.numbers and self.numbers[virtual] // MANY != running:  # Not its parent.
            # Before the other thread comes to the start, the look has another result.
            self.looked = True
        self.touch(self.key_of(_start_lock(thread)), READ)

    def peek_alive(self, thread: Any) -> None:
        """Stop before a look whether a ``Thread`` is alive."""
        self.peek(_start_lock(thread), at_itself=True)
        virtual = virtual_thread_of(self.kernel, thread)
        if virtual in self.numbers:
            self.touch(self.numbers[virtual], READ)

    def wait_for_end(self, thread: VirtualThread, deadline: int | None) -> None:
        """Stop until a thread has ended, or until an instant.

        Args:
            thread: The thread; one of an earlier schedule has ended.
            deadline: In nanoseconds; ``None`` waits without limit.
        """
        key = self.numbers.get(thread)
        if key is not None:
            self.looked |= deadline is not None
            self.point(SchedulePoint(f"join {thread.name}", lambda: not thread.done, deadline))
            self.touch(key, READ | WAITED if deadline is None else READ)

    def put_back(self) -> None:
        """Leave the objects that no schedule makes anew as the first one found them."""
        next_moment[0] = self.moment + 1
        for thing, values in self.kept.items():
            for name, value in zip(thing.state, values, strict=True):
                setattr(thing, name, copy(value))

    def key_of(self, thing: Any) -> Hashable:
        """Return the name of an object; one that no schedule makes anew is kept from now on.

        Real objects share a name.
        """
        if not isinstance(thing, Primitive):
            return None
        if thing.made_in < self.first_moment and thing not in self.kept:
            kind = thing.__class__.__name__
            if thing.made_in >= 0:
                thing.key = f"the {kind} {thing.key} from an earlier run"
            else:
                thing.key = f"the {kind} from outside ({next(_outside_numbers)})"
            thing.made_in = -1
            self.kept[thing] = [copy(getattr(thing, name)) for name in thing.state]
        key: Hashable = thing.key
        return key


def points_here() -> Points | None:
    """Return the points of the running schedule, for code that is part of one."""
    kernel = here()
    return None if kernel is None else cast("Points | None", kernel.points)


def _waiting_condition(frame: FrameType) -> Any:
    """Return the Condition on which a frame of the program waits; ``None`` if it does not.

    The primitives of the standard library wait in loops, or test what has come: they are left out.
    """
    if frame.f_code is not threading.Condition.wait.__code__:
        return None
    outer: Any = frame.f_back
    if outer.f_code is threading.Condition.wait_for.__code__:
        outer = outer.f_back
    return None if can_wait(outer) else frame.f_locals["self"]


def _start_lock(thread: Any) -> Any:
    """Return the lock that stands for whether a ``Thread`` has been started: it is made with it."""
    return thread._started._cond._lock
