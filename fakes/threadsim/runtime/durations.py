"""Lengths of time: seconds, as a program gives them, in whole microseconds."""

from datetime import UTC, datetime, timedelta
from fractions import Fraction
from math import ceil, ulp

MICROSECOND = timedelta(microseconds=1)

# Where dates are counted from, and the last one, in microseconds from there.
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
LAST = (datetime.max.replace(tzinfo=UTC) - EPOCH) // MICROSECOND

# By how much a length may lie above what was meant, in microseconds: by what computing with small
# floats leaves.
_OFF = 0.025

# And by what the time of day leaves, whose floats lie further apart. Any two of them since 1972
# differ by a multiple of this, in seconds.
_OFF_BY_TIME = 0.49
_GRAIN = 2.0**-24

# A difference of readings of a clock is off by three roundings, each by half of what lies between
# its floats; of seconds, in microseconds.
_ROUNDINGS = 1.5e6

# What a program writes down as a part of a second, as 1 / 4096, has no larger denominator.
_PARTS = 4096


def whole_microseconds(
    length: float, *, reading: float = 0, of_time: bool = False, cut_off: float = 0
) -> int:
    """Return a length of time in whole microseconds, rounded up: no wait is over before its time.

    What computing with floats leaves is no part of it: ``0.1 + 0.2`` is 300,000, and a wait until
    an instant, told by a float clock, ends at it. So next to nothing is 0.

    Args:
        length: Seconds, not negative.
        reading: What a steady clock shows that it may have been computed from.
        of_time: Whether it may have been computed from the time of day: then it is rounded to the
            nearest, as a difference of two readings of that is, unless it is plainly a part of a
            second.
        cut_off: What was left of a length of which it may be the rest, in microseconds.
    """
    if isinstance(length, int):
        return length * 1_000_000
    exact = length * 1_000_000
    up = ceil(exact - _OFF - _ROUNDINGS * ulp(reading))
    nearest = ceil(exact - _OFF_BY_TIME)
    if up == nearest:
        return up
    by_time = of_time or (length / _GRAIN).is_integer() or exact - nearest <= cut_off + _OFF
    return nearest if by_time and not _is_plain(length) else up


def _is_plain(length: float) -> bool:
    return float(Fraction(length).limit_denominator(_PARTS)) == length
