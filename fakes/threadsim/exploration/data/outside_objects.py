"""Real locks, and what makes them, from before an exploration in objects of its program.

What modules and classes hold is replaced for every simulation. An exploration needs more: a real
lock is no place to switch, so that what it guards would be tried in one order only. So
whatever the program refers to is followed: closures, defaults and arguments, instances, containers,
and what the modules of its functions hold. Not looked into are the standard library's modules and
those of installed packages, threads, loggers and the test runner: they guard what is their own.

What a frozenset or an object written in C, but for the containers, refers to stays real.
"""

import gc
import sys
from collections import OrderedDict, defaultdict, deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from functools import cache, partial
from logging import Logger
from operator import is_
from pathlib import PurePath
from threading import Thread
from types import CellType, FunctionType, MemberDescriptorType, ModuleType
from typing import Any

from threadsim.patching.module_locks import TYPES, LockReplacements
from threadsim.patching.patch_sites import INSTALLED, LEFT_ALONE, attributes_of, names_of
from threadsim.patching.patch_table import STAND_INS

# By id: a class of the program's may be unhashable.
_TYPE_IDS = frozenset(map(id, TYPES))


class Reached:
    """What is replaced in objects, by what would stand for it in a module.

    Args:
        replaced: Knows what stands for what.
    """

    def __init__(self, replaced: LockReplacements) -> None:
        self._replaced = replaced
        # By the ids of who refers to it and of what stands for it.
        self._reals: dict[tuple[int, int], Any] = {}
        self._changed: list[Any] = []

    def replace(self, things: Iterable[object]) -> None:
        """Replace what some things refer to, and what that refers to."""
        looked_into = _TYPE_IDS | frozenset(map(id, _with_subclasses(tuple)))
        for thing in reached_from(things):
            if _may_change(thing, looked_into) and _exchange(thing, partial(self._virtual, thing)):
                self._changed.append(thing)

    def put_back(self) -> None:
        """Put everything back, but for what the program has put in its place."""
        for thing in self._changed:
            _exchange(thing, partial(self._real, thing))

    def _virtual(self, thing: Any, value: Any) -> Any:
        virtual = STAND_INS.get(id(value))
        if id(type(value)) in _TYPE_IDS:
            virtual = self._replaced.by(value)
        if virtual is None:
            return value
        self._reals[id(thing), id(virtual)] = value
        return virtual

    def _real(self, thing: Any, value: Any) -> Any:
        return self._reals.get((id(thing), id(value)), value)


def reached_from(things: Iterable[object]) -> Iterator[Any]:
    """Return some things and what they refer to, each before it is looked into."""
    todo = list(things)
    seen = {id(each): each for each in todo}  # Kept alive, so that no other gets the same id.
    guards: dict[int, bool] = {}
    while todo:
        thing = todo.pop()
        kind = type(thing)
        if id(kind) not in guards:
            guards[id(kind)] = _guards_its_own(kind)
        if id(kind) in _TYPE_IDS or not guards[id(kind)]:
            yield thing
        if guards[id(kind)]:
            continue
        for each in filter(gc.is_tracked, _referred(thing)):
            if id(each) not in seen:
                seen[id(each)] = each
                todo.append(each)


def _with_subclasses(kind: type) -> Iterator[type]:
    yield kind
    subclasses: list[type] = type.__subclasses__(kind)
    for each in subclasses:
        yield from _with_subclasses(each)


def _may_change(thing: Any, looked_into: frozenset[int]) -> bool:
    """Return whether there may be something to replace in what a thing refers to, in few calls."""
    if type(thing) is FunctionType:
        return thing.__defaults__ is not None
    referents = gc.get_referents(thing)
    if issubclass(type(thing), dict):
        referents += dict.values(thing)  # Those of an object may be the object's alone.
    types = map(id, map(type, referents))
    return not (looked_into.isdisjoint(types) and STAND_INS.keys().isdisjoint(map(id, referents)))


def _exchange(thing: Any, other: Callable[[Any], Any]) -> bool:
    """Put something else for what a thing refers to, and return whether it had to be put there."""
    changed = False
    for value, put in list(_places(thing)):
        instead = _within(value, other)
        if instead is not value:
            put(instead)
            changed = True
    return changed


def _within(value: Any, other: Callable[[Any], Any]) -> Any:
    kind = type(value)
    if not issubclass(kind, tuple):
        return other(value)
    items = tuple.__getitem__(value, slice(None))
    within = [_within(each, other) for each in items]
    if all(map(is_, items, within)):
        return value
    instead = tuple.__new__(kind, within)
    attributes_of(instead).update(attributes_of(value))
    return instead


def _places(thing: Any) -> Iterator[tuple[Any, Callable[[Any], object]]]:
    """Return what a thing refers to where that can be changed, each with what sets it."""
    kind = type(thing)
    if issubclass(kind, dict):
        # In this order: a value is set by its key.
        items = dict.items(thing)
        yield from ((value, partial(dict.__setitem__, thing, key)) for key, value in items)
        yield tuple(_dict_of(kind).keys(thing)), partial(_put_keys, thing)
        if kind is defaultdict:
            yield thing.default_factory, partial(setattr, thing, "default_factory")
    elif base := next((each for each in (list, deque) if issubclass(kind, each)), None):
        places = enumerate(base.__iter__(thing))
        yield from ((value, partial(base.__setitem__, thing, index)) for index, value in places)
    elif issubclass(kind, set):
        yield from ((value, partial(_put_into, thing, value)) for value in set.__iter__(thing))
    elif kind is CellType:
        # It may be empty.
        put = partial(setattr, thing, "cell_contents")
        yield from ((value, put) for value in gc.get_referents(thing))
    elif kind is FunctionType:
        yield thing.__defaults__, partial(setattr, thing, "__defaults__")
    elif issubclass(kind, partial):
        yield thing.func, partial(_put_part, thing, 0)
        yield thing.args, partial(_put_part, thing, 1)
    yield from _slots(thing)


def _put_keys(things: dict[Any, Any], keys: Iterable[Any]) -> None:
    """Put keys in the places of others, unless that loses one: some may be equal or fail by now."""
    base = _dict_of(type(things))
    with suppress(Exception):
        items = dict(zip(keys, base.values(things), strict=True))
        if len(items) == len(things):
            base.clear(things)
            for key, value in items.items():
                base.__setitem__(things, key, value)


def _dict_of(kind: type) -> type[dict[Any, Any]]:
    """Return whose methods change a dictionary: an ordered one knows its order beside."""
    return OrderedDict if issubclass(kind, OrderedDict) else dict


def _put_part(function: Any, part: int, instead: Any) -> None:
    """Put something else for the function or the arguments of a ``partial``."""
    state = list(function.__reduce__()[2])
    state[part] = instead
    function.__setstate__(tuple(state))


def _put_into(things: set[Any], value: Any, instead: Any) -> None:
    set.remove(things, value)
    set.add(things, instead)


def _slots(thing: Any) -> Iterator[tuple[Any, Callable[[Any], object]]]:
    for owner in type(thing).__mro__:
        if "__slots__" in names_of(owner):
            for slot in names_of(owner).values():
                with suppress(AttributeError):  # Nothing may be there yet.
                    if type(slot) is MemberDescriptorType:
                        yield slot.__get__(thing), partial(slot.__set__, thing)


def _referred(thing: Any) -> Iterable[Any]:
    """Return what else is to be looked at of what a thing refers to."""
    kind = type(thing)
    if issubclass(kind, ModuleType):
        return [names_of(thing)] if _is_own(names_of(thing)) else []
    if issubclass(kind, type):
        module = sys.modules.get(str(names_of(thing).get("__module__")))
        return names_of(thing).values() if module and _is_own(names_of(module)) else []
    if kind is FunctionType:
        outside = [thing.__globals__] if _is_own(thing.__globals__) else []
        return [thing.__closure__, thing.__defaults__, thing.__kwdefaults__, vars(thing), *outside]
    # An object may have none: the dictionary is another each time then, and tracked from 3.14 on.
    own = attributes_of(thing)
    return [own, *gc.get_referents(thing)] if own else gc.get_referents(thing)


def _guards_its_own(kind: type) -> bool:
    package = str(names_of(kind).get("__module__")).partition(".")[0]
    return id(kind) in _TYPE_IDS or issubclass(kind, Logger | Thread) or package in LEFT_ALONE


def _is_own(names: Mapping[str, Any]) -> bool:
    """Return whether a module is neither installed nor part of Python or of the test runner."""
    return _is_own_file(str(names.get("__name__")), str(names.get("__file__")))


@cache  # It is asked for each function.
def _is_own_file(module: str, file: str) -> bool:
    package = module.partition(".")[0]
    known = package in sys.stdlib_module_names or package in LEFT_ALONE
    return not known and INSTALLED.isdisjoint(PurePath(file).parts)
