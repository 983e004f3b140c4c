"""Gives each virtual thread a trace function of its own, as each real thread has one.

Debuggers and coverage follow calls and returns, so that a trace function that saw several threads
at once would take one's lines for another's. All virtual threads are one OS thread, which has one
trace function: it is exchanged at every switch. Nothing is done, and no time spent, for a program
that is not traced when its simulation begins.
"""

import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from greenlet import gettrace, settrace


@contextmanager
def traces_apart() -> Iterator[None]:
    """Keep trace functions apart in this block, if there are any when it begins."""
    before = gettrace()
    traced = sys.gettrace() is not None or threading.gettrace() is not None
    settrace(_exchange_untraced if traced else before)
    try:
        yield
    finally:
        settrace(before)


def _exchange_untraced(_event: str, switched: tuple[Any, Any]) -> None:
    # Called by greenlet between the two.
    left, entered = switched
    left.trace_function = sys.gettrace()
    # A new one begins as a new thread does.
    sys.settrace(getattr(entered, "trace_function", threading.gettrace()))
