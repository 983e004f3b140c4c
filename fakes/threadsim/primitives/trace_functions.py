"""Gives each virtual thread a trace function of its own, as each real thread has one.

Debuggers and coverage follow calls and returns. All virtual threads are one OS thread, which has
one trace function, so it is exchanged at every switch. A program that is not traced at entry loses
no time.

coverage keeps every tracer for ever, and asks all of them when a test begins. So a new thread gets
the tracer of a thread that has ended.
"""

import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from greenlet import gettrace, settrace

# The tracers of ended virtual threads, by the function with which coverage begins a thread.
_unused: dict[Any, list[Any]] = {}


@contextmanager
def traces_apart() -> Iterator[None]:
    """Keep trace functions apart in this block, if the program is traced when it begins."""
    before = gettrace()
    traced = sys.gettrace() is not None or threading.gettrace() is not None
    settrace(_exchange_untraced if traced else before)
    try:
        yield
    finally:
        settrace(before)


def _exchange_untraced(_event: str, switched: tuple[Any, Any]) -> None:
    # greenlet calls it at a switch.
    left, entered = switched
    tracer, begins = sys.gettrace(), threading.gettrace()
    left.trace_function = tracer
    if left.dead and type(tracer).__name__ == "CTracer":  # A debugger's may know its thread.
        _unused.setdefault(begins, []).append(tracer)
    if not hasattr(entered, "trace_function"):
        unused = _unused.get(begins)
        entered.trace_function = unused.pop() if unused else begins
    sys.settrace(entered.trace_function)
