"""Finds the functions of a program: of the user's modules, and of classes and modules by name."""

import inspect
import sys
from collections import UserDict, UserList
from collections.abc import Container, Iterable, Iterator
from contextlib import suppress
from functools import cached_property, partial
from gc import get_referents
from itertools import chain
from types import CellType, FunctionType, MethodType, ModuleType
from typing import Any

from threadsim.exploration.data.function_code import all_codes
from threadsim.patching.patch_sites import is_user_module
from threadsim.runtime.own_code import is_tool

# Objects that lead to others, and objects that know their module.
_FOLLOWED = (CellType, MethodType, dict, list, partial, tuple)
_NAMED = (FunctionType, ModuleType, type)

# A dictionary with more items holds no functions that a program uses.
_MOST = 1_000


def is_own(names: dict[str, Any], packages: Container[str]) -> bool:
    """Return whether the names of a module are those of the user's program.

    Args:
        names: The names.
        packages: Installed packages that are the user's, too.
    """
    package = str(names.get("__name__")).partition(".")[0]
    installed = package in packages and not is_tool(package)
    return installed or is_user_module(names)


def own_modules(
    roots: Iterable[object], packages: Container[str] = ()
) -> tuple[dict[str, dict[str, Any]], list[FunctionType]]:
    """Return the names of the user's modules that some objects lead to, by file; and functions.

    Args:
        roots: The objects.
        packages: Installed packages that are the user's, too.
    """
    found: dict[str, dict[str, Any]] = {}
    things: list[Any] = list(roots)
    seen = set[int]()  # The list keeps the objects: no id comes twice.
    for each in things:
        if id(each) in seen:
            continue
        seen.add(id(each))
        kind = type(each)  # A proxy, as Flask's ``request``, is not asked.
        if kind in _FOLLOWED and not (kind is dict and len(each) > _MOST):
            things += get_referents(each)
        elif kind is FunctionType:
            things += (*(each.__closure__ or ()), *_imported_by(each))
        owner = each if issubclass(kind, _NAMED) else kind
        name = owner.__name__ if kind is ModuleType else owner.__module__
        module = sys.modules.get(name) if type(name) is str else None
        file = str(getattr(module, "__file__", None))
        if module is not None and file not in found and is_own(vars(module), packages):
            found[file] = vars(module)
            things += (*found[file].values(), *functions_of(module))
    return found, [each for each in things if type(each) is FunctionType]


def _imported_by(function: FunctionType) -> list[ModuleType]:
    """Return the modules that a function imports when it runs, if they have been imported."""
    package = function.__globals__.get("__package__") or ""
    names = {name for code in all_codes(function.__code__) for name in code.co_names}
    paths = (*names, *(f"{package}.{name}" for name in names))
    return [sys.modules[path] for path in paths if path in sys.modules]


def library_classes(modules: Iterable[dict[str, Any]]) -> list[type]:
    """Return the classes of the standard library that hold data for classes of some modules."""
    values = chain.from_iterable(names.values() for names in modules)
    used = {base for each in values if issubclass(type(each), type) for base in each.__mro__}
    return [each for each in (UserDict, UserList) if each in used]


def functions_of(target: Any) -> list[FunctionType]:
    """Return the functions that a target of ``switch_in`` stands for."""
    if not isinstance(target, ModuleType | type):
        return _functions([target])
    module = target.__name__ if isinstance(target, ModuleType) else target.__module__
    return [
        each
        for each in _functions(_members(target, module))
        # Python 3.14 makes an __annotate__ for annotations, which stands in no file.
        if each.__module__ == module and each.__name__ != "__annotate__"
    ]


def _functions(members: Iterable[Any]) -> list[FunctionType]:
    """Return the functions behind methods, and behind decorators that have ``__wrapped__``."""
    return [each for each in map(_unwrapped, members) if type(each) is FunctionType]


def _unwrapped(member: Any) -> Any:
    with suppress(Exception):  # Some wrap themselves, and a proxy may refuse.
        return inspect.unwrap(getattr(member, "__func__", member))
    return member


def _members(owner: ModuleType | type, module: str) -> Iterator[Any]:
    """Return all that may be a function in a class or module, and in its own classes."""
    for member in vars(owner).values():
        kind = type(member)
        if issubclass(kind, type):
            around = "" if isinstance(owner, ModuleType) else f"{owner.__qualname__}."
            if member.__module__ == module and member.__qualname__.startswith(around):
                yield from _members(member, module)
        else:  # A property and a cached_property keep their functions.
            yield member
            if issubclass(kind, property | cached_property):
                yield from (getattr(member, name, None) for name in ("fget", "fset", "func"))
