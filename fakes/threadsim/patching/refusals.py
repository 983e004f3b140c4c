"""Refuses calls that cannot be virtual. The error names the call and says what to do instead.

Real threads beside the simulation may make all calls.
"""

import asyncio
import concurrent.futures.thread as pools
import os
import signal
import subprocess
import sys
import time
from asyncio.base_events import BaseEventLoop
from collections.abc import Callable, Iterator
from functools import wraps
from multiprocessing.pool import ThreadPool
from multiprocessing.process import BaseProcess
from typing import Any

from freezegun.api import _freeze_time

from threadsim.primitives.lock import Lock
from threadsim.primitives.threads import virtual_thread_of
from threadsim.runtime.errors import NotModelled, OutsideThread
from threadsim.runtime.kernel import here

_submit: Any = pools.ThreadPoolExecutor.submit

_CLOCK = "sim.clock.move_to(…) or Simulation(start=…)"
_LOOP = "an asyncio event loop"
_EXECUTOR = "concurrent.futures.ThreadPoolExecutor"

# Refused calls: owner, names, what the error calls them ({} is the name), and what to use instead.
_ROWS: list[tuple[Any, tuple[str, ...], str, str]] = [
    (_freeze_time, ("start", "stop"), "freeze_time or Clock", _CLOCK),
    (BaseEventLoop, ("run_forever", "run_until_complete"), _LOOP, "threads"),
    (asyncio.Runner, ("run",), _LOOP, "threads"),
    (BaseProcess, ("start",), "a Process started", "threads"),
    # Not __init__: it makes what __del__ asks for.
    (ThreadPool, ("_setup_queues",), "a ThreadPool of multiprocessing", _EXECUTOR),
    (os, ("fork",), "{}", "threads"),
    # C takes an identifier for an address. That of a virtual thread is none.
    (signal, ("pthread_kill",), "{}", "signal.raise_signal()"),
    (time, ("clock_gettime", "clock_gettime_ns"), "{}", "time.time_ns() or time.monotonic_ns()"),
    (time, ("pthread_getcpuclockid",), "{}", "time.thread_time()"),
]


def _refusing(real: Callable[..., Any], what: str, instead: str) -> Callable[..., Any]:
    @wraps(real)
    def refusing(*args: Any, **kwargs: Any) -> Any:
        kernel = here()
        if kernel is None:
            return real(*args, **kwargs)
        kernel.refused = NotModelled(
            f"{what} inside a Simulation has no model. Do it outside the block, or use {instead}."
        )
        raise kernel.refused  # The block raises it again, if something swallows it.

    return refusing


@wraps(_submit)
def _submit_inside(self: Any, /, *args: Any, **kwargs: Any) -> Any:
    """Submit to a pool made inside. One from outside has real threads, or would wait for real."""
    kernel = here()
    if kernel is not None:
        kernel.raise_if_ending()
        # The workers of a pool are all real or all virtual. Nothing may sort the set, as a set of
        # this package would.
        worker = next(set.__iter__(self._threads), None)
        used_outside = worker is not None and virtual_thread_of(kernel, worker) is None
        # An exploration replaces the real lock of a pool from outside.
        if used_outside or type(self._shutdown_lock) is not Lock:
            kernel.refused = OutsideThread(
                f"a {type(self).__name__} made outside the simulation, or used there since, was "
                "given work, which virtual time does not reach. Create the app (and whatever makes "
                "that pool) inside the `with Simulation()` block, or the explored program."
            )
            raise kernel.refused
    return _submit(self, *args, **kwargs)


def _refusals() -> Iterator[tuple[Any, str, Any]]:
    for owner, names, what, instead in _ROWS:
        for name in filter(vars(owner).__contains__, names):  # Not every system has them.
            what_it_is = what.format(f"{owner.__name__}.{name}()")
            yield owner, name, _refusing(vars(owner)[name], what_it_is, instead)


_REFUSALS = list(_refusals())

# What the patch sites leave out, as freezegun, or take for something else: owner, name and
# replacement.
_SWAPS = [
    *(each for each in _REFUSALS if each[0] is _freeze_time),
    # subprocess reads this clock for a timeout only.
    (subprocess, "_time", _refusing(time.monotonic, "a timeout of subprocess", "no timeout")),
]


def swaps() -> list[tuple[Any, str, Any]]:
    """Return names to set besides: owner, name and replacement."""
    travel = getattr(sys.modules.get("time_machine"), "travel", None)
    if travel is None:
        return _SWAPS
    return [*_SWAPS, (travel, "start", _refusing(travel.start, "time_machine.travel", _CLOCK))]


# Real function and replacement.
REPLACEMENTS: list[tuple[Any, Any]] = [
    *((vars(owner)[name], replacement) for owner, name, replacement in _REFUSALS),
    (_submit, _submit_inside),
]
