"""Faults that FakeScheduler injects, one function each.

Each fault acts where an executor takes a job (``_do_submit_job``). APScheduler does all before that
(due times, ``max_instances``) and after it (events, log lines, removal from the store).
``FakeScheduler.add_executor`` puts ``FakeScheduler._submit`` before each executor; that calls the
fault for a job. ``FakeScheduler.die`` is a fault of the scheduler and stands there.

Each function returns the job that the executor is to take instead, or ``None`` for no job; or it
raises what the executor would. Places in APScheduler's source are those of 3.11.3.
"""

from collections.abc import Callable
from concurrent.futures import Future
from datetime import datetime
from typing import Any

from apscheduler.executors.base import MaxInstancesReachedError
from apscheduler.job import Job

from apscheduler_fakes.deferred_executor import Run

# A job's id, or a predicate on APScheduler's Job.
Selector = str | Callable[[Any], object]


class Fault:
    """A fault for one job id, or for every job that a predicate picks."""

    def __init__(self, act: Callable[..., Any], selector: Selector) -> None:
        self.act = act
        self.text = f"{act.__name__}({selector!r})"
        self._selector = selector
        self.fired = False
        self.hint = " One without a misfire_grace_time is never too late." if act is miss else ""

    def picks(self, job: Any) -> object:
        """Return whether the fault is for a job. A job without a grace is never too late."""
        if self.act is miss and job.misfire_grace_time is None:
            return False
        return self._selector(job) if callable(self._selector) else job.id == self._selector


def skip(_run: Run, _executor: Any, job: Any, _run_times: list[datetime]) -> None:
    """Let ``max_instances`` runs of the job be under way.

    Source: ``executors/base.py:72``, caught in ``schedulers/base.py:1198``.
    """
    raise MaxInstancesReachedError(job)


def refuse(_run: Run, _executor: Any, _job: Any, _run_times: list[datetime]) -> None:
    """Let the executor's pool be shut down.

    Source: ``executors/pool.py:27``, caught in ``schedulers/base.py:1212``; the error is that of
    ``concurrent/futures/thread.py``.
    """
    raise RuntimeError("cannot schedule new futures after shutdown")


def miss(_run: Run, _executor: Any, job: Any, _run_times: list[datetime]) -> Any:
    """Let the job start later than its ``misfire_grace_time`` allows.

    The executor gets a copy of the job with a negative grace, so that the real ``run_job``
    (``executors/base.py:117``) finds every start too late.
    """
    job = copy_of(job)
    job.misfire_grace_time = -1
    return job


def lose(run: Run, _executor: Any, job: Any, _run_times: list[datetime]) -> None:
    """Let the job be cancelled in its pool's queue. The pool does not report that.

    The callback of ``executors/pool.py:20`` fails for a cancelled future, which is logged. The
    cancellation calls ``drop_job``, an attribute of the job's function, if there is one:
    ``JobGroup`` has it.
    """
    future: Future[Any] = Future()
    future.add_done_callback(Future.exception)
    future.add_done_callback(lambda _: getattr(job.func, "drop_job", int)())
    run.submitted.append(future.cancel)


def hang(_run: Run, executor: Any, job: Any, run_times: list[datetime]) -> None:
    """Let the job's body begin and never return: log the line that stands before a body.

    Its beginning calls ``begin_job``, an attribute of the job's function, if there is one:
    ``JobGroup`` has it. Source: ``executors/base.py:131``; events come when the body returns.
    """
    executor._logger.info('Running job "%s" (scheduled at %s)', job, run_times[-1])
    getattr(job.func, "begin_job", int)()


def copy_of(job: Any) -> Any:
    """Return a copy of a job; one that waits for its scheduler's start lacks some attributes."""
    made = Job.__new__(Job)
    for name in set(Job.__slots__) - {"__weakref__"}:
        if hasattr(job, name):
            setattr(made, name, getattr(job, name))
    return made
