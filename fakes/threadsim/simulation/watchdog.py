"""The stall limit: ends a block in which no virtual thread has had a turn for some real time.

All virtual threads are one OS thread. A real lock, a socket, or a loop that touches nothing virtual
stops all of them. One real thread per process looks at the running block ten times a second. If
nothing happens for too long, it sends a signal to the main thread, and the signal's handler raises
``StallLimit``.

Python calls signal handlers only in the process's main thread, and Windows has no signal that ends
a wait. A block in another thread, or on Windows, has no stall limit.
"""

import _thread
import os
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from types import FrameType
from typing import Any

from threadsim.reporting.thread_table import thread_table
from threadsim.runtime.errors import SimulationError, StallLimit
from threadsim.runtime.kernel import Kernel, active
from threadsim.runtime.own_code import critical

# Urgent data on a socket: by default it does nothing.
SIGNAL: Any = getattr(signal, "SIGURG", None)

# Real seconds between two looks, and of a wait that an error may be due to.
PAUSE, _LONG = 0.1, 1.0

# Kept here: in a block the names mean the virtual ones.
_sleep = time.sleep
_start_new_thread = _thread.start_new_thread
_kill: Any = getattr(signal, "pthread_kill", None)  # Windows has none.

_DEBUGGERS = {"bdb", "pdb"}
# The functions of pytest that make a test's report, while the block of its fixture is open.
_REPORTING = {"call_and_report", "pytest_runtest_makereport"}
_DOING = "waits for something real, or is busy without a virtual wait"

# Where a block is: its kernel, the virtual time, and the switches. Looks at a clock do not count.
_Place = tuple[Kernel, int, int]


class Watch:
    """Tells a block that it stalls.

    Args:
        timeout: Real seconds without a switch.

    Attributes:
        looks: How many looks in a row that find no switch are a stall.
        stalled: Where the block stalls, until the signal's handler has run.
        waited: The longest real wait during which virtual threads could have run, in looks, and
            the names of those threads.
    """

    def __init__(self, timeout: float) -> None:
        self.looks = timeout / PAUSE
        self.stalled: _Place | None = None
        self.waited: tuple[int, list[str]] = (0, [])
        self._seen: _Place | None = None
        self._count = 0

    def look(self) -> None:
        """Tell the block that it stalls, if nothing has happened for too many looks."""
        place = _place()
        self._count = self._count + 1 if place == self._seen else 0
        self._seen = place
        if place is not None and self._count > self.waited[0]:
            with suppress(RuntimeError):  # A thread has just become ready.
                ready = [thread.name for thread in place[0].ready]
                self.waited = (self._count, ready) if ready else self.waited
        if place is not None and self._count >= self.looks:
            self._count = 0
            self.stalled = place
            _kill(place[0].os_ident, SIGNAL)

    def handle(self, _number: int, frame: FrameType | None) -> None:
        """Raise ``StallLimit`` in the main thread: the handler of ``SIGNAL``."""
        place, self.stalled = self.stalled, None
        if place is None or place != _place() or _is_excused(frame):
            return
        kernel = place[0]
        error = StallLimit(
            f"no switch for {self.looks * PAUSE:g} s of real time: {kernel.running.name} {_DOING}. "
            "A socket, a loop or a real lock are the usual reasons. Ask a Flask app by its "
            "test_client(). A lock is real if it was made before the block, or by what has kept "
            "threading.Lock since then, as field(default_factory=threading.Lock) does: make it "
            "inside. A block that takes its time has Simulation(stall_timeout=None)."
            f"\n{thread_table(kernel, _DOING)}"
        )
        kernel.fail(kernel.failure or error, _DOING)


def _place() -> _Place | None:
    """Return where the running block is; an exploration has none between two schedules."""
    kernel = active()
    return None if kernel is None else (kernel, kernel.now, len(kernel.trace))


def _is_excused(frame: FrameType | None) -> bool:
    """Return whether a block begins or ends, a debugger waits for its user, or pytest reports."""
    while frame is not None:
        module = frame.f_globals.get("__name__")
        if frame.f_code in critical or module in _DEBUGGERS:
            return True
        if module == "_pytest.runner":
            return frame.f_code.co_name in _REPORTING
        frame = frame.f_back
    return False


def explain(error: BaseException) -> None:
    """Add a note to the error of a block in which threads had no turn during a long real wait."""
    for looks, names in [watch.waited for watch in current]:
        if looks * PAUSE > _LONG and not isinstance(error, SimulationError):
            error.add_note(
                f"Before it, nothing was switched for {looks * PAUSE:.1f} s of real time, although "
                f"{', '.join(names)} could run. A real wait, as for a socket, keeps all virtual "
                "threads. Call the app by its test client, or run the server outside the block."
            )


current: list[Watch] = []
"""The watch of the running block: one, or none."""

# Held while the real thread runs.
_running = _thread.allocate_lock()
_leaves: list[bool] = []  # Whether the thread ends.


def _look_in_a_bare_thread() -> None:
    """Look at the running block again and again, and wait for the next block."""
    while not _leaves:
        _sleep(PAUSE)
        for watch in current[:]:
            watch.look()
            del watch  # It has the kernel of a block that may end meanwhile.
    _running.release()


def end_before_fork() -> None:
    """End the thread between two blocks: a fork copies no thread, and Python warns of them."""
    if not current and _running.locked():
        _leaves.append(True)
        with _running:
            _leaves.clear()
            _sleep(0.01)  # The system may still count the thread.


with suppress(AttributeError):  # Windows has no fork.
    os.register_at_fork(before=end_before_fork)


@contextmanager
def watched(stall_timeout: float | None) -> Iterator[None]:
    """Raise ``StallLimit`` in a block in which nothing happens.

    Args:
        stall_timeout: After how many real seconds without a switch; ``None`` for never.
    """
    is_main = _thread.get_ident() == threading.main_thread().ident
    if stall_timeout is None or SIGNAL is None or not is_main:
        yield
        return
    watch = Watch(stall_timeout)
    before = signal.signal(SIGNAL, watch.handle)
    current.append(watch)
    if _running.acquire(blocking=False):
        _start_new_thread(_look_in_a_bare_thread, ())
    try:
        yield
    finally:
        current.remove(watch)
        with suppress(ValueError):  # Another thread leaves the block.
            signal.signal(SIGNAL, before)
