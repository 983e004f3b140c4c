"""Ctrl-C inside a simulation: it reaches the main thread, as it does for real.

Python calls a signal's handler in whatever virtual thread happens to run. Raised there, a
``KeyboardInterrupt`` would end that thread and nothing else; raised inside the kernel, it would
leave the kernel's work half done. So it is with what the handler of an alarm raises, as that of
pytest-timeout does: it is for whoever explores, and no failure of the program.
"""

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from types import FrameType
from typing import Any

from greenlet import getcurrent

from apscheduler_fakes.kernel import active
from apscheduler_fakes.report import is_own


@contextmanager
def interruptible() -> Iterator[None]:
    """Let Ctrl-C reach the main thread of the simulation that is active, where it waits.

    Unless the program handles it itself. What has come when the main thread waits no more is for
    the caller to raise: ``Kernel.interruption``.
    """
    if signal.getsignal(signal.SIGINT) is not signal.default_int_handler:
        yield
        return

    def handle(number: int, frame: FrameType | None) -> None:
        kernel = active()
        if kernel is None:  # Between two schedules.
            signal.default_int_handler(number, frame)
        current = getcurrent()
        inside = frame is not None and is_own(frame)
        insists = kernel.interruption is not None
        if current is kernel.main.greenlet and (insists or not inside):
            kernel.interruption = None
            signal.default_int_handler(number, frame)
        kernel.interrupt(KeyboardInterrupt(), switch=current is not kernel.hub and not inside)

    with _handled_by(signal.SIGINT, handle):
        yield


@contextmanager
def alarms_end_it() -> Iterator[None]:
    """Let what the handler of an alarm raises end an exploration, wherever it comes.

    It is for the caller to raise: ``Kernel.interruption``.
    """
    number: Any = getattr(signal, "SIGALRM", None)
    handler: Any = number and signal.getsignal(number)
    if not callable(handler):
        yield
        return

    def handle(number: int, frame: FrameType | None) -> None:
        try:
            handler(number, frame)
        except BaseException as error:
            kernel = active()
            if kernel is None:  # Between two schedules.
                raise
            inside = frame is not None and is_own(frame)
            kernel.interrupt(error, switch=getcurrent() is not kernel.hub and not inside)

    with _handled_by(number, handle):
        yield


@contextmanager
def _handled_by(number: int, handle: Callable[[int, FrameType | None], None]) -> Iterator[None]:
    before = signal.getsignal(number)
    try:
        signal.signal(number, handle)
    except ValueError:  # Only the main OS thread may, and only it is interrupted.
        yield
        return
    try:
        yield
    finally:
        if signal.getsignal(number) is handle:
            # Another thread that leaves the block may set no handler; outside this one does what
            # the one before it did.
            with suppress(ValueError):
                signal.signal(number, before)
