"""The only place where names are swapped, and put back.

A name is swapped wherever it is found: in the dictionaries of all loaded modules and of their
classes, so that ``from time import sleep`` and ``lock_class = Lock`` are reached too. What was kept
elsewhere (a default argument, a closure) stays real.
"""

import _queue
import _thread
import concurrent.futures._base as futures
import signal
import sys
import threading
import time
import uuid
from collections import deque
from collections.abc import Callable, Iterator
from ctypes import string_at
from itertools import chain, compress, count, repeat
from operator import attrgetter, is_, is_not, methodcaller, ne, or_
from pathlib import PurePath
from types import BuiltinMethodType, FunctionType, ModuleType
from typing import Any
from weakref import ref

from freezegun import api

# Not `from apscheduler_fakes import locks`: the package keeps what it imported first, also when the
# modules have been imported anew (as pytester's in-process runs make them).
from apscheduler_fakes.dates import asks_for_the_time
from apscheduler_fakes.held import TYPES, Replaced
from apscheduler_fakes.interrupts import get_handler, set_handler
from apscheduler_fakes.kernel import active
from apscheduler_fakes.leftovers import outcomes
from apscheduler_fakes.locks import Lock, RLock, SimpleQueue
from apscheduler_fakes.refused import refusals, refused_functions
from apscheduler_fakes.repeatable import new_counters, uuid4, wait
from apscheduler_fakes.threads import (
    get_ident,
    is_alive,
    is_set,
    join,
    local,
    looks,
    start,
    start_joinable_thread,
    start_new_thread,
)
from apscheduler_fakes.times import REPLACEMENTS, kept_elsewhere

# These keep real time and real threads: the test runner and its tools, and this package.
LEFT_ALONE = {
    "_pytest",
    "apscheduler_fakes",
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
_INSTALLED = {"site-packages", "dist-packages"}


def _pairs() -> list[tuple[Any, Any]]:
    """Return every real object with its stand-in."""
    pairs: list[tuple[Any, Any]] = [
        *REPLACEMENTS,
        # A type from Python 3.13 on, and the first of a stand-in's originals is what is put back.
        (threading.Lock, Lock),
        (_thread.allocate_lock, Lock),
        (_thread.RLock, RLock),
        (_queue.SimpleQueue, SimpleQueue),
        (_thread.get_ident, get_ident),
        (_thread.start_new_thread, start_new_thread),
        (_thread._local, local),
        (threading.Event.is_set, is_set),
        (uuid.uuid4, uuid4),
        (signal.signal, set_handler),
        (signal.getsignal, get_handler),
        *refused_functions(),
        (futures.wait, wait),
    ]
    for name, method in (("start", start), ("join", join), ("is_alive", is_alive)):
        real = getattr(threading.Thread, name)
        # A program's wrapper stays: what it wraps ends in ours.
        if type(real) is FunctionType and real.__code__.co_filename == threading.__file__:
            pairs.append((real, method))
    for name, stand_in in (
        ("allocate", Lock),
        ("start_new", start_new_thread),
        ("start_joinable_thread", start_joinable_thread),
    ):
        if hasattr(_thread, name):
            pairs.append((getattr(_thread, name), stand_in))
    return pairs


def _stand_ins() -> dict[int, Any]:
    """Return the stand-ins by the ``id`` of what they stand for; freezegun's give way too."""
    stand_ins = {id(real): stand_in for real, stand_in in _PAIRS}
    for real, stand_in in REPLACEMENTS:
        frozen = getattr(api, f"fake_{real.__name__}", None)
        if frozen is not None:
            stand_ins[id(frozen)] = stand_in
    return stand_ins


# By id: a class of the program's may be unhashable.
_TYPE_IDS = frozenset(map(id, TYPES | {BuiltinMethodType}))
# What Python lets nobody change: classes written in C.
_IMMUTABLE = 1 << 8
_PAIRS = _pairs()
_STAND_INS = _stand_ins()
_REALS = {id(stand_in): real for real, stand_in in reversed(_PAIRS)}


class Names:
    """The swapped names of one simulation.

    Args:
        replaced: The real locks and locals that it replaces.
    """

    def __init__(self, replaced: Replaced) -> None:
        # Each as owner, name, what stood there and what stands there now.
        self._undo: list[tuple[Any, str, Any, Any]] = []
        # What had no such name.
        self._added: list[tuple[Any, str, Any]] = []
        self._held = replaced

    def install(self) -> None:
        """Put the stand-ins in place of the real objects, everywhere."""
        owners, attributes, values = zip(*_loaded.found(), strict=True)
        stand_ins = list(map(_STAND_INS.get, map(id, values)))
        for index in compress(count(), map(is_, stand_ins, repeat(None))):
            stand_ins[index] = self._by(values[index])
        self._undo += zip(owners, attributes, values, stand_ins, strict=True)
        deque(map(_set, owners, attributes, stand_ins), maxlen=0)
        kernel = active()
        assert kernel is not None
        lists = (
            new_counters(),
            outcomes(),
            refusals(),
            looks(),
            kept_elsewhere(kernel),
        )
        for change in chain.from_iterable(lists):
            self.swap(*change)

    def _by(self, value: Any) -> Any:
        if isinstance(value, BuiltinMethodType):  # The clock of a class of dates, and virtual now.
            return getattr(value.__self__, value.__name__)
        return self._held.by(value)

    def swap(self, owner: Any, attribute: str, value: Any) -> None:
        """Set an attribute of a module or class until ``uninstall``."""
        names = _names(owner)
        if attribute in names:
            self._undo.append((owner, attribute, names[attribute], value))
        else:
            self._added.append((owner, attribute, value))
        _set(owner, attribute, value)

    def uninstall(self) -> None:
        """Put everything back, also in modules that were imported or have grown meanwhile."""
        reals = dict(_REALS)
        frozen_outside = len(api.freeze_factories) > 1
        if frozen_outside:  # It never looks into classes.
            of_time = [change for change in self._undo if change[0] is time]
            reals.update((id(value), before) for _, _, before, value in of_time)
        # One after the other: some were swapped twice.
        for owner, attribute, before, value in reversed(self._undo):
            # What the program has put in the place of a stand-in is its own affair.
            if _names(owner).get(attribute) is value:
                _set(owner, attribute, before)
        for owner, attribute, value in self._added:
            if _names(owner).get(attribute) is value:
                delattr(owner, attribute)
        self._undo.clear()
        self._added.clear()
        self._held.put_back()
        for module in _loaded.changed():
            for owner in [module, *_own_classes(module)]:
                table = reals if owner is module or not frozen_outside else _REALS
                for attribute, value in _found(owner, table):
                    _set(owner, attribute, table[id(value)])


def _set(owner: Any, attribute: str, value: Any) -> None:
    """Set an attribute of a module or class, without asking a metaclass that may refuse."""
    kind = type if _getter(owner) is _of_class else ModuleType
    try:  # noqa: SIM105  # It is called for every name.
        kind.__setattr__(owner, attribute, value)
    except AttributeError:
        pass  # A property of the metaclass stands before the name, which nobody sees then.


# Looking at every name there is takes longer than most simulations, and much longer while coverage
# follows each line. So what follows looks at a name again only where something else stands, and
# asks all modules, or all names of one, in a single call.


class _Seen:
    """A module or class as it was when it was looked at. It keeps nothing alive.

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
        values = tuple(self.names(owner).values())
        self.places, self.types = _references(values), _types(values)
        self.swappable = _swappable(owner)

    def to_swap(self) -> list[tuple[Any, str, Any]]:
        """Return what there is to swap now, each as owner, name and value."""
        owner = self.owner()
        names = self.names(owner)
        found = [(owner, name, names.get(name)) for name in self.swappable]
        return [each for each in found if _is_swapped(each[2])]


class _Known:
    """What is known of a module.

    Attributes:
        module: Refers to it.
        size: How many names it had when it was looked at; -1 if it never was.
        seen: What of it has to be looked at in each simulation.
    """

    __slots__ = ("module", "seen", "size")

    def __init__(self, module: ModuleType) -> None:
        self.module = ref(module)
        self.size = -1
        self.seen: list[_Seen] = []

    def look(self) -> None:
        """Look at the module and its classes."""
        module = self.module()
        assert module is not None
        self.size = len(_names(module))
        self.seen = _worth_watching(module)


class _Loaded:
    """The loaded modules, and what is known of them from earlier simulations.

    Looked at in each simulation: the modules that are not the standard library's, the classes of
    those that are not installed, and whatever held something to swap before. All else, and what is
    new in those, when its module has grown or changed.
    """

    def __init__(self) -> None:
        self._all = b""
        self._known: list[_Known] = []
        # All that is looked at, in a row for single calls.
        self._seen: list[_Seen] = []
        self._places = self._types = b""

    def found(self) -> list[tuple[Any, str, Any]]:
        """Return what there is to swap, each as owner, name and value."""
        changed = self._changed(types=True)
        for known in changed:
            known.look()
        if changed:
            self._line_up()
        return list(chain.from_iterable(seen.to_swap() for seen in self._seen if seen.swappable))

    def changed(self) -> list[ModuleType]:
        """Return the modules that are new, or may have a stand-in where something else stood."""
        # A stand-in has its place for itself.
        changed = self._changed(types=False)
        return [module for known in changed if (module := known.module()) is not None]

    def _changed(self, *, types: bool) -> list[_Known]:
        modules = self._modules()
        sizes = map(len, map(_of_module, modules))
        grown = map(ne, map(attrgetter("size"), self._known), sizes)
        owned = [(seen.names, seen.owner()) for seen in self._seen]
        all_names = [{} if owner is None else names(owner) for names, owner in owned]
        values = tuple(chain.from_iterable(map(methodcaller("values"), all_names)))
        places = _references(values)
        if places == self._places and not (types and _types(values) != self._types):
            return list(compress(self._known, grown))
        other = self._other(places, _types(values), map(len, all_names))
        return list(compress(self._known, map(or_, list(other), grown)))

    def _other(self, places: bytes, types: bytes, sizes: Iterator[int]) -> Iterator[bool]:
        """Tell of each module whether something else stands in it now."""
        size_of_one = tuple.__itemsize__
        end = 0
        for known in self._known:
            other = False
            for seen, size in zip(known.seen, sizes, strict=False):
                begin, end = end, end + size * size_of_one
                now = slice(begin, end)
                other = other or (places[now], types[now]) != (seen.places, seen.types)
            yield other

    def _modules(self) -> list[ModuleType]:
        """Return every module that is not left alone, in the order of what is known of each."""
        loaded = _references(tuple(sys.modules.values()))
        modules: list[Any] = [known.module() for known in self._known]
        if loaded == self._all and all(map(is_not, modules, repeat(None))):
            return modules
        known = {id(module): each for module, each in zip(modules, self._known, strict=True)}
        once = {
            id(module): module
            for name, module in list(sys.modules.items())
            if isinstance(module, ModuleType) and name.partition(".")[0] not in LEFT_ALONE
        }
        self._all = loaded
        self._known = [known.get(place) or _Known(module) for place, module in once.items()]
        self._line_up()
        return list(once.values())

    def _line_up(self) -> None:
        self._seen = list(chain.from_iterable(map(attrgetter("seen"), self._known)))
        self._places = b"".join(map(attrgetter("places"), self._seen))
        self._types = b"".join(map(attrgetter("types"), self._seen))


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


def _getter(owner: Any) -> Callable[[Any], dict[str, Any]]:
    # Not isinstance: it asks the value for its class, and a proxy may answer for another.
    return _of_class if issubclass(type(owner), type) else _of_module


def _names(owner: Any) -> dict[str, Any]:
    """Return the dictionary of a module or class."""
    return _getter(owner)(owner)


def _swappable(owner: Any) -> list[str]:
    names = _names(owner)
    values = tuple(names.values())
    themselves = map(_STAND_INS.__contains__, map(id, values))
    either = map(or_, themselves, map(_TYPE_IDS.__contains__, map(id, map(type, values))))
    return [
        name
        for name, value in compress(names.items(), either)
        # Most built-in functions are those of modules.
        if id(value) in _STAND_INS or not isinstance(getattr(value, "__self__", None), ModuleType)
    ]


def _is_swapped(value: Any) -> bool:
    if id(value) in _STAND_INS:
        return True
    is_function = type(value) is BuiltinMethodType
    return asks_for_the_time(value) if is_function else id(type(value)) in _TYPE_IDS


_loaded = _Loaded()


def _worth_watching(module: ModuleType) -> list[_Seen]:
    """Return what of a module has to be looked at in each simulation, as it is now."""
    name = str(_of_module(module).get("__name__")).partition(".")[0]
    changes = name not in sys.stdlib_module_names  # Or a test has put something else there.
    file = PurePath(str(_of_module(module).get("__file__")))
    classes_change = changes and _INSTALLED.isdisjoint(file.parts)
    classes = map(_Seen, _own_classes(module))
    itself = _Seen(module)
    return [
        *([itself] if changes or itself.to_swap() else []),
        *(seen for seen in classes if classes_change or seen.to_swap()),
    ]


def _found(owner: Any, table: dict[int, Any]) -> list[tuple[str, Any]]:
    """Return the names in a module or class whose value has an ``id`` of the table."""
    names = _names(owner)
    return list(compress(names.items(), map(table.__contains__, map(id, names.values()))))


def _own_classes(module: ModuleType) -> list[type]:
    """Return the classes that a module defines and that can change, those inside classes too."""
    name = _of_module(module).get("__name__")
    owners: list[Any] = [module]
    known = set()
    for owner in owners:
        for value in _names(owner).values():
            is_own = (
                issubclass(type(value), type)
                and _of_class(value).get("__module__") == name
                and not _flags(value) & _IMMUTABLE
            )
            if is_own and id(value) not in known:
                known.add(id(value))
                owners.append(value)
    return owners[1:]
