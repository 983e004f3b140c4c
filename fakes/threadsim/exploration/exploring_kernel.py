"""The kernel of an exploration: it stops before every visible operation and asks who goes on.

What runs between two stops is a step. Each is recorded with its thread, who else could have run and
its footprint (records.py).

A thread that stopped says what it is about to do. It can run when that would not block: of several
threads at one free lock any may take it. Time moves when no thread can run or, with early
time-outs, whenever somebody waits for an instant; it is then one more that can be chosen.
"""

import sys
import threading
from collections.abc import Callable, Hashable
from functools import partial
from typing import Any

from greenlet import getcurrent

from threadsim.exploration.dependence import ALL, CLOCK, EXIT, PAST, Footprint
from threadsim.exploration.execution import (
    MAIN,
    NOBODY,
    TIME,
    Chooser,
    Cut,
    SchedulePoint,
    Step,
    SwitchPoints,
    woken,
)
from threadsim.reporting.origin import Origin, origin
from threadsim.reporting.waits import wait_site, wait_text
from threadsim.runtime.errors import SimulationError
from threadsim.runtime.hooks import READ, RELEASE, WRITE
from threadsim.runtime.kernel import Kernel
from threadsim.runtime.virtual_thread import VirtualThread, Waiters

# More threads than one starts.
_MANY = 1 << 32


class SteppingKernel(Kernel):
    """The kernel of one schedule.

    Args:
        chooser: Chooses the next thread.
        kept: What no schedule of the exploration makes anew, and how the first one found it.
        switch_points: Where threads can be switched.
        early: Whether time may move although threads can run.
        spurious: Whether each thread may wake up from a Condition once without a notification.
        first_moment: Where ``moment`` begins: beyond those of earlier schedules.
        options: What ``Kernel`` takes.

    Attributes:
        blocked: Who could not run when the schedule ended, by number, and what each was about to
            do.
        looked: Whether somebody looks at such a thing without waiting, or frees a free lock.
        writing: What a thread may change at any moment, beside what it stops for: what it shares in
            rewritten code, and a barrier whose action it runs.
        moment: Counts steps, and what others may learn of within one. An object that was made in
            the same moment is known to nobody else.
    """

    def __init__(
        self,
        *,
        chooser: Chooser,
        kept: dict[Any, list[Any]],
        switch_points: SwitchPoints,
        early: bool,
        spurious: bool,
        first_moment: int,
        **options: Any,
    ) -> None:
        super().__init__(**options)
        self.chooser = chooser
        self.switch_points = switch_points
        self.looked = False
        self.first_moment = self.moment = first_moment
        self.early = early
        self.spurious = spurious
        self.woken_once: set[int] = set()
        self.waiting_conditions: dict[VirtualThread, Any] = {}
        self.writing: dict[VirtualThread, set[Hashable]] = {}
        self.touched: Footprint = {}
        self.taken: list[Step] = [Step(MAIN, (MAIN,), NOBODY)]
        self.pending: dict[VirtualThread, SchedulePoint] = {}
        self.numbers: dict[VirtualThread, int] = {self.main: MAIN}
        self.kept = kept
        self._made: dict[VirtualThread, int] = {}
        # Each object's kind, and the file and line that made it, for reports.
        self.origins: dict[Hashable, Origin] = {}
        self._children: dict[VirtualThread, int] = {}
        self.parents: dict[VirtualThread, VirtualThread] = {}
        self.blocked: list[tuple[int, SchedulePoint]] = []
        # Why a thread goes on where that is told, by the row of the trace that it will have.
        self.because: dict[int, str] = {}
        # What each thread waits for, in words, when nobody can go on.
        self.hang: dict[VirtualThread, str] = {}
        self._chosen: VirtualThread | None = None
        self._deciding = False

    # What stand-ins call.

    def new_name(self) -> tuple[tuple[int, int], int]:
        """Return a name for what the running thread makes, and the moment."""
        thread = self.running
        made = self._made[thread] = self._made.get(thread, 0) + 1
        return (self.numbers[thread], made), self.moment

    def new_object(self, kind: str) -> tuple[tuple[int, int], int]:
        """Return the name of an object that is made two calls up, and the moment."""
        name, moment = self.new_name()
        self.origins[name] = origin(sys._getframe(2), kind)
        return name, moment

    def touch(self, key: Hashable, mode: int) -> None:
        """Note that the running step touched an object."""
        if key is not PAST:
            self.touched[key] = self.touched.get(key, 0) | mode
            self.moment += 1

    def point(self, op: SchedulePoint) -> None:
        """Stop the running thread before an operation, until it is chosen to go on."""
        thread = self.running
        self.pending[thread] = op
        # Before who is next is decided: that may end in a report
        # (test_a_deadlock_says_of_each_thread_what_a_simulation_does).
        thread.waiting_on = op.on
        thread.since = self.now
        if op.deadline is not None and self.early:
            self.touch(CLOCK, READ)
        chosen = self._next_of(thread)
        if chosen is not thread:
            if getcurrent() is not thread.greenlet:
                raise self._no_wait(thread)
            thread.waiting_for = f"is about to {op.operation}"
            if not op.is_enabled(self.now):
                thread.waiting_for = f"waits to {op.operation}"
            if self.failure is not None and thread is self.main:
                site = wait_site(thread, sys._getframe())
                self.trace.append((self.now, thread, thread.waiting_for, site))
                thread.waiting_for = ""
                raise self.failure
            self._chosen = chosen
            self._switch_to_hub(thread)
        if op.deadline is not None and self.early:
            self.touch(CLOCK, READ)
            if op.deadline <= self.now and op.blocked is not None and op.blocked():
                self.because[len(self.trace)] = "comes to its deadline"
        if op.spurious:
            self.because[len(self.trace)] = "wakes up by itself"

    def before_exit(self) -> None:
        """Stop before the program ends: what daemon threads have not done then is never done."""
        self.point(SchedulePoint("end the program"))
        self.touch(EXIT, WRITE)

    def note_blocked(self) -> None:
        """Note who cannot run, where the schedule ends."""
        self.blocked = [
            (self.numbers[thread], op)
            for thread, op in self.pending.items()
            if not op.is_enabled(self.now)
        ]

    # What the kernel does otherwise.

    def spawn(
        self,
        run: Callable[[], object],
        name: str,
        *,
        daemon: bool,
        at_end: Callable[[VirtualThread], object],
    ) -> VirtualThread:
        """Make a virtual thread; see ``Kernel.spawn``."""
        parent = self.running

        def body() -> None:
            run()
            if self.switch_points and not self.unwinding:
                self.point(SchedulePoint("end"))

        thread = super().spawn(body, name, daemon=daemon, at_end=at_end)
        if self.unwinding:
            return thread
        self._ready.clear()
        born = self._children[parent] = self._children.get(parent, 0) + 1
        # Made of who started it and how many that one had started before, alone: it must be the
        # same in all schedules, and where no other has run. It is greater than its starter's, as
        # World._exit takes for granted
        # (test_what_a_thread_is_known_by_does_not_depend_on_other_schedules).
        number = self.numbers[parent] * _MANY + TIME + born
        self.numbers[thread] = number
        self.parents[thread] = parent
        self.taken[-1].started.append(number)
        self.moment += 1
        self.pending[thread] = SchedulePoint("begin")
        return thread

    def block(
        self,
        waiting_for: str,
        *,
        waiters: Waiters | None = None,
        blocked: Callable[[], bool] | None = None,
        deadline: int | None = None,
        waiting_on: object = None,
    ) -> bool:
        """Park the running thread until its deadline; see ``Kernel.block``."""
        if self._deciding:
            raise self.reports.cannot_wait(self, between_threads=True)
        if self.unwinding:
            return super().block(
                waiting_for,
                waiters=waiters,
                blocked=blocked,
                deadline=deadline,
                waiting_on=waiting_on,
            )
        self.point(SchedulePoint("go on after a sleep", _always, deadline))
        return False

    def _park(self, waiting_for: str, queue: Any) -> None:
        if self.unwinding:
            super()._park(waiting_for, queue)
            return
        self.point(SchedulePoint("go on after the others", gives_way=True))

    def _interrupt_here(self) -> None:
        if getcurrent() is self.running.greenlet:
            self.pause()  # No thread goes on: see _next_of.

    def read_clock(self) -> None:
        """Count a look at the clock; see ``Kernel.look_at_clock``."""
        super().read_clock()
        if self.early and not self.unwinding:
            self.point(SchedulePoint("look at the clock"))
            self.looks += 1  # Nor is its stop a switch, unless others went first.
            self.touch(CLOCK, READ)

    def deadline(self, timeout: float) -> int | None:
        """Return when a wait ends, from the instant at which it begins; see ``Kernel.deadline``."""
        if self.early and self.points is not None and 0 < timeout < threading.TIMEOUT_MAX:
            self.point(SchedulePoint("begin a wait"))
            self.touch(CLOCK, READ)
        return super().deadline(timeout)

    def _close(self, thread: VirtualThread) -> None:
        if not self.unwinding:
            self.touch(self.numbers[thread], RELEASE)
        super()._close(thread)

    def _is_held_up(self) -> bool:
        return True  # Who is next is never decided by who was ready first.

    def _next(self) -> VirtualThread:
        if self.failure is None:
            chosen, self._chosen = self._chosen, None
            if chosen is not None:
                return chosen
            chosen = self._next_of(None)  # A thread has ended.
            if chosen is not None:
                return chosen
        return super()._next()

    # Its own.

    def finish(self) -> None:
        """Complete the record of the step that ends here."""
        taken = self.taken[-1]
        taken.footprint = self.touched
        if self.writing:
            for key in self.writing.get(self.running, ()):
                self.touched[key] = self.touched.get(key, 0) | WRITE
        if self.running.daemon:
            self.touched[EXIT] = READ
        self.touched = {}
        self.moment += 1
        self.steps += 1
        if self.steps > self.max_steps:
            raise self._step_limit()

    def _next_of(self, stopped: VirtualThread | None) -> VirtualThread | None:
        """Return who goes on after a step; nobody when the schedule ends in a failure here."""
        self._deciding = True
        try:
            self.finish()
            if self.interruption is not None:
                raise Cut("somebody pressed Ctrl-C")
            return self._decide(stopped)
        except SimulationError as failure:
            self.failure = failure
            # Now: as main is told, it frees its locks
            # (test_a_written_program_keeps_every_outcome[lock_order_with_main]).
            self.note_blocked()
            return None
        finally:
            self._deciding = False

    def _decide(self, stopped: VirtualThread | None) -> VirtualThread:
        """Return who goes on; time and what else is no thread have their turn on the way."""
        while True:
            now = self.now
            able = {
                self.numbers[each]: each
                for each, op in self.pending.items()
                if op.blocked is None or op.is_enabled(now)
            }
            running = NOBODY
            numbers = list(able)
            if stopped is not None and not self.pending[stopped].gives_way:
                mine = self.numbers[stopped]
                if mine in able:
                    running = mine
                    if len(numbers) > 1:
                        numbers.remove(mine)
                        numbers.insert(0, mine)
            others: dict[int, Callable[[], None]] = {}
            if not able or self.early or self.spurious:
                others = self._others(able=bool(able))
                numbers.extend(others)
            enabled = tuple(numbers)
            who = self.chooser.choose(enabled, running, self.taken)
            self.taken.append(Step(who, enabled, running))
            if who not in others:
                chosen = able[who]
                del self.pending[chosen]
                return chosen
            others[who]()
            stopped = None

    def _others(self, *, able: bool) -> dict[int, Callable[[], None]]:
        """Return what may happen beside the threads, by its number.

        Raises:
            Deadlock: No thread can run, and no wait has a deadline or may end by itself.
        """
        others: dict[int, Callable[[], None]] = {}
        deadline = self.next_deadline()
        if deadline is not None and (self.early or not able):
            others[TIME] = self._let_time_pass
        elif not able:
            others[NOBODY] = self._deadlock
        for thread, op in self.pending.items() if self.spurious else ():
            number = self.numbers[thread]
            waits = op.condition is not None and not op.is_enabled(self.now)
            if waits and number not in self.woken_once:
                others[woken(number)] = partial(self._wake_up, op, number)
        if list(others) == [NOBODY]:
            self._deadlock()  # There is nothing to choose.
        return others

    def next_deadline(self) -> int | None:
        """Return the next instant at which a wait ends by itself; ``None`` when none will."""
        now = self.now
        return min(
            (op.deadline for op in self.pending.values() if op.deadline and op.deadline > now),
            default=None,
        )

    def _let_time_pass(self) -> None:
        self._to_next_deadline()
        self.taken[-1].footprint = {CLOCK if self.early else ALL: WRITE}
        self.moment += 1

    def _wake_up(self, op: SchedulePoint, number: int) -> None:
        op.spurious = True
        self.woken_once.add(number)
        op.condition._waiters.remove(op.on)  # No notification may be lost on it.
        # A Condition from before the exploration may stand on a real lock.
        lock = getattr(op.condition._lock, "key", op.key)
        self.taken[-1].footprint = {op.key: WRITE, lock: WRITE}
        self.moment += 1

    def _deadlock(self) -> None:
        for thread, op in self.pending.items():
            thread.waiting_for = f"waits to {op.operation}"
            site = wait_site(thread, thread.frame or sys._getframe())
            self.hang[thread] = wait_text(thread, thread.waiting_for, site)
        raise self.reports.deadlock(self)

    def _to_next_deadline(self) -> None:
        deadline = self.next_deadline()
        assert deadline is not None
        if deadline > self.max_elapsed:
            raise self.reports.time_limit(self)
        self.now = deadline


def _always() -> bool:
    return True
