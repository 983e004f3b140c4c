"""The functions of the ``time`` module inside a simulation.

All of them are computed from the kernel's one whole number of microseconds; the floats show what
does not make one, too, so that a loop that waits until one shows its end has one. ``monotonic`` and
``perf_counter`` begin at one second, so that no digit is lost and no reading is zero. The clocks of
CPU time (``process_time``, ``thread_time``) are not here: they stay real, since they measure work
that is really done.

Outside a simulation, and in a real thread beside one, each is the real function.
"""

import logging
import operator
import sched
import time as real
from typing import Any

from threadsim.primitives.builtin_like import native
from threadsim.primitives.timeouts import number
from threadsim.runtime.errors import NotModelled
from threadsim.runtime.kernel import Kernel, here

# What the monotonic clocks show when a simulation begins, in microseconds.
MONOTONIC_START = 1_000_000

# ``time.sleep`` refuses anything longer, in seconds.
LONGEST_SLEEP = 2**63 / 1_000_000_000

_real_scheduler: Any = sched.scheduler.__init__

_sleep = real.sleep
_time = real.time
_time_ns = real.time_ns
_monotonic = real.monotonic
_monotonic_ns = real.monotonic_ns
_perf_counter = real.perf_counter
_perf_counter_ns = real.perf_counter_ns
_clock_gettime = real.clock_gettime
_clock_gettime_ns = real.clock_gettime_ns
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
    """Let virtual time pass; parts of a microsecond are rounded up. See ``time.sleep``."""
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
    deadline = kernel.deadline(length) if length else kernel.now
    if deadline == kernel.now:
        kernel.pause()
    else:
        kernel.block("sleeps", deadline=deadline)


@native("time")
def time(_: object) -> float:
    """Return the virtual instant in seconds since 1970. See ``time.time``."""
    kernel = here()
    return _time() if kernel is None else instant(kernel) / 1_000_000 + kernel.dust


@native("time")
def time_ns(_: object) -> int:
    """Return the virtual instant in nanoseconds since 1970. See ``time.time_ns``."""
    kernel = here()
    return _time_ns() if kernel is None else instant(kernel) * 1_000


@native("time")
def monotonic(_: object) -> float:
    """Return seconds that only ever grow. See ``time.monotonic``."""
    kernel = here()
    return _monotonic() if kernel is None else _steady(kernel) / 1_000_000 + kernel.dust


@native("time")
def monotonic_ns(_: object) -> int:
    """Return nanoseconds that only ever grow. See ``time.monotonic_ns``."""
    kernel = here()
    return _monotonic_ns() if kernel is None else _steady(kernel) * 1_000


@native("time")
def perf_counter(_: object) -> float:
    """Return what ``monotonic`` does. See ``time.perf_counter``."""
    kernel = here()
    return _perf_counter() if kernel is None else _steady(kernel) / 1_000_000 + kernel.dust


@native("time")
def perf_counter_ns(_: object) -> int:
    """Return what ``monotonic_ns`` does. See ``time.perf_counter_ns``."""
    kernel = here()
    return _perf_counter_ns() if kernel is None else _steady(kernel) * 1_000


@native("time")
def clock_gettime(_: object, clock: int, /) -> float:
    """Return a clock's reading in seconds; clocks of CPU time are real."""
    kernel = here()
    microseconds = None if kernel is None else _clock(kernel, clock)
    if kernel is None or microseconds is None:
        return _clock_gettime(clock)
    return microseconds / 1_000_000 + kernel.dust


@native("time")
def clock_gettime_ns(_: object, clock: int, /) -> int:
    """Return a clock's reading in nanoseconds; clocks of CPU time are real."""
    kernel = here()
    microseconds = None if kernel is None else _clock(kernel, clock)
    return _clock_gettime_ns(clock) if microseconds is None else microseconds * 1_000


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
    (_time, time),
    (_time_ns, time_ns),
    (_monotonic, monotonic),
    (_monotonic_ns, monotonic_ns),
    (_perf_counter, perf_counter),
    (_perf_counter_ns, perf_counter_ns),
    (_clock_gettime, clock_gettime),
    (_clock_gettime_ns, clock_gettime_ns),
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
    began = kernel.epoch * 1_000 if nanoseconds else kernel.epoch / 1_000_000
    return [
        (sched.scheduler, "__init__", _make_scheduler),
        (logging, "_startTime", began),  # What %(relativeCreated)d counts from.
    ]


def _make_scheduler(self: Any, timefunc: Any = monotonic, delayfunc: Any = sleep) -> None:
    _real_scheduler(self, timefunc, delayfunc)


def instant(kernel: Kernel) -> int:
    """Return the microseconds since 1970, for somebody who looks at the clock."""
    kernel.read_clock()
    kernel.running.has_read_time = True
    return kernel.epoch + kernel.now


def _steady(kernel: Kernel) -> int:
    kernel.read_clock()
    return MONOTONIC_START + kernel.now


def _clock(kernel: Kernel, clock: int) -> int | None:
    if not hasattr(clock, "__index__"):
        return None  # The real one has an error for it.
    clock = operator.index(clock)
    if clock == real.CLOCK_REALTIME:
        return instant(kernel)
    if clock == _ATOMIC:
        raise NotModelled(
            "time.clock_gettime(CLOCK_TAI) has no virtual stand-in. Use CLOCK_REALTIME."
        )
    return _steady(kernel) if clock in _STEADY else None
