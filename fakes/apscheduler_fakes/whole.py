"""What is done whole or not at all: entering a simulation, and leaving it.

Ctrl-C and the stall limit are told by signals, and Python calls a signal's handler between any two
steps. One that raised in the middle of these would leave names swapped and time frozen.
"""

from collections.abc import Callable
from types import CodeType, FrameType
from typing import Any, TypeVar

_F = TypeVar("_F", bound=Callable[..., Any])

_codes: set[CodeType] = set()


def whole(function: _F) -> _F:
    """Mark a function in which, and in whose calls, no signal's handler may raise."""
    _codes.add(function.__code__)
    return function


def is_whole(frame: FrameType | None) -> bool:
    """Return whether what runs is part of what is done whole."""
    while frame is not None:
        if frame.f_code in _codes:
            return True
        frame = frame.f_back
    return False
