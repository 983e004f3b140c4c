"""What locks and queues of a simulation share: how a thread waits for them, and their real object.

The real object works in the place of the virtual one outside the block.
"""

import _thread
import sys
import threading
from collections.abc import Callable, Hashable
from types import CodeType
from typing import Any, ClassVar, Self

from threadsim.runtime.errors import OutsideThread
from threadsim.runtime.kernel import Kernel, active, here
from threadsim.runtime.virtual_thread import Waiters

_real_lock = _thread.allocate_lock


def check_timeout(timeout: float, blocking: bool = True) -> float:
    """Return a time-out as a number; a wrong one raises the error of the real ``acquire``."""
    _real_lock().acquire(blocking, timeout)  # A free lock takes no time.
    return float(timeout)


class Primitive:
    """A virtual lock or queue.

    Attributes:
        real: The real object, which works in its place outside a simulation.
        key: Its name in an exploration.
        made_in: The moment of the exploration in which it was made; -1 outside an exploration.
        maker: The code that made it, and the offset of its instruction; only in a simulation that
            is no exploration.
    """

    __slots__ = ("__weakref__", "_waiters", "key", "made_in", "maker", "real")

    state: ClassVar[tuple[str, ...]]
    """The attributes that an exploration puts back after a schedule."""
    make_real: ClassVar[Any]
    kind: ClassVar[type]
    """The real type."""
    called: ClassVar[str]
    waits_for: ClassVar[str]
    """What a thread waits for, in reports."""

    key: Hashable
    made_in: int
    maker: tuple[CodeType, int]
    real: Any
    # Made when a thread waits: it is as large as all the rest.
    _waiters: Waiters | None

    @property  # type: ignore[misc]  # It cannot be set.
    def __class__(self) -> Any:
        """The real type, for ``isinstance``; of a program's subclass that class."""
        return vars(type(self)).get("kind", type(self))

    def __new__(cls, *args: Any, **kwargs: Any) -> Self:
        """Make a virtual object in a simulation, a real one outside; a subclass makes its own."""
        kernel = here()
        if kernel is None and "make_real" in cls.__dict__:
            return cls.make_real(*args, **kwargs)  # type: ignore[no-any-return]
        made = object.__new__(cls)
        made._waiters = made.key = None
        made.made_in = -1
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

    def wait(
        self, kernel: Kernel, blocked: Callable[[], bool], timeout: float | None, on: object
    ) -> bool:
        """Wait once, and on while ``blocked()``, at most ``timeout`` seconds; return if it is over.

        ``on`` is the object whose holder reports name.
        """
        if timeout == 0:
            kernel.count_look()
            return False
        deadline = None if timeout is None else kernel.deadline(timeout)
        if self._waiters is None:
            self._waiters = {}
        queue, text = self._waiters, self.waits_for
        while kernel.block(text, waiters=queue, blocked=blocked, deadline=deadline, waiting_on=on):
            if not blocked():
                return True
        return False

    def __reduce__(self) -> Any:
        # Raises the real error: locks and queues can be neither copied nor pickled.
        return self.real.__reduce_ex__(2)
