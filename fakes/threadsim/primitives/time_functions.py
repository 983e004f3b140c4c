"""The virtual functions of the ``time`` module.

All of them show the kernel's nanoseconds. ``monotonic`` and ``perf_counter`` begin at a million
seconds: programs that begin with ``last = 0`` then find that their interval is over, and floats of
that size still tell nanoseconds apart. The clocks of CPU time (``process_time``, ``thread_time``)
stay real.

Outside a simulation, and in a real thread beside one, each is the real function.
"""

import sched
import time as real
from collections.abc import Callable
from typing import Any, TypeVar

from threadsim.primitives.builtin_like import builtin_like
from threadsim.primitives.primitive import check_timeout
from threadsim.runtime.kernel import Kernel, here

# What the monotonic clocks show when a simulation begins, in nanoseconds.
MONOTONIC_START = 1_000_000 * 1_000_000_000

_R = TypeVar("_R")

_asctime, _sleep, _strftime = real.asctime, real.sleep, real.strftime
_make_scheduler: Any = sched.scheduler.__init__


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
    kernel.block("sleeps", deadline=kernel.deadline(length))


def instant(kernel: Kernel) -> int:
    """Look at the clock: return the nanoseconds since 1970."""
    kernel.read_clock()
    return kernel.epoch + kernel.now


def _steady(kernel: Kernel) -> int:
    kernel.read_clock()
    return MONOTONIC_START + kernel.now


_CLOCKS = {real.CLOCK_REALTIME: instant, real.CLOCK_MONOTONIC: _steady}


def _numbered(kernel: Kernel, clock: int) -> int | None:
    return _CLOCKS[clock](kernel) if clock in _CLOCKS else None


def _pair(
    name: str, read: Callable[..., int | None]
) -> tuple[Callable[..., float], Callable[..., int]]:
    """Return the virtual versions of ``time.NAME`` and ``time.NAME_ns``.

    Args:
        name: The name of the first.
        read: Returns the clock's nanoseconds; ``None`` for a clock that stays real.
    """

    def virtual(real_function: Callable[..., _R], shown: Callable[[int], _R]) -> Callable[..., _R]:
        @builtin_like(real_function)
        def function(_: object, *args: Any) -> _R:
            kernel = here()
            reading = None if kernel is None else read(kernel, *args)
            return real_function(*args) if reading is None else shown(reading)

        return function

    seconds, nanoseconds = getattr(real, name), getattr(real, f"{name}_ns")
    return virtual(seconds, lambda reading: reading / 1_000_000_000), virtual(nanoseconds, int)


time, time_ns = _pair("time", instant)
monotonic, monotonic_ns = _pair("monotonic", _steady)
perf_counter, perf_counter_ns = _pair("perf_counter", _steady)
clock_gettime, clock_gettime_ns = _pair("clock_gettime", _numbered)


def _of_seconds(real_function: Callable[..., Any]) -> Callable[..., Any]:
    """Give a function of seconds since 1970 the virtual ones as its default."""

    @builtin_like(real_function)
    def function(_: object, seconds: float | None = None, /) -> Any:
        return real_function(time() if seconds is None else seconds)

    return function


localtime, gmtime, ctime = map(_of_seconds, (real.localtime, real.gmtime, real.ctime))


@builtin_like(_strftime)
def strftime(_: object, text: str, when: Any = None, /) -> str:
    """Format a local time; without one, the virtual one. See ``time.strftime``."""
    return _strftime(text, localtime() if when is None else when)


@builtin_like(_asctime)
def asctime(_: object, when: Any = None, /) -> str:
    """Show a local time; without one, the virtual one. See ``time.asctime``."""
    return _asctime(localtime() if when is None else when)


def make_scheduler(self: Any, timefunc: Any = monotonic, delayfunc: Any = sleep) -> None:
    """Make a ``sched.scheduler``, whose default arguments keep the real functions."""
    _make_scheduler(self, timefunc, delayfunc)


# Each real function with its virtual version.
REPLACEMENTS = [
    (_make_scheduler, make_scheduler),
    *(
        (getattr(real, type(each).__name__), each)
        for each in (
            *(sleep, time, time_ns, monotonic, monotonic_ns, perf_counter, perf_counter_ns),
            *(clock_gettime, clock_gettime_ns, localtime, gmtime, strftime, asctime, ctime),
        )
    ),
]
