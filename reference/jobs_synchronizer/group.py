"""JobGroup: wait for one-off jobs that know nothing of whoever waits.

Jobs are plain functions with plain arguments, in any job store and executor. ``group.wait`` returns
what became of all of them; each has a ``concurrent.futures.Future``, too, for ``as_completed`` and
callbacks. Every ending that can be known is an answer at once. What cannot be known stays pending:
wait with a timeout. ``docs/endings.md`` has every ending.

What it leaves out: coroutine functions, jobs that recur, and results of jobs that another process's
scheduler runs from a shared store.
"""

import concurrent.futures
import os
import threading
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from contextlib import AbstractContextManager, ExitStack, nullcontext
from dataclasses import dataclass
from functools import partial
from inspect import iscoroutinefunction
from traceback import format_exception_only
from types import FunctionType, MethodType, TracebackType
from typing import Any, Self

from apscheduler.schedulers.base import BaseScheduler
from apscheduler.triggers.base import BaseTrigger
from apscheduler.triggers.date import DateTrigger
from apscheduler.util import get_callable_name, ref_to_obj
from flask_apscheduler import APScheduler
from werkzeug.local import LocalProxy

from jobs_synchronizer.errors import text_of
from jobs_synchronizer.future import JobFuture
from jobs_synchronizer.opener import Opener
from jobs_synchronizer.watch import Watch

# What iscoroutinefunction() looks at; of another object, its __call__.
_FUNCTION = FunctionType, MethodType, partial
_NO_FUNCTION = (
    "Pass a function first, or a text like 'package.module:name'; an id comes by its keyword."
)
_LEFT_EARLY = "the group's block ended before this job began: wait inside it"
_IN_A_LOOP = {
    f"apscheduler.schedulers.{name}" for name in ("asyncio", "gevent", "qt", "tornado", "twisted")
}


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
        if not isinstance(scheduler, BaseScheduler):
            raise TypeError(
                f"JobGroup({scheduler!r}): jobs are added to a scheduler. Pass APScheduler's, or "
                "Flask-APScheduler's."
            )
        if loops := _IN_A_LOOP.intersection(each.__module__ for each in type(scheduler).__mro__):
            raise TypeError(
                f"JobGroup({scheduler!r}): it runs in an event loop ({min(loops)}), which may be "
                "that of the thread that waits for its jobs. Pass a BackgroundScheduler: it runs "
                "beside a loop, and asyncio.wrap_future makes its futures awaitable."
            )
        self._watch = Watch.of(scheduler)
        self._opener: Opener | None = None
        self._opening = threading.Lock()

    def __enter__(self) -> Self:
        """Open the group.

        Raises:
            RuntimeError: It is open.
        """
        opener = Opener(self._watch.scheduler)
        with self._opening:
            if self._opener is not None and self._opener.is_open:
                raise RuntimeError(
                    "JobGroup: the group is open. Make another one for another block."
                )
            self._opener = opener
        try:
            self._watch.open(opener)
        except BaseException:  # Of a signal's handler: no block begins, and none will end.
            self.__exit__(None, None, None)
            raise
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc_value: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Cancel what has not begun, and listen no longer.

        Raises:
            Exception: A job store failed to remove a job, which a note names; several such errors
                come as a group. The other jobs are removed all the same, and the scheduler runs
                none. An exception that the block ends with, or that a callback exits with, stays,
                and has a note of each such error.
        """
        # From now on another thread may open the group.
        opener: Any = self._opener
        opener.is_open = False
        if opener.process != os.getpid():
            return  # A fork: the jobs are its parent's.
        errors: list[Exception] = []
        # Whoever closes a generator may be a garbage collection, in a thread that has any lock.
        wait = exc_type is not GeneratorExit

        def take_next_back() -> None:
            if opener.futures:
                stack.callback(take_next_back)  # First: a callback may exit, and Ctrl-C come.
                self._take_back(opener.futures.pop(), errors, wait=wait)

        with ExitStack() as stack:
            stack.push(
                lambda _type, raised, _traceback: _tell(
                    errors, exc_value if raised is None else raised
                )
            )
            stack.callback(self._watch.close, opener)
            stack.callback(take_next_back)

    def _take_back(self, future: JobFuture, errors: list[Exception], *, wait: bool) -> None:
        if future.done() and not self._watch.waits_for(future):
            return
        if not future.done():
            future._why_cancelled = _LEFT_EARLY
        try:
            future._give_up(wait=wait)
        finally:  # A callback may exit.
            try:
                self._watch.take_back(future, wait=wait)
            except Exception as error:  # noqa: BLE001  # A store's, told after the others.
                errors.append(error)

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
            TypeError: ``func`` is a coroutine function or none at all, ``trigger`` is none, or
                ``id``, ``name`` or an alias is no text, or an empty one.
            ValueError: ``trigger`` is another one, or nothing can be found by the text ``func``.
            JobRefused: The scheduler does not run, or this thread would keep the job from running
                as long as it waits for it, or it may not wait for the stores: whoever has them may
                wait for it, as for the callback of a job that its pool has lost.
            Exception: Whatever the scheduler's ``add_job`` raises, such as a job store that cannot
                pickle the arguments. The job was not added then; what a store has of it all the
                same under an ``id`` that was given stays there.
        """
        opener = self._opener
        if opener is None or not opener.is_open:
            raise RuntimeError(
                "JobGroup.add_job(): the group is not open. Add jobs inside its with block."
            )
        function = _resolve(func)
        if iscoroutinefunction(
            function if isinstance(function, _FUNCTION) else type(function).__call__
        ):
            raise TypeError(
                f"JobGroup.add_job({func!r}): a thread would call this coroutine function, and its "
                "body would never run. Pass a function that calls asyncio.run."
            )
        if not isinstance(trigger, str | BaseTrigger | None):
            name = get_callable_name(function)
            raise TypeError(
                f"JobGroup.add_job({func!r}, {trigger!r}): the second argument is a trigger. Pass "
                f"the function's arguments in a list: add_job({name}, args=[…])."
            )
        if not (trigger is None or trigger == "date" or isinstance(trigger, DateTrigger)):
            raise ValueError(
                f"JobGroup.add_job(trigger={trigger!r}): a future has one answer, and this trigger "
                "may run the job more than once. Pass 'date' or a DateTrigger."
            )
        _refuse_what_is_no_text(id=id, name=name, jobstore=jobstore, executor=executor)
        future = JobFuture(
            job_id=next(opener.ids) if id is None else id,
            name=get_callable_name(function) if name is None else name,
            jobstore=jobstore,
            executor=executor,
            context=self._context,
            watch=self._watch,
        )
        # Before it is added: whatever comes between, the end of the block takes it back.
        opener.futures.append(future)
        options.setdefault("misfire_grace_time", None)
        options.update(
            func=func,
            trigger=trigger,
            args=args,
            kwargs=kwargs,
            id=future.job_id,
            name=future.name,
            jobstore=jobstore,
            executor=executor,
        )
        try:
            self._watch.add(future, opener, options, is_new=id is None)
        except BaseException:
            future._give_up()  # Its store may have it already.
            raise
        if not opener.is_open:  # The block has ended meanwhile, in another thread.
            future._give_up()
        return future

    def wait(self, timeout: float | None = None) -> GroupResult:
        """Wait until every job of the block has ended, and return what became of each.

        Args:
            timeout: The longest wait, in seconds; ``None`` waits without limit.

        Raises:
            RuntimeError: The group is not open: the end of a block cancels what has not begun.
        """
        opener = self._opener
        if opener is None or not opener.is_open:
            raise RuntimeError(
                "JobGroup.wait(): the group is not open. Wait inside its with block."
            )
        futures = list(opener.futures)
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


def _resolve(func: Callable[..., object] | str) -> Callable[..., object]:
    try:
        function = ref_to_obj(func) if isinstance(func, str) else func
    except (LookupError, ValueError) as error:
        raise ValueError(
            f"JobGroup.add_job({func!r}): it cannot be found ({error}). {_NO_FUNCTION}"
        ) from error
    if not callable(function):
        raise TypeError(f"JobGroup.add_job({func!r}): it cannot be called. {_NO_FUNCTION}")
    return function


def _refuse_what_is_no_text(**options: object) -> None:
    for name, text in options.items():
        if text is not None and not (isinstance(text, str) and text):
            raise TypeError(
                f"JobGroup.add_job({name}={text!r}): it is no text, or an empty one. Pass one, or "
                "leave it out."
            )


def _tell(errors: list[Exception], ending: BaseException | None) -> None:
    """Raise what came of stores, or note it on what ends the block anyway."""
    if ending is not None:
        for error in errors:
            ending.add_note("".join(format_exception_only(error)).rstrip())
        return
    match errors:
        case [error]:
            raise error
        case [_, *_]:
            raise ExceptionGroup("JobGroup: jobs are left in their stores", errors)
