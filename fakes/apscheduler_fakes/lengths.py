"""Lengths of time: seconds, as a program gives them, in whole microseconds."""

from math import ceil

# By how much a length may lie above what was meant, in microseconds. A difference of two readings
# of a steady clock is off by three roundings, each by half of what lies between its floats.
_OFF = 0.025

# That of two readings of time.time() too, and those lie further apart: this many a second.
_GRAINS = 2.0**22
_OFF_BY_GRAINS = 0.36


def whole_microseconds(length: float) -> int:
    """Return a length of time in whole microseconds, rounded up: no wait is over before its time.

    What computing with floats leaves is no part of it: ``0.1 + 0.2`` is 300,000, and a wait until
    an instant, told by a float clock, ends at it. So next to nothing is 0.

    Args:
        length: Seconds, not negative.
    """
    if isinstance(length, int):
        return length * 1_000_000
    off = _OFF_BY_GRAINS if (length * _GRAINS).is_integer() else _OFF
    return ceil(length * 1_000_000 - off)
