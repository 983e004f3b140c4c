"""A report that code has caught again and again, raised where whoever catches it would go on.

That is where a loop round the place goes round again, or where a function returns or yields: what
stands behind the ``except`` or ``with`` that kept the report, or behind a call that returned
although what it called raised, as ``hasattr`` does, is done then. Not where it is caught: Python
compiles the ``finally`` that a ``continue`` leads into as one of its own, and nothing guards the
way there. Whatever keeps the report further out meets it again. Who traced the thread until then,
as coverage or a debugger, does so no more.
"""

import sys
from collections import Counter
from dis import Bytecode
from functools import partial
from itertools import pairwise, zip_longest
from opcode import EXTENDED_ARG, hasjrel, opmap
from types import CodeType, FrameType
from weakref import ref

from apscheduler_fakes.report import STANDARD, own_frames

_LEAVING = {opmap.get(name) for name in ("RETURN_VALUE", "RETURN_CONST", "YIELD_VALUE")}


class Insistence:
    """Raises an error wherever code has handled one and does not raise it on."""

    def __init__(self) -> None:
        self._error: BaseException | None = None
        self._held: dict[FrameType, ref[object]] = {}
        # Since it was last raised: where each frame was then, and how many handlers it has entered.
        self._places: dict[FrameType, int] = {}
        self._handlers = Counter[FrameType]()
        self._targets: dict[CodeType, dict[int, int]] = {}

    def hold(self, error: BaseException) -> None:
        """Raise an error in whoever called into the simulation, and in its callers, from now on."""
        self._error = error
        self._is_raised_below(sys._getframe())
        for frame in self._places:
            if frame not in self._held and frame.f_globals.get("__name__") not in STANDARD:
                self._hold(frame)
        sys.settrace(_trace_no_call_untraced)

    def stop_untraced(self) -> None:
        """Let the error be caught: outside the simulation it may."""
        frames = list(self._held)
        self._held.clear()  # So that nobody holds them again.
        self._places.clear()
        self._handlers.clear()
        self._targets.clear()
        for frame in frames:
            frame.f_trace = None
            frame.f_trace_opcodes = False
        if frames:
            sys.settrace(None)

    def _is_raised_below(self, frame: FrameType) -> None:
        self._places = {each: each.f_lasti for each in own_frames(frame)}
        self._handlers.clear()

    def _hold(self, frame: FrameType) -> None:
        trace = partial(self._trace_untraced)
        # Python drops a trace function that has raised. Nobody else has it: it is gone then.
        self._held[frame] = ref(trace, lambda _: self._hold_again_untraced(frame))
        frame.f_trace_opcodes = True
        frame.f_trace = trace

    def _target_untraced(self, frame: FrameType) -> int | None:
        """Return where a frame is about to go back to, -1 if out of itself; ``None`` if neither."""
        if frame.f_code not in self._targets:
            self._targets[frame.f_code] = _targets_untraced(frame.f_code)
        return self._targets[frame.f_code].get(frame.f_lasti)

    def _hold_again_untraced(self, frame: FrameType) -> None:
        self._hold(frame)
        sys.settrace(_trace_no_call_untraced)

    def _trace_untraced(self, frame: FrameType, event: str, _argument: object) -> None:
        if event != "opcode" or frame not in self._places:
            return
        opcode = frame.f_code.co_code[frame.f_lasti]
        if opcode == opmap["PUSH_EXC_INFO"]:
            self._handlers[frame] += 1
        elif opcode == opmap["POP_EXCEPT"]:
            self._handlers[frame] -= 1
        elif self._handlers[frame] <= 0:
            target = self._target_untraced(frame)
            # Else it would go round in a loop that began later, as one in a ``finally``.
            if target is not None and target <= self._places[frame]:
                assert self._error is not None
                self._is_raised_below(frame)
                self._places[frame] = target
                raise self._error


def _targets_untraced(code: CodeType) -> dict[int, int]:
    """Return where the instructions lead that go back, by their offsets; -1 is out of the code."""
    found: dict[int, int] = {}
    steps = list(Bytecode(code))
    plain = [each for each in steps if each.opcode != EXTENDED_ARG]
    for step, behind in zip_longest(plain, plain[1:]):
        # Python 3.12 and 3.13 end a loop with a jump out of it and one back that nothing guards.
        jump = behind if step.opname.startswith("POP_JUMP_IF") else step
        if step.opcode in _LEAVING:
            found[step.offset] = -1
        elif jump.opcode in hasjrel and jump.argval < jump.offset:
            found[step.offset] = jump.argval
    # Python 3.11 tells of the first prefix of a long jump alone.
    for step, behind in reversed(list(pairwise(steps))):
        if step.opcode == EXTENDED_ARG and behind.offset in found:
            found[step.offset] = found[behind.offset]
    return found


def _trace_no_call_untraced(_frame: FrameType, _event: str, _argument: object) -> None:
    """Let what is called on the way handle what it likes."""
