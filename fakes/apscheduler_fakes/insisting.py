"""A report that code has caught again and again, raised where whoever catches it has done so.

That is where the ``except`` or ``with`` that kept it has just ended, or where what was called has
returned although it raised, as ``hasattr`` does: every ``finally`` and ``__exit__`` on the way has
run, and whatever keeps the report further out meets it again there. Who traced the thread until
then, as coverage or a debugger, does so no more.
"""

import sys
from dis import Bytecode
from functools import partial
from opcode import opmap
from types import FrameType
from typing import Any
from weakref import ref

from apscheduler_fakes.report import STANDARD, own_frames


class Insistence:
    """Raises an error wherever code has handled one and does not raise it on."""

    def __init__(self) -> None:
        self._error: BaseException | None = None
        self._held: dict[FrameType, ref[object]] = {}
        self._handled = False
        # Where it has come since it was last raised.
        self._reached: set[FrameType] = set()

    def hold(self, error: BaseException) -> None:
        """Raise an error in whoever called into the simulation, and in its callers, from now on."""
        self._error = error
        self._reached.clear()
        for frame in own_frames(sys._getframe()):
            if frame not in self._held and frame.f_globals.get("__name__") not in STANDARD:
                self._hold(frame)
        sys.settrace(_trace_no_call_untraced)

    def stop_untraced(self) -> None:
        """Let the error be caught: outside the simulation it may."""
        frames = list(self._held)
        self._held.clear()  # So that nobody holds them again.
        self._reached.clear()
        for frame in frames:
            frame.f_trace = None
            frame.f_trace_opcodes = False
        if frames:
            sys.settrace(None)

    def _hold(self, frame: FrameType) -> None:
        trace = partial(self._trace_untraced)
        # Python drops a trace function that has raised. Nobody else has it: it is gone then.
        self._held[frame] = ref(trace, lambda _: self._hold_again_untraced(frame))
        frame.f_trace_opcodes = True
        frame.f_trace = trace

    def _hold_again_untraced(self, frame: FrameType) -> None:
        self._hold(frame)
        sys.settrace(_trace_no_call_untraced)

    def _trace_untraced(self, frame: FrameType, event: str, _argument: object) -> None:
        if event != "opcode":
            return
        opcode = frame.f_code.co_code[frame.f_lasti]
        if frame not in self._reached and _begins_handler_untraced(frame):
            self._reached.add(frame)
        handled, self._handled = self._handled, opcode == opmap["POP_EXCEPT"]
        kept = handled or frame not in self._reached
        if kept and opcode != opmap["RERAISE"]:
            if frame.f_lineno is not None:
                assert self._error is not None
                self._reached.clear()
                raise self._error
            # The end of an ``except*`` has no line, and tracebacks without one are taken amiss.
            self._handled = handled


def _begins_handler_untraced(frame: FrameType) -> bool:
    """Tell whether a frame is where an error goes on, be it caught there or only cleaned up for."""
    code: Any = Bytecode(frame.f_code)
    return any(each.target == frame.f_lasti for each in code.exception_entries)


def _trace_no_call_untraced(_frame: FrameType, _event: str, _argument: object) -> None:
    """Let what is called on the way handle what it likes."""
