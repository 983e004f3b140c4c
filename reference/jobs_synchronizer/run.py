"""Run: one job of a group until it has its answer. JobFuture is what its caller sees of it."""

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import CancelledError, Future, InvalidStateError
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass
from enum import Enum
from typing import Any

from jobs_synchronizer.errors import JobNotRun


class NotBegun(CancelledError):
    """A pool came to a job that was answered or cancelled before; the executor's log is told so."""


class Owner(Enum):
    """Who may answer a run: the first who claims it."""

    NOBODY = "nobody yet"
    BODY = "its body, in a thread of this process"
    POOL = "a pool of other processes"
    GROUP = "its group, which says why it does not run"
    CANCEL = "whoever cancelled it"


@dataclass(eq=False)
class Run:
    """One job of a group.

    Attributes:
        job_id: The job's id.
        name: The job's name.
        jobstore: Alias of its job store.
        executor: Alias of its executor.
        context: Makes what its function runs in, in a thread of this process.
        outlook: Says why the scheduler hands no job over at present; empty when it does.
        take_back: Takes jobs out of their store.
        key: By what its job is known: the alias of its store, and its id.
        future: What the caller has.
        owner: Who may answer it.
        seen: What was last seen of its job.
        job: The scheduler's job, as it was added.
        is_stored: Whether its store has its job, or had.
        is_handed_over: Whether the scheduler has come to its job.
        grace: The job's ``misfire_grace_time`` when it was handed over, in seconds.
        pool_future: The future of its job in a pool, for the executor, until that has ended.
        outcome: How its body ended in this process: a value, and an error.
        gives_up: Whether somebody has wanted to cancel it.
        is_dropped: Whether its pool has dropped it for that.
        why_cancelled: Why, if it was the end of its block.
        was_read: Whether the caller has asked for its value or error.
    """

    job_id: str
    name: str
    jobstore: str
    executor: str
    context: Callable[[], AbstractContextManager[object]]
    outlook: Callable[[], str]
    take_back: Callable[[list["Run"]], object]
    # Attributes of the class, until a run has its own: so a new run costs less.
    owner = Owner.NOBODY
    seen = "not in a job store yet"
    is_stored = False
    is_handed_over = False
    gives_up = False
    is_dropped = False
    why_cancelled = ""
    was_read = False

    def __post_init__(self) -> None:
        self.key = self.jobstore, self.job_id
        self.future = JobFuture(self)
        self.job: Any = None
        self.grace: int | None = None
        self.pool_future: Future[Any] | None = None
        self.outcome: tuple[Any, BaseException | None] | None = None
        self._refusals: tuple[JobNotRun, ...] = ()
        self._lock = threading.Lock()

    def claim(self, owner: Owner, *before: Owner) -> bool:
        """Let nobody else answer it; return whether it was nobody's, or one's of those before."""
        with self._lock:
            is_first = self.owner in (before or {Owner.NOBODY})
            if is_first:
                self.owner = owner
        return is_first

    def settle(self, value: Any, error: BaseException | None = None) -> None:
        """Answer, unless there is an answer, or somebody has begun to cancel it."""
        self.claim(Owner.GROUP, Owner.NOBODY, Owner.POOL)  # Nobody cancels what is answered.
        if self.owner is not Owner.CANCEL:
            with suppress(InvalidStateError):  # The first answer stands.
                if error is None:
                    self.future.set_result(value)
                else:
                    self.future.set_exception(error)

    def fail(
        self, kind: type[JobNotRun], what: str, advice: str, cause: BaseException | None = None
    ) -> None:
        """Answer that the job has no result, unless there is an answer."""
        error = kind(self.name, self.job_id, what, advice)
        error.__cause__ = cause
        self._refusals += (error,)
        self.settle(None, error)

    def withdraw(self, *why: Any) -> bool:
        """Let it ``fail``, unless somebody has claimed it; return whether nobody had."""
        is_free = self.claim(Owner.GROUP)
        if is_free:
            self.fail(*why)
        return is_free

    def what_was_refused(self, error: BaseException | None) -> str:
        """Return what an error that the group gave as the answer says; empty for another one."""
        return next((each.what for each in self._refusals if each is error), "")

    def cancel(self, why: str = "") -> bool:
        """Cancel the job, unless it is running or done; return whether it is cancelled."""
        self.gives_up = True
        self.why_cancelled = self.why_cancelled or why
        # First the pool, and with it the executor: who hears of it finds the job's id free.
        pool_future = self.pool_future
        is_dropped = (pool_future is not None and pool_future.cancel()) or self.is_dropped
        is_first = self.claim(Owner.CANCEL) or (is_dropped and self.claim(Owner.CANCEL, Owner.POOL))
        if self.owner is Owner.CANCEL:
            Future.cancel(self.future)
        if is_first:
            self.future.set_running_or_notify_cancel()  # It tells those who wait.
        return self.future.cancelled()

    def begin(self) -> None:
        """Let its body begin.

        Raises:
            NotBegun: Somebody else has claimed it.
        """
        if not (self.claim(Owner.BODY) and self.future.set_running_or_notify_cancel()):
            job = f"Job {self.name!r} (id {self.job_id})"
            raise NotBegun(f"{job} is not run: it was answered or cancelled before.")
        self.seen = "running"

    def end(self, value: Any, error: BaseException | None = None) -> None:
        """Note how its body has ended."""
        self.outcome = value, error
        if self.pool_future is None:  # Else that answers, when its executor has been told.
            self.settle(value, error)


class JobFuture(Future[Any]):
    """The future of one job; ``JobGroup.add_job`` makes it.

    Its value is the job's, its exception the job's own or a ``JobNotRun``. It is *running* as soon
    as nothing keeps the job from running: in a thread before the application context is pushed that
    its function is called in, in another process as soon as the future of its pool is. Every pool
    but a ``ThreadPoolExecutor`` counts as one of those. What it is told first stands, and only the
    group tells it: ``set_running_or_notify_cancel`` and its like are not the caller's.

    Args:
        run: The job's run.

    Attributes:
        job_id: The job's id.
        name: The job's name.
    """

    def __init__(self, run: Run) -> None:
        super().__init__()
        self._run = run
        self.job_id = run.job_id
        self.name = run.name

    def __repr__(self) -> str:
        return f"<JobFuture of {self.name!r} (id {self.job_id}): {self.last_seen}>"

    @property
    def last_seen(self) -> str:
        """What was last seen of the job, and why the scheduler does not hand it over if it can't.

        Safe to read at any time: it waits for no lock of the scheduler and looks into no store.
        """
        run = self._run
        if not self.done():
            outlook = "" if run.is_handed_over else run.outlook()
            return f"{run.seen}; {outlook}" if outlook else run.seen
        if self.cancelled():
            return f"cancelled: {run.why_cancelled}" if run.why_cancelled else "cancelled"
        error = super().exception()
        ended = "returned" if error is None else f"raised {type(error).__name__}"
        return run.what_was_refused(error) or ended

    def result(self, timeout: float | None = None) -> Any:
        """Return the job's value, or raise its error; see ``Future.result``."""
        with self._asked():
            return super().result(timeout)

    def exception(self, timeout: float | None = None) -> BaseException | None:
        """Return the job's error; see ``Future.exception``."""
        with self._asked():
            return super().exception(timeout)

    @contextmanager
    def _asked(self) -> Iterator[None]:
        """Say why a job was cancelled, and note that somebody has asked for what it came to."""
        run = self._run
        try:
            yield
        except CancelledError:
            if run.why_cancelled and self.cancelled():  # Else it is the job's own exception.
                raise CancelledError(run.why_cancelled) from None
            raise
        finally:
            run.was_read = self.done()

    def running(self) -> bool:
        """Return whether the job is not done, and can be cancelled no longer."""
        run = self._run
        is_sent = run.owner is Owner.POOL and run.pool_future and run.pool_future.running()
        return super().running() or bool(is_sent)

    def cancel(self) -> bool:
        """Cancel the job unless it is running, and take it out of its store.

        Returns:
            Whether the job is cancelled. The function of a cancelled job is never called, not even
            if a pool has the job in its queue. A job that its store cannot remove now is removed
            when the block ends, or not handed over.

        Source: those who wait for a cancelled future are told by ``set_running_or_notify_cancel``,
        which is called once,
        https://docs.python.org/3/library/concurrent.futures.html#concurrent.futures.Future.set_running_or_notify_cancel
        """
        is_cancelled = self._run.cancel()
        if is_cancelled:
            self._run.take_back([self._run])  # The end of the block tells what a store raises.
        return is_cancelled
