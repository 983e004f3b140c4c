"""The virtual functions of the ``time`` module.

All of them show the kernel's nanoseconds. ``monotonic`` and ``perf_counter`` begin at a million
seconds: programs that begin with ``last = 0`` then find that their interval is over, and floats of
that size still tell nanoseconds apart. The clocks of CPU time (``process_time``, ``thread_time``)
stay real.

Outside a simulation, and in a real thread beside one, each is the real function.
"""

import logging
import operator
import sched
import time as real
from collections.abc import Callable
from typing import Any, TypeVar

from threadsim.primitives.builtin_like import builtin_like
from threadsim.primitives.timeouts import number
from threadsim.runtime.errors import NotModelled
from threadsim.runtime.kernel import Kernel, here

# What the monotonic clocks show when a simulation begins, in nanoseconds.
MONOTONIC_START = 1_000_000 * 1_000_000_000

_R = TypeVar("_R")

# ``time.sleep`` refuses anything longer, in seconds.
LONGEST_SLEEP = 2**63 / 1_000_000_000

_real_scheduler: Any = sched.scheduler.__init__
_sleep = real.sleep

_STEADY = {
    getattr(real, name)
    for name in ("CLOCK_MONOTONIC", "CLOCK_MONOTONIC_RAW", "CLOCK_BOOTTIME", "CLOCK_UPTIME_RAW")
    if hasattr(real, name)
}
_ATOMIC = getattr(real, "CLOCK_TAI", None)


@builtin_like("time")
def sleep(_: object, seconds: float, /) -> None:
    """Let virtual time pass, rounded up to a nanosecond. See ``time.sleep``."""
    kernel = here()
    if kernel is None:
        _sleep(seconds)
        return
    try:
        length = number(seconds)
    except TypeError:
        if not hasattr(type(seconds), "__index__"):
            _sleep(seconds)  # The real function's text differs between Pythons.
        raise
    if length == 0:
        kernel.pause()
        return
    if not 0 < length < LONGEST_SLEEP:
        _sleep(length)  # Negative, too long or NaN: the real function raises its error.
    kernel.block("sleeps", deadline=kernel.deadline(length))


def instant(kernel: Kernel) -> int:
    """Look at the clock: return the nanoseconds since 1970."""
    kernel.read_clock()
    return kernel.epoch + kernel.now


def _steady(kernel: Kernel) -> int:
    kernel.read_clock()
    return MONOTONIC_START + kernel.now


def _clock(kernel: Kernel, clock: Any) -> int | None:
    if not hasattr(clock, "__index__"):
        return None  # The real function raises its error.
    clock = operator.index(clock)
    if clock == real.CLOCK_REALTIME:
        return instant(kernel)
    if clock == _ATOMIC:
        raise NotModelled("time.clock_gettime(CLOCK_TAI) is not virtual. Use CLOCK_REALTIME.")
    return _steady(kernel) if clock in _STEADY else None


def _named(real_function: Callable[..., _R], function: Callable[..., _R]) -> Callable[..., _R]:
    function.__name__, function.__doc__ = real_function.__name__, real_function.__doc__
    return builtin_like("time")(function)


def _pair(
    name: str, read: Callable[..., int | None]
) -> tuple[Callable[..., float], Callable[..., int]]:
    """Return the virtual versions of ``time.NAME`` and ``time.NAME_ns``.

    Args:
        name: The name of the first.
        read: Returns the clock's nanoseconds; ``None`` for a clock that stays real.
    """

    def virtual(real_function: Callable[..., _R], shown: Callable[[int], _R]) -> Callable[..., _R]:
        def function(_: object, *args: Any) -> _R:
            kernel = here()
            reading = None if kernel is None else read(kernel, *args)
            return real_function(*args) if reading is None else shown(reading)

        return _named(real_function, function)

    seconds, nanoseconds = getattr(real, name), getattr(real, f"{name}_ns")
    return virtual(seconds, lambda reading: reading / 1_000_000_000), virtual(nanoseconds, int)


time, time_ns = _pair("time", instant)
monotonic, monotonic_ns = _pair("monotonic", _steady)
perf_counter, perf_counter_ns = _pair("perf_counter", _steady)
clock_gettime, clock_gettime_ns = _pair("clock_gettime", _clock)


def _of_seconds(real_function: Callable[..., _R]) -> Callable[..., _R]:
    """Give a function of seconds since 1970 the virtual ones as its default."""

    def function(_: object, seconds: float | None = None, /) -> _R:
        return real_function(time() if seconds is None else seconds)

    return _named(real_function, function)


localtime, gmtime, ctime = map(_of_seconds, (real.localtime, real.gmtime, real.ctime))


def _of_local_time(real_function: Callable[..., str], before: int) -> Callable[..., str]:
    """Give a function of a local time, after other arguments, the virtual one as its default."""

    def function(_: object, *args: Any) -> str:
        return real_function(*args, *([localtime()] if len(args) == before else []))

    return _named(real_function, function)


strftime, asctime = _of_local_time(real.strftime, 1), _of_local_time(real.asctime, 0)


# Each real function with its virtual version.
REPLACEMENTS = [
    (getattr(real, type(each).__name__), each)
    for each in (
        *(sleep, time, time_ns, monotonic, monotonic_ns, perf_counter, perf_counter_ns),
        *(clock_gettime, clock_gettime_ns, localtime, gmtime, strftime, asctime, ctime),
    )
]


def kept_elsewhere(kernel: Kernel) -> list[tuple[Any, str, Any]]:
    """Return the attributes that keep a clock or a reading: owner, name and virtual value."""
    nanoseconds = isinstance(logging._startTime, int)  # type: ignore[attr-defined]  # Python 3.13.
    began = kernel.epoch if nanoseconds else kernel.epoch / 1_000_000_000
    return [
        (sched.scheduler, "__init__", _make_scheduler),
        (logging, "_startTime", began),  # What %(relativeCreated)d counts from.
    ]


def _make_scheduler(self: Any, timefunc: Any = monotonic, delayfunc: Any = sleep) -> None:
    _real_scheduler(self, timefunc, delayfunc)
