"""JobFuture: what becomes of one job, as a future of the standard library."""

import os
from collections.abc import Callable
from concurrent.futures import CancelledError, Future, InvalidStateError
from concurrent.futures._base import CANCELLED, PENDING, RUNNING
from contextlib import AbstractContextManager, suppress
from types import AsyncGeneratorType, CoroutineType
from typing import TYPE_CHECKING, Any

from jobs_synchronizer.errors import JobNotRun

if TYPE_CHECKING:
    from jobs_synchronizer.watch import Watch


_ASYNC = {CoroutineType: "a coroutine", AsyncGeneratorType: "an asynchronous generator"}


def is_over(future: Future[Any]) -> bool:
    """Return what ``done`` does, without its lock: a finaliser may keep whoever has that."""
    return future._state not in {PENDING, RUNNING}


class NotBegun(CancelledError):
    """A pool came to a job that somebody else has answered or answers; its log is told so."""


class JobFuture(Future[Any]):
    """The future of one job; ``JobGroup.add_job`` makes it.

    Its value is the job's, its exception the job's own or a ``JobNotRun``. It is *running* as soon
    as nothing keeps the job from running: in a thread before the application context is pushed that
    its function is called in, in another process as soon as the future of its pool is. Every pool
    but a ``ThreadPoolExecutor`` counts as one of those. What it is told first stands, and only the
    group tells it: ``set_running_or_notify_cancel`` and its like are not the caller's.

    Args:
        job_id: The job's id.
        name: The job's name.
        jobstore: Alias of its job store.
        executor: Alias of its executor.
        context: Makes what its function runs in, in a thread of this process.
        watch: What its scheduler does with it.

    Attributes:
        job_id: The job's id.
        name: The job's name.
    """

    _seen = "not in a job store yet"
    # Whether somebody has asked for its value or error.
    _was_read = False
    # Whether its store has it, or had.
    _stored = False
    _handed_over = False
    # Whether another process may run it, what its pool knows, and whether that is to drop it.
    _elsewhere = False
    _pool_future: Future[Any] | None = None
    _gives_up = False
    # Why it was cancelled, if it was by the end of its block.
    _why_cancelled = ""
    _not_run: JobNotRun | None = None
    # What its executor raised when it was handed over, or who looked for its executor.
    _refusal: BaseException | None = None
    # How its body ended in this process.
    _outcome: tuple[Any, BaseException | None] | None = None

    def __init__(
        self,
        job_id: str,
        name: str,
        *,
        jobstore: str,
        executor: str,
        context: Callable[[], AbstractContextManager[object]],
        watch: "Watch",
    ) -> None:
        super().__init__()
        self.job_id = job_id
        self.name = name
        self._jobstore = jobstore
        self._key = jobstore, job_id
        self._executor = executor
        self._context = context
        self._watch = watch
        self._process = os.getpid()

    def __repr__(self) -> str:
        return f"<JobFuture of {self.name!r} (id {self.job_id}): {self.last_seen}>"

    @property
    def last_seen(self) -> str:
        """What was last seen of the job, and why the scheduler does not hand it over if it can't.

        Safe to read at any time: it waits for no lock of the scheduler and looks into no store.
        """
        if self.done():  # First: one that is not cancelled now may be in a moment.
            if self.cancelled():
                return f"cancelled: {self._why_cancelled}" if self._why_cancelled else "cancelled"
            error = super().exception()
            if self._not_run is not None and self._not_run is error:
                return self._not_run.what  # Another job's is the exception that this one raised.
            return "returned" if error is None else f"raised {type(error).__name__}"
        seen = self._seen.format(self)
        outlook = "" if self._handed_over else self._watch.outlook()
        return f"{seen}; {outlook}" if outlook else seen

    def result(self, timeout: float | None = None) -> Any:
        """Return the job's value, or raise its error; see ``Future.result``."""
        try:
            return super().result(timeout)
        except CancelledError:
            self._tell_why_cancelled()
            raise
        finally:
            self._was_read = self.done()

    def exception(self, timeout: float | None = None) -> BaseException | None:
        """Return the job's error; see ``Future.exception``."""
        try:
            return super().exception(timeout)
        except CancelledError:
            self._tell_why_cancelled()
            raise
        finally:
            self._was_read = self.done()

    def _tell_why_cancelled(self) -> None:
        if self._why_cancelled and self.cancelled():  # Else it is the job's own exception.
            raise CancelledError(self._why_cancelled) from None

    def running(self) -> bool:
        """Return whether the job is not done, and can be cancelled no longer."""
        if not self._elsewhere:
            return super().running()
        pool_future = self._pool_future
        has_begun = (
            pool_future is None
            # In this order: one that does not run, and is not done by now, has not begun.
            or pool_future.running()
            or (pool_future.done() and not pool_future.cancelled())
        )
        return has_begun and not self.done()

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
        return self._cancel_and_take_back(wait=True)

    def _cancel_and_take_back(self, *, wait: bool) -> bool:
        try:
            self._cancel()
            if self._elsewhere and self._process == os.getpid():
                self._cancel(is_dropped=self._is_dropped(wait=wait))
        finally:  # A callback may exit.
            is_cancelled = self.cancelled()
            if is_cancelled and self._process == os.getpid():  # In a fork, it is the parent's.
                with suppress(Exception):  # Like any other cancel(); the end of the block tells.
                    self._watch.take_back(self, wait=wait)
        return is_cancelled

    def _cancel(self, *, is_dropped: bool = False) -> None:
        """Cancel the job if nobody has claimed it, and only this process may run it.

        Args:
            is_dropped: Whether no other process may, since its pool has dropped it.
        """
        with self._condition:
            is_new = self._state == PENDING and (is_dropped or not self._elsewhere)
            if is_new:
                self._state = CANCELLED
        if is_new:
            try:
                # First: who is told finds its id free.
                pool_future = self._pool_future  # Whoever answers meanwhile forgets it.
                if pool_future is not None and self._process == os.getpid():
                    pool_future.cancel()
            finally:
                with self._condition:
                    # As Future.cancel() does, but who waits is told before any callback runs.
                    self._condition.notify_all()
                    self.set_running_or_notify_cancel()
                self._invoke_callbacks()  # type: ignore[attr-defined]  # typeshed has it not.

    def _is_dropped(self, *, wait: bool) -> bool:
        """Return whether its pool drops it, or has: of that its executor hears, and cancels it."""
        if self._pool_future is None and wait:
            self._watch.wait_for_hand_over(self)
        pool_future = self._pool_future  # As above.
        if pool_future is None:
            return False
        self._gives_up = True
        return pool_future.cancel()

    def _give_up(self, *, wait: bool = True) -> None:
        """Cancel the job, and if whoever is handing it over can't be waited for, let him do it."""
        self._gives_up = True
        self._cancel_and_take_back(wait=wait)

    def _claim(self) -> bool:
        """Let nobody else run, answer or cancel the job; return whether nobody has before.

        Whoever claims it runs it, or says why it is not run.
        """
        with self._condition:
            is_free = self._state == PENDING and not self._elsewhere
            return is_free and self.set_running_or_notify_cancel()

    def _leave_to_others(self) -> bool:
        """Let only another process run the job, or its pool drop it; return whether nobody has."""
        with self._condition:
            self._elsewhere = self._state == PENDING
            return self._elsewhere

    def _settle(self, value: Any, error: BaseException | None = None) -> None:
        """Answer, unless there is an answer."""
        try:
            if error is None:
                self.set_result(value)
            else:
                self.set_exception(error)
        except InvalidStateError:
            pass  # The first answer stands.

    def _fail(
        self, kind: type[JobNotRun], what: str, advice: str, cause: BaseException | None = None
    ) -> None:
        """Answer that the job has no result, unless there is an answer."""
        error = kind(self.name, self.job_id, what, advice)
        error.__cause__ = cause
        # The first one, whichever of two threads settles it.
        self._settle(None, vars(self).setdefault("_not_run", error))

    def _withdraw(self, kind: type[JobNotRun], what: str, advice: str) -> None:
        """Answer that the job is not run, unless somebody has claimed it."""
        if self._claim():
            self._fail(kind, what.format(self), advice)

    def _body(self, func: Callable[..., Any]) -> Callable[..., Any]:
        """Return the job's function as a thread of this process calls it."""

        def begin() -> None:
            if not self._claim():
                raise NotBegun(
                    f"Job {self.name!r} (id {self.job_id}) is not run: its future was "
                    f"{'cancelled' if self.cancelled() else 'answered'} before it began."
                )
            self._seen = "running"

        def body(*args: Any, **kwargs: Any) -> Any:
            begin()
            try:
                with self._context():
                    value = self._refuse_unrun(func(*args, **kwargs))
            except BaseException as error:
                self._outcome = None, error
                raise
            self._outcome = value, None
            return value

        # For a stand-in of a scheduler, in which it begins and never ends.
        body.begin_job = begin  # type: ignore[attr-defined]
        # For the same, which fails a test for an error that nobody has seen.
        body.error_was_read = lambda: self._was_read  # type: ignore[attr-defined]
        return body

    def _refuse_unrun(self, value: Any) -> Any:
        if type(value) not in _ASYNC:  # Neither kind can be derived from.
            return value
        if isinstance(value, CoroutineType):
            value.close()
        raise TypeError(
            f"Job {self.name!r} (id {self.job_id}) returned {_ASYNC[type(value)]}, and its "
            "body has not run. Pass a function that calls asyncio.run."
        )
