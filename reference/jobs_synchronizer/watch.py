"""Watch: what a scheduler does with the jobs of its groups until it hands them to an executor.

One listener sees what happens to a job in its store. No event tells that a job is about to be
handed over, so ``scheduler._lookup_executor``, called for each job that is due, is wrapped. Both
are there while a group is open. What comes after the hand-over is ``handover``'s.
"""

import sys
import threading
from contextlib import suppress
from traceback import walk_stack
from typing import Any, Self

from apscheduler import events
from apscheduler.jobstores.base import ConflictingIdError, JobLookupError
from apscheduler.jobstores.memory import MemoryJobStore
from apscheduler.schedulers.base import STATE_PAUSED, STATE_STOPPED, BaseScheduler

from jobs_synchronizer.errors import JobLost, JobNotRun, JobRefused, JobRemoved
from jobs_synchronizer.future import JobFuture
from jobs_synchronizer.handover import observe

MASK = (
    events.EVENT_JOB_ADDED
    | events.EVENT_JOB_MODIFIED
    | events.EVENT_JOB_REMOVED
    | events.EVENT_ALL_JOBS_REMOVED
    | events.EVENT_JOBSTORE_REMOVED
    | events.EVENT_SCHEDULER_SHUTDOWN
)

# All that a scheduler's own thread does, it does in one of these.
_OWN_CODE = {BaseScheduler.start.__code__, BaseScheduler._process_jobs.__code__}

# Why a job could not run, and what to do.
_STOPPED = "the scheduler is not running"
_DEAD = "the scheduler's thread has ended"
_STARVED = "the thread that would wait for it is the last that could run it"
_ADVICE = {
    _STOPPED: "Start it. Flask-APScheduler's start() returns without a word when FLASK_DEBUG is "
    "set and the process is not the reloader's child, and when SCHEDULER_ALLOWED_HOSTS does not "
    "name this host.",
    _DEAD: "Start a scheduler in this process: a fork (gunicorn --preload) copies a scheduler "
    "without its thread, and an error in a job store ends the thread.",
    _STARVED: "Give the job an executor of its own, or this one more workers.",
}
_LEFT = (
    "A persistent store still has it, and a scheduler started on that store runs it, which nobody "
    "hears of; remove it there if it should not run."
)


class Watch:
    """Answers the futures of all groups of one scheduler.

    Args:
        scheduler: The scheduler.
    """

    def __init__(self, scheduler: BaseScheduler) -> None:
        self.scheduler = scheduler
        self._lock = threading.Lock()
        self._groups: dict[object, Opener] = {}
        # What a store may have, by the store's alias and the job's id.
        self._waiting: dict[tuple[str, str], JobFuture] = {}

    @classmethod
    def of(cls, scheduler: BaseScheduler) -> Self:
        """Return the watch of a scheduler, which keeps it."""
        watch: Self = vars(scheduler).setdefault("_job_groups", cls(scheduler))
        return watch

    def open(self, group: object) -> "Opener":
        """Watch for one more group, which this thread opens."""
        with self._lock:
            if not self._groups:
                self._find_executor = self.scheduler._lookup_executor
                self.scheduler._lookup_executor = self._lookup_executor
                self.scheduler.add_listener(self._hear, MASK)
            opener = self._groups[group] = Opener(
                keeps_the_scheduler=_is_kept_by_this_thread(self.scheduler)
            )
            return opener

    def close(self, group: object) -> None:
        """Watch for one group less; after the last one the scheduler is as it was."""
        with self._lock:
            del self._groups[group]
            if not self._groups:
                del self.scheduler._lookup_executor
                self.scheduler.remove_listener(self._hear)

    def outlook(self) -> str:
        """Say why the scheduler hands no job over at present; empty when it does."""
        paused = self.scheduler.state == STATE_PAUSED
        return self._why_dead() or ("the scheduler is paused" if paused else "")

    def _why_dead(self) -> str:
        if self.scheduler.state == STATE_STOPPED:
            return _STOPPED
        thread = getattr(self.scheduler, "_thread", None)
        return "" if thread is None or thread.is_alive() else _DEAD

    def add(self, future: JobFuture, opener: "Opener", **options: Any) -> None:
        """Add a future's job.

        Args:
            future: The future.
            opener: Who opened its group.
            **options: What the scheduler's ``add_job`` takes.

        Raises:
            JobRefused: It could not run.
            ConflictingIdError: A job with this id waits in this store for another group.
            Exception: Whatever the scheduler's ``add_job`` raises.
        """
        self._refuse_what_cannot_run(future, opener)
        with self._lock:
            if future._key in self._waiting:
                raise ConflictingIdError(future.job_id)
            # Before it is added: it can be over before add_job returns.
            self._waiting[future._key] = future
        future._adder = threading.get_ident()
        try:
            job = self.scheduler.add_job(**options)
        except BaseException:
            # It may fail after its store has the job: at the scheduler's loop, or by Ctrl-C.
            if self._take(future) and future._stored:
                with suppress(Exception):
                    self.scheduler.remove_job(future.job_id, future._jobstore)
            raise
        finally:
            future._adder = None
        # A shutdown came between, and it waits for a start() that may never come; or it was
        # cancelled before its store had it, and nobody else will take it out.
        if job.pending or future.cancelled():
            with suppress(JobLookupError):
                job.remove()
        if job.pending:
            self._take(future)
            raise _not_added(future, _STOPPED)

    def _refuse_what_cannot_run(self, future: JobFuture, opener: "Opener") -> None:
        if why := self._why_dead():
            raise _not_added(future, why)
        if opener.keeps_the_scheduler:
            raise _not_added(future, _STARVED)
        pool: Any = getattr(self.scheduler._executors.get(future._executor), "_pool", None)
        if opener.thread in getattr(pool, "_threads", ()):
            with self._lock:
                # All that would wait for the pool in which they work, and this one.
                waiting = {each.thread for each in self._groups.values() if pool in each.pools}
                if len(waiting | {opener.thread}) >= pool._max_workers:
                    raise _not_added(future, _STARVED)
                opener.pools.add(pool)

    def take_back(self, future: JobFuture) -> None:
        """Take a job out of its store, if it may be there.

        A thread that has the stores' lock may be looking at what is due, and removes nothing: the
        job is not handed over when it is due.

        Args:
            future: The job's future, which has its answer.
        """
        if not self.waits_for(future) or self.scheduler._jobstores_lock._is_owned():
            return
        # A shutdown holds the stores' lock for as long as it waits for jobs.
        if self.scheduler.running:
            with suppress(JobLookupError):
                self.scheduler.remove_job(future.job_id, future._jobstore)
        # After that: a job that is due before it is removed must be known here.
        self._take(future)

    def waits_for(self, future: JobFuture) -> bool:
        """Return whether a job may be in its store."""
        return self._waiting.get(future._key) is future

    def _take(self, future: JobFuture) -> bool:
        """Wait for this job no longer; return whether it was waited for."""
        with self._lock:
            known = self.waits_for(future)
            if known:
                del self._waiting[future._key]
            return known

    # In the store

    def _hear(self, event: Any) -> None:
        future = None
        if isinstance(event, events.JobEvent):
            future = self._waiting.get((event.jobstore, event.job_id))
            if future is None or self._stays(future, event.code):
                return
        if future is None:
            self._hear_of_all(event)
        else:
            self._hear_that_gone(future, event.code)

    def _stays(self, future: JobFuture, code: int) -> bool:
        """Note what happened to a job that its store has afterwards, and whether it is that."""
        if code == events.EVENT_JOB_MODIFIED:
            future._seen = (
                f"modified in job store {future._jobstore!r}: paused, resumed or rescheduled"
            )
        elif code == events.EVENT_JOB_ADDED and not (
            future._stored and future._adder != threading.get_ident()
        ):
            future._stored = True
            future._seen = f"added to job store {future._jobstore!r}"
        else:
            return False
        return True

    def _hear_that_gone(self, future: JobFuture, code: int) -> None:
        kind: type[JobNotRun] = JobRemoved
        store = f"job store {future._jobstore!r}"
        if code == events.EVENT_JOB_ADDED:
            what = f"was replaced in {store} by another job with its id"
            advice = "Leave the id out: each job gets one of its own."
        elif future._executor in self.scheduler._executors:
            what = f"was removed from {store} before it was due"
            advice = "Add it again if it should run."
        else:
            kind = JobRefused
            what = f"was taken out of {store}: its executor {future._executor!r} does not exist"
            advice = "Name one that the scheduler has, or add it."
        self._take(future)
        future._fail(kind, what, advice)

    def _hear_of_all(self, event: Any) -> None:
        # In this order: what a store had before it was looked into, and has no longer, is gone.
        # A job that is being added meanwhile is no part of it.
        with self._lock:
            stored = [
                future
                for future in self._waiting.values()
                if future._stored and event.alias in {None, future._jobstore}
            ]
        if not stored:
            return
        # This can wait for the stores' lock: whoever emptied a store waited for it, too.
        left = {(job._jobstore_alias, job.id) for job in self.scheduler.get_jobs(event.alias)}
        for future in stored:
            store = f"job store {future._jobstore!r}"
            if future._key in left or not self._take(future):
                continue
            if event.code == events.EVENT_ALL_JOBS_REMOVED:
                what = f"was removed from {store} with all others"
                future._fail(JobRemoved, what, "Add it again if it should run.")
            elif event.code == events.EVENT_JOBSTORE_REMOVED:
                what = f"was in {store}, which was removed from the scheduler"
                future._fail(JobRemoved, what, _LEFT)
            elif isinstance(self.scheduler._jobstores[future._jobstore], MemoryJobStore):
                what = f"was in {store}, which was emptied when the scheduler was shut down"
                future._fail(JobRemoved, what, "Start the scheduler and add it again.")
            else:
                what = f"was still in {store} when the scheduler was shut down"
                future._fail(JobLost, what, _LEFT)

    # On the way to an executor

    def _lookup_executor(self, alias: str) -> Any:
        executor = self._find_executor(alias)
        observe(executor, self._take_due)
        return executor

    def _take_due(self, job: Any) -> JobFuture | None:
        future = self._waiting.get((job._jobstore_alias, job.id))
        return future if future is not None and self._take(future) else None


class Opener:
    """The thread that opened a group, and will wait for its jobs.

    Args:
        keeps_the_scheduler: Whether its scheduler can do nothing as long as it waits.
    """

    def __init__(self, *, keeps_the_scheduler: bool) -> None:
        self.thread = threading.current_thread()
        self.keeps_the_scheduler = keeps_the_scheduler
        # The pools that it is a worker of, and that are to run jobs which it waits for.
        self.pools: set[Any] = set()


def _is_kept_by_this_thread(scheduler: Any) -> bool:
    """Return whether a scheduler can do nothing as long as this thread waits.

    It is the scheduler's own, in a listener or in a job, or it has the lock of its stores.
    """
    own = any(
        frame.f_code in _OWN_CODE and frame.f_locals["self"] is scheduler
        for frame, _ in walk_stack(sys._getframe())
    )
    return own or bool(scheduler._jobstores_lock._is_owned())


def _not_added(future: JobFuture, why: str) -> JobRefused:
    return JobRefused(future.name, future.job_id, f"was not added: {why}", _ADVICE[why])
