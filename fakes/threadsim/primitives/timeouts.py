"""Turns time-outs into numbers. A wrong time-out raises the error of the real function."""

import _queue
import _thread
import sys
from math import ldexp
from operator import index
from typing import Any

_real_lock = _thread.allocate_lock
_real_queue = _queue.SimpleQueue


def check_timeout(timeout: float, blocking: bool = True) -> float:
    """Return the time-out of an ``acquire``."""
    _real_lock().acquire(blocking, timeout)  # A free lock takes no time.
    return float(timeout)


def check_get_timeout(timeout: float) -> float:
    """Return the time-out of a ``SimpleQueue.get``."""
    queue: Any = _real_queue()
    queue.put(None)
    queue.get(timeout=timeout)  # An item that is there takes no time.
    return float(timeout)


def number(length: Any) -> float:
    """Return as a number what the standard library takes for one.

    Raises:
        TypeError: The standard library takes it for no number.
    """
    if isinstance(length, int | float):
        return length
    if sys.version_info >= (3, 15) and not hasattr(type(length), "__index__"):
        return ldexp(length, 0)  # A Decimal or a Fraction. It refuses a str.
    return index(length)
