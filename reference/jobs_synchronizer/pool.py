"""What an executor makes of a run: its pool's ``submit`` is observed, and tells how the run ends.

The pool's class is replaced by one that is derived from it. Of a group's job, its ``submit`` gives
the executor a ``PoolFuture``, which ends with the pool's own: the executor is told first, so that
the job's id is free, then the run. The pool gets the job when the executor has counted it and has
its lock no longer: a pool that drops its queue has its own lock while it tells the executor of
that, and either would wait for the other.
"""

import weakref
from collections.abc import Callable
from concurrent import futures
from concurrent.futures import CancelledError, Future
from concurrent.futures.process import BrokenProcessPool
from contextlib import suppress
from functools import partial
from traceback import walk_tb
from types import AsyncGeneratorType, CoroutineType
from typing import Any

from apscheduler import events
from apscheduler.executors.base import MaxInstancesReachedError
from apscheduler.job import Job

from jobs_synchronizer.errors import JobLost, JobMissed, JobRefused, JobSkipped, text_of
from jobs_synchronizer.run import NotBegun, Owner, Run

# What a job is made of.
_FIELDS = list(filter("__weakref__".__ne__, Job.__slots__))
_CANCELLED = "the pool cancelled it"


class RunId(str):
    """A job's id that knows its run; an executor, and events, hand it on.

    It does not keep the run: executors and listeners may keep ids.
    """

    __slots__ = ("run",)
    run: Callable[[], Run | None]

    def __reduce__(self) -> tuple[type[str], tuple[str]]:
        """Be a plain string in another process."""
        return str, (str(self),)


def run_of(job_id: object) -> Run | None:
    """Return the run of a job's id, if it is one of a run that is under way."""
    return job_id.run() if isinstance(job_id, RunId) else None


class Body:
    """A job's function as a thread of this process calls it.

    A scheduler that only pretends to run jobs, such as ``FakeScheduler``, calls the other methods.

    Args:
        run: The job's run.
        func: The function.

    Attributes:
        begin_job: Lets it begin, and never end.
    """

    def __init__(self, run: Run, func: Callable[..., Any]) -> None:
        self._run, self._func = run, func
        self.begin_job = run.begin

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Call the function, unless somebody else has answered."""
        run = self._run
        run.begin()
        try:
            with run.context():
                value = self._func(*args, **kwargs)
                if isinstance(value, CoroutineType | AsyncGeneratorType):
                    getattr(value, "close", int)()
                    raise TypeError(  # noqa: TRY301  # As whatever the function raises.
                        f"Job {run.name!r} (id {run.job_id}) returned a coroutine or an "
                        "asynchronous generator, whose body has not run. Pass a function that "
                        "calls asyncio.run."
                    )
        except BaseException as error:
            run.end(None, error)
            raise
        run.end(value)
        return value

    def drop_job(self) -> None:
        """Be dropped by a pool."""
        _lose(self._run, CancelledError(_CANCELLED), has_begun=False)

    def error_was_read(self) -> bool:
        """Return whether somebody has asked what the job came to."""
        return self._run.was_read


class ObservedExecutor:
    """An executor as a scheduler sees it whose groups wait for jobs.

    Args:
        executor: The executor.
        find_run: Returns the run of a job that is handed over, if it has one.
    """

    def __init__(self, executor: Any, find_run: Callable[[Any], Run | None]) -> None:
        self._executor = executor
        self._find_run = find_run

    def __getattr__(self, name: str) -> Any:
        return getattr(self._executor, name)

    def submit_job(self, job: Any, run_times: list[Any]) -> None:
        """Let the executor have a job, one of a group once, and not if it was taken back."""
        run = self._find_run(job)
        if run is None:
            self._executor.submit_job(job, run_times)
        elif not run.is_handed_over:  # Rescheduled to recur, it can be due more than once.
            run.is_handed_over = True
            if run.owner is Owner.NOBODY:
                _hand_over(self._executor, run, job, run_times[-1:])


def _hand_over(executor: Any, run: Run, job: Any, run_times: list[Any]) -> None:
    """Let an executor have a job, and answer if it does not take it."""
    run.executor = job.executor  # It may have been modified.
    run.grace = job.misfire_grace_time
    run.seen = f"handed to executor {run.executor!r}"
    # A copy: the store's keeps its id, and its function, which it may pickle.
    handed = Job.__new__(Job)
    for name in _FIELDS:
        setattr(handed, name, getattr(job, name))
    handed.id = RunId(job.id)
    handed.id.run = weakref.ref(run)
    pool = getattr(executor, "_pool", None)
    kind: Any = type(pool)
    if issubclass(kind, futures.Executor) and not issubclass(kind, ObservedPool):
        pool.__class__ = type(f"Observed{kind.__name__}", (ObservedPool, kind), {})
    if isinstance(pool, futures.ThreadPoolExecutor) or not isinstance(pool, futures.Executor):
        handed.func = Body(run, job.func)
    try:
        executor.submit_job(handed, run_times)
        if isinstance(run.pool_future, PoolFuture):
            run.pool_future.start()
    except MaxInstancesReachedError as error:
        runs = "as many runs of its id as max_instances allows were under way"
        what = f"was skipped: {runs} ({job.max_instances})"
        run.withdraw(JobSkipped, what, "Leave the id out: each job gets one of its own.", error)
        raise
    except BaseException as error:
        what = f"was refused by executor {run.executor!r}: {text_of(error).rstrip('.')}"
        advice = "Give the scheduler an executor that runs (remove_executor, add_executor)."
        if not run.withdraw(JobRefused, what, advice, error):
            _lose(run, error, has_begun=True)
        raise


class ObservedPool(futures.Executor):
    """What is put before a pool's class."""

    def submit(self, function: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        """Submit a call; that of a group's job when its executor has counted it."""
        submit = partial(super().submit, function, *args, **kwargs)
        run = run_of(args[0].id) if args and isinstance(args[0], Job) else None
        if run is None:
            return submit()
        if isinstance(self, futures.ProcessPoolExecutor) and self._broken:
            raise BrokenProcessPool(self._broken)  # APScheduler makes another one.
        run.pool_future = PoolFuture(run, self, submit)
        return run.pool_future


class PoolFuture(Future[Any]):
    """The future of a group's job in a pool, for its executor.

    Args:
        run: The job's run.
        pool: The pool.
        submit: Submits the job to it.
    """

    def __init__(self, run: Run, pool: Any, submit: Callable[[], Future[Any]]) -> None:
        super().__init__()
        self._run, self._pool, self._submit = run, pool, submit
        self._inner: Future[Any] | None = None

    def start(self) -> None:
        """Let the pool have the job, unless it was taken back.

        Raises:
            BaseException: The pool does not take it, and will not run it.
        """
        run, submit = self._run, self._submit
        del self._submit  # It keeps the job.
        in_threads = isinstance(self._pool, futures.ThreadPoolExecutor)
        if not (run.owner is Owner.NOBODY if in_threads else run.claim(Owner.POOL)):
            self.set_result([])  # The executor counts it off.
            return
        try:
            inner = submit()
        except BaseException as error:
            queued = _queued(error)
            if queued is None or queued.cancel():
                run.claim(Owner.NOBODY, Owner.POOL)
                self.set_result([])
                raise
            inner = queued
        if type(inner) is Future:  # Not one of somebody's pool.
            inner.__class__ = _Inner
        self._inner = inner
        inner.add_done_callback(self._end)
        if run.gives_up:  # Meanwhile.
            run.cancel()

    def cancel(self) -> bool:
        """Have the pool drop the job; return whether it does, or has."""
        return self._inner is not None and self._inner.cancel()

    def running(self) -> bool:
        """Return whether the pool has begun with the job, or may have."""
        return self._inner is None or self._inner.running()

    def _end(self, inner: Future[Any]) -> None:
        run = self._run
        told: Any = [] if run.gives_up else CancelledError(_CANCELLED)
        if not inner.cancelled():
            told = inner.exception() or inner.result()
        # The executor first: it counts the job off.
        is_lost = isinstance(told, BaseException)
        (self.set_exception if is_lost else self.set_result)(told)
        run.is_dropped, run.pool_future = inner.cancelled() and not is_lost, None
        if is_lost:
            # What has a traceback was raised in this process, before a job went to another one.
            is_sent = run.owner is Owner.POOL and told.__traceback__ is None
            is_sent = is_sent and not inner.cancelled() and getattr(inner, "was_running", True)
            _lose(run, told, has_begun=is_sent)
        elif not inner.cancelled():
            end_with(run, told)


class _Inner(Future[Any]):
    """The pool's own future. A pool that breaks tells all that it has, what is cancelled, too."""

    def set_exception(self, exception: BaseException | None) -> None:
        """Note how far the job has come; a cancelled one stays so, and the next ones are told."""
        self.was_running = self.running()
        with suppress(futures.InvalidStateError):
            super().set_exception(exception)


def _queued(error: BaseException) -> Future[Any] | None:
    """Return the future of a job that a pool queued before it failed to start a worker for it."""
    names = (frame.f_locals for frame, _ in walk_tb(error.__traceback__))
    return next((found for each in names if isinstance(found := each.get("f"), Future)), None)


def end_with(run: Run, told: Any) -> None:
    """Answer with what a run's body came to, or else with the event that its executor has of it."""
    event = next(iter(told), None) if isinstance(told, list) else None
    error = getattr(event, "exception", None)
    if run.outcome is not None:
        run.settle(*run.outcome)
    elif event is None:
        what = f"has ended in executor {run.executor!r}, which does not tell how"
        run.fail(JobLost, what, "Have its pool return what run_job returns.")
    elif event.code == events.EVENT_JOB_MISSED:
        due = f"it was due at {event.scheduled_run_time}"
        what = f"was missed: {due} and did not begin within its grace of {run.grace} s"
        advice = "Leave misfire_grace_time out, or give its executor more workers."
        run.fail(JobMissed, what, advice)
    elif not isinstance(error, NotBegun):
        if error is not None and error.__traceback__ is None:
            # It comes from another process, and its traceback as a text.
            error.add_note(f"In the pool's process:\n{event.traceback}".rstrip())
        run.settle(event.retval, error)


def _lose(run: Run, error: BaseException, *, has_begun: bool) -> None:
    advice = "It did not begin: mend what is wrong, and add it again."
    if has_begun:
        advice = "It may have run, in part or whole: add it again only if it may run twice."
    what = f"was lost by executor {run.executor!r}: {text_of(error).rstrip('.')}"
    if run.outcome is None:  # Else its executor has failed after it, as at a line in its log.
        run.fail(JobLost, what, f"{advice} The executor's log has more.", error)
    else:
        run.settle(*run.outcome)
