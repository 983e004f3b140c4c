"""Functions that act as built-in ones do when a class or APScheduler keeps them.

``class Poll: clock = time.monotonic`` works because a built-in function does not become a method;
a function written in Python does, and would be called with the instance. And APScheduler writes
down by module and name what a job calls: ``time:sleep``, which has to lead back to it.
"""

from collections.abc import Callable
from importlib import import_module
from typing import Any, Concatenate, ParamSpec, TypeVar

_P = ParamSpec("_P")
_R = TypeVar("_R")


def native(
    module: str,
) -> Callable[[Callable[Concatenate[Any, _P], _R]], Callable[_P, _R]]:
    """Give a function, whose first argument is ignored, the manners of a built-in one.

    Args:
        module: The module of the built-in function of the same name.
    """

    def decorate(function: Callable[Concatenate[Any, _P], _R]) -> Callable[_P, _R]:
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
        stand_in: Callable[_P, _R] = type(name, (), names)()
        return stand_in

    return decorate
