"""The stall limit: ends a block in which no virtual thread has had a turn for some real time.

All virtual threads are one OS thread. A real lock, a socket, or a loop that touches nothing virtual
stops all of them. One real thread per process looks at the running block from time to time. If
nothing has happened since its last look, it sends a signal to the main thread, and the signal's
handler raises ``StallLimit``.

Python calls signal handlers only in the process's main thread. For a block in another thread, and
for a wait that no signal ends (``os.system``), the report is written to the standard error.
"""

import _thread
import os
import signal
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from types import FrameType
from typing import Any

from threadsim.reporting.thread_table import thread_table
from threadsim.runtime.errors import StallLimit
from threadsim.runtime.kernel import Kernel, active
from threadsim.runtime.own_code import critical

# Urgent data on a socket: by default it does nothing.
SIGNAL: Any = getattr(signal, "SIGURG", None)

# Kept here: in a block the names mean the virtual ones.
_allocate_lock = _thread.allocate_lock
_get_ident = _thread.get_ident
_process_time = time.process_time
_set_handler = signal.signal
_start_new_thread = _thread.start_new_thread

_DEBUGGERS = {"bdb", "pdb"}


class Watch:
    """Tells a block that it stalls.

    Args:
        timeout: Real seconds without a switch.
        remedy: What to do for a program that needs longer.

    Attributes:
        stalled: The kernel that stalls, until the signal's handler has run.
    """

    def __init__(self, timeout: float, remedy: str) -> None:
        self.timeout = timeout
        self.os_ident = _get_ident()
        self.by_signal = SIGNAL is not None and self.os_ident == threading.main_thread().ident
        self.stalled: Kernel | None = None
        self._remedy = remedy
        self._written: Kernel | None = None
        self._begin_anew(_place())

    def look(self) -> None:
        """Tell the block that it stalls, if nothing has happened since the last look."""
        place = _place()
        if place is None or place != self._seen:
            self._begin_anew(place)
        elif _is_excused(sys._current_frames().get(self.os_ident)):
            self._begin_anew(None)
        else:
            self._tell_in_a_bare_thread(place[0])

    def handle(self, _number: int, frame: FrameType | None) -> None:
        """Raise ``StallLimit`` in the main thread: the handler of ``SIGNAL``."""
        kernel, self.stalled = self.stalled, None
        if kernel is not None and kernel is active() and not _is_excused(frame):
            error, doing = self._stall(kernel)
            kernel.fail(kernel.failure or error, doing)

    def _begin_anew(self, place: "_Place | None") -> None:
        self._seen, self._busy_since = place, _process_time()

    def _tell_in_a_bare_thread(self, kernel: Kernel) -> None:
        if self._written is not kernel and (self.stalled is kernel or not self.by_signal):
            self._written = kernel
            refused = kernel.refused
            # It may be None, closed, or the program's own, which takes a lock of the block.
            with suppress(BaseException):
                sys.stderr.write(f"StallLimit: {self._stall(kernel)[0]}\n")
            kernel.refused = refused
        if self.by_signal:
            self.stalled = kernel
            signal.pthread_kill(self.os_ident, SIGNAL)

    def _stall(self, kernel: Kernel) -> tuple[StallLimit, str]:
        """Return the error, and what the running thread does."""
        # A busy loop on a busy machine has at least a tenth of a processor.
        busy = _process_time() - self._busy_since > self.timeout / 10
        doing = "is busy without a virtual wait" if busy else "waits for something real"
        error = StallLimit(
            f"no switch for {self.timeout:g} s of real time: {kernel.running.name} {doing}. "
            "A socket, a loop or a real lock are the usual reasons; a lock is real if it was "
            "made before the simulation, or by what has kept threading.Lock since then, as "
            "field(default_factory=threading.Lock) does. Make all that inside the block"
            f"{self._remedy}.\n{thread_table(kernel, doing)}"
        )
        return error, doing


# Where a block is: its kernel, the virtual time, and the switches. Looks at a clock do not count.
_Place = tuple[Kernel, int, int]


def _place() -> _Place | None:
    """Return where the running block is; an exploration has none between two schedules."""
    kernel = active()
    return None if kernel is None else (kernel, kernel.now, kernel.steps - kernel.looks)


def _is_excused(frame: FrameType | None) -> bool:
    """Return whether a block begins or ends, or a debugger waits for its user."""
    if critical.is_running(frame):
        return True
    while frame is not None:
        if frame.f_globals.get("__name__") in _DEBUGGERS:
            return True
        frame = frame.f_back
    return False


class _Watchdog:
    """The real thread that looks at the watch of the running block.

    Attributes:
        watch: That watch; ``None`` between two blocks.
    """

    def __init__(self) -> None:
        self.watch: Watch | None = None
        self._pause = 0.0  # How long the thread sleeps now; -1 until it is woken.
        self._wake = _allocate_lock()
        self._wake.acquire()
        self._runs = False
        self._ended = _allocate_lock()

    def begin(self, watch: Watch) -> None:
        """Look at a watch from now on."""
        self.watch = watch
        if not self._runs:
            self._runs = True
            self._ended = _allocate_lock()
            self._ended.acquire()
            _start_new_thread(self._run_in_a_bare_thread, ())
        elif self._pause < 0 or self._pause > watch.timeout:
            self._wake_up()

    def end_before_fork(self) -> None:
        """End the thread between two blocks: a fork copies no thread, and warns of them."""
        if self._runs and self.watch is None:
            self._runs = False
            self._wake_up()
            self._ended.acquire()
            time.sleep(0.01)  # The system may still count the thread, and Python warns of it.

    def _wake_up(self) -> None:
        with suppress(RuntimeError):  # It is awake already.
            self._wake.release()

    def _run_in_a_bare_thread(self) -> None:
        try:
            while self._runs:
                self._pause = -1  # First: a block that begins from here on wakes it.
                watch = self.watch
                if watch is None:
                    self._wake.acquire()
                    continue
                self._pause = watch.timeout
                if not self._wake.acquire(timeout=self._pause) and self.watch is watch:
                    watch.look()
        finally:
            self._runs = False
            self._ended.release()


_watchdog = _Watchdog()

with suppress(AttributeError):  # Windows has no fork.
    os.register_at_fork(before=_watchdog.end_before_fork)


def current_watch() -> Watch | None:
    """Return the watch of the running block."""
    return _watchdog.watch


@contextmanager
def watched(stall_timeout: float | None, remedy: str) -> Iterator[None]:
    """Raise ``StallLimit`` in a block in which nothing happens.

    Args:
        stall_timeout: After how many real seconds without a switch, at most twice as many;
            ``None`` for never.
        remedy: What to do for a program that needs longer.
    """
    if stall_timeout is None:
        yield
        return
    watch = Watch(stall_timeout, remedy)
    before = _set_handler(SIGNAL, watch.handle) if watch.by_signal else None
    _watchdog.begin(watch)
    try:
        yield
    finally:
        _watchdog.watch = None
        if watch.by_signal:
            with suppress(ValueError):  # Another thread leaves the block.
                _set_handler(SIGNAL, before)
