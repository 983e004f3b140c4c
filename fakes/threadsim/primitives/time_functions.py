"""The virtual functions of the ``time`` module.

All of them show the kernel's nanoseconds. ``monotonic`` and ``perf_counter`` begin at a million
seconds: programs that begin with ``last = 0`` then find that their interval is over, and floats of
that size still tell nanoseconds apart. The clocks of CPU time (``process_time``, ``thread_time``)
stay real.

Outside a simulation, and in a real thread beside one, each is the real function.
"""

import time as real
from collections.abc import Callable
from typing import Any, TypeVar

from threadsim.primitives.builtin_like import builtin_like
from threadsim.primitives.primitive import check_timeout
from threadsim.runtime.kernel import Kernel, here

# What the monotonic clocks show when a simulation begins, in nanoseconds.
MONOTONIC_START = 1_000_000 * 1_000_000_000

_R = TypeVar("_R")

_sleep = real.sleep


@builtin_like(_sleep)
def sleep(_: object, seconds: float, /) -> None:
    """Let virtual time pass, rounded up to a nanosecond. See ``time.sleep``."""
    kernel = here()
    if kernel is None:
        _sleep(seconds)
        return
    if seconds == 0:
        kernel.pause()
        return
    length = check_timeout(seconds)
    if length < 0:
        raise ValueError("sleep length must be non-negative")
    kernel.sleep("sleeps", kernel.deadline(length))


def instant(kernel: Kernel) -> int:
    """Look at the clock: return the nanoseconds since 1970."""
    kernel.read_clock()
    return kernel.epoch + kernel.now


def _steady(kernel: Kernel) -> int:
    kernel.read_clock()
    return MONOTONIC_START + kernel.now


def _pair(
    name: str, read: Callable[[Kernel], int]
) -> tuple[Callable[[], float], Callable[[], int]]:
    """Return the virtual versions of ``time.NAME`` and ``time.NAME_ns``.

    Args:
        name: The name of the first.
        read: Returns the clock's nanoseconds.
    """

    def virtual(real_function: Callable[[], _R], shown: Callable[[int], _R]) -> Callable[[], _R]:
        @builtin_like(real_function)
        def function(_: object) -> _R:
            kernel = here()
            return real_function() if kernel is None else shown(read(kernel))

        return function

    seconds, nanoseconds = getattr(real, name), getattr(real, f"{name}_ns")
    return virtual(seconds, lambda reading: reading / 1_000_000_000), virtual(nanoseconds, int)


time, time_ns = _pair("time", instant)
monotonic, monotonic_ns = _pair("monotonic", _steady)
perf_counter, perf_counter_ns = _pair("perf_counter", _steady)


def _with_default(real_function: Callable[..., Any], now: Callable[[], Any], place: int = 0) -> Any:
    """Give a function the virtual time as the default of its argument at a place."""

    @builtin_like(real_function)
    def function(_: object, *args: Any) -> Any:
        lacks = args[place : place + 1] in ((), (None,))
        return real_function(*args[:place], now()) if lacks else real_function(*args)

    return function


localtime, gmtime = _with_default(real.localtime, time), _with_default(real.gmtime, time)
ctime, asctime = _with_default(real.ctime, time), _with_default(real.asctime, localtime)
strftime = _with_default(real.strftime, localtime, 1)


_VIRTUAL = (
    *(sleep, time, time_ns, monotonic, monotonic_ns, perf_counter, perf_counter_ns),
    *(localtime, gmtime, strftime, asctime, ctime),
)
# Each real function with its virtual version.
REPLACEMENTS: list[tuple[Any, Any]] = [(getattr(real, type(f).__name__), f) for f in _VIRTUAL]
