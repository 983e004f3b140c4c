"""What can go wrong with a job between its store and its end, one class per fault.

A fault acts where an executor hands a job over (``_do_submit_job``), so everything before it (due
times, ``max_instances``) and after it (events, log lines, what leaves the store) is APScheduler's.
Places in its source are those of 3.11.3.
"""

from collections.abc import Callable
from concurrent.futures import Future
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from apscheduler.executors.base import MaxInstancesReachedError, run_job
from apscheduler.executors.debug import DebugExecutor
from apscheduler.executors.pool import BasePoolExecutor

from threadsim.runtime.errors import NotModelled

# A job's id, or a question asked of APScheduler's Job.
Selector = str | Callable[[Any], object]


class Fault:
    """One thing that goes wrong, for one job id or for every job a predicate picks.

    Args:
        selector: A job's id, or a function of APScheduler's ``Job``.

    Raises:
        TypeError: ``selector`` is neither.
    """

    name = "fault"

    def __init__(self, selector: Selector) -> None:
        if not isinstance(selector, str) and not callable(selector):
            raise TypeError(
                f"{self.name}({selector!r}): name a job by its id, or pass a function of "
                "APScheduler's Job, such as lambda job: job.args[-1] == 3."
            )
        self.selector = selector
        self.fired = False
        # Why it could do nothing to a job that it picked.
        self.in_vain = ""

    def __str__(self) -> str:
        code = getattr(self.selector, "__code__", None)
        if code is None:
            return f"{self.name}({self.selector!r})"
        place = f"{Path(code.co_filename).name}:{code.co_firstlineno}"
        return f"{self.name}({code.co_name} at {place})"

    def picks(self, job: Any) -> bool:
        """Tell whether this fault is meant for a job."""
        if isinstance(self.selector, str):
            return bool(job.id == self.selector)
        return bool(self.selector(job))

    def submit(self, executor: Any, job: Any, run_times: list[datetime]) -> None:
        """Stand in for ``executor._do_submit_job(job, run_times)``, and note whether it fired."""
        raise NotImplementedError


class Skip(Fault):
    """APScheduler's answer when ``max_instances`` runs of a job are under way.

    Source: ``executors/base.py:72``, caught in ``schedulers/base.py:1198``.
    """

    name = "skip"

    def submit(self, _executor: Any, job: Any, _run_times: list[datetime]) -> None:
        """Raise what an executor raises."""
        self.fired = True
        raise MaxInstancesReachedError(job)


class Refuse(Fault):
    """An executor whose pool is shut down.

    Source: ``executors/pool.py:27``, caught in ``schedulers/base.py:1212``; the error is that of
    ``concurrent/futures/thread.py``.
    """

    name = "refuse"

    def submit(self, _executor: Any, _job: Any, _run_times: list[datetime]) -> None:
        """Raise what a pool raises."""
        self.fired = True
        raise RuntimeError("cannot schedule new futures after shutdown")


class Miss(Fault):
    """A job that starts more than its ``misfire_grace_time`` late.

    The executor is given run times that lie further back, by the grace and one second, and the
    real ``run_job`` (``executors/base.py:117``) draws its conclusion.
    """

    name = "miss"

    def __init__(self, selector: Selector) -> None:
        super().__init__(selector)
        self._scheduled: dict[tuple[str, datetime], datetime] = {}

    def submit(self, executor: Any, job: Any, run_times: list[datetime]) -> None:
        """Submit with run times that have passed; without a grace no start is too late."""
        late = run_times
        if job.misfire_grace_time is None:
            self.in_vain = f"job {job.id!r} has no misfire_grace_time, and is never too late."
        else:
            self.fired = True
            lateness = timedelta(seconds=job.misfire_grace_time + 1)
            late = [run_time - lateness for run_time in run_times]
            keys = [(job.id, run_time) for run_time in late]
            self._scheduled.update(zip(keys, run_times, strict=True))
        executor._without_faults(job, late)

    def correct(self, event: Any) -> None:
        """Give an event back the run time its job was scheduled for."""
        key = (event.job_id, event.scheduled_run_time)
        event.scheduled_run_time = self._scheduled.pop(key, event.scheduled_run_time)


class Lose(Fault):
    """A job that is queued in a pool and cancelled there.

    The real pool executor's submission (``executors/pool.py:15``) with a future that never runs:
    once the scheduler has looked at every job, it is cancelled, which nobody is told. A function
    whose maker watches the pool (as that of a ``JobGroup``, whose future is answered then) says
    what it does in its attribute ``drop_job``, which is called.
    """

    name = "lose"

    def __init__(self, selector: Selector) -> None:
        super().__init__(selector)
        self._queue: list[Future[Any]] = []

    def submit(self, executor: Any, job: Any, run_times: list[datetime]) -> None:
        """Queue the job behind nothing."""
        self.fired = True
        BasePoolExecutor._do_submit_job(  # the real submission
            SimpleNamespace(
                _pool=SimpleNamespace(submit=self._enqueue),
                _logger=executor._logger,  # as above
                _run_job_success=None,
                _run_job_error=None,
            ),
            job,
            run_times,
        )

    def _enqueue(self, _run_job: object, job: Any, *_: object) -> Future[Any]:
        future: Future[Any] = Future()
        if hasattr(job.func, "drop_job"):
            future.add_done_callback(lambda _: job.func.drop_job())
        self._queue.append(future)
        return future

    def cancel(self) -> None:
        """Cancel what is queued, as ``shutdown(cancel_futures=True)`` of a pool does."""
        while self._queue:
            self._queue.pop(0).cancel()


class Hang(Fault):
    """A job whose body never returns.

    A function that does something before the body it wraps (as that of a ``JobGroup``, whose future
    is running from then on) says what in its attribute ``begin_job``, which is called.

    Source: ``executors/base.py:131``; its events are returned when all run times are over.
    """

    name = "hang"

    def __init__(self, selector: Selector) -> None:
        super().__init__(selector)
        self.hanging: list[str] = []

    def submit(self, executor: Any, job: Any, run_times: list[datetime]) -> None:
        """Log what a worker logs before it calls the body, and no more.

        Raises:
            NotModelled: The executor has workers; one that never comes back would keep the
                process from ending.
        """
        if not isinstance(executor, DebugExecutor):
            self.fired = True
            raise NotModelled(
                f"FakeScheduler.hang(): job {job.id!r} runs on a {type(executor).__name__}, and a "
                "worker that never comes back would keep this process from ending. Leave the "
                "FakeScheduler its own executor, or use a Simulation."
            )
        now = datetime.now(UTC)
        grace = job.misfire_grace_time
        begun = [
            run_time
            for run_time in run_times
            if grace is None or now - run_time <= timedelta(seconds=grace)
        ]
        if not begun:
            self.in_vain = f"job {job.id!r} was missed before it could begin."
            executor._without_faults(job, run_times)  # all missed
            return
        self.fired = True
        missed = run_times[: run_times.index(begun[0])]
        logger = executor._logger  # the one run_job writes to
        run_job(job, job._jobstore_alias, missed, logger.name)  # as executors do
        logger.info('Running job "%s" (scheduled at %s)', job, begun[0])
        if hasattr(job.func, "begin_job"):
            job.func.begin_job()
        self.hanging.append(job.id)


class Die(Fault):
    """The scheduler's thread is dead; it concerns no job in particular."""

    name = "die"

    def __init__(self) -> None:
        super().__init__(lambda _job: False)

    def __str__(self) -> str:
        return "die()"


class FaultNeverFired(AssertionError):  # A report says it as a sentence.
    """A test asked for a fault that no job met."""


class Ledger:
    """What one scheduler still owes its test: faults that must fire, errors that must be seen.

    It keeps no scheduler alive.
    """

    def __init__(self) -> None:
        self.faults: list[Fault] = []
        self.errors: list[BaseException] = []
        self.submitted: list[str] = []

    def add(self, fault: Fault) -> None:
        """Keep a fault.

        Raises:
            ValueError: The same job id has a fault already.
        """
        for other in self.faults:
            if isinstance(fault.selector, str) and fault.selector == other.selector:
                raise ValueError(
                    f"{fault}: this job has a fault already, {other}, and can end in one way only."
                )
        self.faults.append(fault)

    def picking(self, job: Any) -> Fault | None:
        """Return the fault meant for a job.

        Raises:
            ValueError: Several are.
            BaseException: Whatever a predicate raises.
        """
        found = [fault for fault in self.faults if fault.picks(job)]
        if len(found) > 1:
            raise ValueError(
                f"job {job.id!r} is picked by {' and '.join(map(str, found))}, and can end in one "
                "way only. Make the predicates narrower."
            )
        return found[0] if found else None

    def settle(self) -> list[BaseException]:
        """Return what is still owed, once: a ``FaultNeverFired`` per fault, then the errors."""
        jobs = ", ".join(map(repr, dict.fromkeys(self.submitted))) or "none"
        owed: list[BaseException] = [
            FaultNeverFired(
                f"{fault} never fired: "
                + (
                    "the scheduler was never asked to run anything."
                    if isinstance(fault, Die)
                    else fault.in_vain
                    or f"it picked none of the jobs that came up to run ({jobs})."
                )
            )
            for fault in self.faults
            if not fault.fired
        ]
        owed += self.errors
        for fault in self.faults:
            fault.fired = True  # It has been said, and need not be said again.
        self.errors = []
        return owed
