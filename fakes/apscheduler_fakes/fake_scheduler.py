"""FakeScheduler: APScheduler's own scheduler without its thread, and faults on demand.

Job stores, triggers, ids, misfires, ``max_instances``, events and their order are APScheduler's
(3.11.3, where places in its source are named). What is left out: with the default executor a job
runs in the caller of ``run_due()``, inside APScheduler's look at its stores. So what a job adds is
heard of before its own end, as with a ``DebugExecutor`` of the real scheduler; in a pool its
``add_job`` would wait for that look's end. What only a pool can do there raises ``NotModelled``;
give a test of either a pool as ``executors`` of the scheduler.
"""

import itertools
import threading
import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

from apscheduler.events import (
    EVENT_JOB_ERROR,
    EVENT_JOB_EXECUTED,
    EVENT_JOB_MISSED,
)
from apscheduler.executors.debug import DebugExecutor
from apscheduler.executors.pool import BasePoolExecutor
from apscheduler.jobstores.base import JobLookupError
from apscheduler.schedulers.base import STATE_PAUSED, STATE_RUNNING, STATE_STOPPED

from apscheduler_fakes import unchecked
from apscheduler_fakes.faults import (
    Die,
    Fault,
    Hang,
    Ledger,
    Lose,
    Miss,
)
from apscheduler_fakes.on_demand import FaultsOnDemand
from apscheduler_fakes.running import Run, StoresSeenFromABody
from threadsim.runtime.errors import NotModelled, raise_together
from threadsim.simulation.timed_sources import register

OPTIONS = {
    "executors",
    "job_defaults",
    "jobstore_retry_interval",
    "jobstores",
    "logger",
    "timezone",
}
# So many looks at the stores in one run_due() mean that it would never return.
MOST_LOOKS = 1_000
LONG_AGO = datetime.min.replace(tzinfo=UTC)

_numbers = itertools.count()
_schedulers: weakref.WeakValueDictionary[int, "FakeScheduler"] = weakref.WeakValueDictionary()


class FakeScheduler(FaultsOnDemand, StoresSeenFromABody):
    """A scheduler whose jobs run when the test says so.

    ``APScheduler(scheduler=FakeScheduler())`` for Flask-APScheduler, or on its own.

    It makes nothing virtual: a view that waits for its jobs, and a job that sleeps, take real time,
    under a ``Clock`` too. Give the wait a time-out of 0, or use the scheduler in a ``Simulation``,
    where neither does.

    A test run by pytest fails if a fault never fired or a job's error was seen by nobody; anything
    else calls ``check()`` in the end.

    Args:
        gconfig: APScheduler's "global" configuration, as for any scheduler.
        immediate: Run what is due whenever a scheduler's thread would be woken: inside ``add_job``,
            ``start``, ``resume``, ``modify_job``. Errors of these jobs wait for ``check()``.
        raise_job_errors: Whether an exception in a job is raised by ``run_due()``, ``run_job()``,
            ``Clock.tick()`` or, when none of them ran it, by ``check()`` at the test's end.
        **options: ``executors``, ``jobstores``, ``job_defaults``, ``timezone``, ``logger``,
            ``jobstore_retry_interval`` (seconds), as for any scheduler.

    Attributes:
        added: The jobs that were added, in order, also those that wait for ``start()``.
        job_errors: What jobs raised, in order.

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
        self._ledger = Ledger()
        self._runs: dict[int, Run] = {}
        self._death: Die | None = None
        self._ever_started = False
        self._woken = False
        self._looked_at = LONG_AGO
        self._wakes_at: datetime | None = None
        super().__init__(gconfig or {}, **options)
        _schedulers[next(_numbers)] = self
        unchecked.add(self._ledger)

    # What a test does

    def run_due(self) -> list[Any]:
        """Run what is due now, and what that makes due now.

        Returns:
            The jobs whose bodies ran, in order; of a pool's jobs those that it took. None while
            the scheduler is paused or dead.

        Raises:
            RuntimeError: The scheduler was never started or is shut down; a job calls this; or
                something is still due after 1,000 looks at the stores.
            NotModelled: A job needs what only a pool can do.
            BaseException: What a job raised, after everything due has run; several come as a group.
        """
        run = self.run_until_idle("run_due()")
        raise_together("FakeScheduler.run_due(): several jobs failed", run.errors)
        return run.jobs

    def run_job(self, job_id: str, jobstore: str | None = None) -> None:
        """Run one job now, whatever its date, and leave the others.

        A job that is not due at this very instant is first given this instant as its next run
        time, with the MODIFIED event that ``modify_job`` sends. (Flask-APScheduler's ``run_job``
        calls the function and tells APScheduler nothing.)

        Args:
            job_id: The job's id.
            jobstore: Alias of its store; ``None`` takes the first store that has the id.

        Raises:
            JobLookupError: There is no such job.
            RuntimeError: The scheduler does not run, is paused or dead, or a job calls this.
            BaseException: What the job raised.
        """
        call = f"run_job({job_id!r})"
        with self._run(call) as run:
            if self.state == STATE_PAUSED or self._death:
                why = "dead" if self._death else "paused: call resume()"
                raise RuntimeError(f"{call}: nothing runs, because this FakeScheduler is {why}.")
            job = self._prepare(job_id, jobstore)
            with self._only(job):
                self._look(run)
            if self.immediate:
                self._look_until_idle(run)
        raise_together(f"FakeScheduler.{call}: several jobs failed", run.errors)

    def die(self) -> None:
        """End the scheduler's thread: jobs are added, ``state`` says running, nothing is run.

        As after an exception in ``_process_jobs`` (``schedulers/blocking.py:30``). Holds until
        the scheduler is shut down; before ``start()`` it holds from then on.

        Raises:
            ValueError: It is dead already.
        """
        if self._death:
            raise ValueError("die(): this FakeScheduler is dead already.")
        self._ledger.add(self._end_thread())

    # What every scheduler does

    def start(self, paused: bool = False) -> None:
        """Start, as any scheduler; no thread is made.

        Args:
            paused: Whether nothing runs until ``resume()``.
        """
        super().start(paused)
        self._ever_started = True

    def shutdown(self, wait: bool = True) -> None:
        """Shut down, as a BackgroundScheduler with a thread pool.

        Args:
            wait: Whether to wait for the jobs that run.

        Raises:
            SchedulerNotRunningError: It does not run.
            RuntimeError: A job or a listener waits for the thread it runs in, as for real.
            NotModelled: A job hangs, so that waiting would never end.
        """
        run = self._here()
        if wait and self.running:
            self._refuse_endless_wait()
            if run and run.body:
                # The pool joins its workers, and this is one (schedulers/base.py:239).
                self.state = STATE_STOPPED
                raise RuntimeError("cannot join current thread")
        super().shutdown(wait)
        if self._death:
            self._death = None
            del self._thread
        if run and not run.body:
            # BackgroundScheduler joins its own thread (schedulers/background.py:41).
            raise RuntimeError("cannot join current thread")

    def wakeup(self) -> None:
        """Note that something may be due; with ``immediate``, run it."""
        if self._death:
            self._death.fired = True
            return
        self._woken = True
        if self.immediate and self.state == STATE_RUNNING and not self._here():
            self._ledger.errors += self.run_until_idle("wakeup()").errors

    def add_job(self, *args: Any, **kwargs: Any) -> Any:
        """Add a job, as any scheduler; ``added`` keeps it."""
        job = super().add_job(*args, **kwargs)
        if not any(job is other for other in self.added):  # It waits for start().
            self.added.append(job)
        return job

    def add_executor(self, executor: Any, alias: str = "default", **executor_opts: Any) -> None:
        """Add an executor, as any scheduler; faults act where it hands jobs over."""
        super().add_executor(executor, alias, **executor_opts)
        executor = self._executors[alias]
        if not hasattr(executor, "_without_faults"):
            executor._without_faults = executor._do_submit_job

        def submit(job: Any, run_times: list[datetime]) -> None:
            self._submit(executor, job, run_times)

        executor._do_submit_job = submit  # the last call before a job runs

    # Below: the machinery

    def _configure(self, config: dict[str, Any]) -> None:
        unknown = sorted(set(config) - OPTIONS)
        if unknown:
            raise TypeError(
                f"FakeScheduler: unknown option {', '.join(map(repr, unknown))}. It takes "
                f"{', '.join(sorted(OPTIONS))}, immediate and raise_job_errors."
            )
        super()._configure(config)

    def _create_default_executor(self) -> Any:
        return DebugExecutor()

    def _real_add_job(self, job: Any, jobstore_alias: str, replace_existing: bool) -> None:
        # Noted before the body of a job that runs at once can add another.
        new = not any(job is other for other in self.added)
        if new:
            self.added.append(job)
        try:
            super()._real_add_job(job, jobstore_alias, replace_existing)
        except BaseException:
            if new:
                self.added = [other for other in self.added if other is not job]
            raise

    def _dispatch_event(self, event: Any) -> None:
        run = self._here()
        if event.code == EVENT_JOB_MISSED:
            for fault in self._ledger.faults:
                if isinstance(fault, Miss):
                    fault.correct(event)
        if event.code == EVENT_JOB_ERROR:
            self.job_errors.append(event.exception)
            if self.raise_job_errors or isinstance(event.exception, NotModelled):
                self._keep(event.exception, run if run and not run.pooled else None)
        if (
            run
            and run.body
            and event.code & (EVENT_JOB_EXECUTED | EVENT_JOB_ERROR | EVENT_JOB_MISSED)
        ):
            run.endings.append(event.code)
        super()._dispatch_event(event)

    def _keep(self, error: BaseException, run: Run | None) -> None:
        (run.errors if run else self._ledger.errors).append(error)

    @contextmanager
    def _run(self, call: str) -> Iterator[Run]:
        """Let this thread be the scheduler's for a while."""
        if self.state == STATE_STOPPED:
            raise RuntimeError(f"{call}: {self._why_stopped()}")
        if self._here():
            raise RuntimeError(
                f"{call}: a job or a listener that this FakeScheduler is running calls it. Leave "
                "the job to the run that is under way: what becomes due meanwhile runs after it."
            )
        run = self._runs[threading.get_ident()] = Run()
        try:
            yield run
        finally:
            del self._runs[threading.get_ident()]

    def run_until_idle(self, call: str) -> Run:
        """Run what is due, and keep for the caller whatever goes wrong."""
        with self._run(call) as run:
            try:
                self._look_until_idle(run)
            except (Exception, NotModelled) as error:  # noqa: BLE001  # Jobs' errors stand beside it.
                run.errors.append(error)
                run.broken = True
        return run

    def _why_stopped(self) -> str:
        if self._ever_started:
            return "this FakeScheduler is shut down. Call start() first."
        return (
            "this FakeScheduler was never started; jobs that wait for start(): "
            f"{len(self._pending_jobs)}. If the app called it: Flask-APScheduler's start() returns "
            "without a word when FLASK_DEBUG is set and the process is not the reloader's child, "
            "and when SCHEDULER_ALLOWED_HOSTS does not name this host."
        )

    def _look_until_idle(self, run: Run) -> None:
        """Do what APScheduler's thread does until it would wait (schedulers/blocking.py:27)."""
        if self._death:
            self._death.fired = True
            return
        for _ in range(MOST_LOOKS):
            wait_seconds = self._look(run)
            if self.state != STATE_RUNNING or not (self._woken or wait_seconds == 0):
                return
        raise RuntimeError(
            f"run_due(): something is still due after {MOST_LOOKS:,} looks at the job stores. A "
            "job that adds a job that is due at once never comes to an end."
        )

    def _look(self, run: Run) -> float | None:
        """Look at the stores once; what would end APScheduler's thread is raised."""
        self._woken = False
        run.fresh.clear()
        self._looked_at = datetime.now(UTC)
        try:
            wait_seconds: float | None = self._process_jobs()
        except JobLookupError as error:
            if self.state == STATE_STOPPED:
                # A job shut the scheduler down; APScheduler's thread dies here, unnoticed.
                return None
            raise NotModelled(
                f"FakeScheduler: a job removed another that was due with it ({error}). A pool "
                "would have made it wait until both were submitted; give the scheduler one: "
                "FakeScheduler(executors={'default': ThreadPoolExecutor()})."
            ) from error
        except Exception:
            self._end_thread().fired = True
            raise
        finally:
            for fault in self._ledger.faults:
                if isinstance(fault, Lose):
                    fault.cancel()
        self._wakes_at = None
        if wait_seconds is not None:
            self._wakes_at = datetime.now(UTC) + timedelta(seconds=wait_seconds)
        return wait_seconds

    def _end_thread(self) -> Die:
        """Leave what is left of a BackgroundScheduler whose thread has ended."""
        self._death = Die()
        self._thread = threading.Thread(name="APScheduler", daemon=True)
        self._thread.start()
        self._thread.join()
        return self._death

    def _submit(self, executor: Any, job: Any, run_times: list[datetime]) -> None:
        run = self._here() or Run()
        self._ledger.submitted.append(job.id)
        fault = self._fault_for(job)
        run.begin(job, run_times, pooled=isinstance(executor, BasePoolExecutor))
        try:
            if fault:
                fault.submit(executor, job, run_times)
            else:
                executor._without_faults(job, run_times)
        except NotModelled as error:
            self._keep(error, self._here())
            raise
        finally:
            run.end()
        ran = not isinstance(fault, Hang | Lose)
        if run.endings:
            ran = any(code != EVENT_JOB_MISSED for code in run.endings)
        if ran:
            run.jobs.append(job)

    def _fault_for(self, job: Any) -> Fault | None:
        try:
            return self._ledger.picking(job)
        except BaseException as error:
            # _process_jobs logs whatever a submission raises and goes on.
            self._keep(error, self._here())
            raise

    def _prepare(self, job_id: str, jobstore: str | None) -> Any:
        """Return a job that is due at this very instant."""
        try:
            job, alias = self._lookup_job(job_id, jobstore)
        except JobLookupError as error:
            ids = ", ".join(repr(job.id) for job in self.get_jobs()) or "none"
            error.args = (f"run_job({job_id!r}): no such job. The stores have: {ids}.",)
            raise
        now = datetime.now(self.timezone)
        return (
            job if job.next_run_time == now else self.modify_job(job_id, alias, next_run_time=now)
        )

    @contextmanager
    def _only(self, job: Any) -> Iterator[None]:
        """Let the stores have one due job."""
        with self._jobstores_lock:
            stores = [(store, vars(store).copy()) for store in self._jobstores.values()]
            for alias, store in self._jobstores.items():
                due = [job] if alias == job._jobstore_alias else []
                store.get_due_jobs = lambda _now, due=due: due
            try:
                yield
            finally:
                for store, before in stores:
                    del store.get_due_jobs
                    if "get_due_jobs" in before:
                        store.get_due_jobs = before["get_due_jobs"]

    def _refuse_endless_wait(self) -> None:
        for fault in self._ledger.faults:
            if isinstance(fault, Hang) and fault.hanging:
                raise NotModelled(
                    f"FakeScheduler.shutdown(wait=True): job {fault.hanging[0]!r} hangs, and the "
                    "real call would wait for it for ever. Call shutdown(wait=False)."
                )

    def next_due(self) -> datetime | None:
        """Return when APScheduler's thread would wake next, by itself or because it was woken."""
        if self._death:
            self._death.fired = True
        if self.state != STATE_RUNNING or self._death or self._here():
            return None
        return datetime.now(UTC) if self._woken else self._wakes_at


def started() -> list[FakeScheduler]:
    """Return the FakeSchedulers that would run something as time passes, in order of creation."""
    return [
        scheduler for scheduler in list(_schedulers.values()) if scheduler.state == STATE_RUNNING
    ]


register(started)
