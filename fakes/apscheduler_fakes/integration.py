"""The integration of APScheduler: real schedulers inside a simulation, and outside it."""

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


class APSchedulerIntegration:
    """See ``threadsim.simulation.integrations.Integration``."""

    def patches(self) -> list[tuple[Any, str, Any]]:
        """Return what to replace inside a block: owner, name and new value."""
        return [(BlockingScheduler, "wakeup", wakeup), (atexit, "register", register)]

    def diagnose(self, kernel: Kernel) -> SimulationError | None:
        """Return the error for threads that wait for a real one; give that its turn first."""
        for thread in _scheduler_threads_outside(kernel):
            name = f"the scheduler of thread {thread.name!r}"
            return _outside(kernel, name, f"\n{thread_table(kernel)}")
        if kernel.points is None and threads_outside(kernel):
            for _ in range(_MILLISECONDS):
                if kernel.refused is None:
                    _sleep(0.001)
        return kernel.refused

    def check_before_time_passes(self, kernel: Kernel, call: str) -> None:
        """Check that no scheduler waits in vain for time to pass.

        Raises:
            OutsideThread: A scheduler from outside has jobs, and none runs inside.
        """
        for thread in _scheduler_threads_outside(kernel):
            if _has_work(_scheduler_of(thread)):
                raise _outside(kernel, f"{call}: the scheduler of thread {thread.name!r}")

    def end_of_block(self, kernel: Kernel) -> None:
        """Shut down the schedulers that have threads in the block, and their pools."""
        for scheduler in filter(None, map(_scheduler_of, _threads(kernel))):
            scheduler.state = STATE_STOPPED
            for executor in scheduler._executors.values():
                if isinstance(executor, BasePoolExecutor):
                    executor._pool._shutdown = True

    @contextmanager
    def errors_of_a_schedule(self) -> Iterator[list[BaseException]]:
        """Collect the errors of one schedule's FakeSchedulers."""
        earlier = len(ledger.ledgers)
        errors: list[BaseException] = []
        try:
            yield errors
        finally:
            for each in ledger.ledgers[earlier:]:
                errors += each.settle()
            del ledger.ledgers[earlier:]


@wraps(_wakeup)
def wakeup(self: Any) -> None:
    """Wake a scheduler's thread; refuse one that is outside the simulation."""
    kernel = here()
    # What its thread waits on was made by its start.
    if kernel is not None and not isinstance(self._event._cond._lock, Lock):
        raise _outside(kernel, f"the {type(self).__name__}")
    _wakeup(self)


@wraps(_register)
def register(func: Any, /, *args: Any, **kwargs: Any) -> Any:
    """Register a function for the interpreter's exit. See ``_AtExit``."""
    _register(func if here() is None else _AtExit(func), *args, **kwargs)
    return func


class _AtExit:
    """A function that a block registers: it may shut down a scheduler that ended with the block."""

    def __init__(self, function: Callable[..., object]) -> None:
        self._function = function

    def __call__(self, *args: Any, **kwargs: Any) -> None:
        with suppress(SchedulerNotRunningError):
            self._function(*args, **kwargs)

    def __eq__(self, other: object) -> bool:  # For atexit.unregister.
        return bool(self._function == other)

    __hash__ = None  # type: ignore[assignment]


def _outside(kernel: Kernel, scheduler: str, end: str = "") -> OutsideThread:
    """Refuse a scheduler from outside."""
    kernel.refused = OutsideThread(
        f"{scheduler} was started outside the simulation, so its jobs never run in virtual time. "
        "Create the app inside the `with Simulation()` block, or the explored program; with "
        f"pytest, let the fixture that makes it ask for sim: def app(sim).{end}"
    )
    return kernel.refused


def _threads(kernel: Kernel) -> list[Any]:
    return [thread.python_thread for thread in kernel.threads.values()]


def _scheduler_of(thread: Any) -> Any:
    """Return the scheduler whose main loop a thread runs or will run, or ``None``."""
    virtual = getattr(thread, "_virtual", None)
    ident: Any = getattr(thread, "ident", None)
    frame = sys._current_frames().get(ident) if virtual is None else virtual.frame
    while frame is not None and frame.f_code is not BlockingScheduler._main_loop.__code__:
        frame = frame.f_back
    target = getattr(thread, "_target", None)  # The loop of a thread that has not run yet.
    found = getattr(target, "__self__", None) if frame is None else frame.f_locals["self"]
    return found if isinstance(found, BaseScheduler) else None


def _has_work(scheduler: Any) -> bool:
    """Return whether a scheduler runs and has a job that is due some day."""
    jobs = scheduler.get_jobs() if scheduler.state == STATE_RUNNING else []
    return any(job.next_run_time is not None for job in jobs)


def _scheduler_threads_outside(kernel: Kernel) -> list[threading.Thread]:
    """Return the real threads of schedulers; none, if there is a scheduler inside."""
    if any(map(_scheduler_of, _threads(kernel))) or started():
        return []  # Those from outside may be another test's.
    return [each for each in threads_outside(kernel) if _scheduler_of(each) is not None]


INTEGRATION = APSchedulerIntegration()
