"""What locks and queues of a simulation share: how they are made, and their real object.

The real object works in the place of the virtual one outside the block.
"""

import _thread
import sys
import threading
from collections.abc import Callable, Hashable
from functools import wraps
from types import CodeType
from typing import Any, ClassVar, Self, TypeVar

from threadsim.runtime.errors import OutsideThread
from threadsim.runtime.kernel import active, here
from threadsim.runtime.virtual_thread import VirtualThread

_R = TypeVar("_R")

_real_lock = _thread.allocate_lock


def check_timeout(timeout: float, blocking: bool = True) -> float:
    """Return a time-out as a number; a wrong one raises the error of the real ``acquire``."""
    _real_lock().acquire(blocking, timeout)  # A free lock takes no time.
    return float(timeout)


def real_outside(method: Callable[..., _R]) -> Callable[..., _R]:
    """Give a method the kernel as its first argument; outside a simulation call the real one."""

    @wraps(method)
    def virtual_or_real(self: "Primitive", *args: Any, **kwargs: Any) -> _R:
        kernel = here()
        if kernel is not None:
            return method(self, kernel, *args, **kwargs)
        real: Callable[..., _R] = getattr(self.outside(), method.__name__)
        return real(*args, **kwargs)

    return virtual_or_real


class Primitive:
    """A virtual lock or queue.

    Attributes:
        real: The real object, which works in its place outside a simulation.
        key: Its name in an exploration.
        made_in: The moment of the exploration in which it was made; -1 outside an exploration.
        maker: The code that made it, and the offset of its instruction; only in a simulation that
            is no exploration.
        waiters: The threads that wait for it, first come first.
        holder: The virtual thread that holds it; of a queue ``None``.
        levels: How often an RLock's holder has taken it.
        state: The attributes that an exploration puts back after a schedule.
        kind: The real type.
        waits_for: What a thread waits for, in reports.
    """

    __slots__ = ("__weakref__", "holder", "key", "levels", "made_in", "maker", "real", "waiters")

    state: ClassVar[tuple[str, ...]] = ("holder", "levels")
    make_real: ClassVar[Any]
    kind: ClassVar[type]
    waits_for: ClassVar[str]

    key: Hashable
    made_in: int
    maker: tuple[CodeType, int]
    real: Any
    waiters: list[VirtualThread]
    holder: VirtualThread | None
    levels: int

    @property  # type: ignore[misc]  # It cannot be set.
    def __class__(self) -> Any:
        """The real type, for ``isinstance``; of a program's subclass that class."""
        return vars(type(self)).get("kind", type(self))

    def __new__(cls, *args: Any, **kwargs: Any) -> Self:
        """Make a virtual object in a simulation, a real one outside; a subclass makes its own."""
        # A program's class may take arguments; the real one refuses them.
        refuses = (args or kwargs) and "make_real" in cls.__dict__
        real = cls.make_real(*args, **kwargs) if refuses else cls.make_real()
        kernel = here()
        if kernel is None and "make_real" in cls.__dict__:
            return real  # type: ignore[no-any-return]
        made = object.__new__(cls)
        made.real, made.waiters, made.holder = real, [], None
        made.key, made.made_in, made.levels = None, -1, 0
        if kernel is not None:
            if (points := kernel.points) is not None:
                made.key, made.made_in = points.new_object(cls.__name__)
            else:
                frame: Any = sys._getframe().f_back
                made.maker = frame.f_code, frame.f_lasti
        return made

    def outside(self) -> Any:
        """Return the real object, for code outside a simulation.

        Raises:
            OutsideThread: A real thread uses the object while a simulation runs.
        """
        kernel = active()
        if kernel is not None:
            kernel.refused = OutsideThread(
                f"thread {threading.current_thread().name!r} uses a {type(self).__name__} of the "
                "simulation, but was started outside it, so virtual time does not reach it. "
                "Create the app (and whatever starts that thread) inside the `with Simulation()` "
                "block, or the explored program. Make a logging handler outside the block, or "
                "anew in each block."
            )
            raise kernel.refused
        return self.real

    def __reduce__(self) -> Any:
        # Raises the real error: locks and queues can be neither copied nor pickled.
        return self.real.__reduce_ex__(2)
