"""Footprints, the objects that a step touched, and whether two steps depend on each other.

The names of objects are the same in every schedule of a program: an object is named by the thread
that made it, and by how many objects that thread had made before.
"""

from collections.abc import Hashable, Mapping

from threadsim.runtime.hooks import RELEASE, WRITE

CLOCK: Hashable = "the clock"
"""The time, as an object."""

ALL: Hashable = "everything"
"""All objects. Time touches them when it moves because no thread can run."""

EXIT: Hashable = "the program's end"
"""The program's end, which cuts daemon threads off."""

Footprint = dict[Hashable, int]

_CHANGES = WRITE | RELEASE


def modes_conflict(one: int, other: int) -> bool:
    """Return whether two accesses of one object depend on each other."""
    return bool((one | other) & _CHANGES)


def conflict(one: Mapping[Hashable, int], other: Mapping[Hashable, int]) -> bool:
    """Return whether two steps depend on each other: one wrote what the other touched."""
    if len(other) < len(one):
        one, other = other, one
    return any(key in other and (mode | other[key]) & _CHANGES for key, mode in one.items())
