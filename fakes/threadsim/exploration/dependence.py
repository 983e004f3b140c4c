"""What a step read and wrote, and when two steps commute.

A footprint names each kernel object that a step touched, with how. The names hold in every schedule
of a program: an object is named after the thread that made it and how many that one made before.
"""

from collections.abc import Hashable, Mapping

from threadsim.runtime.hooks import RELEASE, WRITE

CLOCK: Hashable = "clock"
"""The time, as an object."""

ALL: Hashable = "all"
"""Everything: what time does when it moves because nobody can run."""

EXIT: Hashable = "exit"
"""The program's end, which cuts daemon threads off."""

SHARED: Hashable = "shared"
"""All that functions of ``switch_in`` read and write."""

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
