"""The only place where names are swapped, and put back.

A name is swapped wherever it is found: in the dictionaries of all loaded modules and of their
classes, so that ``from time import sleep`` and ``lock_class = Lock`` are reached too. What was kept
elsewhere (a default argument, a closure) stays real.
"""

import _queue
import _thread
import concurrent.futures._base as futures
import sys
import threading
import time
import uuid
from collections import deque
from ctypes import string_at
from itertools import chain, compress, count, repeat, starmap
from operator import attrgetter, is_, methodcaller, ne, or_
from pathlib import PurePath
from types import BuiltinMethodType, ModuleType
from typing import Any

from freezegun import api

# Not `from apscheduler_fakes import locks`: the package keeps what it imported first, also when the
# modules have been imported anew (as pytester's in-process runs make them).
from apscheduler_fakes.dates import asks_for_the_time
from apscheduler_fakes.held import TYPES, Replaced
from apscheduler_fakes.locks import Lock, RLock, SimpleQueue
from apscheduler_fakes.refused import refusals
from apscheduler_fakes.repeatable import new_counters, uuid4, wait
from apscheduler_fakes.threads import (
    get_ident,
    is_alive,
    is_set,
    join,
    local,
    own_locals,
    start,
    start_joinable_thread,
    start_new_thread,
)
from apscheduler_fakes.times import REPLACEMENTS

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
        (threading.Thread.start, start),
        (threading.Thread.join, join),
        (threading.Thread.is_alive, is_alive),
        (threading.Event.is_set, is_set),
        (uuid.uuid4, uuid4),
        (futures.wait, wait),
    ]
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
        self._sizes: dict[ModuleType, int] = {}
        self._held = replaced

    def install(self) -> None:
        """Put the stand-ins in place of the real objects, everywhere."""
        owners, attributes, values = zip(*_loaded.found(), strict=True)
        self._sizes = _loaded.sizes()
        stand_ins = list(map(_STAND_INS.get, map(id, values)))
        for index in compress(count(), map(is_, stand_ins, repeat(None))):
            stand_ins[index] = self._by(values[index])
        self._undo += zip(owners, attributes, values, stand_ins, strict=True)
        deque(map(setattr, owners, attributes, stand_ins), maxlen=0)
        for change in (*new_counters(), *refusals(), *own_locals()):
            self.swap(*change)

    def _by(self, value: Any) -> Any:
        if isinstance(value, BuiltinMethodType):  # The clock of a class of dates, and virtual now.
            return getattr(value.__self__, value.__name__)
        return self._held.by(value)

    def swap(self, owner: Any, attribute: str, value: Any) -> None:
        """Set an attribute of a module or class until ``uninstall``."""
        names = vars(owner)
        if attribute in names:
            self._undo.append((owner, attribute, names[attribute], value))
        else:
            self._added.append((owner, attribute, value))
        setattr(owner, attribute, value)

    def uninstall(self) -> None:
        """Put everything back, also in modules that were imported or have grown meanwhile."""
        reals = dict(_REALS)
        frozen_outside = len(api.freeze_factories) > 1
        if frozen_outside:  # It never looks into classes.
            of_time = [change for change in self._undo if change[0] is time]
            reals.update((id(value), before) for _, _, before, value in of_time)
        owners, attributes, befores, values = zip(*reversed(self._undo), strict=True)
        # What the program has put in the place of a stand-in is its own affair.
        is_ours = map(is_, map(getattr, owners, attributes, repeat(None)), values)
        ours = compress(zip(owners, attributes, befores, strict=True), is_ours)
        deque(starmap(setattr, ours), maxlen=0)  # One after the other: some were swapped twice.
        for owner, attribute, value in self._added:
            if vars(owner).get(attribute) is value:
                delattr(owner, attribute)
        self._undo.clear()
        self._added.clear()
        self._held.put_back()
        for module in _changed(_loaded.modules(), self._sizes):
            for owner in [module, *_own_classes(module)]:
                table = reals if owner is module or not frozen_outside else _REALS
                for attribute, value in _found(owner, table):
                    setattr(owner, attribute, table[id(value)])


# Looking at every name there is takes longer than most simulations, and much longer while coverage
# follows each line. So what follows looks at a name again only where something else stands, and
# asks all modules, or all names of one, in a single call.


class _Seen:
    """A module or class as it was when it was looked at.

    Attributes:
        owner: The module or class.
        values: What its names stood for. It keeps them alive, until the next simulation looks.
        found: What of that has to be swapped, each as owner, name and value.
    """

    __slots__ = ("found", "owner", "values")

    def __init__(self, owner: Any) -> None:
        self.owner = owner
        self.look()

    def look(self) -> None:
        """Look at every name."""
        names = vars(self.owner)
        self.values = tuple(names.values())
        types = map(id, map(type, self.values))
        swapped = map(_STAND_INS.__contains__, map(id, self.values))
        either = map(or_, swapped, map(_TYPE_IDS.__contains__, types))
        self.found = [
            (self.owner, name, value)
            for name, value in compress(names.items(), either)
            if id(value) in _STAND_INS
            or not isinstance(value, BuiltinMethodType)
            or asks_for_the_time(value)
        ]


class _Loaded:
    """The loaded modules, and what is known of them from earlier simulations.

    Looked at in each simulation: the modules that are not the standard library's, the classes of
    those that are not installed, and whatever held something to swap before. All else, and what is
    new in those, when its module has grown.
    """

    def __init__(self) -> None:
        # It keeps modules alive, until the next simulation looks.
        self._all: list[object] = []
        self._modules: list[ModuleType] = []
        self._sizes: dict[ModuleType, int] = {}
        self._of_module: dict[ModuleType, list[_Seen]] = {}
        # All of them, in a row for single calls.
        self._seen: list[_Seen] = []
        self._names: list[Any] = []
        self._values: tuple[Any, ...] = ()
        self._found: list[tuple[Any, str, Any]] = []

    def modules(self) -> list[ModuleType]:
        """Return every module that is not left alone."""
        loaded = dict(sys.modules)
        if len(loaded) != len(self._all) or not all(map(is_, loaded.values(), self._all)):
            self._all = list(loaded.values())
            self._modules = [
                module
                for name, module in loaded.items()
                if isinstance(module, ModuleType) and name.partition(".")[0] not in LEFT_ALONE
            ]
            self._sizes = {each: self._sizes.get(each, -1) for each in self._modules}
            self._of_module = {each: self._of_module.get(each, []) for each in self._modules}
            self._line_up()
        return self._modules

    def sizes(self) -> dict[ModuleType, int]:
        """Return how many names each module had when it was looked at."""
        return self._sizes.copy()

    def found(self) -> list[tuple[Any, str, Any]]:
        """Return what there is to swap, each as owner, name and value."""
        grown = _changed(self.modules(), self._sizes)
        for module in grown:
            self._sizes[module] = len(vars(module))
            self._of_module[module] = _worth_watching(module)
        if grown:
            self._line_up()
        values = tuple(chain.from_iterable(map(methodcaller("values"), self._names)))
        if not _are_the_same(values, self._values):
            for seen, names in zip(self._seen, self._names, strict=True):
                if not _are_the_same(tuple(names.values()), seen.values):
                    seen.look()
            self._values = tuple(chain.from_iterable(map(attrgetter("values"), self._seen)))
            self._found = list(chain.from_iterable(map(attrgetter("found"), self._seen)))
        return self._found

    def _line_up(self) -> None:
        self._seen = list(chain.from_iterable(self._of_module.values()))
        self._names = [vars(seen.owner) for seen in self._seen]
        self._values = ()


def _are_the_same(ones: tuple[Any, ...], others: tuple[Any, ...]) -> bool:
    """Return whether two tuples hold the same objects: ``==`` would ask each what it is equal to.

    Compared is where CPython keeps the references to them, which is as fast as it can be.
    """
    return len(ones) == len(others) and _references(ones) == _references(others)


def _references(values: tuple[Any, ...]) -> bytes:
    return string_at(id(values) + tuple.__basicsize__, len(values) * tuple.__itemsize__)


_loaded = _Loaded()


def _worth_watching(module: ModuleType) -> list[_Seen]:
    """Return what of a module has to be looked at in each simulation, as it is now."""
    name = module.__name__.partition(".")[0]
    changes = name not in sys.stdlib_module_names  # Or a test has put something else there.
    file = PurePath(str(vars(module).get("__file__")))
    classes_change = changes and _INSTALLED.isdisjoint(file.parts)
    classes = map(_Seen, _own_classes(module))
    itself = _Seen(module)
    return [
        *([itself] if changes or itself.found else []),
        *(seen for seen in classes if classes_change or seen.found),
    ]


def _changed(modules: list[ModuleType], sizes: dict[ModuleType, int]) -> list[ModuleType]:
    """Return the modules that do not have as many names as they had."""
    return list(compress(modules, map(ne, map(sizes.get, modules), map(len, map(vars, modules)))))


def _found(owner: Any, table: dict[int, Any]) -> list[tuple[str, Any]]:
    """Return the names in a module or class whose value has an ``id`` of the table."""
    names = vars(owner)
    return list(compress(names.items(), map(table.__contains__, map(id, names.values()))))


def _own_classes(module: ModuleType) -> list[type]:
    """Return the classes that a module defines, those inside classes too."""
    name = vars(module).get("__name__")
    owners: list[Any] = [module]
    known = set()
    for owner in owners:
        for value in vars(owner).values():
            # Not isinstance: it asks the value for its class, and a proxy may answer for another.
            is_own = issubclass(type(value), type) and value.__module__ == name
            if is_own and id(value) not in known:
                known.add(id(value))
                owners.append(value)
    return owners[1:]
