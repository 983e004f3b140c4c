"""Finds locks that were made before a block, in the objects of a program.

One walk serves simulations and explorations. From some objects it follows attributes, slots,
closures, lists and dicts, for a few steps. Threads, loggers, the test runner and modules guard
their own data: they are not followed. It also finds functions that make locks or ask for the time.
"""

import builtins
import gc
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from functools import partial
from itertools import chain
from logging import Logger
from threading import Thread
from types import (
    BuiltinFunctionType,
    FunctionType,
    MemberDescriptorType,
    ModuleType,
    NoneType,
)
from typing import Any

from threadsim.patching.outside_locks import TYPES, LockReplacements
from threadsim.patching.patch_sites import CLOSED, attributes_getter, is_user_module, names_of
from threadsim.patching.patch_table import REPLACEMENTS
from threadsim.primitives.local import local
from threadsim.primitives.lock import Lock, RLock
from threadsim.primitives.primitive import Primitive
from threadsim.primitives.simple_queue import SimpleQueue
from threadsim.runtime.errors import NotModelled
from threadsim.runtime.own_code import is_tool

# From a module to a Flask extension, its scheduler, the dict of job stores, and a job store.
_FROM_MODULES = 5
# From an explored program to a variable of its, and on.
_FROM_PROGRAM = 7

# A dict or list with more items holds data: it is not followed.
_MOST_ITEMS = 1_000

_PLAIN = (BuiltinFunctionType, ModuleType, NoneType, bool, bytes, float, int, str)
_GUARDED = (Logger, ModuleType, Primitive, Thread, local)

_TYPE_IDS = frozenset(map(id, TYPES))

# Functions that make locks.
_MAKER_IDS = {
    key for key, made in REPLACEMENTS.items() if made in (Lock, RLock, SimpleQueue, local)
}


# A place in an object. What stands behind the object's path: ".name" or "[index]", where a variable
# begins a new path; the object in that place; and what replaces it, ``None`` if nothing can.
_Place = tuple[str, Any, Callable[[Any], object] | None]

# Returns the places in an object.
_Parts = Callable[[Any], Iterable[_Place]]


def is_lock(value: object) -> bool:
    """Return whether an object is a real lock, or has one inside, such as a queue."""
    return id(type(value)) in _TYPE_IDS


class OutsideObjects:
    """Replaces what a walk finds, for one block.

    Args:
        locks: The replacements of real locks.
    """

    def __init__(self, locks: LockReplacements) -> None:
        self._locks = locks
        self._reals: dict[int, Any] = {}  # By the id of what replaces it.
        self._changed: list[tuple[Any, _Parts]] = []

    def replace(self, names: dict[Any, Any], call: str = "") -> None:
        """Replace locks, and the functions that a block replaces, from some objects on.

        Args:
            names: The objects by their names.
            call: What refuses a lock in a place where it cannot be replaced. Without it such a lock
                stays real, and fewer places are searched.

        Raises:
            NotModelled: A lock is in such a place.
        """
        for owner, parts, (path, value, put) in _walk(names, _names, deep=bool(call)):
            if put is not None:
                virtual = REPLACEMENTS.get(id(value)) or self._locks.replacement_of(value)
                if virtual is not value:
                    put(virtual)
                    self._reals[id(virtual)] = value
                    self._changed.append((owner, parts))
            elif call and (
                id(value) in _MAKER_IDS
                or (is_lock(value) and self._locks.replacement_of(value) is not value)
            ):
                kind = value if callable(value) else type(value)
                raise NotModelled(
                    f"{call}: the {kind.__name__} at {path} was made outside and cannot be "
                    "replaced there. Make it inside the program, or keep it in an attribute, a "
                    "list or the values of a dict."
                )

    def put_back(self) -> None:
        """Put the real objects back where the virtual ones still are."""
        for owner, parts in self._changed:
            for _, value, put in parts(owner):
                if id(value) in self._reals and put is not None:
                    put(self._reals[id(value)])


def locks_near(roots: Iterable[dict[str, Any]]) -> list[Any]:
    """Return the locks that an exploration finds from some names on."""
    found = chain.from_iterable(_walk(names, _names, deep=True) for names in roots)
    return [value for _, _, (_, value, _) in found if is_lock(value)]


def _walk(root: Any, parts_of_root: _Parts, *, deep: bool) -> Iterator[tuple[Any, _Parts, _Place]]:
    """Return the places of locks, and of functions that a block replaces: owner, parts, place.

    Args:
        root: Where to begin.
        parts_of_root: Returns its places.
        deep: Whether to look where nothing can be replaced, too.
    """
    known = _known[deep]
    layer: list[tuple[str, Any, _Parts]] = [("", root, parts_of_root)]
    # It keeps the objects alive: no id comes twice.
    seen: dict[int, Any] = {id(vars(builtins)): None, id(root): root}
    for _ in range(_FROM_PROGRAM if deep else _FROM_MODULES):
        found = []
        for path, owner, parts in layer:
            for label, value, put in parts(owner):
                key = id(type(value))
                if key in _TYPE_IDS or id(value) in REPLACEMENTS:
                    yield owner, parts, (_longer(path, label), value, put)
                    continue
                if key not in known:
                    known[key] = type(value), _parts_for(type(value), deep=deep)
                    if known[key][1] is None and not deep:
                        CLOSED.add(key)
                _, inner = known[key]
                if inner is not None and id(value) not in seen:
                    seen[id(value)] = value
                    found.append((_longer(path, label) if deep else "", value, inner))
        layer = found


def _longer(path: str, label: str) -> str:
    return path + label if path and label[0] in ".[" else label.removeprefix(".")


def _parts_for(kind: type, *, deep: bool) -> _Parts | None:
    """Return what returns the places in objects of a type; ``None`` if they are not followed."""
    if issubclass(kind, type):
        return _parts_of_class if deep else None
    if issubclass(kind, _GUARDED) or is_tool(str(names_of(kind).get("__module__"))):
        return None
    tables = [*_DEEP_ITEMS, *_ITEMS] if deep else _ITEMS
    items = next((parts for base, parts in tables if issubclass(kind, base)), None)
    getter, slots = attributes_getter(kind), list(_slots(kind))
    if kind is FunctionType or (getter is None and not slots):
        return items or (_referents if deep else None)
    return partial(_parts_of_instance, getter, slots, items or _nothing)


def _parts_of_instance(
    getter: Callable[[Any], dict[str, Any]] | None,
    slots: list[tuple[str, Any]],
    items: _Parts,
    owner: Any,
) -> Iterator[_Place]:
    if getter is not None:
        yield from _names(getter(owner))
    for name, slot in slots:
        try:
            value = slot.__get__(owner)
        except AttributeError:
            continue  # The slot is empty.
        yield (f".{name}", value, partial(slot.__set__, owner))
    yield from items(owner)


def _names(names: dict[Any, Any]) -> Iterator[_Place]:
    """Return the places in a dictionary of names.

    That of a class cannot be changed; the patcher has replaced its own locks.
    """
    put = getattr(names, "__setitem__", None)
    for name, value in list(names.items()):  # A copy: a real thread may change it meanwhile.
        if id(type(value)) not in _PLAIN_IDS or id(value) in REPLACEMENTS:
            yield (f".{name}", value, put and partial(put, name))


def _parts_of_dict(owner: dict[Any, Any]) -> Iterator[_Place]:
    if len(owner) > _MOST_ITEMS:
        return
    for key, value in list(dict.items(owner)):
        label = f"[{key!r}]" if type(key) is str else "[…]"
        yield (label, value, partial(dict.__setitem__, owner, key))
        yield ("[…]", key, None)
    factory = getattr(owner, "default_factory", None)
    yield (".default_factory", factory, partial(setattr, owner, "default_factory"))


def _parts_of_list(owner: list[Any]) -> Iterator[_Place]:
    for index, value in enumerate(list.__iter__(owner) if len(owner) <= _MOST_ITEMS else ()):
        yield (f"[{index}]", value, partial(list.__setitem__, owner, index))


def _parts_of_closure(owner: FunctionType) -> Iterator[_Place]:
    for name, cell in zip(owner.__code__.co_freevars, owner.__closure__ or (), strict=True):
        with suppress(ValueError):  # The cell may be empty.
            yield (name, cell.cell_contents, partial(setattr, cell, "cell_contents"))


def _parts_of_function(owner: FunctionType) -> Iterator[_Place]:
    yield from _parts_of_closure(owner)
    yield (".__defaults__", owner.__defaults__, None)
    yield (".__kwdefaults__", owner.__kwdefaults__, None)
    yield from _names(owner.__dict__)
    if is_user_module(owner.__globals__):
        yield (str(owner.__module__), owner.__globals__, None)


def _parts_of_class(owner: type) -> Iterator[_Place]:
    module = sys.modules.get(owner.__module__)
    if module is not None and is_user_module(names_of(module)):
        for label, value, _ in _names(names_of(owner)):
            yield (label, value, partial(type.__setattr__, owner, label[1:]))


def _nothing(_: object) -> Iterable[_Place]:
    """Return no place."""
    return ()


def _referents(owner: object) -> Iterator[_Place]:
    return (("[…]", value, None) for value in gc.get_referents(owner))


_ITEMS: list[tuple[type, _Parts]] = [
    (FunctionType, _parts_of_closure),
    (dict, _parts_of_dict),
    (list, _parts_of_list),
]
_DEEP_ITEMS: list[tuple[type, _Parts]] = [
    (FunctionType, _parts_of_function),
    (tuple, _referents),
    (partial, _referents),
]

_PLAIN_IDS = frozenset(map(id, _PLAIN))

# By the id of a type, as it may be unhashable: the type, and what returns the places in its
# objects. There is none for objects that are not followed. The second is for deep walks.
_known: list[dict[int, tuple[type, _Parts | None]]] = [
    {id(each): (each, None) for each in _PLAIN} for _ in range(2)
]


def _slots(kind: type) -> Iterator[tuple[str, Any]]:
    for name, slot in chain.from_iterable(names_of(owner).items() for owner in kind.__mro__):
        if type(slot) is MemberDescriptorType and "__slots__" in names_of(slot.__objclass__):
            yield name, slot
