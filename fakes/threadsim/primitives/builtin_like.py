"""Makes functions that behave as built-in ones.

``class Poll: clock = time.monotonic`` works because a built-in function does not become a method. A
function written in Python does, and would be called with the instance. APScheduler stores a job's
function by module and name: ``time:sleep`` has to lead to the replacement.
"""

from collections.abc import Callable
from importlib import import_module
from typing import TypeVar

_R = TypeVar("_R")


def builtin_like(module: str) -> Callable[[Callable[..., _R]], Callable[..., _R]]:
    """Make a function behave as the built-in function of the same name. It gets one argument more.

    Args:
        module: The module of the built-in function.
    """

    def decorate(function: Callable[..., _R]) -> Callable[..., _R]:
        name = function.__name__
        real = getattr(import_module(module), name, function)  # Not every Python has it.
        names = {
            "__call__": function,
            "__doc__": function.__doc__,
            "__getattr__": lambda _self, attribute: getattr(real, attribute),
            "__module__": module,
            "__repr__": lambda _self: repr(real),
            "__reduce__": lambda _self: name,  # For pickle: a global of its module.
            "__slots__": (),
        }
        replacement: Callable[..., _R] = type(name, (), names)()
        return replacement

    return decorate
