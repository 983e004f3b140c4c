"""The stall limit: something waits, or works, in real time, and no virtual thread gets a turn.

A real lock that is held, a socket, a loop that touches nothing virtual: all virtual threads are one
OS thread, so what stops one stops all. So does a loop that waits for something real and looks at
the virtual clock in between. A real thread looks whether anything goes on; when nothing does, it
sends the simulation's OS thread a signal, whose handler raises ``StallLimit``. (A signal gets a
thread out of a real wait; ``interrupt_main`` and an asynchronous exception do not.)

Python calls signal handlers in the process's main thread only. A simulation in another is sent an
asynchronous exception: that ends a busy loop at once, and a real wait when it is over. Until then
the report stands on the standard error, and so does that of a wait that no signal ends, as
``os.system``.
"""

import _thread
import ctypes
import signal
import sys
import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from types import FrameType
from typing import Any, NamedTuple

from threadsim.reporting.thread_table import thread_table
from threadsim.runtime.errors import SimulationError, StallLimit
from threadsim.runtime.kernel import Kernel, active
from threadsim.runtime.own_code import critical

# Urgent data on a socket: nobody asks for it, and by default it does nothing.
SIGNAL: Any = getattr(signal, "SIGURG", None)

_allocate_lock = _thread.allocate_lock
_get_ident = _thread.get_ident
_start_new_thread = _thread.start_new_thread
_process_time = time.process_time
_set_handler = signal.signal

# A loop that looks so often that max_steps ends it after this many stall limits is left to it.
_SOON = 10


@contextmanager
def watched(stall_timeout: float | None, more_time: str) -> Iterator[None]:
    """Raise ``StallLimit`` in a simulation in which nothing goes on.

    Args:
        stall_timeout: After how many real seconds without a switch, at most twice as many;
            ``None`` for never.
        more_time: What to do for a program that needs longer.
    """
    if stall_timeout is None:
        yield
        return
    in_main = threading.main_thread().ident == _get_ident()
    kind = _BySignal if in_main and SIGNAL is not None else _ByException
    watch = kind(stall_timeout, more_time)
    _start_new_thread(watch.watch_in_a_bare_thread, ())
    try:
        yield
    finally:
        watch.stop.release()
        watch.stopped.acquire()
        watch.end()


class _Place(NamedTuple):
    """How far the running simulation is; an exploration is one after the other."""

    kernel: Kernel | None = None
    now: int = 0
    switches: int = 0
    looks: int = 0

    def goes_on_in_a_bare_thread(self, before: "_Place") -> bool:
        """Tell whether anything has gone on since then."""
        if self.kernel is None or self[:3] != before[:3]:
            return True
        # Who looks may wait for something real in between, for as long as the virtual clock stands.
        return (self.looks - before.looks) * _SOON > self.kernel.max_steps


def _place_in_a_bare_thread() -> _Place:
    kernel = active()
    if kernel is None:
        return _Place()
    return _Place(kernel, kernel.now, kernel.steps - kernel.looks, kernel.looks)


class _Watch(ABC):
    """Looks whether anything goes on in the thread that makes it.

    Attributes:
        stalled: The simulation that stalls, until the signal has told it so.
    """

    stalled: Kernel | None = None

    def __init__(self, timeout: float, more_time: str) -> None:
        self.os_ident = _get_ident()
        self.stop, self.stopped = _allocate_lock(), _allocate_lock()
        self.stop.acquire()
        self.stopped.acquire()
        self._timeout = timeout
        self._more_time = more_time
        self._busy_since = _process_time()
        self._excused = False
        self._seen = _place_in_a_bare_thread()

    def end(self) -> None:  # noqa: B027  # Most have nothing to take back.
        """Take back what it has done."""

    @abstractmethod
    def tell_in_a_bare_thread(self, kernel: Kernel) -> None:
        """Let the simulation know that it stalls."""

    def watch_in_a_bare_thread(self) -> None:
        """Look again and again until it is stopped."""
        try:
            while not self.stop.acquire(timeout=self._timeout):
                self.look_in_a_bare_thread()
        finally:  # Whoever leaves the block waits for it.
            self.stopped.release()

    def look_in_a_bare_thread(self) -> None:
        """Let the simulation know that it stalls if nothing has gone on since the last look."""
        seen, place = self._seen, _place_in_a_bare_thread()
        # Between two schedules nothing runs: that is no stall, however often it is seen.
        if seen.kernel is not None and not place.goes_on_in_a_bare_thread(seen):
            self.tell_in_a_bare_thread(seen.kernel)
        else:
            self._seen, self._busy_since = place, _process_time()
            self._excused = False

    def is_excused(self, frame: FrameType | None) -> bool:
        """Tell whether there is a reason why nothing goes on.

        The block is being left, pytest is at work, or somebody stands at a breakpoint and thinks.
        From when that is over the time begins anew.
        """
        before = self._excused
        self._excused = critical.is_running(frame) or _in_debugger(frame) or _in_a_report(frame)
        return before or self._excused

    def stall(self, kernel: Kernel) -> tuple[StallLimit, str]:
        """Return what to raise, and what the running thread does."""
        # A tenth: a loop has no more on a busy machine, and who waits has next to nothing.
        busy = _process_time() - self._busy_since > self._timeout / 10
        doing = "is busy without a virtual wait" if busy else "waits for something real"
        error = StallLimit(
            f"no switch for {self._timeout:g} s of real time: {kernel.running.name} {doing}. "
            "A socket, a loop or a real lock are the usual reasons; a lock is real if it was "
            "made before the simulation, or by what has kept threading.Lock since then, as "
            "field(default_factory=threading.Lock) does. Make all that inside the block"
            f"{self._more_time}.\n{thread_table(kernel, doing)}"
        )
        return error, doing


class _BySignal(_Watch):
    """In the process's main thread."""

    def __init__(self, timeout: float, more_time: str) -> None:
        super().__init__(timeout, more_time)
        self._reported: Kernel | None = None
        self._before = _set_handler(SIGNAL, self._handle)

    def end(self) -> None:
        with suppress(ValueError):  # Another thread leaves the block, and may set no handler.
            _set_handler(SIGNAL, self._before)

    def tell_in_a_bare_thread(self, kernel: Kernel) -> None:
        if self.stalled is kernel and self._reported is not kernel:
            # Python calls no handler in what begins anew after each signal.
            frame = sys._current_frames().get(self.os_ident)
            if not self.is_excused(frame):
                self._reported = kernel
                _report_in_a_bare_thread(kernel, self.stall(kernel)[0])
        self.stalled = kernel
        signal.pthread_kill(self.os_ident, SIGNAL)

    def _handle(self, _number: int, frame: FrameType | None) -> None:
        kernel, self.stalled = self.stalled, None
        if kernel is None or kernel is not active() or self.is_excused(frame):
            return
        error, doing = self.stall(kernel)
        kernel.fail(kernel.failure or error, doing)


class _ByException(_Watch):
    """In another thread, or on a system without such a signal."""

    def tell_in_a_bare_thread(self, kernel: Kernel) -> None:
        frame = sys._current_frames().get(self.os_ident)
        if kernel.failure is None and not self.is_excused(frame):
            kernel.failure, doing = self.stall(kernel)
            kernel.note(doing)
            # It is never taken back: Python 3.11 would look for it for ever, at every line that is
            # traced (test_functions_can_be_traced_after_a_simulation_in_another_thread).
            ctypes.pythonapi.PyThreadState_SetAsyncExc(
                ctypes.c_ulong(self.os_ident), ctypes.py_object(StallLimit)
            )
            _report_in_a_bare_thread(kernel, kernel.failure)


def _report_in_a_bare_thread(kernel: Kernel, error: SimulationError) -> None:
    refused = kernel.refused
    # It may be None, closed, or a program's own, which is refused a lock of the block here.
    with suppress(BaseException):
        sys.stderr.write(f"StallLimit: {error}\n")
    kernel.refused = refused


def _in_debugger(frame: FrameType | None) -> bool:
    while frame is not None:
        if frame.f_globals.get("__name__") in {"bdb", "pdb"}:
            return True
        frame = frame.f_back
    return False


def _in_a_report(frame: FrameType | None) -> bool:
    """Tell whether pytest is between two parts of a test, where an error would end its run."""
    while frame is not None:
        if frame.f_globals.get("__name__") == "_pytest.runner":
            if frame.f_code.co_name == "from_call":
                return False
            if frame.f_code.co_name == "call_and_report":
                return True
        frame = frame.f_back
    return False
