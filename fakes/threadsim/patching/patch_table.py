"""The patch table: each real function, class and method, and its replacement inside a block."""

import _queue
import _thread
import signal
import threading
from collections.abc import Iterator
from types import FunctionType, ModuleType
from typing import Any

from freezegun import api

# Not `from threadsim.primitives import threads`: a package keeps the module that it imported first,
# also where pytester has imported the modules anew.
import threadsim.primitives.threads as of_threads
from threadsim.patching.determinism import REPLACEMENTS as OF_DETERMINISM
from threadsim.patching.futures import REPLACEMENTS as OF_FUTURES
from threadsim.patching.outside_locks import TYPES
from threadsim.patching.refusals import REPLACEMENTS as OF_REFUSALS
from threadsim.primitives.local import local
from threadsim.primitives.lock import Lock, RLock
from threadsim.primitives.signals import set_handler
from threadsim.primitives.simple_queue import SimpleQueue
from threadsim.primitives.time_functions import REPLACEMENTS as OF_TIME

# Name in `_thread`, and replacement. Some are in some Pythons only.
_OF_THREADS = {
    "allocate_lock": Lock,
    "RLock": RLock,
    "_local": local,
    "get_ident": of_threads.get_ident,
    "start_new_thread": of_threads.start_new_thread,
    "start_joinable_thread": of_threads.start_joinable_thread,
}


def _pairs() -> Iterator[tuple[Any, Any]]:
    yield from OF_TIME
    # The first of several real ones is put back. `threading.Lock` is a class from Python 3.13 on.
    yield threading.Lock, Lock
    yield _queue.SimpleQueue, SimpleQueue
    yield from (
        (getattr(_thread, name), replacement)
        for name, replacement in _OF_THREADS.items()
        if hasattr(_thread, name)
    )
    yield threading.Event.is_set, of_threads.is_set
    yield from (
        (real, getattr(of_threads, name))
        for name in ("start", "join", "is_alive")
        # A wrapper that a program has set stays: it calls the real method, which calls `_thread`.
        if type(real := getattr(threading.Thread, name)) is FunctionType
        and real.__code__.co_filename == threading.__file__
    )
    yield signal.signal, set_handler
    yield from OF_DETERMINISM
    yield from OF_REFUSALS
    yield from OF_FUTURES
    for real, replacement in OF_TIME:
        # Where freezegun has frozen time around the block.
        if frozen := getattr(api, f"fake_{real.__name__}", None):
            yield frozen, replacement


_PAIRS = list(_pairs())
# By id: a class of the program may be unhashable.
REPLACEMENTS = {id(real): replacement for real, replacement in _PAIRS}
REALS = {id(replacement): real for real, replacement in reversed(_PAIRS)}
# Where the real functions and methods are at home: "sleep", "Thread.start".
_HOMES = {getattr(real, "__qualname__", "") for real, _ in _PAIRS} | {"Lock"}
TYPE_IDS = frozenset(map(id, TYPES))


def is_lock(value: object) -> bool:
    """Return whether an object is a real lock, or has one inside, such as a queue."""
    return id(type(value)) in TYPE_IDS


def is_replaced(value: object) -> bool:
    """Return whether a block replaces a value."""
    return id(value) in REPLACEMENTS or is_lock(value)


def may_be_replaced(names: dict[str, Any], prefix: str) -> list[str]:
    """Return the names that a block replaces, and those where a test may have set another value.

    Args:
        names: Those of a module or class.
        prefix: The class's name and a dot; nothing for a module.
    """
    return [
        name
        for name, value in tuple(names.items())
        if is_replaced(value) or (prefix + name in _HOMES and type(value) is not ModuleType)
    ]
