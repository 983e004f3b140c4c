"""Patch sites: the places that hold a value which a block replaces, and how they are set.

The names in a library are found once, when its module is new. A module of the user's program is
scanned again when its values have changed.
"""

import sys
from collections.abc import Callable, Iterable, Mapping
from functools import cache
from itertools import chain, compress, repeat
from types import FunctionType, GetSetDescriptorType, ModuleType, NoneType
from typing import Any
from weakref import WeakKeyDictionary

from threadsim.patching.patch_table import REPLACEMENTS, TYPE_IDS, may_be_replaced
from threadsim.runtime.own_code import is_of_program, is_tool

# The flag of classes that are written in C: Python refuses to change them.
_IMMUTABLE = 1 << 8

# A module or class, and its dictionary.
Owner = tuple[Any, dict[str, Any]]


# How a value in a container is read and set. It asks no method of the program.
Access = tuple[Callable[[Any, Any], Any], Callable[[Any, Any, Any], None]]
BY_KEY: Access = dict.get, dict.__setitem__
BY_INDEX: Access = list.__getitem__, list.__setitem__
BY_NAME: Access = object.__getattribute__, object.__setattr__
IN_CLASS: Access = (lambda owner, name: _names_of_class(owner).get(name)), type.__setattr__

# A place: how to access the container, the container, and the key, index or name.
Site = tuple[Access, Any, Any]


def read(site: Site) -> Any:
    """Return the value at a site; ``None`` if nothing is there any more."""
    (getter, _), container, key = site
    try:
        return getter(container, key)
    except (AttributeError, IndexError, ValueError):
        return None


def write(site: Site, value: object) -> None:
    """Set the value at a site."""
    (_, setter), container, key = site
    setter(container, key, value)


# The ids of types whose objects lead to no lock. ``outside_walk`` adds to them.
CLOSED = set(map(id, (FunctionType, ModuleType, NoneType, bool, float, int, str)))

# The modules of the libraries, by their ids, and the sites in them. They are kept alive.
_libraries: dict[int, Any] = {}
_in_libraries: list[Site] = []
# What was found in a module of the user's program: the names of the module and of its classes, the
# state of these, and the sites. Nothing of it keeps the module alive.
_scans: WeakKeyDictionary[Any, tuple[list[dict[str, Any]], list[int], list[Site]]] = (
    WeakKeyDictionary()
)


def sites(modules: list[Any]) -> tuple[list[Site], list[Site]]:
    """Return the sites in libraries, whose values may have to be replaced.

    Then come the sites in the user's program, whose values may also lead to a lock.
    """
    of_user = list[Site]()
    for module in [each for each in modules if id(each) not in _libraries]:
        if not _is_module(module) or not is_user_module(names_of(module)):
            _libraries[id(module)] = module
            _in_libraries.extend(_sites(module))
            continue
        scan = _scans.get(module)
        if scan is None or _state(scan[0]) != scan[1]:
            owners = with_classes([module])
            all_names = [names for _, names in owners]
            found = [
                site_of(owner, name)
                for owner, names in owners
                for name, value in tuple(names.items())
                if _leads(name, value)
            ]
            scan = _scans[module] = all_names, _state(all_names), found
        of_user += scan[2]
    return _in_libraries, of_user


def imported(before: list[Any]) -> list[Owner]:
    """Return the modules that were imported since these were loaded, with their classes."""
    loaded = list(sys.modules.values())  # A copy: a real thread may import meanwhile.
    if loaded == before:
        return []
    known = set(map(id, before))
    return with_classes(each for each in loaded if id(each) not in known and _is_module(each))


def _state(all_names: list[dict[str, Any]]) -> list[int]:
    """Return the ids of all values and of their types: a scan is good as long as they are these."""
    # Copies: a real thread may add names.
    values = [*chain.from_iterable([tuple(names.values()) for names in all_names])]
    return [*map(id, values), *map(id, map(type, values))]


def _leads(name: str, value: Any) -> bool:
    """Return whether a value of the user's program is replaced, or may lead to a lock."""
    kind = id(type(value))
    if id(value) in REPLACEMENTS or kind in TYPE_IDS:
        return True
    closed = kind in CLOSED and not (type(value) is FunctionType and value.__closure__)
    return not (closed or name[:2] == "__" or is_class(value))


def site_of(owner: Any, name: str) -> Site:
    """Return the site of a name in a module or class."""
    return (IN_CLASS, owner, name) if is_class(owner) else (BY_KEY, names_of(owner), name)


def _sites(module: Any) -> list[Site]:
    """Return the names in a library's module and its classes that a block may have to replace."""
    if not _is_module(module) or is_tool(str(names_of(module).get("__name__"))):
        return []
    return [
        site_of(owner, name)
        for owner, names in with_classes([module])
        for name in may_be_replaced(names, f"{_qualname(owner)}." if is_class(owner) else "")
    ]


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
            is_theirs = names.get("__module__") in modules_names
            if is_theirs and id(each) not in known and not _flags(each) & _IMMUTABLE:
                known.add(id(each))
                found.append((each, names))
        owners += found
    return owners


def is_user_module(names: Mapping[str, Any]) -> bool:
    """Return whether the names of a module are those of the user's program, not of a library."""
    return _is_user_file(str(names.get("__name__")), str(names.get("__file__")))


@cache
def _is_user_file(module: str, file: str) -> bool:
    return module.partition(".")[0] not in sys.stdlib_module_names and is_of_program(file)


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
