"""Locks of instances that the modules of the user's program hold, such as those of a scheduler.

Attributes, lists and the values of dicts are followed for a few steps from a module or a class. A
lock in them is replaced for the block. More steps would make it slow to enter a block.
"""

from bisect import bisect_right
from collections import OrderedDict, defaultdict
from collections.abc import Callable, Iterable
from itertools import accumulate, chain, compress, islice
from logging import Logger
from threading import Thread
from types import BuiltinFunctionType, FunctionType, ModuleType, NoneType
from typing import Any

from threadsim.patching.module_locks import TYPES, LockReplacements
from threadsim.patching.patch_sites import attributes_getter, names_of
from threadsim.runtime.own_code import is_tool

# From a module to a Flask extension, its scheduler, the dict of job stores, and a job store.
_STEPS = 5

# A dict or list with more items holds data: it is not followed.
_MOST_ITEMS = 1_000

_CONTAINERS = (dict, list, defaultdict, OrderedDict)
_CLOSED = (BuiltinFunctionType, FunctionType, ModuleType, NoneType, bool, float, int, str, tuple)

_Opener = Callable[[Any], Any]


def _lock(_: object) -> Any:
    """Mark the types of locks. It is never called."""


def _itself(value: Any) -> Any:
    return value


# What returns the dict or list of a value, by the id of the value's type: it may be unhashable.
_OPENERS: dict[int, _Opener | None] = {
    **dict.fromkeys(map(id, (*_CLOSED, type))),
    **dict.fromkeys(map(id, TYPES), _lock),
    **dict.fromkeys(map(id, _CONTAINERS), _itself),
}


class InstanceLocks:
    """Replaces locks in instances for one block.

    Args:
        locks: The replacements of real locks.
    """

    def __init__(self, locks: LockReplacements) -> None:
        self._locks = locks
        # Dict or list, key or index, the real lock and the virtual one.
        self._undo: list[tuple[Any, Any, Any, Any]] = []

    def replace(self, names: Iterable[Any]) -> None:
        """Replace the locks near some modules and classes.

        Args:
            names: The dictionaries of the modules and classes.
        """
        layer, seen, openers = list(names), set[int](), dict(_OPENERS)
        for _ in range(_STEPS):
            # Copies: a real thread may change them meanwhile.
            contents = [list(each if type(each) is list else each.values()) for each in layer]
            values = list(chain.from_iterable(contents))
            kinds = list(map(type, values))
            ids = list(map(id, kinds))
            for key, kind in dict(zip(ids, kinds, strict=True)).items():
                if key not in openers:
                    openers[key] = _opener(kind)
            opened = list(map(openers.__getitem__, ids))
            if _lock in opened:
                ends = list(accumulate(map(len, contents)))
                for index in [index for index, each in enumerate(opened) if each is _lock]:
                    number = bisect_right(ends, index)
                    start = ends[number] - len(contents[number])
                    self._replace(layer[number], index - start, values[index])
            found = {
                id(value): (opener, value)
                for opener, value in compress(zip(opened, values, strict=True), opened)
                if opener is not None and opener is not _lock and id(value) not in seen
            }
            seen |= found.keys()
            within = [opener(value) for opener, value in found.values()]
            layer = [each for each in within if len(each) <= _MOST_ITEMS]

    def _replace(self, owner: Any, place: int, real: Any) -> None:
        virtual = self._locks.replacement_of(real)
        if virtual is not real:
            key = place if type(owner) is list else next(islice(owner, place, None))
            owner[key] = virtual
            self._undo.append((owner, key, real, virtual))

    def put_back(self) -> None:
        """Put the real locks back where the virtual ones still are."""
        for owner, key, real, virtual in self._undo:
            if type(owner) is list:
                owner[:] = [real if each is virtual else each for each in owner]
            elif owner.get(key) is virtual:
                owner[key] = real


def _opener(kind: type) -> _Opener | None:
    """Return what opens a value of a type: its attributes, or ``None`` if it has none to follow."""
    if issubclass(kind, type | Logger | Thread) or is_tool(str(names_of(kind).get("__module__"))):
        return None
    return attributes_getter(kind)
