"""Picks the frames of a stack that belong to the program, and names a line of a file."""

from pathlib import Path
from types import FrameType

from threadsim.runtime.own_code import is_own, runs_program

# The main thread's stack begins in these, which say nothing of the program.
_RUNNERS = {"_pytest", "pluggy", "unittest.case"}

# The modules of the standard library whose calls wait. Their frames stand for one call.
_WAITING_MODULES = {
    "concurrent.futures._base",
    "concurrent.futures.thread",
    "importlib._bootstrap",
    "queue",
    "threading",
}


def program_frames(frame: FrameType | None) -> list[FrameType]:
    """Return a stack without the simulation's frames and those of the test runner.

    The outermost frame is the first.
    """
    frames: list[FrameType] = []
    while frame is not None and frame.f_code not in runs_program:
        name = frame.f_globals.get("__name__", "")
        if frames and not _RUNNERS.isdisjoint((name, name.partition(".")[0])):
            break
        if not is_own(frame):
            frames.append(frame)
        frame = frame.f_back
    return frames[::-1]


def can_wait(frame: FrameType) -> bool:
    """Return whether a frame runs code of the standard library that waits for threads."""
    return frame.f_globals.get("__name__") in _WAITING_MODULES


def at_line(file: str, line: int) -> str:
    """Return a file and a line of it, as the trace diagram shows them."""
    return f" at {Path(file).name}:{line}"
