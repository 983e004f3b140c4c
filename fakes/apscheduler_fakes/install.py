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
from datetime import date, datetime
from types import ModuleType
from typing import Any
from weakref import WeakKeyDictionary

from freezegun import api

from apscheduler_fakes import held, locks, refused, repeatable, threads, times

# These keep real time and real threads: the test runner and its tools, and this package.
LEFT_ALONE = (
    "_pytest",
    "apscheduler_fakes",
    "coverage",
    "execnet",
    "freezegun",
    "greenlet",
    "importlib",
    "pluggy",
    "pytest",
    "xdist",
)

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
        *times.REPLACEMENTS,
        # A type from Python 3.13 on, and the first of a stand-in's originals is what is put back.
        (threading.Lock, locks.Lock),
        (_thread.allocate_lock, locks.Lock),
        (_thread.RLock, locks.RLock),
        (_queue.SimpleQueue, locks.SimpleQueue),
        (_thread.get_ident, threads.get_ident),
        (_thread.start_new_thread, threads.start_new_thread),
        (_thread._local, threads.local),
        (threading.Thread.start, threads.start),
        (threading.Thread.join, threads.join),
        (threading.Thread.is_alive, threads.is_alive),
        (uuid.uuid4, repeatable.uuid4),
        (futures.wait, repeatable.wait),
    ]
    for name, stand_in in (
        ("allocate", locks.Lock),
        ("start_new", threads.start_new_thread),
        ("start_joinable_thread", threads.start_joinable_thread),
    ):
        if hasattr(_thread, name):
            pairs.append((getattr(_thread, name), stand_in))
    return pairs


def _stand_ins() -> dict[int, Any]:
    """Return the stand-ins by the ``id`` of what they stand for; freezegun's give way too."""
    stand_ins = {id(real): stand_in for real, stand_in in [*_PAIRS, *_DATES]}
    for real, stand_in in times.REPLACEMENTS:
        frozen = getattr(api, f"fake_{real.__name__}", None)
        if frozen is not None:
            stand_ins[id(frozen)] = stand_in
    return stand_ins


_MISSING = object()
_PAIRS = _pairs()
_STAND_INS = _stand_ins()
_REALS = {id(stand_in): real for real, stand_in in reversed(_PAIRS)}
_REAL_DATES = {id(stand_in): real for real, stand_in in _DATES}


# Whether a module holds something to swap, and which of its classes do, with the size of its
# dictionary then: looking through everything takes longer than most simulations.
_known: WeakKeyDictionary[ModuleType, tuple[int, bool, list[type]]] = WeakKeyDictionary()


class Names:
    """The swapped names of one simulation."""

    def __init__(self) -> None:
        self._undo: list[tuple[Any, str, Any, Any]] = []
        self._sizes: dict[str, int] = {}
        self._held = held.Replaced()

    def install(self) -> None:
        """Put the stand-ins in place of the real objects, everywhere."""
        for name, module in _modules():
            self._sizes[name] = len(module.__dict__)
            for owner in _owners_to_swap(name, module):
                for attribute, value in list(owner.__dict__.items()):
                    stand_in = _STAND_INS.get(id(value), value)
                    if type(value) in held.TYPES:
                        stand_in = self._held.by(value)
                    if stand_in is not value:
                        self.swap(owner, attribute, stand_in)
        for owner, attribute, value in (
            *repeatable.new_counters(),
            *refused.refusals(),
            *threads.own_locals(),
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
        for name, module in _modules():
            if self._sizes.get(name) != len(module.__dict__):
                for owner in [module, *_own_classes(module)]:
                    table = reals if owner is module or not frozen_outside else _REALS
                    for attribute, real in _found(owner, table):
                        setattr(owner, attribute, real)


def _modules() -> list[tuple[str, ModuleType]]:
    return [
        (name, module)
        for name, module in list(sys.modules.items())
        if isinstance(module, ModuleType)
        and (not name.startswith(LEFT_ALONE) or name in _VIRTUAL_TOO)
    ]


def _found(owner: Any, table: dict[int, Any]) -> list[tuple[str, Any]]:
    """Return the names in a module or class that hold a key of the table, with its value."""
    names = owner.__dict__
    if table.keys().isdisjoint(map(id, names.values())):  # At the speed of C, and nearly always.
        return []
    return [(name, table[id(value)]) for name, value in names.items() if id(value) in table]


def _own_classes(module: ModuleType) -> list[type]:
    name = module.__dict__.get("__name__")
    return [
        value
        for value in module.__dict__.values()
        if isinstance(value, type) and value.__module__ == name
    ]


def _holds_something(owner: Any) -> bool:
    values = owner.__dict__.values()
    # At the speed of C, and nearly always nothing is found.
    return not (
        _STAND_INS.keys().isdisjoint(map(id, values)) and held.TYPES.isdisjoint(map(type, values))
    )


def _owners_to_swap(name: str, module: ModuleType) -> list[Any]:
    size, itself, classes = _known.get(module, (0, False, []))
    if size != len(module.__dict__):
        itself = _holds_something(module)
        classes = [each for each in _own_classes(module) if _holds_something(each)]
        _known[module] = (len(module.__dict__), itself, classes)
    elif name.partition(".")[0] not in sys.stdlib_module_names:
        # A test may have put something else in the place of a name; into this one it may.
        itself = _holds_something(module)
    return [module, *classes] if itself else [*classes]
