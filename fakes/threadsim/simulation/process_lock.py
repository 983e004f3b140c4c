"""Who has swapped names is alone: they are those of the whole process."""

import _thread
from collections.abc import Iterator
from contextlib import contextmanager

from threadsim.runtime.errors import NotModelled

_taken = _thread.allocate_lock()


@contextmanager
def alone(what: str) -> Iterator[None]:
    """Keep other threads from swapping names.

    Args:
        what: Who does, in words.

    Raises:
        NotModelled: Another thread has swapped them.
    """
    # Not by asking for the kernel that is active: between two schedules there is none, and before
    # there is one two could begin.
    if not _taken.acquire(blocking=False):
        raise NotModelled(
            f"{what} beside a Simulation or explore() of another thread: names are swapped for the "
            "whole process. Let one end before the other begins."
        )
    try:
        yield
    finally:
        _taken.release()
