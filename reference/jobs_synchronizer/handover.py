"""The hand-over of a group's job to an executor, and what that executor makes of it.

No event tells most ways in which an executor does not run a job (``tests/rows.toml``), so two of
its methods, ``_run_job_success`` and ``_run_job_error``, and ``submit`` of its pool are wrapped for
as long as they live. Jobs of no group they only pass on. What a process pool knows of a group's job
when it breaks, the pool's own future keeps.

Who has one of these locks may wait for a later one, never for an earlier one: of the scheduler's
executors and of its stores, of an executor, of its pool; then of a watch, and of listeners, of a
future and of ``_wrapping``, with which nobody waits. A pool has its own when it tells what it drops
from its queue, and at a callback then; so ``_uncount`` leaves its work to who has the executor's,
and ``Stores.lock`` gives up, as it does for who has the stores of another scheduler. For a job of
no group APScheduler waits there for its executor's, while the scheduler may have that one and wait
for the pool's:
``test_a_pool_that_drops_the_jobs_of_nobody``.
"""

import os
import sys
from collections import deque
from collections.abc import Callable
from concurrent.futures import (
    CancelledError,
    Executor,
    Future,
    InvalidStateError,
    ProcessPoolExecutor,
    ThreadPoolExecutor,
)
from contextlib import nullcontext, suppress
from datetime import datetime
from functools import partial
from threading import Lock
from traceback import walk_stack, walk_tb
from typing import Any

from apscheduler import events
from apscheduler.executors.base import MaxInstancesReachedError
from apscheduler.job import Job

from jobs_synchronizer.errors import JobLost, JobMissed, JobRefused, JobSkipped, text_of
from jobs_synchronizer.future import JobFuture, NotBegun, is_over

# What a job is made of.
_FIELDS = list(filter("__weakref__".__ne__, Job.__slots__))
# In which a pool queues a job, and starts a worker for it then.
_SUBMITS = {ThreadPoolExecutor.submit.__code__, ProcessPoolExecutor.submit.__code__}
_CANCELLED = "the pool cancelled it"
# One of these is in the text of whatever pickle raises; the second is Python 3.13's.
_PICKLING = "pickle", "Can't get local object"
# Of what is wrapped: two schedulers may share an executor, and two executors a pool.
_wrapping = Lock()
# Who has it, if anybody, is not copied. (Nor is there any such thing where processes do not fork.)
getattr(os, "register_at_fork", dict)(
    after_in_child=_wrapping._at_fork_reinit  # type: ignore[attr-defined]  # typeshed has it not.
)


class RunId(str):
    """A job's id that knows whose run it is: its executor gives it back when the run is over.

    An id alone says which job, not which run of it; and what is kept here needs no cleaning up.
    """

    __slots__ = ("executor", "future", "grace", "in_a_thread")
    executor: Any
    in_a_thread: bool
    # None as soon as it is answered: executors and listeners may keep ids.
    future: JobFuture | None
    grace: int | None

    def __reduce__(self) -> tuple[type[str], tuple[str]]:
        """Be a plain string in another process."""
        return str, (str(self),)


class Observed:
    """An executor as a scheduler sees it whose groups wait for jobs.

    Args:
        executor: The executor.
        find_future: Returns the future of a job that is handed over, if it has one.
    """

    def __init__(self, executor: Any, find_future: Callable[[Any], JobFuture | None]) -> None:
        self._executor = executor
        self._find_future = find_future

    def __getattr__(self, name: str) -> Any:
        return getattr(self._executor, name)

    def submit_job(self, job: Any, run_times: list[datetime]) -> None:
        """Let the executor have a job, one of a group once, and not if it was taken back."""
        future = self._find_future(job)
        _uncount(self._executor, wait=True)
        try:
            if future is None:
                self._executor.submit_job(job, run_times)
            elif not future._handed_over:
                future._handed_over = True
                future._executor = job.executor  # It may have been modified.
                # Rescheduled to recur, it can be due more than once.
                _hand_over(self._executor, future, job, run_times[-1:])
        finally:
            _uncount(self._executor)


def _observe(executor: Any, pool: Any) -> None:
    """Hear from now on how the jobs of groups end in an executor, and in its pool's queue."""
    with _wrapping:
        if not hasattr(executor, "_unobserved"):
            _observe_endings(executor)
        if isinstance(pool, Executor) and not hasattr(pool, "_unobserved"):
            _observe_cancelling(pool)


def _observe_endings(executor: Any) -> None:
    success, error = executor._unobserved = executor._run_job_success, executor._run_job_error
    executor._lost_runs = deque[RunId]()

    def run_job_success(job_id: str, endings: list[Any]) -> None:
        try:
            success(job_id, endings)
        finally:  # An executor of somebody's may fail when it has told of the job.
            _uncount(executor)
            # It may give back a plain string, and what run_job() made, or that used up, or nothing.
            event = next(iter(endings or ()), None)
            run_id = job_id if isinstance(job_id, RunId) else getattr(event, "job_id", None)
            if isinstance(run_id, RunId) and run_id.future is not None:
                future, run_id.future = run_id.future, None
                _ended(future, event, run_id.grace)
                future._pool_future = None  # It keeps the job.

    def run_job_error(job_id: str, exc: BaseException, traceback: Any = None) -> None:
        if not isinstance(job_id, RunId):
            error(job_id, exc, traceback)
        elif job_id.future is not None:  # Or its pool has told that it dropped it.
            future, job_id.future = job_id.future, None
            # In this order: who has the answer finds the id free, and nothing delays the answer.
            executor._lost_runs.append(job_id)
            # What has a traceback was raised in this process, before a job went to another one.
            unsent = traceback is not None and not job_id.in_a_thread
            _lost(future, exc, begun=not (unsent or isinstance(exc, CancelledError)))
            future._pool_future = None  # It keeps the job.
            if not future.cancelled():
                # As the executor's own does, which waits for the lock.
                told = future._not_run or future
                executor._logger.error("%s", told, exc_info=(type(exc), exc, traceback))
        _uncount(executor)

    executor._run_job_success = run_job_success
    executor._run_job_error = run_job_error


def _hand_over(executor: Any, future: JobFuture, job: Any, run_times: list[datetime]) -> None:
    """Let an executor have a job unless it was taken back, and answer if it does not take it."""
    pool: Any = getattr(executor, "_pool", None)
    in_a_thread = pool is None or isinstance(pool, ThreadPoolExecutor)
    if future.done() if in_a_thread else not future._leave_to_others():
        return
    _observe(executor, pool)
    handed = _copy_of(job)
    handed.id = run_id = RunId(job.id)
    run_id.executor, run_id.future, run_id.grace = executor, future, job.misfire_grace_time
    run_id.in_a_thread = in_a_thread
    if in_a_thread:
        handed.func = body = future._body(job.func)
        # For a stand-in of a scheduler, whose pool drops it.
        body.drop_job = partial(_dropped, run_id)  # type: ignore[attr-defined]
    future._seen = "handed to executor {0._executor!r}"
    try:
        executor.submit_job(handed, run_times)
    except BaseException as error:
        run_id.future, future._refusal = None, error
        if isinstance(error, MaxInstancesReachedError):
            runs = "as many runs of its id as max_instances allows were under way"
            what = f"was skipped: {runs} ({job.max_instances})"
            advice = "Leave the id out: each job gets one of its own."
            future._fail(JobSkipped, what, advice, error)
        elif in_a_thread and not future._claim():
            _lost(future, error, begun=True)
        else:
            # If this is the first job of a pool that replaces a broken one, which is not observed.
            _take_out(handed, error)
            what = f"was refused by executor {future._executor!r}: {text_of(error)}"
            advice = "Give the scheduler an executor that runs (remove_executor, add_executor)."
            future._fail(JobRefused, what, advice, error)
        raise
    finally:
        _forget(executor, run_id)


def _uncount(executor: Any, *, wait: bool = False) -> None:
    """Let an executor count no job that is lost; without waiting, whoever has its lock does it."""
    lost = getattr(executor, "_lost_runs", ())
    while lost and executor._lock.acquire(wait):
        try:
            for _ in range(len(lost)):
                run_id = lost.popleft()
                executor._instances[run_id] -= 1
                if executor._instances[run_id] == 0:
                    del executor._instances[run_id]
        finally:
            executor._lock.release()


def _forget(executor: Any, run_id: RunId) -> None:
    """Let an executor keep nothing of an id of which no job is under way.

    It counts a job after the pool has taken it: of one that is over by then, or was refused, it
    would keep a count of zero, for ever if no other job has that id.
    """
    with executor._lock or nullcontext():  # Before its start it has none.
        if executor._instances.get(run_id) == 0:
            del executor._instances[run_id]


def _observe_cancelling(pool: Any) -> None:
    """Let executors hear of a job that their pool cancels in its queue, which they never do."""
    submit = pool._unobserved = pool.submit

    def submit_observed(function: Any, /, *args: Any, **kwargs: Any) -> Any:
        run_id: Any = args[0].id if args and isinstance(args[0], Job) else None
        try:
            pool_future = submit(function, *args, **kwargs)
        except Exception as error:
            pool_future = isinstance(run_id, RunId) and _take_out(args[0], error)
            if not pool_future:
                raise
            left = f"Job {args[0].name!r} (id {run_id}) is left to a worker that lives"
            run_id.executor._logger.warning("%s: %s", left, text_of(error))

        def done(pool_future: Future[Any]) -> None:
            if pool_future.cancelled():
                _dropped(run_id)

        if isinstance(run_id, RunId):
            _observe_future(pool_future)
            future = run_id.future
            if future is not None:  # Or it is over already.
                future._pool_future = pool_future
                if future._gives_up or is_over(future):  # It was taken back meanwhile.
                    pool_future.cancel()
            # Last: what it tells of a job is heard by who knows its pool's future.
            pool_future.add_done_callback(done)
        return pool_future

    pool.submit = submit_observed


class PoolFuture(Future[Any]):
    """The future of a pool, which answers all that it has when it breaks."""

    # Whether the pool had put the job on its way by then, or nobody knows.
    was_sent = True

    def exception_info(self) -> tuple[BaseException | None, Any]:
        """Return the exception and its traceback, of a cancelled one, too.

        APScheduler asks for these if it can; its callback fails otherwise, which is logged.

        Source: ``executors/pool.py:19``.
        """
        if self.cancelled():
            return CancelledError(_CANCELLED), None
        error = self.exception()
        return error, getattr(error, "__traceback__", None)

    def set_exception(self, exception: BaseException | None) -> None:
        """Note how far the job has come; a cancelled one stays so.

        Python 3.11's pool ends its thread with what this raises, and tells no other job anything.
        """
        self.was_sent = self.running()
        with suppress(InvalidStateError):
            super().set_exception(exception)


def _observe_future(pool_future: Future[Any]) -> None:
    """Have a pool's future note what is known when its pool breaks, unless it is none of Python's.

    From now on it may be cancelled.
    """
    if type(pool_future) is Future:
        pool_future.__class__ = PoolFuture


def _dropped(run_id: RunId) -> None:
    """Let an executor hear of a job that its pool has cancelled in its queue."""
    run_id.executor._run_job_error(run_id, CancelledError(_CANCELLED))


def _take_out(job: Any, error: BaseException) -> Any:
    """Cancel a job that a pool queued before it failed to start a worker for it.

    Args:
        job: The job.
        error: What the pool raised.

    Returns:
        The pool's future, if another worker has the job or will; ``None`` if it never runs.
    """
    for frame, _ in walk_tb(error.__traceback__):
        names = frame.f_locals if frame.f_code in _SUBMITS else {"args": ()}
        # Whatever the pool tells another pool is none of its jobs.
        if any(arg is job for arg in names["args"]) and (pool_future := names.get("f")):
            _observe_future(pool_future)
            workers = getattr(names["self"], "_threads", None)
            is_left = workers and "can't start new thread" in error.args
            return pool_future if is_left or not pool_future.cancel() else None
    return None


def _copy_of(job: Any) -> Any:
    """Return a job for the executor alone: the store's keeps its function, which it may pickle."""
    copy = Job.__new__(Job)
    for name in _FIELDS:
        setattr(copy, name, getattr(job, name))
    return copy


def _ended(future: JobFuture, event: Any, grace: int | None) -> None:
    match event and event.code:
        case events.EVENT_JOB_MISSED:
            due = f"it was due at {event.scheduled_run_time}"
            what = f"was missed: {due} and did not begin within its grace of {grace} s"
            advice = "Leave misfire_grace_time out, or give its executor more workers."
            future._fail(JobMissed, what, advice)
        case int() if not isinstance(event.exception, NotBegun):
            error = event.exception
            if error is not None and error.__traceback__ is None and event.traceback:
                # It comes from another process, and its traceback as a text.
                with suppress(Exception):  # Of an exception that takes no note.
                    error.add_note(f"In the pool's process:\n{event.traceback}".rstrip())
            future._settle(event.retval, error)
        # Nothing is told of it, or that it was called again.
        case _ if future._outcome is not None:
            future._settle(*future._outcome)
        case None:
            what = f"has ended in executor {future._executor!r}, which does not tell how"
            advice = "Have the executor pass on the events that run_job returns."
            future._fail(JobLost, what, advice)


def _lost(future: JobFuture, error: BaseException, *, begun: bool) -> None:
    if future._gives_up and isinstance(error, CancelledError):
        future.cancel()
    if future.cancelled():
        return
    if future._outcome is not None:  # Its executor has failed after it, as at a line in its log.
        future._settle(*future._outcome)
        return
    text = text_of(error).rstrip(".")  # It is followed by a sentence.
    if begun and future.running() and getattr(future._pool_future, "was_sent", True):
        advice = "It may have run, in part or whole: add it again only if it may run twice."
        if any(each in text for each in _PICKLING):
            advice = f"Return or raise what can be pickled. {advice}"
    else:
        advice = "It did not begin: mend what is wrong, and add it again."
    what = f"was lost by executor {future._executor!r}: {text}"
    future._fail(JobLost, what, f"{advice} The executor's log has more.", error)


def tells_of_a_loss() -> bool:
    """Return whether a pool tells this thread of a lost job, and may have its lock meanwhile."""
    return any(frame.f_code is _lost.__code__ for frame, _ in walk_stack(sys._getframe()))
