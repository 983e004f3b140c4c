"""Finds what a block replaces in the objects of a program, such as locks that were made before.

One walk serves simulations and explorations. From some names it follows attributes, slots,
closures, classes, lists and dicts, for a few steps. Threads, loggers, the test runner and modules
guard their own data: they are not followed. It also finds functions that make locks or ask for the
time.
"""

import builtins
import gc
import sys
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from functools import partial
from itertools import chain
from logging import Logger
from threading import Thread
from types import BuiltinMethodType, FunctionType, MemberDescriptorType, ModuleType, NoneType
from typing import Any

from threadsim.patching.outside_locks import TYPES
from threadsim.patching.patch_sites import (
    BY_INDEX,
    BY_KEY,
    BY_NAME,
    CLOSED,
    IN_CLASS,
    attributes_getter,
    is_user_module,
    names_of,
)
from threadsim.patching.patch_table import REPLACEMENTS, TYPE_IDS, is_lock
from threadsim.primitives.local import local
from threadsim.primitives.lock import Lock, RLock
from threadsim.primitives.primitive import Primitive
from threadsim.primitives.simple_queue import SimpleQueue
from threadsim.runtime.own_code import is_tool

# From a module to a Flask extension, its scheduler, the dict of job stores, and a job store.
_FROM_MODULES = 5
# From an explored program to a variable of its, and on.
_FROM_PROGRAM = 7

# A dict or list with more items holds data: it is not followed.
_MOST_ITEMS = 1_000

_PLAIN = (ModuleType, NoneType, bool, bytes, float, int, str)
_GUARDED = (Logger, ModuleType, Primitive, Thread, local)

# A place in an object. What stands behind the object's path: ".name" or "[index]", where a variable
# begins a new path; the ``Site``, ``None`` if it cannot be set; and the object in that place.
_Place = tuple[str, Any, Any]

# Returns the places in an object.
_Parts = Callable[[Any], Iterable[_Place]]


def makes_locks(value: object) -> bool:
    """Return whether an object is a function or class that makes locks."""
    return REPLACEMENTS.get(id(value)) in (Lock, RLock, SimpleQueue, local)


def locks_near(roots: Iterable[dict[str, Any]]) -> list[Any]:
    """Return the locks that an exploration finds from some names on."""
    found = walk(chain.from_iterable(map(places, roots)), deep=True)
    return [value for _, _, value in found if is_lock(value)]


def walk(first: Iterable[_Place], *, deep: bool) -> Iterator[_Place]:
    """Return the places of what a block replaces, each with its whole path.

    Args:
        first: The places to begin at.
        deep: Whether to look where nothing can be replaced, too.
    """
    known = _known[deep]
    layer: list[tuple[str, Iterable[_Place]]] = [("", first)]
    seen = {id(vars(builtins)): None}  # It keeps the objects alive: no id comes twice.
    for _ in range(_FROM_PROGRAM if deep else _FROM_MODULES):
        found = []
        for path, inside in layer:
            for label, site, value in inside:
                kind, key = id(type(value)), id(value)
                if kind not in known:
                    known[kind] = type(value), _parts_for(type(value), deep=deep)
                    if known[kind][1] is None and not deep:
                        CLOSED.add(kind)
                _, parts = known[kind]
                if key in REPLACEMENTS or kind in TYPE_IDS:
                    yield _longer(path, label), site, value
                elif parts is not None and key not in seen:
                    seen[key] = value
                    found.append((_longer(path, label) if deep else "", parts(value)))
        layer = found


def _longer(path: str, label: str) -> str:
    return path + label if path and label[0] in ".[" else label.removeprefix(".")


def _parts_for(kind: type, *, deep: bool) -> _Parts | None:
    """Return what returns the places in objects of a type; ``None`` if they are not followed."""
    if issubclass(kind, type):
        return _parts_of_class if deep else None
    if kind is FunctionType:
        return _parts_of_function if deep else _parts_of_closure
    if issubclass(kind, _GUARDED) or is_tool(str(names_of(kind).get("__module__"))):
        return None
    getter, slots = attributes_getter(kind), list(_slots(kind))
    bare = getter is None and not slots
    items: _Parts | None = None
    if issubclass(kind, dict):
        items = _items
    elif issubclass(kind, list):
        items = _parts_of_list
    elif deep and (bare or issubclass(kind, tuple | partial)):
        items = _referents
    return items if bare else partial(_parts_of_instance, getter, slots, items)


def _parts_of_instance(
    getter: Callable[[Any], dict[str, Any]] | None,
    slots: list[str],
    items: _Parts | None,
    owner: Any,
) -> Iterator[_Place]:
    if getter is not None:
        yield from places(getter(owner))
    for name in slots:
        with suppress(AttributeError):  # The slot is empty.
            yield f".{name}", (BY_NAME, owner, name), object.__getattribute__(owner, name)
    if items is not None:
        yield from items(owner)


def _items(owner: dict[Any, Any]) -> Iterator[_Place]:
    if len(owner) <= _MOST_ITEMS:
        for key, value in list(dict.items(owner)):
            yield f"[{key!r}]" if type(key) is str else "[…]", (BY_KEY, owner, key), value
    if isinstance(owner, defaultdict):
        site = BY_NAME, owner, "default_factory"
        yield ".default_factory", site, owner.default_factory


def _parts_of_list(owner: list[Any]) -> Iterator[_Place]:
    for index, value in enumerate(list.__iter__(owner) if len(owner) <= _MOST_ITEMS else ()):
        yield f"[{index}]", (BY_INDEX, owner, index), value


def _referents(owner: object) -> Iterator[_Place]:
    return (("[…]", None, value) for value in gc.get_referents(owner))


def places(names: dict[str, Any]) -> Iterator[_Place]:
    """Return the places in a dictionary of names."""
    for name, value in list(names.items()):  # A copy: a real thread may change it meanwhile.
        if id(type(value)) not in _PLAIN_IDS:
            yield f".{name}", (BY_KEY, names, name), value


def _parts_of_closure(owner: FunctionType) -> Iterator[_Place]:
    for name, cell in zip(owner.__code__.co_freevars, owner.__closure__ or (), strict=True):
        with suppress(ValueError):  # The cell may be empty.
            yield name, (BY_NAME, cell, "cell_contents"), cell.cell_contents


def _parts_of_function(owner: FunctionType) -> Iterator[_Place]:
    yield from _parts_of_closure(owner)
    yield ".__defaults__", None, owner.__defaults__
    yield ".__kwdefaults__", None, owner.__kwdefaults__
    yield from places(owner.__dict__)
    if is_user_module(owner.__globals__):
        yield str(owner.__module__), None, owner.__globals__


def _parts_of_class(owner: type) -> Iterator[_Place]:
    module = sys.modules.get(owner.__module__)
    if module is not None and is_user_module(names_of(module)):
        for label, _, value in places(names_of(owner)):
            yield label, (IN_CLASS, owner, label[1:]), value


_PLAIN_IDS = frozenset(map(id, _PLAIN))

# By the id of a type, as it may be unhashable: the type, and what returns the places in its
# objects. There is none for objects that are not followed. The second is for deep walks.
_known: list[dict[int, tuple[type, _Parts | None]]] = [
    {id(each): (each, None) for each in (*_PLAIN, *TYPES, BuiltinMethodType)} for _ in range(2)
]


def _slots(kind: type) -> Iterator[str]:
    for name, slot in chain.from_iterable(names_of(owner).items() for owner in kind.__mro__):
        if type(slot) is MemberDescriptorType and "__slots__" in names_of(slot.__objclass__):
            yield name
