"""Pools and schedulers that outlive a simulation, whose threads end with it.

Each would go on counting on its threads: a pool gives work to a worker that is gone, a scheduler
says that it runs. So they are left as if they had no threads yet: the next submission starts a
worker, and a scheduler is one that was stopped and can be started, or be shut down once.
"""

import concurrent.futures.thread as pools
import logging
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager, suppress
from functools import wraps
from queue import Empty
from threading import Semaphore
from types import new_class
from typing import Any

from apscheduler.schedulers.base import STATE_RUNNING, STATE_STOPPED, BaseScheduler

from apscheduler_fakes.errors import SimulationError
from apscheduler_fakes.kernel import Ended, Kernel, activate, here


def outcomes() -> list[tuple[Any, str, Any]]:
    """Return what tells others how a job has ended, each as owner, name and what stands there.

    A pool's worker catches what ends it, and would call it the job's own failure.
    """
    kind: Any = Future
    return [
        (kind, name, _unless_ending(vars(kind)[name])) for name in ("set_result", "set_exception")
    ]


def _unless_ending(real: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(real)
    def unless_ending(self: Any, /, *args: Any, **kwargs: Any) -> None:
        kernel = here()
        if kernel is not None:
            kernel.check_goes_on()
        real(self, *args, **kwargs)

    return unless_ending


@contextmanager
def without_threads(kernel: Kernel) -> Iterator[None]:
    """Leave what lives as if it had no threads; they end inside the block."""
    threads: list[Any] = [each.python_thread for each in kernel.threads.values()]
    queues: Any = pools._threads_queues
    workers = [each for each in threads if each in queues and each._target is pools._worker]
    # A worker holds its pool weakly, and no longer when it has ended.
    executors = {worker._args[0]() for worker in workers}
    queued = [queues[worker] for worker in workers]
    schedulers = [each for each in map(scheduler_of, threads) if each is not None]
    yield
    for queue in queued:  # Not before: the lock of one may be held, and whoever waits has an end.
        with suppress(Empty, Ended):
            while True:
                queue.get_nowait()
    for executor in executors - {None}:
        executor._threads.clear()
        executor._idle_semaphore = Semaphore(0)
    running = [each for each in schedulers if each.running]
    for scheduler in running:
        scheduler.state = STATE_STOPPED
    for scheduler in running:
        with suppress(Exception):  # Its class may be one that nobody derives from.
            scheduler.__class__ = _left_running(type(scheduler))


def _left_running(kind: Any) -> Any:
    """Return a scheduler's class for one that was left running: it can be shut down once."""
    if issubclass(kind, _Below):
        return kind
    left: Any = new_class(kind.__name__, (_Above, kind, _Below))
    left.__module__, left.__qualname__ = kind.__module__, kind.__qualname__
    return left


def _run_again(scheduler: Any) -> None:
    """Make a scheduler that was left running what it was, so that it can be shut down."""
    if isinstance(scheduler, _Below):  # Else its method was kept, and has been called.
        scheduler.__class__ = type(scheduler).__bases__[1]
        scheduler.state = STATE_RUNNING


class _Above:
    """What stands before the class of a scheduler that was left running."""

    def __init_subclass__(cls) -> None:
        """Tell the program's classes nothing of that one."""

    def shutdown(self, *args: Any, **kwargs: Any) -> None:
        """Shut down, as one that runs."""
        _run_again(self)
        self.shutdown(*args, **kwargs)


class _Below(BaseScheduler):  # type: ignore[misc]
    """What stands between that class and APScheduler's first one.

    The method may have been taken in the block, as ``atexit.register(scheduler.shutdown)`` does.
    """

    def shutdown(self, *args: Any, **kwargs: Any) -> None:
        """Shut down, as one that runs."""
        _run_again(self)
        BaseScheduler.shutdown(self, *args, **kwargs)


def scheduler_of(thread: Any) -> Any:
    """Return the APScheduler scheduler whose main loop a thread runs or will run, or ``None``."""
    may_be = [getattr(getattr(thread, "_target", None), "__self__", None)]
    virtual = getattr(thread, "_virtual", None)
    # A BlockingScheduler's start may be called by what the thread was made to run.
    ident: Any = getattr(thread, "ident", None)
    frame = sys._current_frames().get(ident) if virtual is None else virtual.frame
    while frame is not None:
        if frame.f_code.co_name == "_main_loop":
            may_be.append(frame.f_locals.get("self"))
        frame = frame.f_back
    return next((each for each in may_be if isinstance(each, BaseScheduler)), None)


def has_work(scheduler: Any) -> bool:
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


@contextmanager
def silence(kernel: Kernel) -> Iterator[None]:
    """Keep logging quiet: pool workers and APScheduler log whatever ends a thread.

    No kernel is active afterwards.
    """
    # A leftover thread may have logging's lock. The real one under it lets this OS thread in.
    activate(None)
    before = logging.root.manager.disable
    logging.disable(logging.CRITICAL)
    activate(kernel)
    try:
        yield
    finally:
        activate(None)
        logging.disable(before)


def abandoned(kernel: Kernel) -> SimulationError | None:
    """Name the threads that have caught their end again and again."""
    if not kernel.abandoned:
        return None
    names = ", ".join(thread.name for thread in kernel.abandoned)
    return SimulationError(
        f"the simulation could not end {names}: it caught every exception that should end it. Let "
        "BaseException through there."
    )
