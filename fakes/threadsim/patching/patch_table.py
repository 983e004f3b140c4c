"""Every real object that is swapped for a block, with its stand-in."""

import _queue
import _thread
import concurrent.futures._base as futures
import signal
import threading
import uuid
from itertools import compress
from operator import or_
from types import BuiltinMethodType, FunctionType, ModuleType
from typing import Any

from freezegun import api

from threadsim.patching.determinism import uuid4, wait
from threadsim.patching.module_locks import TYPES
from threadsim.patching.refusals import refused_functions

# Not `from threadsim import locks`: the package keeps what it imported first, also when the
# modules have been imported anew (as pytester's in-process runs make them).
from threadsim.primitives.dates import asks_for_the_time
from threadsim.primitives.lock import Lock, RLock
from threadsim.primitives.signals import set_handler
from threadsim.primitives.simple_queue import SimpleQueue
from threadsim.primitives.threads import (
    count,
    get_ident,
    is_alive,
    is_set,
    join,
    local,
    set_name,
    start,
    start_joinable_thread,
    start_new_thread,
)
from threadsim.primitives.time_functions import REPLACEMENTS


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
        (_thread._count, count),
        (_thread.start_new_thread, start_new_thread),
        (_thread._local, local),
        (threading.Event.is_set, is_set),
        (uuid.uuid4, uuid4),
        (signal.signal, set_handler),
        *refused_functions(),
        (futures.wait, wait),
    ]
    pairs += [
        (real, method)
        for name, method in (("start", start), ("join", join), ("is_alive", is_alive))
        # A program's wrapper stays: what it wraps ends in ours.
        if type(real := getattr(threading.Thread, name)) is FunctionType
        and real.__code__.co_filename == threading.__file__
    ]
    # Each Python has some of these.
    names = {
        "allocate": Lock,
        "start_new": start_new_thread,
        "start_joinable_thread": start_joinable_thread,
        "set_name": set_name,
    }
    pairs += [
        (getattr(_thread, name), stand_in)
        for name, stand_in in names.items()
        if hasattr(_thread, name)
    ]
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
STAND_INS = _stand_ins()
REALS = {id(stand_in): real for real, stand_in in reversed(_PAIRS)}


def swappable(names: dict[str, Any]) -> list[str]:
    """Return the names whose value may have to be swapped, now or when it is another."""
    values = tuple(names.values())
    themselves = map(STAND_INS.__contains__, map(id, values))
    either = map(or_, themselves, map(_TYPE_IDS.__contains__, map(id, map(type, values))))
    return [
        name
        for name, value in compress(names.items(), either)
        # Most built-in functions are those of modules.
        if id(value) in STAND_INS or not isinstance(getattr(value, "__self__", None), ModuleType)
    ]


def is_swapped(value: Any) -> bool:
    """Return whether something is to be swapped."""
    if id(value) in STAND_INS:
        return True
    is_function = type(value) is BuiltinMethodType
    return asks_for_the_time(value) if is_function else id(type(value)) in _TYPE_IDS
