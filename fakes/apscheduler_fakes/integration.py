"""The integration of APScheduler: finds real schedulers that run outside a simulation."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import wraps
from typing import Any
from unittest.mock import patch

from apscheduler.schedulers.base import STATE_RUNNING, BaseScheduler
from apscheduler.schedulers.blocking import BlockingScheduler

from apscheduler_fakes import ledger
from apscheduler_fakes.fake_scheduler import started
from apscheduler_fakes.module_schedulers import put_back, start
from threadsim.primitives.lock import Lock
from threadsim.reporting.thread_table import threads_outside
from threadsim.runtime.errors import OutsideThread
from threadsim.runtime.kernel import Kernel, here

_wakeup = BlockingScheduler.wakeup


class APSchedulerIntegration:
    """See ``threadsim.simulation.integrations.Integration``."""

    def patches(self) -> list[tuple[Any, str, Any]]:
        """Return what to replace inside a block: owner, name and new value."""
        return [(BlockingScheduler, "wakeup", wakeup), (BaseScheduler, "start", start)]

    def check_before_time_passes(self, kernel: Kernel, call: str) -> None:
        """Check that no scheduler waits in vain for time to pass.

        Raises:
            OutsideThread: A scheduler from outside has jobs, and none runs inside.
        """
        inside = (_scheduler_of(each.python_thread) for each in kernel.threads.values())
        if started() or any(inside):
            return  # Those from outside may be another test's.
        for thread in threads_outside(kernel):
            scheduler = _scheduler_of(thread)
            runs = scheduler is not None and scheduler.state == STATE_RUNNING
            if runs and any(job.next_run_time for job in scheduler.get_jobs()):
                raise _outside(kernel, f"{call}: the scheduler of thread {thread.name!r}")

    def end_of_block(self) -> None:
        """Put back the schedulers that a module has made, for the next block."""
        put_back()

    @contextmanager
    def errors_of_a_schedule(self) -> Iterator[list[BaseException]]:
        """Collect the errors of one schedule's FakeSchedulers."""
        errors: list[BaseException] = []
        with patch.object(ledger, "ledgers", []):
            yield errors
            errors += ledger.settle()


@wraps(_wakeup)
def wakeup(self: Any) -> None:
    """Wake a scheduler's thread; refuse one that is outside the simulation."""
    kernel = here()
    # What its thread waits on was made by its start.
    if kernel is not None and not isinstance(self._event._cond._lock, Lock):
        raise _outside(kernel, f"the {type(self).__name__}")
    _wakeup(self)


def _outside(kernel: Kernel, scheduler: str) -> OutsideThread:
    """Refuse a scheduler from outside."""
    kernel.refused = OutsideThread(
        f"{scheduler} was started outside the simulation, so its jobs never run in virtual time. "
        "Create the app inside the `with Simulation()` block, or the explored program; with "
        "pytest, let the fixture that makes it ask for sim: def app(sim)."
    )
    return kernel.refused


def _scheduler_of(thread: Any) -> Any:
    """Return the scheduler whose method a thread was made to run, or ``None``."""
    scheduler = getattr(getattr(thread, "_target", None), "__self__", None)
    return scheduler if isinstance(scheduler, BaseScheduler) else None


INTEGRATION = APSchedulerIntegration()
