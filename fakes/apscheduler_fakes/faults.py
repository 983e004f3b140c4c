"""Faults that FakeScheduler injects, one class each, and the check that each of them fired.

A fault acts where an executor takes a job (``_do_submit_job``). APScheduler does all before that
(due times, ``max_instances``) and after it (events, log lines, removal from the store).
``FakeScheduler.add_executor`` puts a fault in, ``FakeScheduler._submit`` picks the one for a job.
Places in its source are those of 3.11.3.
"""

import threading
from collections.abc import Callable
from concurrent.futures import Future
from datetime import UTC, datetime, timedelta
from typing import Any

from apscheduler.executors.base import MaxInstancesReachedError
from apscheduler.job import Job

from apscheduler_fakes.deferred_executor import DeferredExecutor

# A job's id, or a predicate on APScheduler's Job.
Selector = str | Callable[[Any], object]


def copy_of(job: Any) -> Any:
    """Return a copy of a job; one that waits for its scheduler's start lacks some attributes."""
    made = Job.__new__(Job)
    for name in set(Job.__slots__) - {"__weakref__"}:
        if hasattr(job, name):
            setattr(made, name, getattr(job, name))
    return made


class Fault:
    """A fault for one job id, or for every job that a predicate picks.

    Raises:
        TypeError: ``selector`` is neither.
    """

    def __init__(self, selector: Selector) -> None:
        self._text = f"{type(self).__name__.lower()}({selector!r})"
        if not isinstance(selector, str) and not callable(selector):
            raise TypeError(f"{self._text}: name a job by its id or by a predicate.")
        self.picks = selector if callable(selector) else lambda job: job.id == selector
        self.fired = False
        self.hanging: list[str] = []  # The ids of the jobs that never return.
        self.in_vain = ""  # Why it could not act on a job that it picked.

    def __str__(self) -> str:
        return self._text

    def submit(self, executor: Any, job: Any, run_times: list[datetime]) -> None:
        """Take the place of ``executor._do_submit_job``, and note whether the fault fired."""
        executor.submit_without_faults(job, run_times)

    def after_look(self) -> None:
        """Act when ``_process_jobs`` is over."""


class Skip(Fault):
    """``max_instances`` runs of the job are under way.

    Source: ``executors/base.py:72``, caught in ``schedulers/base.py:1198``.
    """

    def submit(self, _executor: Any, job: Any, _run_times: list[datetime]) -> None:
        """Raise the executor's error."""
        self.fired = True
        raise MaxInstancesReachedError(job)


class Refuse(Fault):
    """The executor's pool is shut down.

    Source: ``executors/pool.py:27``, caught in ``schedulers/base.py:1212``; the error is that of
    ``concurrent/futures/thread.py``.
    """

    def submit(self, _executor: Any, _job: Any, _run_times: list[datetime]) -> None:
        """Raise the pool's error."""
        self.fired = True
        raise RuntimeError("cannot schedule new futures after shutdown")


class Miss(Fault):
    """The job starts later than its ``misfire_grace_time`` allows.

    The executor gets a copy of the job with a negative grace, so that the real ``run_job``
    (``executors/base.py:117``) finds every start too late.
    """

    def submit(self, executor: Any, job: Any, run_times: list[datetime]) -> None:
        """Submit the copy; a job without a grace is never too late."""
        if job.misfire_grace_time is None:
            self.in_vain = f"job {job.id!r} has no misfire_grace_time, and is never too late."
        else:
            self.fired = True
            job = copy_of(job)
            job.misfire_grace_time = -1
        super().submit(executor, job, run_times)


class Lose(Fault):
    """The job is cancelled in its pool's queue. The pool does not report that.

    The callback of ``executors/pool.py:20`` fails for a cancelled future, which is logged. The
    cancellation calls ``drop_job``, an attribute of the job's function, if there is one:
    ``JobGroup`` has it.
    """

    def __init__(self, selector: Selector) -> None:
        super().__init__(selector)
        self._queue: list[Future[Any]] = []

    def submit(self, _executor: Any, job: Any, _run_times: list[datetime]) -> None:
        """Queue a future that no worker takes."""
        self.fired = True
        future: Future[Any] = Future()
        future.add_done_callback(Future.exception)
        future.add_done_callback(lambda _: getattr(job.func, "drop_job", int)())
        self._queue.append(future)

    def after_look(self) -> None:
        """Cancel the queued futures, as ``shutdown(cancel_futures=True)`` of a pool does."""
        while self._queue:
            self._queue.pop().cancel()


class Hang(Fault):
    """The job's body begins and never returns.

    Its beginning calls ``begin_job``, an attribute of the job's function, if there is one:
    ``JobGroup`` has it. Source: ``executors/base.py:131``; events come when the body returns.
    """

    def submit(self, executor: Any, job: Any, run_times: list[datetime]) -> None:
        """Log the line that stands before a body, and do no more."""
        late = datetime.now(UTC) - run_times[-1]
        missed = job.misfire_grace_time and late > timedelta(seconds=job.misfire_grace_time)
        if missed or not isinstance(executor, DeferredExecutor):
            self.in_vain = (
                f"job {job.id!r} was missed before it could begin, or runs on another executor "
                "than FakeScheduler's own. Leave out executors, or use a Simulation."
            )
            super().submit(executor, job, run_times)
            return
        self.fired = True
        executor._logger.info('Running job "%s" (scheduled at %s)', job, run_times[-1])
        getattr(job.func, "begin_job", int)()
        self.hanging.append(job.id)


class Die(Fault):
    """The scheduler's thread has ended."""

    def __init__(self) -> None:
        super().__init__(lambda _job: False)
        self._text = "die()"
        self.in_vain = "the scheduler was never asked to run anything."


class EndedThread(threading.Thread):
    """The thread of a dead scheduler. To ask whether it lives is to notice the fault."""

    def __init__(self, death: Die) -> None:
        super().__init__(name="APScheduler", daemon=True)
        self._death = death

    def is_alive(self) -> bool:
        """Return that it has ended."""
        self._death.fired = True
        return False
