"""Stores: the job stores of a scheduler, and the lock that guards them.

A shutdown keeps that lock until all jobs have ended, the one that waits for it included; a look at
what is due keeps it until a pool has taken that. So nobody waits for it without limit.
"""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

from apscheduler.events import EVENT_JOB_REMOVED, JobEvent
from apscheduler.jobstores.base import JobLookupError
from apscheduler.jobstores.memory import MemoryJobStore

from jobs_synchronizer.run import Run

# The longest wait for the lock, in seconds.
LONGEST_WAIT = 10.0


class Stores:
    """The job stores of a scheduler.

    Args:
        scheduler: The scheduler.
    """

    def __init__(self, scheduler: Any) -> None:
        self._scheduler = scheduler

    @contextmanager
    def locked(self, *, wait: bool = True) -> Iterator[bool]:
        """Have their lock inside a block, which is told whether it has; wait only so long."""
        lock = self._scheduler._jobstores_lock
        is_locked = lock.acquire(wait, LONGEST_WAIT if wait else -1)
        try:
            yield is_locked
        finally:
            if is_locked:
                lock.release()

    def are_locked_here(self) -> bool:
        """Return whether this thread has it."""
        return bool(self._scheduler._jobstores_lock._is_owned())

    def have(self, run: Run) -> bool:
        """Return whether a job is in its store.

        Raises:
            Exception: The store fails.
        """
        store = self._store_of(run)
        return store is not None and store.lookup_job(run.job_id) is not None

    def in_memory(self, run: Run) -> bool:
        """Return whether a job's store is one in memory."""
        return isinstance(self._store_of(run), MemoryJobStore)

    def remove(self, run: Run) -> None:
        """Remove a job from its store, if it is there.

        Raises:
            Exception: The store fails, which a note says of the job.
        """
        store = self._store_of(run)
        try:
            if store is not None:
                with suppress(JobLookupError):
                    store.remove_job(run.job_id)
                    # Not the scheduler's remove_job(): when that is shut down it looks into none.
                    event = JobEvent(EVENT_JOB_REMOVED, run.job_id, run.jobstore)
                    self._scheduler._dispatch_event(event)
        except Exception as error:
            error.add_note(
                f"Job {run.name!r} (id {run.job_id}) has been taken back, and is not run by this "
                f"scheduler; job store {run.jobstore!r} may still have it. Remove it there."
            )
            raise

    def _store_of(self, run: Run) -> Any:
        return self._scheduler._jobstores.get(run.jobstore)
