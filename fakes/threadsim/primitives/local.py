"""``threading.local`` in a simulation: the C one knows OS threads only."""

import _thread
import _threading_local
from typing import Any, Self

_real_rlock = _thread.RLock


class local(_threading_local.local):  # noqa: N801  # Named as the real one.
    """``threading.local`` by ``Thread`` object."""

    __slots__ = ("__weakref__",)
    __module__, __qualname__ = "_thread", "_local"

    def __new__(cls, /, *args: Any, **kwargs: Any) -> Self:
        """Make one with a real lock: only real threads can meet at it.

        A virtual lock would be a schedule point of an exploration.
        """
        made = super().__new__(cls, *args, **kwargs)
        object.__getattribute__(made, "_local__impl").locallock = _real_rlock()
        return made


def forget(virtual: local) -> None:
    """Let a local be as if no thread had used it."""
    # Its inside is made anew. A thread that ends would still look for its values in the old one.
    before = object.__getattribute__(virtual, "_local__impl")
    impl = type(before)()
    impl.localargs, impl.locallock = before.localargs, before.locallock
    object.__setattr__(virtual, "_local__impl", impl)
