"""Ctrl-C and the alarm inside a simulation: what their handlers raise reaches the main thread.

Python calls a handler in the virtual thread that happens to run. An error raised there would end
that thread and nothing else. Raised in the kernel, or while the block is entered or left, it would
leave that half done. So the kernel keeps the error and raises it in the main thread.

In an exploration the error ends the exploration. The handler runs outside the schedule, with real
locks and real time. Handlers of other signals stay as they are.
"""

import _signal  # type: ignore[import-not-found]
import signal
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial, wraps
from traceback import walk_stack
from types import FrameType
from typing import Any

from threadsim.runtime.kernel import Kernel, activate, active, here
from threadsim.runtime.own_code import critical, is_own

_NUMBERS = [getattr(signal, name) for name in ("SIGINT", "SIGALRM") if hasattr(signal, name)]

_real = signal.signal
_get, _set = _signal.getsignal, _signal.signal


def _handle(handler: Any, last: Callable[[], Kernel], number: int, frame: FrameType | None) -> None:
    """Call a handler, and let its error reach the main thread."""
    kernel, before = last(), active()
    frames = [] if frame is None else [each for each, _ in walk_stack(frame)]
    in_own = any(map(is_own, frames[:1])) or any(each.f_code in critical for each in frames)
    try:
        if kernel.explores:
            # Its locks would be steps of a schedule (test_a_signal_anywhere_leaves_nothing).
            activate(None)
        try:
            handler(number, frame)
        finally:
            activate(before)
    except BaseException as error:
        if kernel is before:
            kernel.interrupt(error, at_once=not in_own)
        elif in_own:  # Between two schedules.
            kernel.interruption = error
        else:
            raise


def own_handler(handler: Any) -> Any:
    """Return the program's handler."""
    is_wrapped = isinstance(handler, partial) and handler.func is _handle
    return handler.args[0] if is_wrapped else handler


def _own_handlers() -> dict[int, Any]:
    return {number: own for number in _NUMBERS if callable(own := own_handler(_get(number)))}


@contextmanager
def interruptible(last: Callable[[], Kernel]) -> Iterator[None]:
    """Let errors of the handlers of Ctrl-C and the alarm reach the main thread.

    An error that the main thread has not met is ``Kernel.interruption``. The caller raises it.

    Args:
        last: Returns the kernel that is active, or was last.
    """
    try:
        _set_all({n: partial(_handle, own, last) for n, own in _own_handlers().items()})
        yield
    finally:
        _set_all(_own_handlers())


def _set_all(handlers: dict[int, Any]) -> None:
    """Set handlers in one call, so that none of them raises between two of them."""
    # Python calls handlers in the main OS thread only, and only there they can be set.
    with suppress(ValueError):
        deque(map(_set, handlers, handlers.values()), maxlen=0)


@wraps(_real)
def set_handler(signalnum: int, handler: Any) -> Any:
    """Set a handler. See ``signal.signal``.

    Raises:
        ValueError: A thread that is not the main one calls.
    """
    kernel = here()
    if kernel is not None and kernel.running is not kernel.main:
        raise ValueError("signal only works in main thread of the main interpreter")
    if kernel is not None and kernel.points is None and signalnum in _NUMBERS and callable(handler):
        handler = partial(_handle, handler, lambda: kernel)
    return own_handler(_real(signalnum, handler))
