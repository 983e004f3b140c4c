"""What has no model inside a simulation, and is refused there instead of going wrong quietly.

In a real thread beside a simulation each of these is the real thing.
"""

import _thread
import asyncio
import concurrent.futures.thread as pools
import os
import signal
import sys
import time
from asyncio.base_events import BaseEventLoop
from collections.abc import Callable
from functools import partial, wraps
from multiprocessing.pool import Pool, ThreadPool
from multiprocessing.process import BaseProcess
from subprocess import Popen
from typing import Any

from freezegun.api import _freeze_time

from threadsim.primitives.lock import Lock
from threadsim.runtime.errors import NotModelled, OutsideThread, SimulationError
from threadsim.runtime.kernel import Kernel, here

_real_rlock = _thread.RLock
_submit: Callable[..., Any] = pools.ThreadPoolExecutor.submit
_wait: Callable[..., Any] = Popen.wait
_communicate: Callable[..., Any] = Popen.communicate

_FREEZE = (
    "freeze_time or Clock inside a Simulation has no model: the simulation's clock decides the "
    "time. Use sim.clock.move_to(…) or Simulation(start=…), or freeze outside the block."
)
_LOOP = (
    "an asyncio event loop inside a Simulation has no model: it waits in real time for what is to "
    "happen in virtual time. Run it outside the block."
)
_PROCESS = (
    "a Process started inside a Simulation has no model: it runs in real time, and whoever waits "
    "for it does so in virtual time. Start it outside the block, or use threads."
)
_POOL = (
    "a pool of multiprocessing inside a Simulation, of threads too, has no model: its threads wait "
    "for real at a pipe. Use concurrent.futures.ThreadPoolExecutor, or make it outside the block."
)
_INTERPRETERS = (
    "an InterpreterPoolExecutor inside a Simulation has no model: a call in another interpreter "
    "takes real time and keeps every virtual thread waiting. Use ThreadPoolExecutor, or submit "
    "outside the block."
)
_FORK = (
    "os.{}() inside a Simulation has no model: the child would go on with a copy of every virtual "
    "thread. Fork outside the block, or use threads."
)
_ALARM = (
    "signal.{}() inside a Simulation has no model: the signal would come in real time. Set it "
    "outside the block, or use threading.Timer."
)


_THREAD_SAFE: Any = getattr(asyncio.events, "_ThreadSafeHandle", None)
_make_thread_safe: Any = getattr(_THREAD_SAFE, "__init__", None)


def _make_with_a_real_lock(self: Any, *args: Any, **kwargs: Any) -> None:
    """Make what hands a call to a loop, which runs outside: Python 3.14 has a lock there."""
    _make_thread_safe(self, *args, **kwargs)
    self._lock = _real_rlock()


def of_real_loops() -> list[tuple[Any, str, Any]]:
    """Return what a simulation hands to loops outside, each as owner, name and stand-in."""
    change = (_THREAD_SAFE, "__init__", _make_with_a_real_lock)
    return [] if _THREAD_SAFE is None else [change]


def refusals() -> list[tuple[Any, str, Any]]:
    """Return what is refused, each as owner, name and what stands there instead."""
    return [
        (_freeze_time, "start", _refuse(_freeze_time.start, _FREEZE)),
        (_freeze_time, "stop", _refuse(_freeze_time.stop, _FREEZE)),
        (BaseEventLoop, "run_forever", _refuse(BaseEventLoop.run_forever, _LOOP)),
        (BaseEventLoop, "run_until_complete", _of_coroutine(BaseEventLoop.run_until_complete)),
        (BaseEventLoop, "_run_once", _leave(vars(BaseEventLoop)["_run_once"])),
        (asyncio.Runner, "run", _of_coroutine(asyncio.Runner.run)),
        (BaseProcess, "start", _refuse(BaseProcess.start, _PROCESS)),
        # Not __init__: what __del__ asks for must be there.
        *(
            (kind, "_setup_queues", _refuse(vars(kind)["_setup_queues"], _POOL))
            for kind in (Pool, ThreadPool)
        ),
        (pools.ThreadPoolExecutor, "submit", submit),
        (Popen, "wait", wait),
        (Popen, "communicate", communicate),
    ]


def refused_functions() -> list[tuple[Any, Any]]:
    """Return the functions that are refused, wherever they are found, each with its stand-in."""
    refused: list[tuple[Any, str, Callable[[Any], Any]]] = [
        (module, name, partial(_refuse, text=text.format(name), unless=unless))
        for module, name, text, unless in (
            (os, "fork", _FORK, _never),
            (os, "forkpty", _FORK, _never),
            (signal, "alarm", _ALARM, _takes_back),
            (signal, "setitimer", _ALARM, _takes_back),
        )
    ]
    of_threads = [
        (module, name, _of_real_thread)
        for module, name in ((signal, "pthread_kill"), (time, "pthread_getcpuclockid"))
    ]
    return [
        (real, stand_in(real))
        for module, name, stand_in in [*refused, *of_threads]
        # Not every system has them.
        if (real := getattr(module, name, None)) is not None
    ]


@wraps(_submit)
def submit(self: Any, /, *args: Any, **kwargs: Any) -> Any:
    """Submit to a pool made inside; one made outside has real threads or would wait for real."""
    kernel = here()
    if kernel is not None:
        kernel.check_goes_on()
    if kernel is not None and _is_of_interpreters(self):
        raise _kept(kernel, NotModelled(_INTERPRETERS))
    if kernel is not None and _is_from_outside(self):
        raise _kept(
            kernel,
            OutsideThread(
                f"a {type(self).__name__} made outside the simulation, or used there since, was "
                "given work, which virtual time does not reach. Create the app (and whatever makes "
                "that pool) inside the `with Simulation()` block, or the explored program."
            ),
        )
    return _submit(self, *args, **kwargs)


def _is_of_interpreters(pool: Any) -> bool:
    # Python 3.14 imports that module when a program asks for its pool.
    module = sys.modules.get("concurrent.futures.interpreter")
    return module is not None and isinstance(pool, module.InterpreterPoolExecutor)


def _is_from_outside(pool: Any) -> bool:
    # Its workers are all of one kind: those of a block end with it. Any will do, so nothing sorts
    # them, as a set of this package would for each job.
    worker = next(set.__iter__(pool._threads), None)
    used_outside = worker is not None and not hasattr(worker, "_virtual")
    # An exploration has put a virtual lock over the real one of a pool from outside.
    return used_outside or type(pool._shutdown_lock) is not Lock


@wraps(_wait)
def wait(self: Any, timeout: float | None = None) -> Any:
    """Wait for a program in real time; a virtual time-out would be over at once."""
    _refuse_timeout("wait", timeout)
    return _wait(self, timeout)


@wraps(_communicate)
def communicate(self: Any, input: Any = None, timeout: float | None = None) -> Any:  # noqa: A002  # As there.
    """Talk to a program in real time; a virtual time-out would be over at once."""
    _refuse_timeout("communicate", timeout)
    return _communicate(self, input, timeout)


def _refuse_timeout(name: str, timeout: float | None) -> None:
    kernel = here()
    if kernel is not None and timeout is not None:
        raise _kept(
            kernel,
            NotModelled(
                f"Popen.{name}(timeout={timeout!r}) inside a Simulation has no model: the program "
                "runs in real time, and virtual time would be up before it has begun. Wait "
                "without a time-out, or outside the block."
            ),
        )


def _never(*_args: Any) -> bool:
    return False


def _takes_back(*args: Any) -> bool:
    """Return whether a call of ``alarm`` or ``setitimer`` only takes a timer back."""
    return args[:2][-1:] == (0,)


def _refuse(
    real: Callable[..., Any], text: str, unless: Callable[..., bool] = _never
) -> Callable[..., Any]:
    @wraps(real)
    def refuse(*args: Any, **kwargs: Any) -> Any:
        kernel = here()
        # pytest-timeout sets its alarm when a test is called, which may be inside.
        caller: str = sys._getframe(1).f_globals.get("__name__", "")
        if kernel is None or caller == "pytest_timeout" or unless(*args):
            return real(*args, **kwargs)
        raise _kept(kernel, NotModelled(text))

    return refuse


def _of_coroutine(real: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(real)
    def of_coroutine(*args: Any, **kwargs: Any) -> Any:
        kernel = here()
        if kernel is None:
            return real(*args, **kwargs)
        for coroutine in filter(asyncio.iscoroutine, [*args, *kwargs.values()]):
            coroutine.close()  # Or it complains that nobody awaited it.
        raise _kept(kernel, NotModelled(_LOOP))

    return of_coroutine


def _leave(real: Callable[[Any], None]) -> Callable[[Any], None]:
    # Where the block is entered; others in the loop need know nothing of it.
    entered = None if asyncio._get_running_loop() is None else asyncio.current_task()

    @wraps(real)
    def run_once(self: Any) -> None:
        kernel = here()
        if kernel is not None:
            # A block around an await. It has to be left first: it raises the refusal at its end.
            _kept(kernel, NotModelled(_LOOP))
            if entered is not None and not entered.done():
                entered.cancel()
            else:  # Whoever has to leave it is one of these.
                for task in asyncio.all_tasks(self):
                    task.cancel()
        real(self)

    return run_once


def _of_real_thread(real: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(real)
    def of_real_thread(ident: int, /, *args: Any) -> Any:
        kernel = here()
        # C takes the identifier for an address, and would look there.
        if kernel is not None and ident != kernel.main.ident:
            module = real.__module__.lstrip("_")
            text = (
                f"{module}.{real.__name__}({ident}) inside a Simulation has no model: to the "
                "system all virtual threads are one. Use it on the main thread, or outside."
            )
            raise _kept(kernel, NotModelled(text))
        return real(ident, *args)

    return of_real_thread


def _kept(kernel: Kernel, refusal: SimulationError) -> SimulationError:
    """Let a refusal be known when something swallows it: APScheduler logs what a pool raises."""
    kernel.refused = refusal
    return refusal
