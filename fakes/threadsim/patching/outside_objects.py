"""Locks that were made outside and that instances, closures and containers hold.

The patcher replaces what modules and classes hold. This file follows objects further, and replaces
locks in attributes, closure cells, dict values and lists. A lock in another place is refused by its
path. Threads, loggers, the test runner and installed modules guard their own data: they are not
followed.
"""

import gc
import sys
from collections import defaultdict, deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from functools import partial
from logging import Logger
from threading import Thread
from types import FunctionType, MemberDescriptorType, ModuleType
from typing import Any, NamedTuple

from threadsim.patching.module_locks import TYPES, LockReplacements
from threadsim.patching.patch_sites import attributes_of, is_user_module, names_of
from threadsim.patching.patch_table import REALS, REPLACEMENTS
from threadsim.primitives.local import local
from threadsim.primitives.lock import Lock, RLock
from threadsim.primitives.primitive import Primitive
from threadsim.primitives.simple_queue import SimpleQueue
from threadsim.runtime.errors import NotModelled
from threadsim.runtime.own_code import is_tool

# By id: a class of the program may be unhashable.
_TYPE_IDS = frozenset(map(id, TYPES))

# Functions that make locks.
_MAKER_IDS = {
    key for key, made in REPLACEMENTS.items() if made in (Lock, RLock, SimpleQueue, local)
}

# Only some of what these refer to is followed.
_SELECTIVE = (FunctionType, ModuleType, type)


class OutsideObjects:
    """Replaces real locks, and functions that make them, in the objects of a program.

    Args:
        replacements: The virtual locks that replace real ones.
    """

    def __init__(self, replacements: LockReplacements) -> None:
        self._replacements = replacements
        self._reals: dict[int, Any] = {}  # By the id of the virtual lock.
        self._changed: list[Any] = []

    def replace(self, roots: Mapping[str, object]) -> None:
        """Replace the locks in some objects and in all that they refer to.

        Args:
            roots: The objects by their names.

        Raises:
            NotModelled: A lock is in a place where it cannot be replaced.
        """
        for owner in _owners(roots.values()):
            self._changed.append(owner)
            for _, value, put in _parts(owner):
                virtual = REPLACEMENTS.get(id(value), value)
                if is_lock(value):
                    virtual = self._replacements.replacement_of(value)
                    self._reals[id(virtual)] = value
                if virtual is not value and put is not None:
                    put(virtual)
                elif virtual is not value and (is_lock(value) or id(value) in _MAKER_IDS):
                    kind = value if callable(value) else type(value)
                    raise NotModelled(
                        f"explore(): the {kind.__name__} at {_path(roots, value)} was made "
                        "outside and cannot be replaced there. Make it inside the program, or keep "
                        "it in an attribute, a list or the values of a dict."
                    )

    def put_back(self) -> None:
        """Put the real objects back where the virtual ones still are."""
        for owner in self._changed:
            for _, value, put in _parts(owner):
                real = self._reals.get(id(value), REALS.get(id(value), value))
                if real is not value and put is not None:
                    put(real)


def is_lock(value: object) -> bool:
    """Return whether an object is a real lock, or has one inside, such as a queue."""
    return id(type(value)) in _TYPE_IDS


def locks_in(roots: Iterable[object]) -> list[Any]:
    """Return the locks in some objects and in all that they refer to."""
    return [each for owner in _owners(roots) for each in _referents([owner]) if is_lock(each)]


def _owners(roots: Iterable[object]) -> Iterator[Any]:
    """Return the objects that refer to a lock, or to a function that makes locks."""
    for layer in _layers(roots):
        if _refer_to_a_lock(layer):
            yield from (each for each in layer if _refer_to_a_lock([each]))


def _refer_to_a_lock(owners: list[Any]) -> bool:
    values = _referents(owners)
    types = map(id, map(type, values))
    return not (_TYPE_IDS.isdisjoint(types) and REPLACEMENTS.keys().isdisjoint(map(id, values)))


def _layers(roots: Iterable[object]) -> Iterator[list[Any]]:
    """Return some objects, then the objects that these refer to, and so on; each object once."""
    layer = list(roots)
    seen: dict[int, Any] = {}  # It keeps them alive: no id comes twice.
    while layer:
        seen |= zip(map(id, layer), layer, strict=True)
        yield layer
        found = _referents(layer)
        new = dict(zip(map(id, found), found, strict=True))
        layer = [each for key, each in new.items() if key not in seen and _is_followed(each)]


def _path(roots: Mapping[str, object], lock: object) -> str:
    """Return how to come to a lock that cannot be replaced."""
    todo = deque(roots.items())
    seen: dict[int, Any] = {}
    while True:
        path, owner = todo.popleft()
        for label, value, put in _parts(owner):
            longer = path + label if label[0] in ".[" else label
            if value is lock and put is None:
                return longer
            if id(value) not in seen and _is_followed(value):
                seen[id(value)] = value
                todo.append((longer, value))


def _is_followed(value: object) -> bool:
    kind = type(value)
    guarded = issubclass(kind, Logger | Thread | Primitive | local)
    guarded = guarded or is_tool(str(names_of(kind).get("__module__")))
    return gc.is_tracked(value) and not guarded and not is_lock(value)


def _referents(owners: list[Any]) -> list[Any]:
    """Return the objects that some objects refer to, in few calls."""
    selective = [each for each in owners if issubclass(type(each), _SELECTIVE)]
    others = [each for each in owners if not issubclass(type(each), _SELECTIVE)]
    return gc.get_referents(*others) + [part.value for each in selective for part in _parts(each)]


class _Part(NamedTuple):
    """A place in an object.

    Attributes:
        label: What stands behind the object's path: ".name" or "[index]". A variable's name begins
            a new path.
        value: The object in that place.
        put: Replaces the value; ``None`` if nothing can.
    """

    label: str
    value: Any
    put: Callable[[Any], object] | None = None


def _parts(owner: Any) -> Iterator[_Part]:
    """Return the places in an object. A value may be replaced before the next is asked for."""
    kind = type(owner)
    if issubclass(kind, ModuleType | type):
        base = type if issubclass(kind, type) else ModuleType
        for name, value in list(names_of(owner).items()) if _is_own(owner) else ():
            yield _Part(f".{name}", value, partial(base.__setattr__, owner, name))
        return
    attributes = attributes_of(owner)
    for name, value in list(attributes.items()):
        yield _Part(f".{name}", value, partial(attributes.__setitem__, name))
    for name, slot in _slots(kind):
        with suppress(AttributeError):  # The slot may be empty.
            yield _Part(f".{name}", slot.__get__(owner), partial(slot.__set__, owner))
    yield from _PARTS_OF[next(base for base in kind.__mro__ if base in _PARTS_OF)](owner)


def _parts_of_function(owner: FunctionType) -> Iterator[_Part]:
    for name, cell in zip(owner.__code__.co_freevars, owner.__closure__ or (), strict=True):
        with suppress(ValueError):  # The cell may be empty.
            yield _Part(name, cell.cell_contents, partial(setattr, cell, "cell_contents"))
    if is_user_module(owner.__globals__):
        yield _Part(owner.__module__, owner.__globals__)
    yield _Part(".__defaults__", owner.__defaults__)
    yield _Part(".__kwdefaults__", owner.__kwdefaults__)


def _parts_of_dict(owner: dict[Any, Any]) -> Iterator[_Part]:
    is_module = dict.__contains__(owner, "__builtins__")
    for key, value in list(dict.items(owner)):
        label = f".{key}" if is_module else f"[{key!r}]" if type(key) is str else "[…]"
        yield _Part(label, value, partial(dict.__setitem__, owner, key))
        yield _Part("[…]", key)
    if type(owner) is defaultdict:
        factory = partial(setattr, owner, "default_factory")
        yield _Part(".default_factory", owner.default_factory, factory)


def _parts_of_list(owner: list[Any]) -> Iterator[_Part]:
    for index, value in enumerate(list.__iter__(owner)):
        yield _Part(f"[{index}]", value, partial(list.__setitem__, owner, index))


def _parts_of_tuple(owner: tuple[Any, ...]) -> Iterator[_Part]:
    return (_Part(f"[{index}]", value) for index, value in enumerate(tuple.__iter__(owner)))


def _parts_of_any(owner: object) -> Iterator[_Part]:
    return (_Part("[…]", value) for value in gc.get_referents(owner))


_PARTS_OF: dict[type, Callable[[Any], Iterator[_Part]]] = {
    FunctionType: _parts_of_function,
    dict: _parts_of_dict,
    list: _parts_of_list,
    tuple: _parts_of_tuple,
    object: _parts_of_any,
}


def _slots(kind: type) -> Iterator[tuple[str, Any]]:
    for owner in kind.__mro__:
        if "__slots__" in names_of(owner):
            for name, slot in names_of(owner).items():
                if type(slot) is MemberDescriptorType:
                    yield name, slot


def _is_own(owner: ModuleType | type) -> bool:
    """Return whether a module or class is neither installed nor Python's nor the test runner's."""
    names = names_of(owner)
    if issubclass(type(owner), type):
        module = sys.modules.get(str(names.get("__module__")))
        names = names_of(module) if module else {}
    return is_user_module(names)
