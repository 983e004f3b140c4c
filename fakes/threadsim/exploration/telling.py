"""The kernel of a schedule that is going to be shown: it knows at which line each thread stops."""

import sys
from types import FrameType
from typing import Any

from threadsim.exploration.instrument import ExploredKernel
from threadsim.reporting.frames import at_line
from threadsim.runtime.own_code import is_of_program, runs_program
from threadsim.runtime.virtual_thread import VirtualThread


class TellingKernel(ExploredKernel):
    """Notes where a thread is stopped that could go on: of one that waits a report has the stack.

    In every schedule it would take longer than all else that a switch does.
    """

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.places = {}

    def _switch_to_hub(self, thread: VirtualThread) -> None:
        if thread.waiting_for.startswith("is about to "):
            self.places[len(self.trace)] = _place(sys._getframe())
        super()._switch_to_hub(thread)


def _place(frame: FrameType | None) -> str:
    """Return the file and line of the program that run, in words; "" if none does."""
    while frame is not None and frame not in runs_program:
        file = frame.f_code.co_filename
        if is_of_program(file):
            return at_line(file, frame.f_lineno)
        frame = frame.f_back
    return ""
