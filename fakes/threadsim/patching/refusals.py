"""Refuses inside a block what cannot be virtual: the error names the call and says what to do.

A real thread beside the simulation is refused nothing.
"""

import _thread
import asyncio
import concurrent.futures.thread as pools
import os
import signal
import sys
import time
from asyncio.base_events import BaseEventLoop
from collections.abc import Callable, Iterator
from functools import wraps
from multiprocessing.pool import Pool, ThreadPool
from multiprocessing.process import BaseProcess
from subprocess import Popen
from typing import Any

from freezegun.api import _freeze_time

from threadsim.primitives.lock import Lock
from threadsim.runtime.errors import NotModelled, OutsideThread, SimulationError
from threadsim.runtime.kernel import Kernel, here
from threadsim.runtime.own_code import is_tool

_submit: Any = pools.ThreadPoolExecutor.submit
_run_once: Any = vars(BaseEventLoop)["_run_once"]
_real_rlock = _thread.RLock
# Since Python 3.14.
_init_handle: Any = getattr(getattr(asyncio.events, "_ThreadSafeHandle", None), "__init__", None)

# What is refused: where it is, what the error calls it ({} is its own name), and the remedy.
_ROWS: list[tuple[list[tuple[Any, str]], str, str]] = [
    (
        [(_freeze_time, "start"), (_freeze_time, "stop")],
        "freeze_time or Clock",
        "Use sim.clock.move_to(…) or Simulation(start=…), or freeze outside the block.",
    ),
    (
        [
            (BaseEventLoop, "run_forever"),
            (BaseEventLoop, "run_until_complete"),
            (asyncio.Runner, "run"),
        ],
        "an asyncio event loop",
        "Run it outside the block.",
    ),
    (
        [(BaseProcess, "start")],
        "a Process started",
        "Start it outside the block, or use threads.",
    ),
    (
        # Not __init__: it makes what __del__ asks for.
        [(Pool, "_setup_queues"), (ThreadPool, "_setup_queues")],
        "a pool of multiprocessing",
        "Use concurrent.futures.ThreadPoolExecutor, or make it outside the block.",
    ),
    ([(os, "fork"), (os, "forkpty")], "{}", "Fork outside the block, or use threads."),
    (
        [(signal, "alarm"), (signal, "setitimer")],
        "{}",
        "Set it outside the block, or use threading.Timer.",
    ),
    (
        [(signal, "pthread_kill"), (time, "pthread_getcpuclockid")],
        "{} of a virtual thread",
        "Use it on the main thread, or outside the block.",
    ),
    (
        [(Popen, "wait"), (Popen, "communicate")],
        "{} with a timeout",
        "Wait without a timeout, or outside the block.",
    ),
]
if sys.version_info >= (3, 14):
    from concurrent.futures.interpreter import InterpreterPoolExecutor

    _ROWS.append(
        (
            [(InterpreterPoolExecutor, "__init__")],
            "an InterpreterPoolExecutor",
            "Use ThreadPoolExecutor, or make it outside the block.",
        )
    )


def _is_of_the_runner() -> bool:
    """Return whether the alarm's handler is pytest-timeout's: it sets its alarm inside the call."""
    handler = signal.getsignal(signal.SIGALRM)
    own = getattr(handler, "handler", handler)  # Inside a simulation it is wrapped.
    return is_tool(str(getattr(own, "__module__", "")))


def _is_main_thread(ident: int, *_args: Any) -> bool:
    kernel = here()
    return kernel is not None and ident == kernel.main.ident


# The calls of these that are allowed. A zero takes a timer back.
_ALLOWED: dict[str, Callable[..., bool]] = {
    "alarm": lambda seconds: not seconds or _is_of_the_runner(),
    "setitimer": lambda _which, seconds, *_: not seconds or _is_of_the_runner(),
    # C takes the identifier for an address. That of a virtual thread is none.
    "pthread_kill": _is_main_thread,
    "pthread_getcpuclockid": _is_main_thread,
    "wait": lambda _process, timeout=None: timeout is None,
    "communicate": lambda _process, _input=None, timeout=None, **_: timeout is None,
}


def refuse(kernel: Kernel, error: SimulationError) -> SimulationError:
    """Return the error of a call, which the block raises again where something swallows it.

    APScheduler logs what a pool raises.
    """
    kernel.refused = error
    return error


def _refusing(real: Callable[..., Any], allowed: Callable[..., bool], text: str) -> Any:
    @wraps(real)
    def refusing(*args: Any, **kwargs: Any) -> Any:
        kernel = here()
        if kernel is None or allowed(*args, **kwargs):
            return real(*args, **kwargs)
        for each in filter(asyncio.iscoroutine, [*args, *kwargs.values()]):
            each.close()  # Else it warns that it was never awaited.
        raise refuse(kernel, NotModelled(text))

    return refusing


@wraps(_run_once)
def run_once(self: Any) -> None:
    """Run a loop once. Around an ``await`` in a block its tasks are cancelled, to leave the block.

    The block then raises the refusal at its end.
    """
    if (kernel := here()) is not None:
        refuse(kernel, NotModelled(_text("an await", "Run it outside the block.")))
        for task in asyncio.all_tasks(self):
            task.cancel()
    _run_once(self)


@wraps(_submit)
def submit(self: Any, /, *args: Any, **kwargs: Any) -> Any:
    """Submit to a pool made inside. One from outside has real threads, or would wait for real."""
    kernel = here()
    if kernel is not None:
        kernel.check_goes_on()
        # A block's threads end with it, and with them those of a pool: any worker tells. Nothing
        # may sort the set, as a set of this package would.
        worker = next(set.__iter__(self._threads), None)
        used_outside = worker is not None and not hasattr(worker, "_virtual")
        # An exploration has put a virtual lock in the place of the real one of a pool from outside.
        if used_outside or type(self._shutdown_lock) is not Lock:
            text = (
                f"a {type(self).__name__} made outside the simulation, or used there since, was "
                "given work, which virtual time does not reach. Create the app (and whatever makes "
                "that pool) inside the `with Simulation()` block, or the explored program."
            )
            raise refuse(kernel, OutsideThread(text))
    return _submit(self, *args, **kwargs)


def _make_handle(self: Any, *args: Any, **kwargs: Any) -> None:
    """Make a call that is handed to the loop of a real thread, with a real lock inside."""
    _init_handle(self, *args, **kwargs)
    self._lock = _real_rlock()


def _text(what: str, remedy: str) -> str:
    return f"{what} inside a Simulation has no model. {remedy}"


def _refused() -> Iterator[tuple[Any, str, Any]]:
    for places, what, remedy in _ROWS:
        for owner, name in places:
            if name in vars(owner):  # Not every system has them.
                text = _text(what.format(f"{owner.__name__}.{name}()"), remedy)
                allowed = _ALLOWED.get(name, lambda *_args, **_kwargs: False)
                yield owner, name, _refusing(vars(owner)[name], allowed, text)


_REFUSED = list(_refused())
# The patch sites leave freezegun out: owner, name and replacement.
SWAPS = [each for each in _REFUSED if each[0] is _freeze_time]

# Real function and replacement.
REPLACEMENTS: list[tuple[Any, Any]] = [
    *((vars(owner)[name], replacement) for owner, name, replacement in _REFUSED),
    (_run_once, run_once),
    (_submit, submit),
    *([(_init_handle, _make_handle)] if _init_handle else []),
]
