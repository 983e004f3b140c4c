"""FakeScheduler's own executor: it runs jobs in the caller's thread, as a pool would order them.

``_process_jobs`` hands the due jobs over. Their bodies run when it has returned. So a body finds
the job stores as a pool's worker does: its own job has left, or has its next run time.
"""

from collections import deque
from collections.abc import Callable  # noqa: TC003  # As everywhere else.
from datetime import datetime
from functools import partial
from typing import Any

from apscheduler.events import EVENT_JOB_MISSED
from apscheduler.executors.base import BaseExecutor, run_job


class Run:
    """One call that runs due jobs: the jobs it ran, and their errors."""

    def __init__(self) -> None:
        self.jobs: list[Any] = []
        self.errors: list[BaseException] = []
        self.in_body = False  # Whether a job's body runs, or a listener hears of its end.
        self.submitted: deque[Callable[[], object]] = deque()

    def run_submitted(self) -> None:
        """Run the bodies of the jobs that were handed over."""
        self.in_body = True
        while self.submitted:
            self.submitted.popleft()()
        self.in_body = False


class DeferredExecutor(BaseExecutor):  # type: ignore[misc]  # APScheduler has no types
    """An executor that queues jobs in the current run of its FakeScheduler."""

    def _do_submit_job(self, job: Any, run_times: list[datetime]) -> None:
        run = self._scheduler.current_run()
        run.submitted.append(partial(self._execute, run, job, run_times))

    def _execute(self, run: Run, job: Any, run_times: list[datetime]) -> None:
        events = run_job(job, job._jobstore_alias, run_times, self._logger.name)
        self._run_job_success(job.id, events)
        if any(event.code != EVENT_JOB_MISSED for event in events):
            run.jobs.append(job)

    def shutdown(self, wait: bool = True) -> None:
        """End at once: a queued job runs when the look at the stores is over.

        Raises:
            RuntimeError: A job waits for its own end, as in a pool that joins its workers
                (``schedulers/base.py:239``).
        """
        run = self._scheduler.current_run()
        if wait and run and run.in_body:
            raise RuntimeError("cannot join current thread")
