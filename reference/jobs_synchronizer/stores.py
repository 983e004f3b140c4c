"""Stores: the job stores of a scheduler, whose lock may be held by who waits for this thread."""

from collections.abc import Callable
from typing import Any

from apscheduler.jobstores.base import JobLookupError
from apscheduler.jobstores.memory import MemoryJobStore

from jobs_synchronizer.future import JobFuture
from jobs_synchronizer.shutdown import ExecutorsLock

# How long a thread waits for the lock before it looks again whether there is a shutdown that holds
# it, in seconds.
_LOOK_AGAIN = 0.1


class StoresLock:
    """The lock of a scheduler's stores, which tells when it has been released.

    Args:
        lock: The lock itself, which its owner may take again.
        on_released: Called by who has released it, once or in part.
    """

    def __init__(self, lock: Any, on_released: Callable[[], None]) -> None:
        self._lock = lock
        self._on_released = on_released

    def __getattr__(self, name: str) -> Any:
        return getattr(self._lock, name)

    def __enter__(self) -> Any:
        return self._lock.__enter__()

    def __exit__(self, *_: object) -> None:
        self.release()

    def release(self) -> None:
        """Release the lock, and tell."""
        self._lock.release()
        self._on_released()


class Stores:
    """The job stores of a scheduler.

    Args:
        scheduler: The scheduler.
        gives_up: Returns whether a thread that wants the lock, for a job if any, waits no longer.
    """

    def __init__(self, scheduler: Any, gives_up: Callable[[JobFuture | None], bool]) -> None:
        self._scheduler = scheduler
        self._gives_up = gives_up

    def lock(self, *, wait: bool = True, of: JobFuture | None = None) -> bool:
        """Acquire their lock, unless who has it may wait for this thread.

        A shutdown keeps it until all jobs have ended, the one that this thread runs included. A
        look at the stores keeps it until a pool has taken what is due.

        Args:
            wait: Whether to wait for who has it.
            of: The job that it is for, if it is for one that is to be taken out.
        """
        while not self._are_being_shut_down():
            if self._scheduler._jobstores_lock.acquire(wait, _LOOK_AGAIN if wait else -1):
                return True
            if not wait or self._gives_up(of):
                return False
        return bool(self._scheduler._jobstores_lock.acquire(blocking=False))

    def release(self) -> None:
        """Release it."""
        self._scheduler._jobstores_lock.release()

    def are_locked_here(self) -> bool:
        """Return whether this thread has it."""
        return bool(self._scheduler._jobstores_lock._is_owned())

    def _are_being_shut_down(self) -> bool:
        """Return whether a shutdown is under way, not one that failed: it locks the executors."""
        lock = self._scheduler._executors_lock  # Its own if no group is open.
        return not self._scheduler.running and isinstance(lock, ExecutorsLock) and bool(lock.depth)

    def have(self, future: JobFuture) -> bool:
        """Return whether a job is in its store.

        Raises:
            Exception: The store fails.
        """
        store = self._store_of(future)
        return store is not None and store.lookup_job(future.job_id) is not None

    def in_memory(self, future: JobFuture) -> bool:
        """Return whether a job's store is one in memory."""
        return isinstance(self._store_of(future), MemoryJobStore)

    def remove(self, future: JobFuture) -> bool:
        """Remove a job from its store; return whether it was there.

        Not by the scheduler's ``remove_job``, which looks into no store when it is shut down.

        Raises:
            Exception: The store fails.
        """
        store = self._store_of(future)
        if store is None:
            return False
        try:
            store.remove_job(future.job_id)
        except JobLookupError:
            return False
        return True

    def _store_of(self, future: JobFuture) -> Any:
        return self._scheduler._jobstores.get(future._jobstore)
