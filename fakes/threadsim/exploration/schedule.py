"""One schedule while it runs: which thread goes on at each point, and what each step touched.

A thread stops before every operation that other threads can notice. It can run if the operation
would not block: of several threads at one free lock each may take it. A step is the code between
two such points.

Time moves when no thread can run. With early time-outs it may also move while threads can run. It
can be chosen then like a thread.
"""

import sys
import threading
from collections import Counter
from collections.abc import Callable, Hashable, MutableMapping
from dataclasses import dataclass, field
from functools import partial
from types import FrameType
from typing import Any

from greenlet import getcurrent

from threadsim.exploration.data.accesses import Accesses
from threadsim.exploration.dependence import ALL, CLOCK, EXIT, Footprint
from threadsim.exploration.execution import (
    MAIN,
    NOBODY,
    TIME,
    Chooser,
    Cut,
    Execution,
    SchedulePoint,
    Step,
    woken,
)
from threadsim.reporting.frames import at_line, program_frames
from threadsim.reporting.origin import origin
from threadsim.reporting.waits import wait_site, wait_text, with_name
from threadsim.runtime.durations import first_due
from threadsim.runtime.errors import SimulationError
from threadsim.runtime.hooks import READ, RELEASE, WRITE
from threadsim.runtime.kernel import Kernel
from threadsim.runtime.own_code import caller, is_of_program
from threadsim.runtime.virtual_thread import VirtualThread

# More threads than one starts.
MANY = 1 << 32

# The first moment of the next schedule, in all explorations: an object that is made in an earlier
# schedule is known by that. In a list: to set an attribute of a class slows down its methods.
next_moment = [0]


@dataclass(kw_only=True, eq=False)
class Schedule:
    """One schedule while it runs. It is given to a kernel as its ``points``.

    Args:
        chooser: Chooses the next thread.
        kept: The objects that no schedule of the exploration makes anew, and how the first one
            found them.
        record: The record of the schedule. Its last step is the one that runs.
        early: Whether time may move although threads can run.
        spurious: Whether each thread may wake up from a Condition once without a notification.
        shown: Whether it is going to be shown.

    Attributes:
        steps: The steps so far.
        numbers: The number of each thread. It is the same in all schedules.
        data: The reads and writes of the program's own code, if they are tracked.
        looked: Whether a thread peeks at a lock or a thread, or releases a free lock.
        moment: Counts steps, and operations within a step that other threads can notice. No other
            thread knows an object that was made in the same moment.
    """

    chooser: Chooser
    kept: MutableMapping[Any, list[Any]]
    record: Execution
    early: bool
    spurious: bool
    shown: bool
    kernel: Kernel = field(init=False)
    first_moment: int = field(init=False)
    moment: int = field(init=False)
    steps: list[Step] = field(init=False)
    numbers: dict[VirtualThread, int] = field(init=False)
    data: Accesses | None = None
    looked: bool = False
    _touched: Footprint = field(default_factory=dict)
    _pending: dict[VirtualThread, SchedulePoint] = field(default_factory=dict)
    _woken_once: set[int] = field(default_factory=set)
    _made: Counter[VirtualThread] = field(default_factory=Counter)
    _children: Counter[VirtualThread] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        self.first_moment = self.moment = next_moment[0]
        self.steps, self.numbers = self.record.steps, self.record.numbers

    # What patched functions and primitives call.

    def new_name(self) -> tuple[tuple[int, int], int]:
        """Return a name for an object that the running thread makes, and the moment."""
        thread = self.kernel.running
        self._made[thread] += 1
        return (self.numbers[thread], self._made[thread]), self.moment

    def new_object(self, kind: str) -> tuple[tuple[int, int], int]:
        """Return the name of a new object, and the moment."""
        name, moment = self.new_name()
        self.record.origins[name] = origin(caller(sys._getframe()), kind)
        return name, moment

    def touch(self, key: Hashable, mode: int) -> None:
        """Note that the running step touched an object."""
        self._touched[key] = self._touched.get(key, 0) | mode
        self.moment += 1
        if self.data is not None:
            self.data.clocks.touched(self.numbers.get(self.kernel.running, MAIN), key, mode)

    def point(self, op: SchedulePoint) -> None:
        """Stop the running thread before an operation, until it is chosen to go on."""
        kernel = self.kernel
        thread = kernel.running
        self._pending[thread] = op
        # Before the next thread is chosen: that may end in a report
        # (test_a_deadlock_says_of_each_thread_what_a_simulation_does).
        thread.waiting_on = op.on
        thread.since = kernel.now
        reads_clock = op.deadline is not None and self.early
        if reads_clock:
            self.touch(CLOCK, READ)
        chosen = self.next_thread(thread)
        if chosen is not thread:
            if getcurrent() is not thread.greenlet:
                raise kernel.cannot_wait()
            enabled = op.is_enabled(kernel.now)
            thread.waiting_for = f"{'is about' if enabled else 'waits'} to {op.operation}"
            if self.shown and (place := _place(sys._getframe())):
                self.note(place="{}:{}".format(*place))
                if enabled:
                    self.note(then=thread.waiting_for + at_line(*place))
            kernel.switch(thread, chosen)
        if reads_clock:
            self.touch(CLOCK, READ)
        if op.woken:
            self.note(because="wakes up by itself")
        elif reads_clock and op.blocked is not None and op.blocked():
            self.note(because="comes to its deadline")

    # What the kernel calls.

    def begin(self, kernel: Kernel) -> None:
        """Take the kernel of the schedule."""
        self.kernel = kernel
        self.numbers[kernel.main] = MAIN

    def spawned(self, thread: VirtualThread) -> None:
        """Note that the running thread has started another one."""
        parent = self.kernel.running
        self._children[parent] += 1
        # Made of the parent's number and of how many threads that had started before: it must be
        # the same in all schedules, and where no other thread has run. It is greater than the
        # parent's, which the end of the program takes for granted
        # (test_what_a_thread_is_known_by_does_not_depend_on_other_schedules).
        number = self.numbers[parent] * MANY + TIME + self._children[parent]
        self.numbers[thread] = number
        # A daemon's thread is cut off with it, whatever it was made as.
        thread.daemon |= parent.daemon
        self.steps[-1].started.append(number)
        self.moment += 1
        if self.data is not None:
            self.data.clocks.started(self.numbers[parent], number)
        self._pending[thread] = SchedulePoint("begin")

    def before_end(self) -> None:
        """Stop before the running thread ends, where other threads peek at that."""
        if self.record.switch_points.every:
            self.point(SchedulePoint("end"))

    def ended(self, thread: VirtualThread) -> None:
        """Note that a thread has ended."""
        self.touch(self.numbers[thread], RELEASE)

    def sleep(self, deadline: int | None) -> None:
        """Stop the running thread until an instant."""
        self.point(SchedulePoint("go on after a sleep", lambda: True, deadline))

    def pause(self) -> None:
        """Stop the running thread. By default the others go first."""
        self.point(SchedulePoint("go on after the others", gives_way=True))

    def before_wait(self, timeout: float) -> None:
        """Stop before the deadline of a wait is computed, if time may move meanwhile."""
        if self.early and 0 < timeout < threading.TIMEOUT_MAX:
            self.point(SchedulePoint("begin a wait"))
            self.touch(CLOCK, READ)

    def read_clock(self) -> None:
        """Stop before the clock is read, if time may move meanwhile."""
        if self.early:
            self.point(SchedulePoint("look at the clock"))
            self.touch(CLOCK, READ)

    def next_thread(self, stopped: VirtualThread | None = None) -> VirtualThread | None:
        """Return the next thread after a step; ``None`` when the schedule ends in a failure.

        Args:
            stopped: The thread that took the step; ``None`` if it has ended.
        """
        kernel = self.kernel
        points, kernel.points = kernel.points, None  # No code can wait meanwhile.
        try:
            self.finish()
            if kernel.interruption is not None:
                raise Cut("somebody pressed Ctrl-C")
            return self._choose(stopped)
        except SimulationError as failure:
            kernel.set_failure(failure)
            # Now: as main is told, it frees its locks
            # (test_a_written_program_keeps_every_outcome[lock_order_with_main]).
            self.note_blocked()
            return None
        finally:
            kernel.points = points if kernel.failure is None else None

    # What the runner calls.

    def finish(self) -> None:
        """Complete the record of the step that ends here."""
        kernel, footprint = self.kernel, self._touched
        self.steps[-1].footprint = footprint
        if kernel.running.daemon:
            footprint[EXIT] = READ
        self._touched = {}
        self.moment += 1
        if self.data is not None:
            self.data.drop_garbage()
        kernel.steps += 1
        if kernel.steps > kernel.max_steps:
            raise kernel.reports.step_limit(kernel)

    def note_blocked(self) -> None:
        """Note the threads that cannot run where the schedule ends."""
        now = self.kernel.now
        self.record.blocked = [
            (self.numbers[thread], op)
            for thread, op in self._pending.items()
            if not op.is_enabled(now)
        ]

    def note(self, **note: str) -> None:
        """Note what the next row of the trace says besides, or instead."""
        self.record.notes[len(self.kernel.trace)].update(note)

    # Its own.

    def _choose(self, stopped: VirtualThread | None) -> VirtualThread:
        """Return the next thread; time and wake-ups have their turn on the way."""
        while True:
            now = self.kernel.now
            threads = {
                self.numbers[each]: each
                for each, op in self._pending.items()
                if op.blocked is None or op.is_enabled(now)
            }
            current = NOBODY
            numbers = list(threads)
            if stopped is not None and not self._pending[stopped].gives_way:
                mine = self.numbers[stopped]
                if mine in threads:
                    current = mine
                    numbers.remove(mine)
                    numbers.insert(0, mine)
            others: dict[int, Callable[[], None]] = {}
            if not threads or self.early or self.spurious:
                others = self._others(able=bool(threads))
                numbers.extend(others)
            enabled = tuple(numbers)
            chosen = self.chooser(enabled, current, self.steps)
            self.steps.append(Step(chosen, enabled, current))
            if chosen not in others:
                thread = threads[chosen]
                del self._pending[thread]
                return thread
            others[chosen]()
            stopped = None

    def _others(self, *, able: bool) -> dict[int, Callable[[], None]]:
        """Return what may happen beside the threads, by its number.

        Raises:
            Deadlock: No thread can run, and no wait has a deadline or may end by itself.
        """
        others: dict[int, Callable[[], None]] = {}
        now = self.kernel.now
        deadlines = {op: op.deadline or 0 for op in self._pending.values()}
        due = first_due({op: instant for op, instant in deadlines.items() if instant > now})
        if due and (self.early or not able):
            others[TIME] = partial(self._move_time, max(due.values()))
        elif not able:
            others[NOBODY] = self._deadlock
        for thread, op in self._pending.items() if self.spurious else ():
            number = self.numbers[thread]
            waits = op.condition is not None and not op.is_enabled(now)
            if waits and number not in self._woken_once:
                others[woken(number)] = partial(self._wake_up, op, number)
        if list(others) == [NOBODY]:
            self._deadlock()  # There is nothing to choose.
        return others

    def _move_time(self, deadline: int) -> None:
        if deadline > self.kernel.max_elapsed:
            raise self.kernel.reports.time_limit(self.kernel)
        self.kernel.now = deadline
        self.steps[-1].footprint = {CLOCK if self.early else ALL: WRITE}
        self.moment += 1
        if self.data is not None:
            if self.early:
                self.data.clocks.touched(TIME, CLOCK, WRITE)
            else:
                self.data.clocks.time_moved()

    def _wake_up(self, op: SchedulePoint, number: int) -> None:
        op.woken = True
        self._woken_once.add(number)
        op.condition._waiters.remove(op.on)  # No notification may be lost on it.
        op.on.holder = None  # As a notification does.
        # A Condition from before the exploration may stand on a real lock.
        lock = getattr(op.condition._lock, "key", op.key)
        self.steps[-1].footprint = {op.key: WRITE, lock: WRITE}
        self.moment += 1

    def _deadlock(self) -> None:
        rows = {row[1]: number for number, row in enumerate(self.kernel.trace)}
        rows[self.kernel.running] = len(self.kernel.trace)  # It is about to switch, or has ended.
        for thread, op in self._pending.items():
            thread.waiting_for = f"waits to {op.operation}"
            frame = thread.frame or sys._getframe()
            text = wait_text(thread, thread.waiting_for, wait_site(thread, frame))
            made = self.record.origins.get(op.key)
            text = with_name(text, op.on, frame, at_line(*made[1:]) if made else "")
            note = self.record.notes[rows[thread]]
            note["then"] = text.replace("waits ", "waits for ever ", 1)
            if place := _place(frame):
                note["place"] = "{}:{}".format(*place)
        raise self.kernel.reports.deadlock(self.kernel)


def _place(frame: FrameType) -> tuple[str, int] | None:
    """Return the innermost file and line of the program in a stack; ``None`` if there is none."""
    codes = [(each.f_code.co_filename, each.f_lineno) for each in program_frames(frame)]
    return next((each for each in reversed(codes) if is_of_program(each[0])), None)
