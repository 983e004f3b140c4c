"""The loaded modules and their classes, and which of their names have to be swapped.

Looking at every name there is takes longer than most simulations, and much longer while coverage
follows each line. So what is here looks at a name again only where something else stands, and asks
all modules, or all names of one, in a single call.
"""

import sys
from collections.abc import Callable, Iterator
from ctypes import string_at
from itertools import chain, compress, repeat
from operator import attrgetter, is_not, methodcaller, ne, or_
from pathlib import PurePath
from types import GetSetDescriptorType, ModuleType
from typing import Any
from weakref import ref

from threadsim.patching.patch_table import is_swapped, swappable

# These keep real time and real threads: the test runner and its tools, and this package.
LEFT_ALONE = {
    "_pytest",
    "apscheduler_fakes",
    "threadsim",
    "coverage",
    "execnet",
    "freezegun",
    "greenlet",
    "importlib",
    "pluggy",
    "pytest",
    "pytest_cov",
    "pytest_freezer",
    "pytest_randomly",
    "pytest_replay",
    "pytest_timeout",
    "xdist",
}

# Folders of installed packages, whose classes are taken to stay as they are.
INSTALLED = {"site-packages", "dist-packages"}

# What Python lets nobody change: classes written in C.
_IMMUTABLE = 1 << 8


class _Snapshot:
    """What a module or class held when it was looked at. It keeps nothing alive.

    Attributes:
        owner: Refers to the module or class.
        names: Returns its dictionary.
        places: Where what its names stood for was.
        types: Where the types of that were.
        swappable: The names whose value may have to be swapped, now or when it is another.
    """

    __slots__ = ("names", "owner", "places", "swappable", "types")

    def __init__(self, owner: Any) -> None:
        self.owner = ref(owner)
        self.names = _getter(owner)
        names = self.names(owner).copy()  # A real thread may add to them meanwhile.
        values = tuple(names.values())
        self.places, self.types = _references(values), _types(values)
        self.swappable = swappable(names)

    def to_swap(self) -> list[tuple[Any, str, Any]]:
        """Return what there is to swap now, each as owner, name and value."""
        owner = self.owner()
        names = self.names(owner)
        found = [(owner, name, names.get(name)) for name in self.swappable]
        return [each for each in found if is_swapped(each[2])]


class _Module:
    """A loaded module.

    Attributes:
        itself: Refers to it.
        size: How many names it had when it was looked at; -1 if it never was.
        watched: What of it has to be looked at in each simulation.
    """

    __slots__ = ("itself", "size", "watched")

    def __init__(self, module: ModuleType) -> None:
        self.itself = ref(module)
        self.size = -1
        self.watched: list[_Snapshot] = []

    def look(self) -> None:
        """Look at the module and its classes."""
        module = self.itself()
        assert module is not None
        self.size = len(names_of(module))
        self.watched = _worth_watching(module)


class PatchSites:
    """The loaded modules, and what earlier simulations have found in them.

    Watched, which is looked at in each simulation, are the modules that are not the standard
    library's, the classes of those that are not installed, and whatever held something to swap
    before. All else, and what is new in those, is looked at when its module has grown or changed.
    """

    def __init__(self) -> None:
        self._places_of_modules = b""
        self._modules: list[_Module] = []
        # All that is watched, in a row for single calls.
        self._watched: list[_Snapshot] = []
        self._places = self._types = b""

    def found(self) -> list[tuple[Any, str, Any]]:
        """Return what there is to swap, each as owner, name and value."""
        changed = self._changed(types=True)
        for module in changed:
            module.look()
        if changed:
            self._line_up()
        return list(chain.from_iterable(each.to_swap() for each in self._watched if each.swappable))

    def changed(self) -> list[ModuleType]:
        """Return the modules that are new, or may have a stand-in where something else stood."""
        # A stand-in has its place for itself.
        changed = self._changed(types=False)
        return [module for each in changed if (module := each.itself()) is not None]

    def _changed(self, *, types: bool) -> list[_Module]:
        sizes = map(len, map(_of_module, self._loaded_now()))
        grown = map(ne, map(attrgetter("size"), self._modules), sizes)
        owned = [(each.names, each.owner()) for each in self._watched]
        all_names = [{} if owner is None else names(owner) for names, owner in owned]
        values = tuple(chain.from_iterable(map(methodcaller("values"), all_names)))
        places = _references(values)
        if places == self._places and not (types and _types(values) != self._types):
            return list(compress(self._modules, grown))
        outdated = self._outdated(places, _types(values), map(len, all_names))
        return list(compress(self._modules, map(or_, list(outdated), grown)))

    def _outdated(self, places: bytes, types: bytes, sizes: Iterator[int]) -> Iterator[bool]:
        """Tell of each module whether something else stands now in what is watched of it."""
        size_of_one = tuple.__itemsize__
        end = 0
        for module in self._modules:
            outdated = False
            for each, size in zip(module.watched, sizes, strict=False):
                begin, end = end, end + size * size_of_one
                now = slice(begin, end)
                outdated = outdated or (places[now], types[now]) != (each.places, each.types)
            yield outdated

    def _loaded_now(self) -> list[ModuleType]:
        """Return every module that is not left alone; ``_modules`` has the same order."""
        places = _references(tuple(sys.modules.values()))
        modules: list[Any] = [each.itself() for each in self._modules]
        if places == self._places_of_modules and all(map(is_not, modules, repeat(None))):
            return modules
        before = {id(module): each for module, each in zip(modules, self._modules, strict=True)}
        once = {
            id(module): module
            for name, module in list(sys.modules.items())
            if isinstance(module, ModuleType) and name.partition(".")[0] not in LEFT_ALONE
        }
        self._places_of_modules = places
        self._modules = [before.get(place) or _Module(module) for place, module in once.items()]
        self._line_up()
        return list(once.values())

    def _line_up(self) -> None:
        self._watched = list(chain.from_iterable(map(attrgetter("watched"), self._modules)))
        self._places = b"".join(map(attrgetter("places"), self._watched))
        self._types = b"".join(map(attrgetter("types"), self._watched))


def _references(values: tuple[Any, ...]) -> bytes:
    """Return where values are, from where CPython keeps the references: as fast as it can be."""
    return string_at(id(values) + tuple.__basicsize__, len(values) * tuple.__itemsize__)


def _types(values: tuple[Any, ...]) -> bytes:
    """Return where the types of values are.

    What lies in the same place and is of the same type need not be the same thing. But then either
    both may have to be swapped or neither, and what is swapped for itself, and not for its type,
    lives as long as the interpreter.
    """
    return _references(tuple(map(type, values)))


# Without asking a metaclass, or a module that would be loaded by that.
_of_class: Callable[[Any], dict[str, Any]] = vars(type)["__dict__"].__get__
_flags: Callable[[Any], int] = vars(type)["__flags__"].__get__
_of_module: Callable[[Any], dict[str, Any]] = vars(ModuleType)["__dict__"].__get__


def is_class(value: Any) -> bool:
    """Return whether something is a class, without asking it: a proxy may answer for another."""
    return issubclass(type(value), type)


def _getter(owner: Any) -> Callable[[Any], dict[str, Any]]:
    return _of_class if is_class(owner) else _of_module


def names_of(owner: Any) -> dict[str, Any]:
    """Return the dictionary of a module or class."""
    return _getter(owner)(owner)


def attributes_of(thing: Any) -> dict[str, Any]:
    """Return the dictionary of an object, without asking it: a proxy may answer for another."""
    names = [_of_class(owner).get("__dict__") for owner in type(thing).__mro__]
    own = [each for each in names if type(each) is GetSetDescriptorType]
    return own[0].__get__(thing) if own else {}


def _worth_watching(module: ModuleType) -> list[_Snapshot]:
    """Return what of a module has to be looked at in each simulation, as it is now."""
    name = str(_of_module(module).get("__name__")).partition(".")[0]
    changes = name not in sys.stdlib_module_names  # Or a test has put something else there.
    file = PurePath(str(_of_module(module).get("__file__")))
    classes_change = changes and INSTALLED.isdisjoint(file.parts)
    classes = map(_Snapshot, own_classes(module))
    itself = _Snapshot(module)
    return [
        *([itself] if changes or itself.to_swap() else []),
        *(each for each in classes if classes_change or each.to_swap()),
    ]


def own_classes(module: ModuleType) -> list[type]:
    """Return the classes that a module defines and that can change, those inside classes too."""
    name = _of_module(module).get("__name__")
    owners: list[Any] = [module]
    known = set()
    for owner in owners:
        for value in tuple(names_of(owner).values()):  # A real thread may add to them meanwhile.
            is_own = (
                is_class(value)
                # A class of C that was never made ready has no dictionary, as one of `_testcapi`.
                and (_of_class(value) or {}).get("__module__") == name
                and not _flags(value) & _IMMUTABLE
            )
            if is_own and id(value) not in known:
                known.add(id(value))
                owners.append(value)
    return owners[1:]
