"""``queue.SimpleQueue`` of a simulation; ``queue.Queue`` is Python on top of locks.

Its items are in the real queue, inside the block and outside.
"""

import _queue
from types import GenericAlias
from typing import Any

from threadsim.primitives.primitive import Primitive, check_timeout, real_outside
from threadsim.runtime.kernel import Kernel


class SimpleQueue(Primitive):
    """``queue.SimpleQueue`` in a simulation; put, get, empty and qsize are one step each."""

    __module__ = "_queue"  # For repr.
    __slots__ = ()

    state = ("items",)
    make_real = kind = _queue.SimpleQueue
    waits_for = "waits for an item of a SimpleQueue"

    @real_outside
    def put(self, kernel: Kernel, item: Any, *_: object, **__: object) -> None:
        """Add an item. It never waits: the real one ignores the last two arguments too."""
        if (points := kernel.points) is not None:
            points.before_put(self)
        self.real.put(item)
        if self.waiters:
            kernel.wake(self.waiters[0])

    put_nowait = put

    @real_outside
    def get(self, kernel: Kernel, block: bool = True, timeout: float | None = None) -> Any:
        """Take the oldest item; see ``queue.SimpleQueue.get``.

        Raises:
            queue.Empty: There is none, or none came within ``timeout`` seconds.
        """
        if not block:
            timeout = 0
        elif timeout is not None:
            timeout = check_timeout(timeout)
            if timeout < 0:
                raise ValueError("'timeout' must be a non-negative number")
        if (points := kernel.points) is not None:
            points.before_get(self, timeout)
            timeout = 0  # It has waited.
        if self.is_empty() and not kernel.wait(self, self.waits_for, self.is_empty, timeout):
            raise _queue.Empty
        return self.real.get_nowait()

    def get_nowait(self) -> Any:
        """Take the oldest item, if there is one."""
        return SimpleQueue.get(self, block=False)

    def empty(self) -> bool:
        """Return whether there is no item."""
        return SimpleQueue.qsize(self) == 0

    @real_outside
    def qsize(self, kernel: Kernel) -> int:
        """Return how many items there are."""
        kernel.count_look()
        if (points := kernel.points) is not None:
            points.peek(self)
        return self.real.qsize()  # type: ignore[no-any-return]

    def is_empty(self) -> bool:
        """Return whether there is no item; it is no step."""
        return self.real.empty()  # type: ignore[no-any-return]

    @property
    def items(self) -> list[Any]:
        """All items, the oldest first."""
        items = [self.real.get_nowait() for _ in range(self.real.qsize())]
        self.items = items
        return items

    @items.setter
    def items(self, items: list[Any]) -> None:
        while not self.real.empty():
            self.real.get_nowait()
        for each in items:
            self.real.put(each)

    __class_getitem__ = classmethod(GenericAlias)  # type: ignore[var-annotated]  # As in queue.
