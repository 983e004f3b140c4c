"""Ctrl-C inside a simulation: it reaches the main thread, as it does for real.

Python calls a signal's handler in whatever virtual thread happens to run. Raised there, a
``KeyboardInterrupt`` would end that thread and nothing else; raised inside the kernel, or while the
block is entered or left, it would leave that half done. So it is with what the handler of an alarm
raises, as that of pytest-timeout does: it is for whoever explores, and no failure of the program.
"""

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from types import FrameType
from typing import Any

from greenlet import getcurrent

from apscheduler_fakes.kernel import Kernel, active
from apscheduler_fakes.report import is_own
from apscheduler_fakes.whole import is_whole

_Handler = Callable[[int, FrameType | None], Any]


@contextmanager
def interruptible(last: Callable[[], Kernel], *, alarms: bool = False) -> Iterator[None]:
    """Let Ctrl-C reach the main thread of a simulation, where it waits.

    Unless the program handles it itself. What has come when the main thread waits no more is for
    the caller to raise: ``Kernel.interruption``.

    Args:
        last: Returns the kernel that is active, or was last.
        alarms: Whether what the handler of an alarm raises is for the caller, too, wherever it
            comes.
    """
    handlers: dict[int, _Handler] = {}
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        handlers[signal.SIGINT] = _ctrl_c(last)
    alarm: Any = getattr(signal, "SIGALRM", None)
    of_alarm: Any = alarms and alarm and signal.getsignal(alarm)
    if callable(of_alarm):
        handlers[alarm] = _alarm(last, of_alarm)
    before = [(number, handler, signal.getsignal(number)) for number, handler in handlers.items()]
    try:
        for number, handler in handlers.items():
            signal.signal(number, handler)
    except ValueError:  # Only the main OS thread may, and only it is interrupted.
        yield
        return
    try:
        yield
    finally:
        # Another thread that leaves the block may set no handler; outside these do what the ones
        # before them did.
        with suppress(ValueError):
            _put_back(before)


def _put_back(changes: list[tuple[int, _Handler, Any]]) -> None:
    if changes:
        number, handler, before = changes.pop()
        try:
            if signal.getsignal(number) is handler:
                signal.signal(number, before)
        finally:  # One that is itself again may raise at once.
            _put_back(changes)


def _ctrl_c(last: Callable[[], Kernel]) -> _Handler:
    def handle(number: int, frame: FrameType | None) -> None:
        kernel = last()
        if is_whole(frame):
            kernel.interruption = KeyboardInterrupt()
            return
        if kernel is not active():  # Between two schedules.
            signal.default_int_handler(number, frame)
        current = getcurrent()
        inside = frame is not None and is_own(frame)
        insists = kernel.interruption is not None
        if current is kernel.main.greenlet and (insists or not inside):
            kernel.interruption = None
            signal.default_int_handler(number, frame)
        kernel.interrupt(KeyboardInterrupt(), switch=current is not kernel.hub and not inside)

    return handle


def _alarm(last: Callable[[], Kernel], before: _Handler) -> _Handler:
    def handle(number: int, frame: FrameType | None) -> None:
        try:
            before(number, frame)
        except BaseException as error:
            kernel = last()
            if is_whole(frame):
                kernel.interruption = error
                return
            if kernel is not active():  # Between two schedules.
                raise
            inside = frame is not None and is_own(frame)
            kernel.interrupt(error, switch=getcurrent() is not kernel.hub and not inside)

    return handle
