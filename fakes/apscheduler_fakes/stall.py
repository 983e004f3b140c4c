"""The stall limit: something waits, or works, in real time, and no virtual thread gets a turn.

A real lock that is held, a socket, a loop that touches nothing virtual: all virtual threads are one
OS thread, so what stops one stops all. A real thread looks whether anything goes on; when nothing
does, it sends the simulation's OS thread a signal, whose handler raises ``StallLimit``. (A signal
gets a thread out of a real wait; ``interrupt_main`` and asynchronous exceptions do not.)
"""

import _thread
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from types import FrameType

from apscheduler_fakes.errors import StallLimit
from apscheduler_fakes.kernel import Kernel, active
from apscheduler_fakes.report import thread_table

# Urgent data on a socket: nobody asks for it, and by default it does nothing.
SIGNAL = getattr(signal, "SIGURG", None)

_allocate_lock = _thread.allocate_lock
_get_ident = _thread.get_ident
_start_new_thread = _thread.start_new_thread
_process_time = time.process_time


@contextmanager
def watched(stall_timeout: float | None, more_time: str) -> Iterator[None]:
    """Raise ``StallLimit`` in a simulation in which nothing goes on.

    Args:
        stall_timeout: After how many real seconds without a step, at most twice as many;
            ``None`` for never. Never, too, in a simulation that does not run in the process's main
            thread, where Python calls no signal handlers.
        more_time: What to do for a program that needs longer.
    """
    os_ident = _get_ident()
    main = threading.main_thread().ident == os_ident
    if stall_timeout is None or SIGNAL is None or not main:
        yield
        return
    busy_since = _process_time()
    stalled: Kernel | None = None

    def handle(_number: int, frame: FrameType | None) -> None:
        kernel = active()
        # Without threads, what is left to do is the simulation's own.
        if kernel is None or kernel is not stalled or not kernel.threads or _in_debugger(frame):
            return
        if kernel.failure is not None:
            raise kernel.failure
        busy = _process_time() - busy_since > stall_timeout / 2
        kernel.fail(
            StallLimit(
                f"no step for {stall_timeout:g} s of real time: {kernel.running.name} "
                + ("is busy without a virtual wait" if busy else "waits for something real")
                + ". A lock made before the simulation, a socket or a loop are the usual reasons. "
                f"Make it inside the block{more_time}.\n{thread_table(kernel)}"
            )
        )

    def watch_in_a_bare_thread() -> None:
        nonlocal busy_since, stalled
        seen = _place_in_a_bare_thread()
        while not stop.acquire(timeout=stall_timeout):
            # Between two schedules nothing runs: that is no stall, however often it is seen.
            if seen[0] is not None and _place_in_a_bare_thread() == seen:
                stalled = seen[0]
                signal.pthread_kill(os_ident, SIGNAL)
            else:
                seen, busy_since = _place_in_a_bare_thread(), _process_time()
        stopped.release()

    stop, stopped = _allocate_lock(), _allocate_lock()
    stop.acquire()
    stopped.acquire()
    before = signal.signal(SIGNAL, handle)
    _start_new_thread(watch_in_a_bare_thread, ())
    try:
        yield
    finally:
        stop.release()
        stopped.acquire()
        with suppress(ValueError):  # Another thread leaves the block, and may set no handler.
            signal.signal(SIGNAL, before)


def _place_in_a_bare_thread() -> tuple[Kernel | None, int]:
    """Return how far the running simulation is; an exploration is one after the other."""
    kernel = active()
    return kernel, 0 if kernel is None else kernel.steps


def _in_debugger(frame: FrameType | None) -> bool:
    """Tell whether somebody stands at a breakpoint and thinks."""
    while frame is not None:
        if frame.f_globals.get("__name__") in {"bdb", "pdb"}:
            return True
        frame = frame.f_back
    return False
