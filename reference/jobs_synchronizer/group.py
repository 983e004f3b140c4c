"""JobGroup: wait for one-off jobs that know nothing of whoever waits.

Jobs are plain functions with plain arguments, in any job store and executor. ``group.wait`` returns
what became of all of them; each has a ``concurrent.futures.Future``, too, for ``as_completed`` and
callbacks. Every ending that can be known is an answer at once. What cannot be known stays pending:
wait with a timeout. ``docs/jobgroup/all_endings.md`` has every ending.

What it leaves out: coroutine functions, jobs that recur, and results of jobs that another process's
scheduler runs from a shared store.
"""

import concurrent.futures
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from contextlib import AbstractContextManager, ExitStack, nullcontext
from dataclasses import dataclass
from functools import partial
from inspect import iscoroutinefunction
from traceback import format_exception_only
from typing import Any, Self

from apscheduler.schedulers.base import BaseScheduler
from apscheduler.triggers.base import BaseTrigger
from apscheduler.triggers.date import DateTrigger
from apscheduler.util import get_callable_name, ref_to_obj
from flask_apscheduler import APScheduler
from werkzeug.local import LocalProxy

from jobs_synchronizer.errors import text_of
from jobs_synchronizer.run import JobFuture, Run
from jobs_synchronizer.watch import Block, Watch

_LEFT_EARLY = "the group's block ended before this job began: wait inside it"
_LOOPS = "asyncio", "gevent", "qt", "tornado", "twisted"
_OF_LOOPS = {f"apscheduler.schedulers.{name}" for name in _LOOPS}


@dataclass(frozen=True)
class GroupResult:
    """What became of a group's jobs: by the job's name, in the order of adding.

    Of jobs with one name, the second is called ``name (2)``, the third ``name (3)``.

    Attributes:
        values: What jobs returned.
        errors: What jobs raised, or a ``JobNotRun`` or ``CancelledError`` that says why they did
            not run.
        pending: What was last seen of the others.
    """

    values: dict[str, Any]
    errors: dict[str, BaseException]
    pending: dict[str, str]

    @property
    def all_done(self) -> bool:
        """Whether no job is pending."""
        return not self.pending

    def as_json(self) -> dict[str, dict[str, Any]]:
        """Return the three for a JSON response, each error as its type and text."""
        errors = {name: text_of(error) for name, error in self.errors.items()}
        return {"values": self.values, "errors": errors, "pending": self.pending}


class JobGroup:
    """Add one-off jobs, and wait for all of them or get a future for each.

    ``with JobGroup(app.apscheduler) as group: group.add_job(task); print(group.wait(timeout=30))``.
    When the block ends, however it ends, every job that has not begun is cancelled and taken out of
    its store, unless that was removed from the scheduler; the group does not wait for the others,
    whose futures still get their answer.

    Args:
        scheduler: A scheduler, or Flask-APScheduler's ``APScheduler``, or what is one at present
            (a ``LocalProxy``, as those of ``current_app``); with the latter, jobs run in
            an application context, unless their executor has a pool that is no
            ``concurrent.futures.ThreadPoolExecutor``: that may run them in other processes.

    Raises:
        TypeError: ``scheduler`` is neither, or runs in an event loop.
    """

    def __init__(self, scheduler: BaseScheduler | APScheduler) -> None:
        if isinstance(scheduler, LocalProxy):  # Other threads, of another context, would ask it.
            scheduler = scheduler._get_current_object()
        self._context: Callable[[], AbstractContextManager[object]] = nullcontext
        if isinstance(scheduler, APScheduler):
            self._context = partial(_context_of, scheduler)
            scheduler = scheduler.scheduler
        modules = {each.__module__ for each in type(scheduler).__mro__}
        if not isinstance(scheduler, BaseScheduler) or modules & _OF_LOOPS:
            raise TypeError(
                f"JobGroup({scheduler!r}): it is no scheduler, or runs in an event loop, which may "
                "be that of the thread that waits. Pass Flask-APScheduler's, or a "
                "BackgroundScheduler: asyncio.wrap_future makes its futures awaitable."
            )
        self._watch: Watch = Watch.of(scheduler)
        self._block: Block | None = None

    def __enter__(self) -> Self:
        """Open the group.

        Raises:
            RuntimeError: It is open.
        """
        if self._block is not None and self._block.is_open:
            raise RuntimeError("JobGroup: the group is open. Make another one for another block.")
        self._block = block = Block(self._watch.scheduler)
        self._watch.open(block)
        return self

    def __exit__(self, kind: object, raised: BaseException | None, traceback: object) -> None:
        """Cancel what has not begun, and listen no longer.

        Raises:
            ExceptionGroup: Job stores failed to remove jobs, which a note of each error names. The
                other jobs are removed all the same, and the scheduler runs none. An exception that
                the block ends with stays, and has a note of each such error.
        """
        # From now on another thread may open the group.
        block: Any = self._block
        block.is_open = False
        runs, block.runs = block.runs, []
        errors: list[Exception] = []
        with ExitStack() as stack:  # A callback may exit: all that follows is done all the same.
            stack.callback(self._watch.close, block)
            stack.callback(lambda: errors.extend(self._watch.take_back(runs)))
            for run in runs:
                if not run.future.done():
                    stack.callback(run.cancel, _LEFT_EARLY)
        if raised is None and errors:
            raise ExceptionGroup("JobGroup: jobs are left in their stores", errors)
        if raised is not None:
            for error in errors:
                raised.add_note("".join(format_exception_only(error)).rstrip())

    def _opened(self, call: str) -> Block:
        if self._block is None or not self._block.is_open:
            raise RuntimeError(f"JobGroup.{call}: the group is not open. Call it inside its block.")
        return self._block

    def add_job(
        self,
        func: Callable[..., object] | str,
        trigger: str | BaseTrigger | None = None,
        args: Iterable[Any] | None = None,
        kwargs: Mapping[str, Any] | None = None,
        *,
        id: str | None = None,  # noqa: A002  # APScheduler's own keyword.
        name: str | None = None,
        jobstore: str = "default",
        executor: str = "default",
        **options: Any,
    ) -> JobFuture:
        """Add a job that runs once.

        Args:
            func: A function, or a textual reference to one (``"package.module:name"``).
            trigger: ``"date"``, a ``DateTrigger``, or ``None``, which is now.
            args: Its positional arguments.
            kwargs: Its keyword arguments.
            id: The job's id; ``None`` makes one that no other run has.
            name: What the job is called; ``None`` takes the function's name.
            jobstore: Alias of the job store.
            executor: Alias of the executor.
            **options: Whatever else the scheduler's ``add_job`` takes, such as ``run_date``.
                ``misfire_grace_time`` (seconds) is ``None`` unless it is given: late is not never.
                With ``replace_existing`` it takes the place of whatever job has its id in the
                store, whose future has a ``JobRemoved`` then.

        Returns:
            The job's future.

        Raises:
            RuntimeError: The group is not open.
            TypeError: ``func`` is a coroutine function, or none at all.
            ValueError: ``trigger`` is none of these.
            JobRefused: The scheduler does not run, or this thread would keep the job from running
                as long as it waits for it, or the lock of the stores is not free for ten seconds.
            Exception: Whatever the scheduler's ``add_job`` raises, such as a job store that cannot
                pickle the arguments. The job was not added then; what a store has of it all the
                same under an ``id`` that was given stays there.
        """
        block = self._opened("add_job()")
        function: Any = ref_to_obj(func) if isinstance(func, str) else func
        name = name or get_callable_name(function)
        if iscoroutinefunction(function) or iscoroutinefunction(type(function).__call__):
            raise TypeError(
                f"JobGroup.add_job({func!r}): a thread would call this coroutine function, and its "
                "body would never run. Pass a function that calls asyncio.run."
            )
        if not (trigger is None or trigger == "date" or isinstance(trigger, DateTrigger)):
            raise ValueError(
                f"JobGroup.add_job(trigger={trigger!r}): a future has one answer, and this trigger "
                "may run the job more than once. Pass 'date' or a DateTrigger. (The function's "
                "arguments come in a list: args=[…].)"
            )
        named = id or next(block.ids), name, jobstore, executor
        run = Run(*named, self._context, self._watch.outlook, self._watch.take_back)
        options = {"misfire_grace_time": None, "args": args, "kwargs": kwargs, **options}
        options |= {"id": run.job_id, "name": run.name, "jobstore": jobstore, "executor": executor}
        self._watch.add(run, block, {"func": func, "trigger": trigger, **options})
        block.runs.append(run)
        if not block.is_open:  # The block has ended meanwhile, in another thread.
            run.future.cancel()
            self._watch.take_back([run])  # Also if a shutdown has answered it.
        return run.future

    def wait(self, timeout: float | None = None) -> GroupResult:
        """Wait until every job of the block has ended, and return what became of each.

        Args:
            timeout: The longest wait, in seconds; ``None`` waits without limit.

        Raises:
            RuntimeError: The group is not open: the end of a block cancels what has not begun.
        """
        block = self._opened("wait()")
        futures = [run.future for run in block.runs]
        concurrent.futures.wait(futures, timeout)
        result = GroupResult({}, {}, {})
        for name, future in _by_name(futures).items():
            seen = future.last_seen  # First: it may end in a moment.
            if not future.done():
                result.pending[name] = seen
            elif future.cancelled():
                result.errors[name] = concurrent.futures.CancelledError(seen)
            elif (error := future.exception()) is not None:
                result.errors[name] = error
            else:
                result.values[name] = future.result()
        return result


def _by_name(futures: list[JobFuture]) -> dict[str, JobFuture]:
    named: dict[str, JobFuture] = {}
    again: Counter[str] = Counter()
    for future in futures:
        name = future.name
        while name in named:
            again[future.name] += 1
            name = f"{future.name} ({again[future.name] + 1})"
        named[name] = future
    return named


def _context_of(scheduler: APScheduler) -> AbstractContextManager[object]:
    """Return what jobs of a Flask app run in; ``init_app`` may come after the group is made."""
    return nullcontext() if scheduler.app is None else scheduler.app.app_context()
