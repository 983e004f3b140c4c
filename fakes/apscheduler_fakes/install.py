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
from collections.abc import Iterator, Sequence
from datetime import date, datetime
from itertools import chain, compress, repeat
from operator import and_, is_, methodcaller, ne, not_
from types import ModuleType
from typing import Any

from freezegun import api

# Not `from apscheduler_fakes import locks`: the package keeps what it imported first, also when the
# modules have been imported anew (as pytester's in-process runs make them).
from apscheduler_fakes.held import TYPES, Replaced
from apscheduler_fakes.locks import Lock, RLock, SimpleQueue
from apscheduler_fakes.refused import refusals
from apscheduler_fakes.repeatable import new_counters, uuid4, wait
from apscheduler_fakes.threads import (
    get_ident,
    is_alive,
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

# Of this package, these have the simulation's dates, as any scheduler.
_VIRTUAL_TOO = {
    "apscheduler_fakes.clock",
    "apscheduler_fakes.faults",
    "apscheduler_fakes.running",
    "apscheduler_fakes.scheduler",
}

# freezegun's classes of dates, whose instants are the simulation's. Looking for the names is done
# here, for all of them at once; freezegun would take as long again.
_DATES: list[tuple[Any, Any]] = [(datetime, api.FakeDatetime), (date, api.FakeDate)]


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
    stand_ins = {id(real): stand_in for real, stand_in in [*_PAIRS, *_DATES]}
    for real, stand_in in REPLACEMENTS:
        frozen = getattr(api, f"fake_{real.__name__}", None)
        if frozen is not None:
            stand_ins[id(frozen)] = stand_in
    return stand_ins


_MISSING = object()
# By id: a class of the program's may be unhashable.
_TYPE_IDS = frozenset(map(id, TYPES))
_PAIRS = _pairs()
_STAND_INS = _stand_ins()
_REALS = {id(stand_in): real for real, stand_in in reversed(_PAIRS)}
_REAL_DATES = {id(stand_in): real for real, stand_in in _DATES}


class Names:
    """The swapped names of one simulation.

    Args:
        replaced: The real locks and locals that it replaces.
    """

    def __init__(self, replaced: Replaced) -> None:
        self._undo: list[tuple[Any, str, Any, Any]] = []
        self._sizes: dict[ModuleType, int] = {}
        self._held = replaced

    def install(self) -> None:
        """Put the stand-ins in place of the real objects, everywhere."""
        modules = _loaded.modules()
        self._sizes = dict(zip(modules, map(len, map(vars, modules)), strict=True))
        for owner in _loaded.owners():
            for attribute, value in _found(owner, _STAND_INS):
                self.swap(owner, attribute, _STAND_INS[id(value)])
            for attribute, value in _found_locks(owner):
                self.swap(owner, attribute, self._held.by(value))
        for owner, attribute, value in (
            *new_counters(),
            *refusals(),
            *own_locals(),
        ):
            self.swap(owner, attribute, value)

    def swap(self, owner: Any, attribute: str, value: Any) -> None:
        """Set an attribute of a module or class until ``uninstall``."""
        self._undo.append((owner, attribute, owner.__dict__.get(attribute, _MISSING), value))
        setattr(owner, attribute, value)

    def uninstall(self) -> None:
        """Put everything back, also in modules that were imported or have grown meanwhile."""
        frozen_outside = len(api.freeze_factories) > 1
        # freezegun's dates stay where it froze time around the block.
        reals = dict(_REALS) if frozen_outside else {**_REALS, **_REAL_DATES}
        for owner, attribute, before, value in reversed(self._undo):
            if owner is time and frozen_outside:
                reals[id(value)] = before  # Which is freezegun's; it never looks into classes.
            if owner.__dict__.get(attribute) is not value:
                continue
            if before is _MISSING:
                delattr(owner, attribute)
            else:
                setattr(owner, attribute, before)
        self._undo.clear()
        self._held.put_back()
        for module in _changed(_loaded.modules(), self._sizes):
            for owner in [module, *_own_classes(module)]:
                table = reals if owner is module or not frozen_outside else _REALS
                for attribute, value in _found(owner, table):
                    setattr(owner, attribute, table[id(value)])


# Looking at every name there is takes longer than most simulations, and much longer while coverage
# follows each line. So what follows asks all modules, or all names of one, in a single call.


class _Loaded:
    """The loaded modules, and what is known of them from earlier simulations."""

    def __init__(self) -> None:
        # It keeps modules alive, until the next simulation looks.
        self._all: list[object] = []
        self._modules: list[ModuleType] = []
        # Not the standard library's: a test may have put something else in the place of a name.
        self._others: list[ModuleType] = []
        self._sizes: dict[ModuleType, int] = {}
        self._holding: dict[ModuleType, list[Any]] = {}

    def modules(self) -> list[ModuleType]:
        """Return every module that is not left alone."""
        loaded = dict(sys.modules)
        if len(loaded) != len(self._all) or not all(map(is_, loaded.values(), self._all)):
            self._all = list(loaded.values())
            modules = {
                name: module
                for name, module in loaded.items()
                if isinstance(module, ModuleType)
                and (name.partition(".")[0] not in LEFT_ALONE or name in _VIRTUAL_TOO)
            }
            self._modules = list(modules.values())
            self._others = [
                module
                for name, module in modules.items()
                if name.partition(".")[0] not in sys.stdlib_module_names
            ]
            self._sizes = {each: self._sizes.get(each, -1) for each in self._modules}
            self._holding = {each: self._holding.get(each, []) for each in self._modules}
        return self._modules

    def owners(self) -> Iterator[Any]:
        """Return the modules and classes that hold something to swap."""
        for module in _changed(self.modules(), self._sizes):
            self._sizes[module] = len(vars(module))
            itself = [] if module in self._others else [module]
            self._holding[module] = _holding([*itself, *_own_classes(module)])
        return chain(*self._holding.values(), _holding(self._others))


_loaded = _Loaded()


def _changed(modules: list[ModuleType], sizes: dict[ModuleType, int]) -> list[ModuleType]:
    """Return the modules that do not have as many names as they had."""
    return list(compress(modules, map(ne, map(sizes.get, modules), map(len, map(vars, modules)))))


def _holding(owners: Sequence[Any]) -> list[Any]:
    """Return those that hold a real object or a held lock."""
    values = list(map(methodcaller("values"), map(vars, owners)))
    without_real = map(_STAND_INS.keys().isdisjoint, map(map, repeat(id), values))
    types = map(map, repeat(type), values)
    without_lock = map(_TYPE_IDS.isdisjoint, map(map, repeat(id), types))
    return list(compress(owners, map(not_, map(and_, without_real, without_lock))))


def _found(owner: Any, table: dict[int, Any]) -> list[tuple[str, Any]]:
    """Return the names in a module or class whose value has an ``id`` of the table."""
    names = vars(owner)
    return list(compress(names.items(), map(table.__contains__, map(id, names.values()))))


def _found_locks(owner: Any) -> list[tuple[str, Any]]:
    """Return the names in a module or class that hold what ``held`` replaces."""
    names = vars(owner)
    types = map(id, map(type, names.values()))
    return list(compress(names.items(), map(_TYPE_IDS.__contains__, types)))


def _own_classes(module: ModuleType) -> list[type]:
    name = module.__dict__.get("__name__")
    return [
        value
        for value in module.__dict__.values()
        if isinstance(value, type) and value.__module__ == name
    ]
