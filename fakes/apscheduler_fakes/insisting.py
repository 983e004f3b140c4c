"""A report that code has caught again and again, raised where nothing round the wait catches it.

That is the next line which the code comes to: in its ``except``, or after it. Who traced the thread
until then, as coverage or a debugger, does so no more.
"""

import sys
from types import FrameType
from typing import Any

from apscheduler_fakes.report import STANDARD, own_frames


def raise_at_the_next_line(error: BaseException) -> None:
    """Raise an error at the next line of whoever called into the simulation, or of its callers."""
    frames = own_frames(sys._getframe())
    frames = [each for each in frames if each.f_globals.get("__name__") not in STANDARD]

    def trace_untraced(_frame: FrameType, event: str, _argument: object) -> Any:
        if event == "call":
            return None  # What is called on the way is no line of theirs.
        if event != "line":
            return trace_untraced
        for each in frames:
            each.f_trace = None
        frames.clear()
        raise error

    for each in frames:
        each.f_trace = trace_untraced
    sys.settrace(trace_untraced)
