"""Gives each virtual thread a trace function of its own, as each real thread has one.

Debuggers and coverage follow calls and returns, so that a trace function that saw several threads
at once would take one's lines for another's. All virtual threads are one OS thread, which has one
trace function: it is exchanged at every switch. Nothing is done, and no time spent, for a program
that is not traced when its simulation begins.

coverage keeps what it traced a thread with for ever, and asks all of them whenever a test begins.
So what an ended thread leaves goes to a new one: a hundred thousand of them are like ten.
"""

import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from greenlet import gettrace, settrace

# What ended virtual threads were traced with, by what coverage begins a thread with.
_left_by_ended: dict[Any, list[Any]] = {}


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
    trace, begins = sys.gettrace(), threading.gettrace()
    left.trace_function = trace
    if left.dead and type(trace).__name__ == "CTracer":  # A debugger's may know its thread.
        if begins not in _left_by_ended:
            _left_by_ended.clear()  # Another run of coverage.
        _left_by_ended.setdefault(begins, []).append(trace)
    if not hasattr(entered, "trace_function"):
        left_by_ended = _left_by_ended.get(begins)
        # A new one begins as a new thread does.
        entered.trace_function = left_by_ended.pop() if left_by_ended else begins
    sys.settrace(entered.trace_function)
