"""Makes functions that behave as built-in ones.

``class Poll: clock = time.monotonic`` works because a built-in function does not become a method. A
function written in Python does, and would be called with the instance. APScheduler stores a job's
function by module and name: ``time:sleep`` has to lead to the replacement.
"""

from collections.abc import Callable
from typing import Any, TypeVar

_R = TypeVar("_R")


def builtin_like(real: Any) -> Callable[[Callable[..., _R]], Callable[..., _R]]:
    """Make a function behave as the built-in function ``real``. It gets one argument more."""

    def decorate(function: Callable[..., _R]) -> Callable[..., _R]:
        names = {
            "__call__": function,
            "__doc__": real.__doc__,
            "__getattr__": lambda _self, attribute: getattr(real, attribute),
            "__module__": real.__module__,
            "__repr__": lambda _self: repr(real),
            "__reduce__": lambda _self: real.__name__,  # For pickle: a global of its module.
            "__slots__": (),
        }
        replacement: Callable[..., _R] = type(real.__name__, (), names)()
        return replacement

    return decorate
