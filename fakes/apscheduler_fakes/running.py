"""What a job's body sees of the scheduler that is running it.

A pool's worker that asks the scheduler anything about its jobs waits until APScheduler has looked
at every due job (``_process_jobs`` holds the lock of the stores); by then its own job has left the
store or has its next run time. With the ``DebugExecutor`` the body runs in the middle of that look.
Here the scheduler catches up with its own job first, so that the body sees what it would with a
pool; what would need the other due jobs to be submitted first raises ``NotModelled``.
"""

import threading
from datetime import datetime
from typing import Any

from apscheduler.schedulers.base import STATE_STOPPED, BaseScheduler
from apscheduler.triggers.base import BaseTrigger

from threadsim.runtime.errors import NotModelled


class Over(BaseTrigger):  # type: ignore[misc]  # APScheduler has no types
    """A trigger with no more run times."""

    def get_next_fire_time(self, _previous_fire_time: datetime, _now: datetime) -> None:
        """Return no run time."""


class Run:
    """One thread being the scheduler's: what it ran, what went wrong, whose body is running."""

    def __init__(self) -> None:
        self.jobs: list[Any] = []
        self.errors: list[BaseException] = []
        self.broken = False  # Whether something happened that ends APScheduler's thread.
        self.endings: list[int] = []  # Event codes of the submission under way.
        self.fresh: set[str] = set()  # Ids added by bodies since the last look at the stores.
        self.body: Any = None
        # A pool's job can be over so soon that its events come from here, or not: a race.
        self.pooled = False
        self.run_times: list[datetime] = []
        self.caught_up = False
        self._trigger: BaseTrigger | None = None
        self._job: Any = None

    def begin(self, job: Any, run_times: list[datetime], *, pooled: bool) -> None:
        """Note that a job is handed over, to a pool or to be run here."""
        self.body = None if pooled else job
        self.run_times, self.caught_up, self.pooled = run_times, False, pooled
        self.endings.clear()

    def end(self) -> None:
        """Note that it was; what has been caught up with must not be done again."""
        job, self.body, self.pooled = self.body, None, False
        if self.caught_up:
            # Without a next run time _process_jobs calls remove_job, which asks is_done.
            self._job, self._trigger, job.trigger = job, job.trigger, Over()

    def is_done(self, job_id: str) -> bool:
        """Tell, once, whether this job's bookkeeping was done while its body ran."""
        if self._job is None or self._job.id != job_id:
            return False
        self._job.trigger = self._trigger
        self._job = self._trigger = None
        return True


class StoresSeenFromABody(BaseScheduler):  # type: ignore[misc]  # APScheduler has no types
    """The calls that wait for the stores' lock when a pool's worker makes them."""

    _looked_at: datetime
    _runs: dict[int, Run]

    def _here(self) -> Run | None:
        """Return the run of this thread, if it is being the scheduler's."""
        return self._runs.get(threading.get_ident())

    def _catch_up(self, job_id: str | None = None) -> None:
        """Do for the running body's job what follows its submission (schedulers/base.py:1224)."""
        run = self._here()
        if not run or not run.body or run.caught_up or self.state == STATE_STOPPED:
            return
        job = run.body
        if job_id not in (None, job.id):
            return
        run.caught_up = True
        now = self._looked_at.astimezone(self.timezone)
        next_run_time = job.trigger.get_next_fire_time(run.run_times[-1], now)
        alias = job._jobstore_alias  # as _process_jobs does
        if next_run_time:
            job._modify(next_run_time=next_run_time)  # as above
            self._lookup_jobstore(alias).update_job(job)
        else:
            super().remove_job(job.id, alias)

    def _leave_due_jobs_alone(self, call: str, job_id: str) -> None:
        run = self._here()
        if not run or not run.body or job_id in {run.body.id, *run.fresh}:
            return
        job = self.get_job(job_id)
        if job and job.next_run_time and job.next_run_time <= self._looked_at:
            raise NotModelled(
                f"FakeScheduler.{call}({job_id!r}) inside job {run.body.id!r}: both are due, and a "
                "pool would have made the call wait until both were submitted. Give the scheduler "
                "a pool: FakeScheduler(executors={'default': ThreadPoolExecutor()})."
            )

    def _lookup_job(self, job_id: str, jobstore_alias: str | None) -> Any:
        self._catch_up(job_id)
        return super()._lookup_job(job_id, jobstore_alias)

    def _real_add_job(self, job: Any, jobstore_alias: str, replace_existing: bool) -> None:
        self._catch_up(job.id)
        run = self._here()
        if run and run.body:
            if replace_existing:
                self._leave_due_jobs_alone("add_job", job.id)
            run.fresh.add(job.id)
        super()._real_add_job(job, jobstore_alias, replace_existing)

    def get_jobs(self, jobstore: str | None = None, pending: bool | None = None) -> list[Any]:
        """List the jobs, as any scheduler."""
        self._catch_up()
        jobs: list[Any] = super().get_jobs(jobstore, pending)
        return jobs

    def modify_job(self, job_id: str, jobstore: str | None = None, **changes: Any) -> Any:
        """Change a job, as any scheduler.

        Raises:
            NotModelled: A job's body does this to another job that is due with it.
        """
        self._leave_due_jobs_alone("modify_job", job_id)
        return super().modify_job(job_id, jobstore, **changes)

    def remove_job(self, job_id: str, jobstore: str | None = None) -> None:
        """Remove a job, as any scheduler.

        Raises:
            NotModelled: A job's body does this to another job that is due with it.
        """
        run = self._here()
        if run and run.is_done(job_id):
            return  # _process_jobs calls, for a job whose body made us catch up.
        self._catch_up(job_id)
        self._leave_due_jobs_alone("remove_job", job_id)
        super().remove_job(job_id, jobstore)

    def remove_all_jobs(self, jobstore: str | None = None) -> None:
        """Remove all jobs, as any scheduler."""
        self._catch_up()
        super().remove_all_jobs(jobstore)
