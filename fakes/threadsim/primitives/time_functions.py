"""The functions of the ``time`` module inside a simulation.

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

from threadsim.primitives.builtin_like import native
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
_localtime = real.localtime
_gmtime = real.gmtime
_strftime = real.strftime
_asctime = real.asctime
_ctime = real.ctime

_STEADY = {
    getattr(real, name)
    for name in ("CLOCK_MONOTONIC", "CLOCK_MONOTONIC_RAW", "CLOCK_BOOTTIME", "CLOCK_UPTIME_RAW")
    if hasattr(real, name)
}
_ATOMIC = getattr(real, "CLOCK_TAI", None)


@native("time")
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
            _sleep(seconds)  # The real one has words of its own, which differ between Pythons.
        raise
    if not 0 <= length < LONGEST_SLEEP:
        _sleep(length)  # Negative, too long or not a number: the real one has an error for each.
    deadline = kernel.deadline(length)
    if deadline == kernel.now:
        kernel.pause()
    else:
        kernel.block("sleeps", deadline=deadline)


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

        function.__name__, function.__doc__ = real_function.__name__, real_function.__doc__
        return native("time")(function)

    seconds, nanoseconds = getattr(real, name), getattr(real, f"{name}_ns")
    return virtual(seconds, lambda reading: reading / 1_000_000_000), virtual(nanoseconds, int)


time, time_ns = _pair("time", instant)
monotonic, monotonic_ns = _pair("monotonic", _steady)
perf_counter, perf_counter_ns = _pair("perf_counter", _steady)
clock_gettime, clock_gettime_ns = _pair("clock_gettime", _clock)


@native("time")
def localtime(_: object, seconds: float | None = None, /) -> real.struct_time:
    """Return local time, of the virtual instant by default. See ``time.localtime``."""
    return _localtime(time() if seconds is None else seconds)


@native("time")
def gmtime(_: object, seconds: float | None = None, /) -> real.struct_time:
    """Return UTC, of the virtual instant by default. See ``time.gmtime``."""
    return _gmtime(time() if seconds is None else seconds)


@native("time")
def strftime(_: object, format: str, *when: Any) -> str:  # noqa: A002  # Named as the real one's.
    """Format a time, the virtual local time by default. See ``time.strftime``."""
    return _strftime(format, *(when or (localtime(),)))


@native("time")
def asctime(_: object, *when: Any) -> str:
    """Format a time, the virtual local time by default. See ``time.asctime``."""
    return _asctime(*(when or (localtime(),)))


@native("time")
def ctime(_: object, seconds: float | None = None, /) -> str:
    """Format an instant, the virtual one by default. See ``time.ctime``."""
    return _ctime(time() if seconds is None else seconds)


# What stands for each of these functions of ``time``.
REPLACEMENTS = [
    (_sleep, sleep),
    (real.time, time),
    (real.time_ns, time_ns),
    (real.monotonic, monotonic),
    (real.monotonic_ns, monotonic_ns),
    (real.perf_counter, perf_counter),
    (real.perf_counter_ns, perf_counter_ns),
    (real.clock_gettime, clock_gettime),
    (real.clock_gettime_ns, clock_gettime_ns),
    (_localtime, localtime),
    (_gmtime, gmtime),
    (_strftime, strftime),
    (_asctime, asctime),
    (_ctime, ctime),
]


def kept_elsewhere(kernel: Kernel) -> list[tuple[Any, str, Any]]:
    """Return what keeps a clock, or what one showed, elsewhere than in a name of its own.

    Each as owner, name and what stands there in the simulation.
    """
    nanoseconds = isinstance(logging._startTime, int)  # type: ignore[attr-defined]  # Python 3.13.
    began = kernel.epoch if nanoseconds else kernel.epoch / 1_000_000_000
    return [
        (sched.scheduler, "__init__", _make_scheduler),
        (logging, "_startTime", began),  # What %(relativeCreated)d counts from.
    ]


def _make_scheduler(self: Any, timefunc: Any = monotonic, delayfunc: Any = sleep) -> None:
    _real_scheduler(self, timefunc, delayfunc)
