"""Runs virtual threads one at a time and decides what "everything is blocked" means.

A virtual thread is a greenlet. It runs until it blocks, and then switches to the next ready one,
first come, first served. The hub, a greenlet of its own, begins threads, and switches when one has
ended. When none is ready, time jumps to the earliest deadline, and every thread whose deadline lies
in the same microsecond becomes ready, in the order in which they began to wait. When there is no
deadline either, ``Deadlock`` is raised in the main thread. At the end ``ThreadExit`` is thrown into
every thread that is left.

The kernel knows no lock, module or thread of the standard library. Instants and lengths of time in
this module are whole nanoseconds since the simulation began.
"""

import sys
import threading
from _thread import get_ident
from collections import deque
from collections.abc import Callable
from itertools import count
from random import Random

from greenlet import GreenletExit, getcurrent, greenlet

from threadsim.runtime.durations import first_due, microseconds, nanoseconds
from threadsim.runtime.errors import NotModelled, SimulationError
from threadsim.runtime.hooks import Reports, SchedulePoints
from threadsim.runtime.virtual_thread import TraceRow, VirtualThread, Waitable

_TIMEOUT_MAX = threading.TIMEOUT_MAX

# Code may catch a report or its end so often, and goes on for ever then. After a failure the main
# thread's waits give up so often, so that its ``finally`` clauses run, before they raise it again.
MAX_CAUGHT = 100

# After so many free locks and looks without a wait, a thread lets the others go first.
MAX_TURN = 1_000


class ThreadExit(GreenletExit):
    """Thrown into the threads that are left when a simulation ends."""


_active: "Kernel | None" = None
_active_ident = 0  # The OS thread of its program; no thread has 0.


def active() -> "Kernel | None":
    """Return the kernel of the running simulation, whichever OS thread asks."""
    return _active


def here() -> "Kernel | None":
    """Return the kernel of the running simulation if the calling code is inside it."""
    return _active if _active_ident == get_ident() else None


def activate(kernel: "Kernel | None") -> None:
    """Make a kernel the one of the running simulation; ``None`` leaves none."""
    global _active, _active_ident  # noqa: PLW0603  # One simulation at a time; every fake asks.
    _active = kernel
    _active_ident = 0 if kernel is None else kernel.os_ident


class Kernel:
    """The threads and the time of one simulation.

    Args:
        epoch: The date at which it begins, in nanoseconds since 1970.
        random: What ids are drawn from.
        max_elapsed: Largest elapsed virtual time, in nanoseconds.
        max_steps: Largest number of steps: switches, and the length of turns of ``MAX_TURN``.
        reports: Makes its errors.
        points: The schedule points of an exploration.

    Attributes:
        points: The same, for code of the program. ``None`` in a simulation, and while a schedule
            fails, ends, or chooses the next thread: no code can wait then.
        crashed_threads: The last threads that an exception has ended, a line of text each.
        remarks: What every report has to say besides, a line of text each.
        ready: The threads that can run and wait for their turn, first come first.
        deadlines: The instants at which waits end by themselves, in the order of their beginnings.
        ending: Whether the simulation ends.
        explores: Whether it is a schedule of an exploration.
    """

    def __init__(
        self,
        *,
        epoch: int,
        random: Random,
        max_elapsed: int,
        max_steps: int,
        reports: Reports,
        points: SchedulePoints | None = None,
    ) -> None:
        self.os_ident = get_ident()
        self.epoch = epoch
        self.random = random
        self.now = 0
        self.steps = 0
        self.turn_length = 0  # Locks that were taken, and looks, since the last switch.
        self.max_turn = min(max_steps, MAX_TURN)
        self.max_elapsed = max_elapsed
        self.max_steps = max_steps
        self.failure: SimulationError | None = None
        self.refused: SimulationError | None = None
        self.interruption: BaseException | None = None
        self.trace: list[TraceRow] = []
        self.abandoned: list[VirtualThread] = []
        self.crashed_threads: deque[str] = deque(maxlen=5)
        self.remarks: list[str] = []
        self.reports = reports
        self.ready: deque[VirtualThread] = deque()
        self.deadlines: dict[VirtualThread, int] = {}
        self._numbers = count(1)
        self._give_ups = 0
        self._caught = 0
        self._thrown: BaseException | None = None
        self.ending = False
        # Whether a wait must first look for an end, a failure or an interruption.
        self._must_check = self.explores = points is not None
        self.main = VirtualThread(0, self.os_ident, threading.current_thread().name, daemon=False)
        self.main.greenlet = getcurrent()
        self.main.resume = self.main.greenlet.switch
        self.running = self.main
        self.threads: dict[int, VirtualThread] = {self.main.ident: self.main}
        self.hub = greenlet(self._run_hub)
        self.points = points
        if points is not None:
            points.begin(self)

    # What virtual threads call.

    @property
    def unwinding(self) -> bool:
        """Whether only ``finally`` clauses run: after a failure, and while the simulation ends."""
        return self.ending or self.failure is not None

    def deadline(self, timeout: float) -> int | None:
        """Return when a wait that begins now ends.

        Args:
            timeout: Seconds, not negative; ``TIMEOUT_MAX`` or longer is no deadline.
        """
        if timeout >= _TIMEOUT_MAX:
            return None
        if self.points is not None:
            self.points.before_wait(timeout)
        return self.now + nanoseconds(timeout)

    def spawn(self, run: Callable[[], object], name: str, *, daemon: bool) -> VirtualThread:
        """Make a virtual thread that will call ``run``, which must not raise. It is ready now.

        Raises:
            RuntimeError: The simulation is ending.
        """
        if self.ending:
            raise RuntimeError("can't start new thread: the simulation is ending")
        number = next(self._numbers)
        thread = VirtualThread(number, number, name, daemon=daemon)
        thread.greenlet = greenlet(lambda: self._run(thread, run), parent=self.hub)
        thread.resume = self.hub.switch
        self.threads[thread.ident] = thread
        if self.points is None:
            self.ready.append(thread)
        else:
            self.points.spawned(thread)
        return thread

    def wait(
        self, on: Waitable, waiting_for: str, blocked: Callable[[], bool], timeout: float | None
    ) -> bool:
        """Let the running thread wait for an object; return whether the wait is over.

        Args:
            on: The object.
            waiting_for: The wait in words ("waits for a Lock").
            blocked: Whether the thread has to wait.
            timeout: Longest wait in seconds; ``None`` waits without limit.
        """
        if timeout == 0:
            self.count_look()
            return False
        deadline = None if timeout is None else self.deadline(timeout)
        while (thread := self._begin_wait(waiting_for)) is not None:
            thread.waiting_on = on
            if deadline is not None:
                self.deadlines[thread] = deadline
            on.waiters.append(thread)
            # A finalizer, which may run at any line, may have ended the wait before it began.
            if not blocked() and thread in on.waiters:
                self.wake(thread)
            self.switch(thread)
            if not blocked():
                return True
            if deadline is not None and self.now >= deadline:
                return False
        return False

    def wake(self, thread: VirtualThread) -> None:
        """End a thread's wait and make it ready."""
        self.deadlines.pop(thread, None)
        if thread.waiting_on is not None and thread in thread.waiting_on.waiters:
            thread.waiting_on.waiters.remove(thread)
        self.ready.append(thread)

    def sleep(self, waiting_for: str, deadline: int | None) -> None:
        """Let the running thread wait until an instant, and with ``None`` for ever."""
        if self.points is not None:
            self.points.sleep(deadline)
        elif (thread := self._begin_wait(waiting_for)) is not None:
            if deadline is not None:
                self.deadlines[thread] = deadline
            self.switch(thread)

    def pause(self) -> None:
        """Let every thread that is ready now run before the running one goes on."""
        if self.points is not None:
            self.points.pause()
        elif (thread := self._begin_wait("lets the others go first")) is not None:
            self.ready.append(thread)
            self.switch(thread)

    def settle(self) -> None:
        """Let everything that can run at this instant run; time does not move."""
        self.sleep("waits for the others to settle", self.now)

    def count_look(self) -> None:
        """Count a look at what other threads change."""
        self.turn_length += 1
        if self.turn_length > self.max_turn:
            self.end_turn()

    def end_turn(self) -> None:
        """Let others go first after a long turn, and end a loop that lets no time pass."""
        length, self.turn_length = self.turn_length, 0
        if self.interruption is not None and not self.ending:
            self._interrupt_here()
        self.steps += length
        if self.steps > self.max_steps:
            self.steps = 0  # A ``finally`` clause may be as busy as the loop that has failed.
            self.raise_if_ending()
            if self.failure is not None:
                raise self._once_more(self.failure)
            self.fail(self.reports.step_limit(self), "is still running")
        can_wait = getcurrent() is self.running.greenlet and not self.running.waiting_for
        if can_wait and self.ready and self.points is None:
            self.pause()

    def read_clock(self) -> None:
        """Count a look at the clock."""
        self.count_look()
        if self.points is not None:
            self.points.read_clock()

    def raise_if_ending(self) -> None:
        """Throw ``ThreadExit`` into the running thread again if the simulation is ending."""
        if self.ending:
            self.running.throws += 1
            if self.running.throws > MAX_CAUGHT:
                self.main.greenlet.switch()
            raise ThreadExit

    def interrupt(self, error: BaseException, *, at_once: bool) -> None:
        """Raise the error of a signal's handler where the main thread waits, looks or locks next.

        Args:
            error: What to raise.
            at_once: Whether the running code can be stopped here.
        """
        self.interruption = error
        self._must_check = True
        self.turn_length = self.max_turn  # The next look or lock ends the turn.
        if at_once:
            self._interrupt_here()

    def fail(self, failure: SimulationError, doing: str) -> None:
        """Raise a failure in the main thread; the running one, if another, stays where it is.

        Args:
            failure: What to raise.
            doing: What the running thread does just now, in words ("is still running").
        """
        self.set_failure(failure)
        if self.running is self.main:
            self.trace.append((self.now, self.main, doing, None))
            raise failure
        self.raise_if_ending()  # The main thread has the others to end.
        self.running.waiting_for = doing
        self.switch(self.running)

    def set_failure(self, failure: SimulationError) -> None:
        """Let the main thread meet a failure at its next wait."""
        self.failure, self.points, self._must_check = failure, None, True

    # What schedule points call.

    def switch(self, thread: VirtualThread, chosen: VirtualThread | None = None) -> None:
        """Let another thread run until it is the running one's turn again.

        Args:
            thread: The running one, with all that is known of its wait.
            chosen: The next one; ``None`` for the first that is ready.
        """
        site = None
        if thread.waiting_on is not None:
            # From the primitive's caller on. No variable: a frame that has itself is garbage.
            site = self.reports.wait_site(thread, sys._getframe().f_back.f_back.f_back)  # type: ignore[union-attr]
        self.trace.append((self.now, thread, thread.waiting_for, site))
        if chosen is None:
            quiet = self.ready and not self._must_check and self.steps <= self.max_steps
            chosen = self.ready.popleft() if quiet else self._next()
        self.turn_length = 0
        self.running = chosen
        chosen.waiting_for = ""
        chosen.waiting_on = None
        self.steps += 1  # Before the switch: a thread that begins does not come back here.
        if chosen is not thread:
            try:
                chosen.resume()
            finally:
                _resumed()
        if self._thrown is not None:
            # Not thrown by another greenlet: what the thread handles would not be its context.
            error, self._thrown = self._thrown, None
            raise error

    def cannot_wait(self) -> BaseException:
        """Refuse code that waits and is no virtual thread."""
        self.refused = NotModelled(
            f"a finalizer or a greenlet of the program's own waits in thread {self.running.name!r}."
            " It is no thread of the simulation. Let it not wait, or use threads."
        )
        return self.refused

    # How a simulation ends.

    def begin_end(self) -> None:
        """Let every wait of the other threads end them from now on."""
        self.ending, self.points, self._must_check = True, None, True

    def end(self) -> None:
        """End every thread but the main one, running its ``finally`` clauses and nothing else."""
        self.begin_end()
        for thread in list(self.threads.values()):
            if thread is not self.main:
                self._end(thread)
        self.hub.throw()
        _resumed()
        for each in (self.threads, self.ready, self.deadlines):
            each.clear()

    def abandon(self) -> None:
        """Forget every thread: only the OS thread that began a simulation can end them."""
        self.begin_end()
        for thread in list(self.threads.values()):
            if thread is not self.main:
                self.wake(thread)
                _never_ending.append(thread.greenlet)
                self._close(thread)

    # The kernel's own.

    def _gives_up(self) -> bool:
        """Return whether a wait ends at once, as all do after a failure."""
        self.raise_if_ending()
        if self.failure is None and self.explores:  # It chooses the next thread.
            raise self.cannot_wait()
        if self.failure is None or self.interruption is not None:
            return False
        self._give_ups += 1
        if self._give_ups > MAX_CAUGHT:
            raise self._once_more(self.failure)
        return True

    def _interrupt_here(self) -> None:
        """Let the main thread raise the interruption. In an exploration the schedule ends."""
        if getcurrent() is self.running.greenlet:
            self.pause()

    def _run_hub(self, _: object = None) -> None:
        """Begin threads, and switch to the next one whenever one has ended.

        A greenlet begins as deep in the stack as the one that begins it. If threads began each
        other, many of them would go too deep (test_many_threads_can_wait).
        """
        while True:
            thread = self.running
            if thread.done:
                self.switch(thread)  # It comes back at once for a thread to begin.
            else:
                thread.resume = thread.greenlet.switch
                thread.resume()
                _resumed()

    def _next(self) -> VirtualThread:
        """Return the thread whose turn is next. Time moves if no thread is ready."""
        if self.points is not None and (chosen := self.points.next_thread()) is not None:
            return chosen
        if self.interruption is not None and not self.explores:
            error, self.interruption = self.interruption, None
            self._must_check = self.unwinding
            return self._main_with(error)
        while self.failure is None:
            if self.steps > self.max_steps:
                self.steps = 0
                self.set_failure(self.reports.step_limit(self))
            elif self.ready:
                return self.ready.popleft()
            else:
                self._jump()
        return self._main_with(self.failure)

    def _main_with(self, error: BaseException) -> VirtualThread:
        """End the main thread's wait, and let it raise an error when it has its turn."""
        self.wake(self.main)
        while self.main in self.ready:  # It may have been ready.
            self.ready.remove(self.main)
        self._thrown = error
        return self.main

    def _jump(self) -> None:
        """Move time to the earliest deadline and make its threads ready."""
        due = first_due(self.deadlines)
        instant = max(due.values(), default=0)
        if not due:
            self.set_failure(self.reports.deadlock(self))
        elif microseconds(instant) > microseconds(self.max_elapsed):
            self.set_failure(self.reports.time_limit(self))
        else:
            self.now = max(self.now, instant)
            for thread in due:
                self.wake(thread)

    def _begin_wait(self, waiting_for: str) -> VirtualThread | None:
        """Return the running thread, which is going to wait; ``None`` after a failure."""
        thread = self.running
        if self._must_check and self._gives_up():
            return None
        if thread.waiting_for or getcurrent() is not thread.greenlet:
            raise self.cannot_wait()
        thread.waiting_for = waiting_for
        thread.since = self.now
        return thread

    def _run(self, thread: VirtualThread, run: Callable[[], object]) -> None:
        try:
            run()
            if self.points is not None:
                self.points.before_end()
        finally:
            self._close(thread)

    def _close(self, thread: VirtualThread) -> None:
        if thread.done:  # It was abandoned.
            return
        if self.points is not None:
            self.points.ended(thread)
        thread.close()
        del self.threads[thread.ident]
        if not self.ending:
            for each in thread.waiters[:]:
                self.wake(each)

    def _end(self, thread: VirtualThread) -> None:
        self.running = thread
        self.wake(thread)  # Locks outlive a simulation.
        self.steps = self.turn_length = 0
        thread.greenlet.parent = getcurrent()
        thread.greenlet.throw(ThreadExit)
        _resumed()
        if thread.greenlet:
            self.abandoned.append(thread)
            _never_ending.append(thread.greenlet)
        self._close(thread)
        thread.waiting_for = "ended with an earlier block"  # For reports of later ones.
        self.running = self.main

    def _once_more(self, failure: SimulationError) -> SimulationError:
        """Return a failure that the program has caught already, to be raised again."""
        self._caught += 1
        if self._caught == MAX_CAUGHT and sys.stderr is not None:
            sys.stderr.write(self.reports.caught_again(failure, MAX_CAUGHT))
        return failure


# Greenlets that nothing ends. Without a reference, Python 3.15's collector
# would find them, and greenlet would throw its own end into them, for ever.
_never_ending: list[object] = []


def _resumed() -> None:
    """Let a trace function take over after a switch, with the first call that it sees.

    Until then coverage would miss the ends of the calls that it does not measure.
    """
