"""FakeScheduler: APScheduler's own scheduler without its thread, and with faults on demand.

Job stores, triggers, ids, misfires, ``max_instances``, events and their order are APScheduler's
(3.11.3, where places in its source are named). Only the thread that would wait for due times is
missing: a test calls ``run_due()`` instead, or moves a ``Clock``. Jobs run in the caller's thread,
unless ``executors`` names a pool.
"""

import threading
import weakref
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any, Self
from unittest.mock import patch

from apscheduler.events import EVENT_JOB_ERROR
from apscheduler.job import Job
from apscheduler.schedulers.base import STATE_RUNNING, STATE_STOPPED, BaseScheduler
from apscheduler.util import convert_to_datetime

from apscheduler_fakes import faults, ledger
from apscheduler_fakes.deferred_executor import DeferredExecutor, Run
from apscheduler_fakes.far_starts import warn_of_far_starts
from apscheduler_fakes.faults import Fault, Selector
from threadsim.runtime.errors import NotModelled, raise_together
from threadsim.simulation.clock import timed_sources

OPTIONS = {"executors", "job_defaults", "jobstores"}
OPTIONS |= {"jobstore_retry_interval", "logger", "timezone"}
# Of a job that a decorator has declared, some may not be set yet.
ATTRIBUTES = [name for name in Job.__slots__ if name[0] != "_" and name != "func_ref"]
AT_ONCE = datetime.min.replace(tzinfo=UTC)
# More looks at the stores in one run_due() mean that it would never return.
MOST_LOOKS = 1_000

_schedulers: weakref.WeakValueDictionary[int, "FakeScheduler"] = weakref.WeakValueDictionary()


class FakeScheduler(BaseScheduler):  # type: ignore[misc]  # APScheduler has no types
    """A scheduler whose jobs run when the test says so.

    ``APScheduler(scheduler=FakeScheduler())`` for Flask-APScheduler, or on its own.

    It does not fake waiting: a sleep or a wait in a view or a job takes real seconds, under a
    ``Clock`` too. Pass ``timeout=0`` in tests, or use the scheduler in a ``Simulation``.

    A test run by pytest fails if a fault never fired, or if a job's error reached no caller.
    Without pytest, call ``check()`` at the end.

    Faults take a job's id, or a predicate on APScheduler's ``Job``. They hold for jobs that are
    added later, too.

    Args:
        gconfig: APScheduler's "global" configuration, as for any scheduler.
        immediate: Run due jobs whenever a scheduler's thread would be woken: inside ``add_job``,
            ``start``, ``resume``, ``modify_job``. Errors of these jobs wait for ``check()``.
        raise_job_errors: Whether ``run_due()``, ``run_job()`` and ``Clock.tick()`` raise the
            exceptions of the jobs that they ran. Errors of jobs in other executors wait for
            ``check()``.
        **options: ``executors``, ``jobstores``, ``job_defaults``, ``timezone``, ``logger``,
            ``jobstore_retry_interval`` (seconds), as for any scheduler.

    Attributes:
        added: The jobs in the order in which ``add_job`` returned them.
        job_errors: The exceptions of jobs, in order.

    Raises:
        TypeError: An option is unknown.
    """

    def __init__(
        self,
        gconfig: dict[str, Any] | None = None,
        *,
        immediate: bool = False,
        raise_job_errors: bool = True,
        **options: Any,
    ) -> None:
        self.immediate = immediate
        self.raise_job_errors = raise_job_errors
        self.added: list[Any] = []
        self.job_errors: list[BaseException] = []
        self._ledger = ledger.Ledger()
        self._runs: dict[int, Run] = {}  # By thread.
        # Only a dead scheduler has a thread. A BackgroundScheduler keeps one that has ended, too.
        self._thread: threading.Thread | None = None
        self.starts_itself = False
        self._replacements = ExitStack()
        self._wakes_at: datetime | None = None
        if unknown := sorted(set(options) - OPTIONS):
            raise TypeError(f"FakeScheduler has no option {', '.join(unknown)}.")
        super().__init__(gconfig or {}, **options)
        _schedulers[id(self)] = self

    # In the place of an app's scheduler

    @classmethod
    @contextmanager
    def replacing(cls, scheduler: Any, **options: Any) -> Iterator[Self]:
        """Put a new FakeScheduler in the place of the one that an app's module has made.

        ``with FakeScheduler.replacing(tasks.scheduler) as fake:`` It has the jobs that decorators
        have declared. It starts with its first job that is due, unless the app has started it.

        Args:
            scheduler: The ``APScheduler`` of Flask-APScheduler.
            **options: What ``FakeScheduler`` takes.

        Raises:
            TypeError: ``scheduler`` is something else.
        """
        fake = cls(**options)
        fake.replace(scheduler)
        try:
            yield fake
        finally:
            fake.put_back()

    def replace(self, scheduler: Any) -> None:
        """Do as ``replacing`` does, until ``put_back``. The fixture calls that at the end."""
        real = getattr(scheduler, "_scheduler", None)
        if real is None or not hasattr(scheduler, "init_app"):
            raise TypeError(
                f"FakeScheduler.replacing({scheduler!r}): pass the APScheduler of "
                "Flask-APScheduler. A scheduler of APScheduler itself is replaced by its name: "
                "monkeypatch.setattr(module, 'scheduler', FakeScheduler())."
            )
        jobs = real._pending_jobs
        if real.running:
            jobs = [(job, job._jobstore_alias, False) for job in real.get_jobs()]
        for job, jobstore, replace_existing in jobs:
            options = {name: getattr(job, name) for name in ATTRIBUTES if hasattr(job, name)}
            super().add_job(jobstore=jobstore, replace_existing=replace_existing, **options)
        if real.state == STATE_RUNNING:
            real.pause()  # Its thread would run the jobs besides.
            self._replacements.callback(real.resume)
        self._replacements.callback(lambda: self.shutdown(wait=False) if self.running else None)
        self._replacements.enter_context(patch.object(scheduler, "_scheduler", self))
        self._replacements.enter_context(patch.object(self, "starts_itself", True))  # noqa: FBT003

    def put_back(self) -> None:
        """Give the schedulers that were replaced back to their apps."""
        self._replacements.close()

    def assert_added(self, **expected: Any) -> Any:
        """Check that a job was added with some attributes, and return it.

        Args:
            **expected: Attributes of a ``Job`` or of its trigger: ``func``, ``args``, ``kwargs``,
                ``id``, ``run_date`` and so on.

        Raises:
            AssertionError: There is no such job; the text says what differs in each.
        """
        __tracebackhide__ = True
        wanted = {name: self._comparable(name, value) for name, value in expected.items()}
        text = ", ".join(f"{name}={value!r}" for name, value in wanted.items())
        lines = [f"no job was added with {text}. Added:{'' if self.added else ' none'}"]
        for job in self.added:
            differences = [
                f"{name}={found!r}, not {value!r}"
                for name, value in wanted.items()
                for found in [getattr(job, name, getattr(job.trigger, name, "unknown"))]
                if self._comparable(name, found) != value
            ]
            if not differences:
                return job
            lines.append(f"  {job.id!r}: {'; '.join(differences)}")
        raise AssertionError("\n".join(lines))

    # Running jobs

    def run_due(self) -> list[Any]:
        """Run all jobs that are due now, and those that they make due now.

        Returns:
            The jobs that ran, in order, and those that another executor took. The list is empty
            while the scheduler is paused or dead.

        Raises:
            RuntimeError: The scheduler was never started or is shut down. Or a job calls this. Or
                a job is still due after 1,000 looks at the stores.
            BaseException: A job's error, after all due jobs have run; several come as a group.
        """
        run = self.run_until_idle("run_due()")
        raise_together("FakeScheduler.run_due(): several jobs failed", run.errors)
        return run.jobs

    def run_job(self, job_id: str, jobstore: str | None = None) -> None:
        """Run one job now, whatever its date, and what else is due.

        The job is given this instant as its next run time, with the MODIFIED event that
        ``modify_job`` sends. (Flask-APScheduler's ``run_job`` calls the function and tells
        APScheduler nothing.)

        Args:
            job_id: The job's id.
            jobstore: Alias of its store; ``None`` takes the first store that has the id.

        Raises:
            JobLookupError: There is no such job.
            RuntimeError: As ``run_due`` raises it.
            BaseException: A job's error, after all due jobs have run; several come as a group.
        """
        self.modify_job(job_id, jobstore, next_run_time=datetime.now(self.timezone))
        self.run_due()

    def check(self) -> None:
        """Fail if a fault never fired, or if a job's error reached no caller.

        Raises:
            FaultNeverFired: One fault never fired.
            BaseException: One job failed inside ``add_job`` or in another executor.
            BaseExceptionGroup: Several of these.
        """
        raise_together("FakeScheduler: nobody saw this", self._ledger.settle())

    # Faults: they are noted here, and ``_submit`` injects them.

    def miss(self, job: Selector) -> None:
        """Let a job start later than its ``misfire_grace_time``: SUBMITTED and MISSED, no run.

        A job whose grace is ``None`` is never too late. It runs, and ``check()`` says that the
        fault never fired. Source: ``executors/base.py:117``.
        """
        self._ledger.faults.append(Fault(faults.miss, job))

    def skip(self, job: Selector) -> None:
        """Let a job find ``max_instances`` runs of itself: REMOVED, MAX_INSTANCES, no SUBMITTED.

        Source: ``schedulers/base.py:1198``.
        """
        self._ledger.faults.append(Fault(faults.skip, job))

    def refuse(self, job: Selector) -> None:
        """Let the executor refuse a job as a pool that is shut down does: REMOVED, a log line.

        Source: ``schedulers/base.py:1212``.
        """
        self._ledger.faults.append(Fault(faults.refuse, job))

    def lose(self, job: Selector) -> None:
        """Let a job be cancelled in its pool's queue: REMOVED, SUBMITTED, then nothing for ever.

        The count of the id's running instances stays one too high. (The future of a ``JobGroup``
        gets a ``JobLost``.) Source: ``executors/pool.py:20``, where the
        callback of the cancelled future fails.
        """
        self._ledger.faults.append(Fault(faults.lose, job))

    def hang(self, job: Selector) -> None:
        """Let a job's body begin and never return: REMOVED, SUBMITTED, then nothing for ever.

        It counts as a running instance, and ``shutdown(wait=True)`` would wait for it. It takes no
        worker of a pool. Source: ``executors/base.py:131``.
        """
        self._ledger.faults.append(Fault(faults.hang, job))

    def die(self) -> None:
        """End the scheduler's thread: jobs are added, ``state`` says running, no job runs.

        So it is after an exception in ``_process_jobs`` (``schedulers/blocking.py:30``), until the
        scheduler is shut down. A call before ``start()`` holds for that start. It fires at once, so
        no check asks whether anybody noticed it.
        """
        self._thread = threading.Thread(name="APScheduler", daemon=True)
        self._thread.start()
        self._thread.join()

    # APScheduler's own calls

    def start_by_itself(self) -> None:
        """Start in the place of an app that does not."""
        if self.starts_itself and self.state == STATE_STOPPED:
            self.start()

    def start(self, paused: bool = False) -> None:
        """Start, as any scheduler; warn of declared jobs whose first run is days away."""
        declared = [job for job, *_ in self._pending_jobs]
        super().start(paused)
        warn_of_far_starts(declared)

    def shutdown(self, wait: bool = True) -> None:
        """Shut down, as a BackgroundScheduler with a thread pool.

        Args:
            wait: Whether to wait for the jobs that run.

        Raises:
            SchedulerNotRunningError: It does not run.
            RuntimeError: A job waits for its own end, as in a real scheduler.
            NotModelled: A job hangs, so that waiting would never end.
        """
        hanging = [f.text for f in self._ledger.faults if f.act is faults.hang and f.fired]
        if wait and self.running and hanging:
            raise NotModelled(
                f"FakeScheduler.shutdown(wait=True): a job hangs, by {hanging[0]}, and the real "
                "call would wait for it for ever. Call shutdown(wait=False)."
            )
        super().shutdown(wait)
        self.starts_itself = False
        self._thread = None

    def wakeup(self) -> None:
        """Note that a job may be due; with ``immediate``, run it."""
        if self._thread:
            return
        self._wakes_at = AT_ONCE
        if self.immediate and self.state == STATE_RUNNING and not self.current_run():
            self._ledger.errors += self.run_until_idle("wakeup()").errors

    def add_job(self, *args: Any, **kwargs: Any) -> Any:
        """Add a job, as any scheduler; ``added`` keeps it."""
        job = super().add_job(*args, **kwargs)
        self.added.append(job)
        return job

    def add_executor(self, executor: Any, alias: str = "default", **executor_opts: Any) -> None:
        """Add an executor, as any scheduler; faults act where it takes jobs."""
        super().add_executor(executor, alias, **executor_opts)
        executor = self._executors[alias]
        if not hasattr(executor, "submit_without_faults"):
            executor.submit_without_faults = executor._do_submit_job
        executor._do_submit_job = partial(self._submit, executor)

    # What a Clock and the executor do

    def next_due(self) -> datetime | None:
        """Return when APScheduler's thread would next look at its stores; ``None`` for never."""
        self.start_by_itself()
        if self._thread or self.state != STATE_RUNNING or self.current_run():
            return None
        return self._wakes_at

    def run_until_idle(self, call: str) -> Run:
        """Look at the stores until no job is due, as APScheduler's thread does before it waits.

        Errors are kept for the caller. One of a store ends the scheduler, as it ends APScheduler's
        thread. Source: ``schedulers/blocking.py:27``.
        """
        with self._run(call) as run:
            try:
                for _ in range(MOST_LOOKS):
                    if self._thread:
                        return run
                    self._look(run)
                    due = self._wakes_at
                    if self.state != STATE_RUNNING or due is None or due > datetime.now(UTC):
                        return run
                raise RuntimeError(  # noqa: TRY301  # It ends the scheduler as others do.
                    f"{call}: a job is still due after {MOST_LOOKS:,} looks at the job stores. "
                    "A job that adds a job that is due at once never comes to an end."
                )
            except Exception as error:  # noqa: BLE001  # Jobs' errors stand beside it.
                run.errors.append(error)
                if self.running:
                    self.die()
        return run

    def current_run(self) -> Run | None:
        """Return the run of this thread, if it runs jobs."""
        return self._runs.get(threading.get_ident())

    # The machinery. ``_submit`` injects faults.

    def _comparable(self, name: str, value: Any) -> Any:
        """Return a value as a job has it: arguments in a tuple, a date as a ``datetime``."""
        if name == "args" and isinstance(value, list):
            return tuple(value)
        if name in {"run_date", "next_run_time"} and value is not None:
            return convert_to_datetime(value, self.timezone, name)
        return value

    def _create_default_executor(self) -> Any:
        return DeferredExecutor()

    def _dispatch_event(self, event: Any) -> None:
        if event.code == EVENT_JOB_ERROR:
            if isinstance(event.exception, KeyboardInterrupt):
                raise event.exception  # APScheduler takes Ctrl-C for an error of the job.
            self.job_errors.append(event.exception)
            self._ledger.note_error(event.exception, event.job_id)
            if self.raise_job_errors:
                # A pool's future that is done already calls back in this thread, too.
                run = self.current_run()
                (run if run and run.in_body else self._ledger).errors.append(event.exception)
        super()._dispatch_event(event)

    @contextmanager
    def _run(self, call: str) -> Iterator[Run]:
        """Let this thread be the scheduler's."""
        self.start_by_itself()
        if self.state == STATE_STOPPED:
            raise RuntimeError(
                f"{call}: this FakeScheduler was never started, or is shut down; jobs that wait "
                f"for start(): {len(self._pending_jobs)}. Flask-APScheduler's start() does nothing "
                "if FLASK_DEBUG is set and the process is not the reloader's child, or if "
                "SCHEDULER_ALLOWED_HOSTS does not name this host."
            )
        if self.current_run():
            raise RuntimeError(
                f"{call}: a job or a listener that this FakeScheduler is running calls it. Leave "
                "the job to the run that is under way: what becomes due meanwhile runs after it."
            )
        run = self._runs[threading.get_ident()] = Run()
        try:
            yield run
        finally:
            del self._runs[threading.get_ident()]

    def _look(self, run: Run) -> None:
        """Let APScheduler look at its stores once, and run the jobs that it submits."""
        self._wakes_at = None
        try:
            wait_seconds = self._process_jobs()
            if wait_seconds is not None and self._wakes_at is None:
                self._wakes_at = datetime.now(UTC) + timedelta(seconds=wait_seconds)
        finally:
            run.run_submitted()

    def _submit(self, executor: Any, job: Any, run_times: list[datetime]) -> None:
        """Submit a job, or let the fault for this job act in the place of the executor.

        APScheduler logs the error of a predicate that raises, as it does a submission's.
        """
        run = self._runs[threading.get_ident()]
        if fault := self._ledger.fault_for(job):
            job = fault.act(run, executor, job, run_times)
        if job:
            executor.submit_without_faults(job, run_times)
            if not isinstance(executor, DeferredExecutor):
                run.jobs.append(job)


def started() -> list[FakeScheduler]:
    """Return the FakeSchedulers that would run a job as time passes, in order of creation."""
    # One that starts by itself does so when time passes: until then its app may start it.
    return [
        each
        for each in _schedulers.values()
        if each.state == STATE_RUNNING or (each.starts_itself and each.state == STATE_STOPPED)
    ]


timed_sources.append(started)
