"""Patch sites: the modules and classes that hold a name which a block replaces.

The names in a library are found once, when its module is new. A module of the user's program is
scanned again when its values have changed.
"""

import sys
from collections.abc import Callable, Container, Iterable, Mapping
from functools import cache
from itertools import chain, compress, repeat
from pathlib import PurePath
from types import FunctionType, GetSetDescriptorType, ModuleType, NoneType
from typing import Any, NamedTuple
from weakref import ref

from threadsim.patching.patch_table import REPLACEMENTS, TYPE_IDS, is_replaced, may_be_replaced
from threadsim.runtime.own_code import is_of_program, is_tool

# Folders of installed packages.
_INSTALLED = {"site-packages", "dist-packages"}

# The flag of classes that are written in C: Python refuses to change them.
_IMMUTABLE = 1 << 8

# A module or class, and its dictionary.
Owner = tuple[Any, dict[str, Any]]
# A name in it: owner, dictionary, and name.
Site = tuple[Any, dict[str, Any], str]


# The ids of types whose objects lead to no lock. ``outside_walk`` adds to them.
CLOSED = set(map(id, (FunctionType, ModuleType, NoneType, bool, float, int, str)))


class _Scan(NamedTuple):
    """What was found in a module of the user's program. It keeps none of its objects alive.

    Attributes:
        owners: The module and its classes.
        state: The ids of all values and of their types. A scan is good as long as they are these.
        sites: The names to replace: the index of an owner, and the name.
        leading: The names whose values may lead to a lock, in the same way.
    """

    owners: list[ref[Any]]
    state: list[int]
    sites: list[tuple[int, str]]
    leading: list[tuple[int, str]]


class PatchSites:
    """The names to replace in all loaded modules and their classes."""

    def __init__(self) -> None:
        # By their ids: the modules of the libraries. They are kept alive.
        self._libraries: dict[int, Any] = {}
        self._sites: list[Site] = []
        # By the ids of the modules of the user's program that were loaded at the last entry.
        self._scans: dict[int, _Scan] = {}
        # During a block: all modules at entry.
        self._at_entry: list[Any] = []

    def to_replace(self) -> tuple[list[tuple[Site, Any]], list[Any]]:
        """Return the sites whose values must be replaced now, and these values.

        Then come the values in the modules of the user's program that may lead to a lock.
        """
        scans, of_user, leading = {}, list[Site](), list[Any]()
        self._at_entry = _loaded()
        for module in [each for each in self._at_entry if id(each) not in self._libraries]:
            if not _is_module(module) or not is_user_module(names_of(module)):
                self._libraries[id(module)] = module
                self._sites += _sites(module)
                continue
            scan = self._scans.get(id(module), _NO_SCAN)
            owners = [(each, names_of(each)) for at in scan.owners if (each := at()) is not None]
            if not owners or _state(owners) != scan.state:
                owners = with_classes([module])
                scan = _scan(owners)
            scans[id(module)] = scan
            of_user += [(*owners[index], name) for index, name in scan.sites]
            leading += [owners[index][1].get(name) for index, name in scan.leading]
        self._scans = scans
        found = [(site, site[1].get(site[2])) for site in chain(self._sites, of_user)]
        return [each for each in found if is_replaced(each[1])], leading

    def imported(self) -> list[Owner]:
        """Return the modules that the block has imported, with their classes. It is asked once."""
        loaded, before, self._at_entry = _loaded(), self._at_entry, []
        if loaded == before:
            return []
        known = set(map(id, before))
        return with_classes(each for each in loaded if id(each) not in known and _is_module(each))


def _loaded() -> list[Any]:
    return list(sys.modules.values())  # A copy: a real thread may import meanwhile.


def _state(owners: list[Owner]) -> list[int]:
    # Copies: a real thread may add names.
    values = [*chain.from_iterable([tuple(names.values()) for _, names in owners])]
    return [*map(id, values), *map(id, map(type, values))]


def _scan(owners: list[Owner]) -> _Scan:
    scan = _Scan([ref(owner) for owner, _ in owners], _state(owners), [], [])
    for index, (_, names) in enumerate(owners):
        for name, value in tuple(names.items()):
            kind = id(type(value))
            if id(value) in REPLACEMENTS or kind in TYPE_IDS:
                scan.sites.append((index, name))
            elif name[:2] == "__" or is_class(value):
                continue
            elif kind not in CLOSED or (type(value) is FunctionType and value.__closure__):
                scan.leading.append((index, name))
    return scan


_NO_SCAN = _Scan([], [], [], [])


def _sites(module: Any) -> list[Site]:
    """Return the names in a library's module and its classes that a block may have to replace."""
    if not _is_module(module) or is_tool(str(names_of(module).get("__name__"))):
        return []
    return [
        (owner, names, name)
        for owner, names in with_classes([module])
        for name in may_be_replaced(names, f"{_qualname(owner)}." if is_class(owner) else "")
    ]


def _can_be_set(kind: type, names: Mapping[str, Any], modules: Container[Any]) -> bool:
    """Return whether a class is one of some modules, and can be changed."""
    return names.get("__module__") in modules and not _flags(kind) & _IMMUTABLE


def with_classes(modules: Iterable[ModuleType]) -> list[Owner]:
    """Return modules and the classes that they define, nested ones too, each with its names.

    Classes that cannot change are left out.
    """
    found: list[Any] = [(each, _names_of_module(each)) for each in modules]
    owners, modules_names = found, {names.get("__name__") for _, names in found}
    known = set()
    while found:
        values = list(chain.from_iterable(names.values() for _, names in found))
        found = []
        for each in compress(values, map(issubclass, map(type, values), repeat(type))):
            # A class of C that was never made ready has no dictionary, as one of `_testcapi`.
            names = _names_of_class(each) or {}
            if id(each) not in known and _can_be_set(each, names, modules_names):
                known.add(id(each))
                found.append((each, names))
        owners += found
    return owners


def is_user_module(names: Mapping[str, Any]) -> bool:
    """Return whether the names of a module are those of the user's program, not of a library."""
    return _is_user_file(str(names.get("__name__")), str(names.get("__file__")))


@cache
def _is_user_file(module: str, file: str) -> bool:
    library = module.partition(".")[0] in sys.stdlib_module_names or is_tool(module)
    return not library and is_of_program(file) and _INSTALLED.isdisjoint(PurePath(file).parts)


# These ask neither a metaclass nor a module, which may load something or refuse.
_names_of_class: Callable[[Any], dict[str, Any]] = vars(type)["__dict__"].__get__
_names_of_module: Callable[[Any], dict[str, Any]] = vars(ModuleType)["__dict__"].__get__
_qualname: Callable[[Any], str] = vars(type)["__qualname__"].__get__
_flags: Callable[[Any], int] = vars(type)["__flags__"].__get__


def is_class(value: Any) -> bool:
    """Return whether a value is a class, without asking it: a proxy may answer for another."""
    return issubclass(type(value), type)


def _is_module(value: Any) -> bool:
    return issubclass(type(value), ModuleType)


def names_of(owner: Any) -> dict[str, Any]:
    """Return the dictionary of a module or class."""
    return _names_of_class(owner) if is_class(owner) else _names_of_module(owner)


def attributes_getter(kind: type) -> Callable[[Any], dict[str, Any]] | None:
    """Return what returns the attributes of a type's objects; ``None`` if they have no dictionary.

    It does not ask the object: a proxy may answer for another.
    """
    descriptors = [_names_of_class(each).get("__dict__") for each in kind.__mro__]
    own = [each for each in descriptors if type(each) is GetSetDescriptorType]
    return own[0].__get__ if own else None
