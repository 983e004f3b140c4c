"""Converts seconds and dates to whole nanoseconds, and nanoseconds to the microseconds shown."""

from datetime import UTC, datetime, timedelta
from math import ceil
from typing import TypeVar

_T = TypeVar("_T")

MICROSECOND = timedelta(microseconds=1)
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

# Longer than all years of a ``datetime``, in seconds.
_LONGEST = 1e12


def nanoseconds(seconds: float) -> int:
    """Return a length of time in nanoseconds, rounded up: only 0 is 0."""
    return ceil(min(seconds, _LONGEST) * 1e9)


def nanoseconds_since_1970(instant: datetime) -> int:
    """Return an aware ``datetime`` in nanoseconds."""
    return (instant - EPOCH) // MICROSECOND * 1_000


def microseconds(length: int) -> int:
    """Return nanoseconds in microseconds, rounded to the nearest."""
    return (length + 500) // 1_000


def as_seconds(length: int) -> float:
    """Return nanoseconds in seconds, rounded to the nearest microsecond."""
    return microseconds(length) / 1_000_000


def first_due(deadlines: dict[_T, int]) -> dict[_T, int]:
    """Return the first deadlines: those that show the first microsecond.

    Float arithmetic moves a timeout by some nanoseconds. These deadlines therefore end together, at
    the last of them.
    """
    end = microseconds(min(deadlines.values(), default=0)) * 1_000 + 500
    return {each: instant for each, instant in deadlines.items() if instant < end}


# The last instant that a ``datetime`` can show.
LAST = nanoseconds_since_1970(datetime.max.replace(tzinfo=UTC))
