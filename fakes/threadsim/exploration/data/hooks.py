"""What instrumented code calls before it reads and writes data.

Outside a schedule these functions do nothing. The program's own operation stays where it is, with
its errors and its order.
"""

import gc
import operator
import sys
from collections.abc import Callable, Iterator
from functools import cached_property, lru_cache, partial, partialmethod
from itertools import chain, islice
from types import (
    BuiltinFunctionType,
    FunctionType,
    GeneratorType,
    MemberDescriptorType,
    MethodDescriptorType,
    MethodType,
    MethodWrapperType,
    ModuleType,
    WrapperDescriptorType,
)
from typing import Any
from weakref import WeakKeyDictionary

from threadsim.exploration.data import containers
from threadsim.exploration.data.accesses import Access, Accesses, Site, given
from threadsim.exploration.data.containers import is_container
from threadsim.runtime.hooks import READ, WRITE
from threadsim.runtime.kernel import here

CONSTANT = (BuiltinFunctionType, FunctionType, ModuleType, type)
"""Types of what a module's variables hold that no program changes, as far as this goes."""

# Functions in C. They read the containers among their arguments.
_IN_C = (BuiltinFunctionType, MethodDescriptorType, MethodWrapperType, WrapperDescriptorType)
_CACHED = type(lru_cache(len))
# Modules whose functions look into containers in containers.
_DEEP = {"copy", "json", "_pickle", "pprint"}
_DEEPEST = 6
# Modules whose classes and functions in C keep what they are given, guard it themselves, or look at
# the caller's frame.
_LEFT_ALONE = {
    *("_queue", "_thread", "contextlib", "functools", "queue", "threading", "weakref"),
    *("_warnings", "sys"),
}
# Modules whose functions change their arguments.
_WRITERS = {"_bisect", "_heapq"}
_BOTH = READ | WRITE
_VIEWS: tuple[type, ...] = (
    *(type({}.items()), type({}.keys()), type({}.values()), enumerate, filter, map, reversed, zip),
    *(type(iter([])), type(iter({})), type(iter(set())), type(iter(())), type(reversed([]))),
    *(type(iter({}.values())), type(iter({}.items())), type(reversed({})), chain, islice),
)


def data_here() -> Accesses | None:
    """Return the accesses of the running schedule."""
    kernel = here()
    points: Any = None if kernel is None else kernel.points
    return None if points is None else points.data


# Attributes.


def attribute(thing: Any, site: Site) -> Any:
    """Note that an attribute is read, written or deleted; return the object."""
    data = data_here()
    if data is not None:
        data.note(site, _of_attribute, thing, site)
    return thing


# How functions that are given the name of an attribute access it, by their ids.
_BY_NAME = {
    **dict.fromkeys(map(id, (getattr, hasattr)), READ),
    **dict.fromkeys(map(id, (delattr, setattr, object.__setattr__)), WRITE),
}


def _of_attribute(data: Accesses, thing: Any, site: Site) -> list[Access]:
    name, mode = site.name, site.mode
    record = data.records.get(id(thing))
    found = None if record is None else record.locations.get(name)
    if found is not None and found.is_alone:
        return [(found, mode)]
    if type(thing) is ModuleType:
        if mode == READ and isinstance(vars(thing).get(name), CONSTANT):
            return []
        return [(data.variable(thing.__name__, name), mode)]
    if issubclass(type(thing), type):
        return _of_class(data, thing, name, mode)
    kind = type(thing)
    if not _is_plain(kind, name, mode):
        return []
    record = data.record(thing, made=site.of_self and record is None)
    owner = thing if kind is FunctionType else kind
    text = f"{owner.__qualname__}.{name}"
    location = data.location(record, name, f"{owner.__module__}.{text}", text)
    location.is_alone = _is_plain(kind, name, _BOTH)
    accesses = [(location, mode)]
    if mode == READ and name not in getattr(thing, "__dict__", ()):
        accesses += _of_class(data, kind, name, mode)
    return accesses


def _of_class(data: Accesses, owner: type, name: str, mode: int) -> list[Access]:
    if mode == READ:
        owner = next((each for each in owner.__mro__ if name in vars(each)), object)
        value = vars(owner).get(name)
        if owner is object or hasattr(type(value), "__get__") or isinstance(value, CONSTANT):
            return []
    text = f"{owner.__qualname__}.{name}"
    record = data.record(owner)
    return [(data.location(record, name, f"{owner.__module__}.{text}", text), mode)]


_plain: WeakKeyDictionary[type, dict[tuple[str, int], bool]] = WeakKeyDictionary()


def _is_plain(kind: type, name: str, mode: int) -> bool:
    """Return whether an attribute of instances of a class holds data, and no code guards it.

    Args:
        kind: The class.
        name: The attribute's name.
        mode: How it is accessed; ``_BOTH`` asks whether no class has a value for it, either.
    """
    known = _plain.setdefault(kind, {})
    if (name, mode) not in known:
        known[name, mode] = _find_plain(kind, name, mode)
    return known[name, mode]


def _find_plain(kind: type, name: str, mode: int) -> bool:
    guards = ["__getattribute__", "__setattr__"][: 2 if mode & WRITE else 1]
    is_own = any(getattr(kind, each) is not getattr(object, each) for each in guards)
    if is_own or (name.startswith("__") and name.endswith("__")):
        return False
    values = (vars(owner)[name] for owner in kind.__mro__ if name in vars(owner))
    value = next(values, None)
    if value is None or isinstance(value, MemberDescriptorType | cached_property):
        return value is not None or bool(kind.__dictoffset__)
    is_data = mode != _BOTH and not hasattr(type(value), "__set__")
    return is_data and (mode == WRITE or not hasattr(type(value), "__get__"))


class _Operand:
    """What an operator such as ``+=`` reads and writes.

    Args:
        thing: The object, or what has it as an attribute or item.
        site: Where that is.
    """

    def __init__(self, thing: Any, site: Site) -> None:
        self._thing = thing
        self._site = site


class Attribute(_Operand):
    """An attribute that an operator reads and writes."""

    @property
    def value(self) -> Any:
        """Its value."""
        attribute(self._thing, self._site)
        return _changing(getattr(self._thing, self._site.name), self._site)

    @value.setter
    def value(self, value: Any) -> None:
        attribute(self._thing, self._site._replace(mode=WRITE))
        setattr(self._thing, self._site.name, value)


# Variables of modules and of functions.


def variable(owner: Any, site: Site) -> bool:
    """Note that a variable is read or written; return true.

    Args:
        owner: The name of its module, or a function that has it in its closure.
        site: Where that is.
    """
    if (data := data_here()) is not None:
        if type(owner) is str:
            location = data.variable(owner, site.name)
        else:
            (cell,) = owner.__closure__
            record = data.record(cell, made=site.mode == WRITE and id(cell) not in data.records)
            kind = f"{site.name}@{site.file.rpartition('/')[2]}"
            location = data.location(record, "", kind, site.name)
        data.note(site, given, [(location, site.mode)])
    return True


# Generators.


def before_yield(value: Any, site: Site) -> Any:
    """Note that a generator stops; return the value that it yields."""
    _generator(sys._getframe().f_back, site)
    return value


def _generator(frame: Any, site: Site) -> None:
    """Note that a generator begins or ends to run."""
    if frame is not None and (data := data_here()) is not None:
        name = frame.f_code.co_name
        kind = f"generator {name}@{frame.f_code.co_filename.rpartition('/')[2]}"
        location = data.location(data.record(frame), "", kind, f"the generator {name}")
        data.note(site, given, [(location, WRITE)])


# Containers.


def _note(thing: Any, site: Site, accesses: Callable[..., list[Access]], *arguments: Any) -> None:
    """Note the accesses of an operation, if its object is a container and a schedule runs."""
    if is_container(thing) and (data := data_here()) is not None:
        data.note(site, accesses, thing, *arguments)


def read_item(thing: Any, key: Any, site: Site) -> Any:
    """Note that an item is read; return it."""
    _note(thing, site, containers.item, key, READ)
    return thing[key]


class Items(_Operand):
    """Notes that an item is written or deleted, and does it; an operator as ``+=`` reads it."""

    def __getitem__(self, key: Any) -> Any:
        return _changing(read_item(self._thing, key, self._site), self._site)

    def __setitem__(self, key: Any, value: Any) -> None:
        _note(self._thing, self._site, containers.item, key, WRITE)
        self._thing[key] = value

    def __delitem__(self, key: Any) -> None:
        _note(self._thing, self._site, containers.removal, key)
        del self._thing[key]


class _InPlace(_Operand):
    """A container that an operator is about to change."""

    def _change(self, value: Any, *, name: str) -> Any:
        _note(self._thing, self._site, containers.whole, WRITE)
        return getattr(operator, name)(self._thing, value)

    __iadd__ = partialmethod(_change, name="iadd")
    __iand__ = partialmethod(_change, name="iand")
    __imul__ = partialmethod(_change, name="imul")
    __ior__ = partialmethod(_change, name="ior")
    __isub__ = partialmethod(_change, name="isub")
    __ixor__ = partialmethod(_change, name="ixor")


def _changing(value: Any, site: Site) -> Any:
    return _InPlace(value, site) if is_container(value) else value


def read_whole(thing: Any, site: Site) -> Any:
    """Note that an object is read as a whole, if it is a container; return it."""
    _note(thing, site, containers.whole, READ)
    return thing


def read_length(thing: Any, site: Site) -> Any:
    """Note that it is asked whether a container is empty; return the object."""
    _note(thing, site, containers.keys, READ)
    return thing


def is_in(item: Any, thing: Any, site: Site) -> bool:
    """Note that an item is looked for; return whether it is there."""
    _note(thing, site, containers.method, "__contains__", (item,))
    return item in thing


def in_place(value: Any, thing: Any, site: Site) -> Any:
    """Note that an operator changes a variable's object, if it is a container; return the value."""
    _note(thing, site, containers.whole, WRITE)
    return value


def made(thing: Any, site: Site) -> Any:
    """Note that the running thread has made a container; return it."""
    if (data := data_here()) is not None:
        data.record(thing, f"{type(thing).__name__}@{site}", made=True)
    return thing


def each_of(things: Any, site: Site) -> Any:
    """Return an iterable that notes each step of its iteration."""
    data = data_here()
    if data is None:
        return things
    is_own = is_container(things)
    sources = [things] if is_own else _sources(things)
    steps = [containers.steps(data, each, values=not is_own) for each in sources]
    return _steps(things, steps, site) if steps or type(things) is GeneratorType else things


def _steps(things: Any, sources: list[Iterator[list[Access]]], site: Site) -> Iterator[Any]:
    iterator = iter(things)
    while True:
        if type(things) is GeneratorType:
            _generator(things.gi_frame, site)
        for steps in sources:
            accesses = next(steps)
            if (data := data_here()) is not None:
                data.note(site, given, accesses)
        try:
            value = next(iterator)
        except StopIteration:
            return
        yield value


def _sources(thing: Any) -> list[Any]:
    """Return the containers behind a view or an iterator."""
    if type(thing) not in _VIEWS:
        return []
    # zip and map keep their iterators in a tuple.
    parts = [each if type(each) is tuple else (each,) for each in gc.get_referents(thing)]
    found = list(chain.from_iterable(parts))
    for each in found:
        found += _sources(each)
    return [each for each in found if is_container(each)]


# Calls.


def called(function: Any, site: Site) -> Any:
    """Return a function that notes what the call of a function in C reads and writes.

    Other functions are returned as they are.
    """
    if type(function) is MethodType and type(function.__func__) is not _CACHED:
        return function
    if issubclass(type(function), type):
        init = getattr(function, "__init__", None)
        is_foreign = type(init) is not FunctionType and not issubclass(function, BaseException)
    else:
        is_foreign = type(function) in _IN_C or (
            type(function) is FunctionType and function.__module__ in _DEEP
        )
    module = getattr(function, "__module__", None)
    data = data_here()
    if type(getattr(function, "__func__", function)) is _CACHED and data is not None:
        return partial(_call_cached, function, site)
    if not is_foreign or module in _LEFT_ALONE or data is None:
        return function
    return partial(_call, data, function, site)


def _call(data: Accesses, function: Any, site: Site, /, *arguments: Any, **named: Any) -> Any:
    owner = getattr(function, "__self__", None)
    how = _BY_NAME.get(id(function))
    if how is not None and len(arguments) > 1 and isinstance(arguments[1], str):
        attribute(arguments[0], site._replace(name=arguments[1], mode=how))
    if is_container(owner):
        data.note(site, containers.method, owner, function.__name__, arguments)
    if function is len:
        for each in arguments:
            read_length(each, site)
        return len(*arguments, **named)
    mode = WRITE if getattr(function, "__module__", "") in _WRITERS else READ
    for each in (owner, *arguments, *named.values()):
        if type(each) is GeneratorType:
            _generator(each.gi_frame, site)
        depth = _DEEPEST if getattr(function, "__module__", "") in _DEEP else 1
        for container in _within(each, depth):
            if container is not owner:
                data.note(site, containers.whole, container, mode)
    result = function(*arguments, **named)
    if is_container(result) and id(result) not in data.records:
        made(result, site)
    return result


def _call_cached(function: Any, site: Site, /, *arguments: Any, **named: Any) -> Any:
    """Note that the cache of a function is read. Before the function returns, it is written."""
    variable(function.__module__, site._replace(name=f"{function.__qualname__}()"))
    return function(*arguments, **named)


def _within(thing: Any, depth: int) -> Iterator[Any]:
    """Return the containers in an argument: itself, or what a view shows, and those in it."""
    if is_container(thing):
        yield thing
        items = thing.values() if isinstance(thing, dict) else thing
        for each in list(items) if depth > 1 else ():
            yield from _within(each, depth - 1)
    else:
        yield from _sources(thing)
