"""Finds the line of the program that made an object."""

from types import FrameType

from threadsim.reporting.frames import can_wait
from threadsim.runtime.own_code import is_own

Origin = tuple[str, str, int]
"""An object's kind, and the file and line that made it."""


def origin(frame: FrameType, kind: str) -> Origin:
    """Return the origin of an object; of a lock within a ``Queue`` it is that of the queue.

    Args:
        frame: The frame that made the object.
        kind: The object's kind.
    """
    while frame.f_back is not None and (_is_generated(frame) or _is_maker(frame)):
        if frame.f_code.co_name == "__init__" and _is_maker(frame):
            kind = frame.f_code.co_qualname.partition(".")[0]
        frame = frame.f_back
    return kind, frame.f_code.co_filename, frame.f_lineno


def _is_maker(frame: FrameType) -> bool:
    return is_own(frame) or can_wait(frame)


def _is_generated(frame: FrameType) -> bool:
    """Return whether a frame runs an ``__init__`` without a file, such as a dataclass's."""
    return frame.f_code.co_name == "__init__" and frame.f_code.co_filename.startswith("<")
