"""Signals inside a simulation: what their handlers raise reaches the main thread, as for real.

Python calls a signal's handler in whatever virtual thread happens to run. Raised there, Ctrl-C's
``KeyboardInterrupt``, the ``SystemExit`` of a handler of SIGTERM or what pytest-timeout's alarm
raises would end that thread and nothing else; raised inside the kernel, or while the block is
entered or left, it would leave that half done. So what comes there is kept until the main thread
waits, lets others go first, looks or takes a lock, or until another thread looks or takes one while
the main thread waits.

In an exploration, the handler of an alarm is no part of the program: it runs outside the schedule,
with real locks and real time, and what it raises is for whoever explores. A program's other
handlers are its own there.
"""

import _signal  # type: ignore[import-not-found]
import signal
import sys
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from functools import wraps
from types import FrameType
from typing import Any

from greenlet import getcurrent

from threadsim.runtime.kernel import Kernel, activate, active, here
from threadsim.runtime.own_code import critical, is_own, runs_program

# Kept: inside a simulation the first is swapped, and only these tell the numbers as they are.
_set = signal.signal
_get = signal.getsignal
_look, _put = _signal.getsignal, _signal.signal

_NUMBERS = sorted(signal.valid_signals())
_EXPLORED = {signal.SIGINT, getattr(signal, "SIGALRM", None)}

# Python runs their functions when something dies, and prints what is raised there.
_FINALIZING = {"_threading_local", "_weakrefset", "weakref"}


class _ToMain:
    """A signal's handler; what it raises is raised in the main thread of a simulation.

    Args:
        handler: What handles the signal.
        last: Returns the kernel that is active, or was last.
        for_caller: Whether it is of who runs the program: it runs outside the simulation, and what
            it raises is never raised inside.
    """

    def __init__(
        self, handler: Callable[..., Any], last: Callable[[], Kernel], *, for_caller: bool = False
    ) -> None:
        self.handler = handler
        self._last = last
        self._for_caller = for_caller

    def __call__(self, number: int, frame: FrameType | None) -> None:
        try:
            self._handle(number, frame)
        except BaseException as error:
            kernel = self._last()
            between = kernel is not active()  # Two schedules.
            if critical.is_running(frame) or (between and frame is not None and is_own(frame)):
                kernel.interruption = error
                return
            if between:
                raise
            current = getcurrent()
            inside = frame is not None and self._keeps(frame)
            insists = kernel.interruption is not None
            in_main = current is kernel.main.greenlet and not self._for_caller
            if in_main and (insists or not inside):
                kernel.forget_interruption()
                raise
            kernel.interrupt(error, switch=current is not kernel.hub and not inside)

    def _keeps(self, frame: FrameType) -> bool:
        """Tell whether what is raised where the signal comes is lost, or leaves something half."""
        if is_own(frame) or _module(frame) in _FINALIZING:
            return True
        # In a schedule pytest sets up what it has for all of them.
        outer = frame if self._for_caller else None
        while outer is not None and outer not in runs_program:
            package = _module(outer).partition(".")[0]
            if package in {"_pytest", "pluggy"}:
                return True
            if package not in sys.stdlib_module_names and not is_own(outer):
                return False
            outer = outer.f_back
        return False

    def _handle(self, number: int, frame: FrameType | None) -> None:
        before = active()
        if self._for_caller:
            # Its locks and looks would be steps of a schedule, and it may come between two of them
            # (test_a_signal_anywhere_leaves_nothing).
            activate(None)
        try:
            self.handler(number, frame)
        finally:
            activate(before)


@contextmanager
def interruptible(last: Callable[[], Kernel], *, explores: bool = False) -> Iterator[None]:
    """Let what signal handlers raise reach the main thread of a simulation, where it waits.

    What has come when the main thread waits no more is for the caller to raise:
    ``Kernel.interruption``.

    Args:
        last: Returns the kernel that is active, or was last.
        explores: Whether it is an exploration: Ctrl-C, unless the program handles it itself, and
            alarms. What the latter raise is for the caller, wherever they come.
    """
    handlers = {number: _own(_look(number)) for number in _NUMBERS}
    if explores:
        handlers = {
            number: handler
            for number, handler in handlers.items()
            if number in _EXPLORED
            and (number != signal.SIGINT or handler is signal.default_int_handler)
        }
    wrapped = {
        number: _ToMain(handler, last, for_caller=explores and number != signal.SIGINT)
        for number, handler in handlers.items()
        if callable(handler)
    }
    try:
        with suppress(ValueError):  # Only the main OS thread may, and only it is interrupted.
            _put_all(wrapped)
        yield
    finally:
        # Another thread that leaves the block may set no handler; outside these do what the ones
        # before them did.
        found = {number: _look(number) for number in _NUMBERS}
        own = {n: each.handler for n, each in found.items() if isinstance(each, _ToMain)}
        with suppress(ValueError):
            try:
                _put_all(own)
            finally:  # One that is itself again may raise at once.
                _put_all(own)


def _module(frame: FrameType) -> str:
    return str(frame.f_globals.get("__name__", ""))


def _put_all(handlers: Mapping[signal.Signals, Any]) -> None:
    """Set handlers with no step of Python between them, at which one of them could raise."""
    deque(map(_put, handlers, handlers.values()), maxlen=0)


def _own(handler: Any) -> Any:
    """Return the program's own handler."""
    return handler.handler if isinstance(handler, _ToMain) else handler


@wraps(_set)
def set_handler(signalnum: int, handler: Any) -> Any:
    """Set a handler; what it raises reaches the main thread. See ``signal.signal``.

    Raises:
        ValueError: A virtual thread that is not the main one calls, as for real.
    """
    kernel = here()
    if kernel is not None and kernel.running is not kernel.main:
        raise ValueError("signal only works in main thread of the main interpreter")
    if kernel is not None and kernel.points is None and callable(handler):
        handler = _ToMain(handler, lambda: kernel)
    return _own(_set(signalnum, handler))


@wraps(_get)
def get_handler(signalnum: int) -> Any:
    """Return the program's own handler. See ``signal.getsignal``."""
    return _own(_get(signalnum))
