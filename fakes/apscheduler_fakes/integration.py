"""What a simulation does about real APScheduler schedulers: those inside it, and those outside."""

import atexit
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import wraps
from typing import Any

from apscheduler.executors.pool import BasePoolExecutor
from apscheduler.schedulers import SchedulerNotRunningError
from apscheduler.schedulers.base import STATE_RUNNING, STATE_STOPPED, BaseScheduler
from apscheduler.schedulers.blocking import BlockingScheduler

from apscheduler_fakes import ledger
from apscheduler_fakes.fake_scheduler import started
from threadsim.primitives.lock import Lock
from threadsim.reporting.thread_table import thread_table, threads_outside
from threadsim.runtime.errors import OutsideThread, SimulationError
from threadsim.runtime.kernel import Kernel, here

_sleep = time.sleep  # Kept: inside a simulation it is replaced.
_register: Any = atexit.register
_wakeup = BlockingScheduler.wakeup

# As many real milliseconds may pass before a real thread that was woken has its turn.
_MILLISECONDS = 50

# What to do about a scheduler from outside.
_INSIDE = (
    "Create the app inside the `with Simulation()` block, or the explored program; with pytest, "
    "let the fixture that makes it ask for sim: def app(sim)."
)


class APSchedulerIntegration:
    """See ``threadsim.simulation.integrations.Integration``."""

    def patches(self) -> list[tuple[Any, str, Any]]:
        """Return what to replace inside a block: owner, name and new value."""
        return [(BlockingScheduler, "wakeup", wakeup), (atexit, "register", register)]

    def diagnose(self, kernel: Kernel) -> SimulationError | None:
        """Say whether what looks like a deadlock waits for a real thread, and for which."""
        for thread in _scheduler_threads_outside(kernel):
            return OutsideThread(
                f"the scheduler of thread {thread.name!r} was started outside the simulation, so "
                "its jobs never run in virtual time, and nothing else can run any more. "
                f"{_INSIDE}\n{thread_table(kernel)}"
            )
        if kernel.points is None and threads_outside(kernel):
            for _ in range(_MILLISECONDS):
                if kernel.refused is not None:
                    break
                _sleep(0.001)
        return kernel.refused

    def check_before_time_passes(self, kernel: Kernel, call: str) -> None:
        """Raise an error if time is to pass for a scheduler that it does not reach.

        Raises:
            OutsideThread: A scheduler from outside has jobs, and none runs inside.
        """
        for thread in _scheduler_threads_outside(kernel):
            if _has_work(_scheduler_of(thread)):
                kernel.refused = OutsideThread(
                    f"{call}: the scheduler of thread {thread.name!r} has jobs and was started "
                    "outside the simulation, so they never run in virtual time, and there is no "
                    f"other scheduler whose jobs would. {_INSIDE}"
                )
                raise kernel.refused

    def end_of_block(self, kernel: Kernel) -> None:
        """Shut down the schedulers that have threads in the block, and their pools."""
        for scheduler in filter(None, map(_scheduler_of, _threads(kernel))):
            scheduler.state = STATE_STOPPED
            for executor in scheduler._executors.values():
                if isinstance(executor, BasePoolExecutor):
                    executor._pool._shutdown = True

    @contextmanager
    def errors_of_a_schedule(self) -> Iterator[list[BaseException]]:
        """Collect what the FakeSchedulers of one schedule owe their test."""
        earlier = len(ledger.ledgers)
        errors: list[BaseException] = []
        try:
            yield errors
        finally:
            ledgers = ledger.ledgers[earlier:]
            del ledger.ledgers[earlier:]
            errors += [owed for each in ledgers for owed in each.settle()]


@wraps(_wakeup)
def wakeup(self: Any) -> None:
    """Wake a scheduler's thread; one outside the simulation would act in real time."""
    kernel = here()
    # What its thread waits on was made by its start.
    if kernel is not None and not isinstance(self._event._cond._lock, Lock):
        kernel.refused = OutsideThread(
            f"a {type(self).__name__} started outside the simulation was given something to do, "
            "which its thread would do in real time. Create the app (and whatever starts that "
            "scheduler) inside the `with Simulation()` block, or the explored program."
        )
        raise kernel.refused
    _wakeup(self)


@wraps(_register)
def register(func: Any, /, *args: Any, **kwargs: Any) -> Any:
    """Register a function for the interpreter's exit; a scheduler is shut down before that."""
    _register(func if here() is None else _AtExit(func), *args, **kwargs)
    return func


class _AtExit:
    """What a block has registered: ``shutdown()`` of a scheduler that ended with it is no error."""

    def __init__(self, function: Callable[..., object]) -> None:
        self._function = function

    def __call__(self, *args: Any, **kwargs: Any) -> None:
        with suppress(SchedulerNotRunningError):
            self._function(*args, **kwargs)

    def __eq__(self, other: object) -> bool:  # For atexit.unregister.
        return bool(self._function == other)

    __hash__ = None  # type: ignore[assignment]


def _threads(kernel: Kernel) -> list[Any]:
    return [thread.python_thread for thread in kernel.threads.values()]


def _scheduler_of(thread: Any) -> Any:
    """Return the scheduler whose main loop a thread runs or will run, or ``None``."""
    may_be = [getattr(getattr(thread, "_target", None), "__self__", None)]
    virtual = getattr(thread, "_virtual", None)
    # A BlockingScheduler's start may be called by what the thread was made to run.
    ident: Any = getattr(thread, "ident", None)
    frame = sys._current_frames().get(ident) if virtual is None else virtual.frame
    while frame is not None:
        if frame.f_code is BlockingScheduler._main_loop.__code__:
            may_be.append(frame.f_locals.get("self"))
        frame = frame.f_back
    return next((each for each in may_be if isinstance(each, BaseScheduler)), None)


def _has_work(scheduler: Any) -> bool:
    """Return whether a scheduler runs and has a job that it would run some day."""
    if scheduler.state != STATE_RUNNING:
        return False
    if not scheduler._jobstores_lock.acquire(blocking=False):
        return True  # Another thread looks at its jobs just now.
    try:
        stores = scheduler._jobstores.values()
        return any(store.get_next_run_time() is not None for store in stores)
    finally:
        scheduler._jobstores_lock.release()


def _scheduler_threads_outside(kernel: Kernel) -> list[threading.Thread]:
    """Return the threads of schedulers from outside; none, where there is a scheduler inside."""
    if any(map(_scheduler_of, _threads(kernel))) or started():
        return []  # Those from outside may be another test's.
    return [each for each in threads_outside(kernel) if _scheduler_of(each) is not None]


INTEGRATION = APSchedulerIntegration()
