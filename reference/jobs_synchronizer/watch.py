"""Watch: what a scheduler does with the jobs of its groups until it hands them to an executor.

One listener sees what happens to a job in its store. No event tells that a job is about to be
handed over, or that a shutdown begins, so ``scheduler._lookup_executor``, called for each job that
is due, and ``scheduler.shutdown`` are wrapped. All three are there while a group is open, or a
store may have a job of one. What comes after the hand-over is ``pool``'s.
"""

import itertools
import sys
import threading
import uuid
from concurrent.futures.thread import _worker
from contextlib import suppress
from traceback import walk_stack
from typing import Any

from apscheduler import events
from apscheduler.schedulers.base import STATE_PAUSED, BaseScheduler

from jobs_synchronizer.errors import JobLost, JobRefused, JobRemoved, text_of
from jobs_synchronizer.pool import Body, ObservedExecutor, end_with, run_of
from jobs_synchronizer.run import Run
from jobs_synchronizer.store import LONGEST_WAIT, Stores

# Why a job could not run, and what to do.
_STOPPED = "the scheduler is not running"
_DEAD = "the scheduler's thread has ended"
_BUSY = f"the lock of the scheduler's stores was not free for {LONGEST_WAIT:g} s"
_KEPT = "this thread keeps the scheduler from handing it over"
_STARVED = "the thread that would wait for it is the last that could run it"
_ADVICE = {
    _STOPPED: "Start it; one that was shut down needs new executors first (remove_executor, "
    "add_executor). Flask-APScheduler's start() returns without a word when FLASK_DEBUG is set and "
    "the process is not the reloader's child, and when SCHEDULER_ALLOWED_HOSTS does not name this "
    "host.",
    _DEAD: "Start a scheduler in this process: a fork (gunicorn --preload) copies a scheduler "
    "without its thread, and an error in a job store ends the thread.",
    _BUSY: "A slow store or a job on DebugExecutor has it, or whoever waits for this thread.",
    _KEPT: "Open the group in another thread: this one is the scheduler's own, in a listener or in "
    "a job on DebugExecutor, or it has the lock of its stores.",
    _STARVED: "Give the job an executor of its own, or this one more workers.",
}
# What happened to a job that has left its store, by the event.
_GONE = {
    events.EVENT_JOB_ADDED: "was replaced in job store {!r} by another job with its id",
    events.EVENT_JOB_REMOVED: "was removed from job store {!r} before it was due",
    events.EVENT_ALL_JOBS_REMOVED: "was removed from job store {!r} with all others",
    events.EVENT_JOBSTORE_REMOVED: "was in job store {!r}, which was removed from the scheduler",
}
_AGAIN = {
    events.EVENT_JOB_ADDED: "Leave the id out: each job gets one of its own.",
    events.EVENT_JOBSTORE_REMOVED: "If that store is persistent it still has the job: remove it "
    "there if no scheduler that is started on it should run it.",
}
# Pools that are shut down stay so, and APScheduler's start() makes no others.
_RESTART = "Add it again when the scheduler is started, with new executors."
_SHUT = "Another scheduler may run it from there until the block ends."
_ALSO_HEARD = events.EVENT_JOB_MODIFIED, events.EVENT_JOB_MISSED, events.EVENT_SCHEDULER_SHUTDOWN
_HEARD = sum((*_GONE, *_ALSO_HEARD))
# All that a scheduler's own thread does, it does in one of these.
_OWN_CODE = {BaseScheduler.start.__code__, BaseScheduler._process_jobs.__code__}


class Block:
    """A ``with`` block of a group, and the thread that will wait in it.

    Args:
        scheduler: The scheduler that is to run its jobs.

    Attributes:
        is_open: Whether it has not ended.
        ids: Ids for its jobs.
        runs: Its jobs.
        thread: The thread.
        keeps_the_scheduler: Whether the scheduler can do nothing as long as this thread waits: it
            is its own, in a listener or in a job, or it has the lock of the stores.
        home: The pool that this thread is a worker of, if it is one.
        keeps_a_worker: Whether it has added a job to that pool, for which it will wait.
    """

    def __init__(self, scheduler: Any) -> None:
        self.is_open = True
        # Random once, then counted up: uuid4() costs as much as making a future, and a store in
        # memory hands over by id what is due at one time.
        self.ids = map(f"{uuid.uuid4().hex[:24]}{{:08x}}".format, itertools.count())
        self.runs: list[Run] = []
        self.thread = threading.current_thread()
        self.keeps_the_scheduler = scheduler._jobstores_lock._is_owned() or any(
            frame.f_code in _OWN_CODE and frame.f_locals["self"] is scheduler
            for frame, _ in walk_stack(sys._getframe())
        )
        self.home = _pool_of(self.thread)
        self.keeps_a_worker = False


def _pool_of(thread: Any) -> Any:
    # A pool notes its threads, too, but each only after it has started it, which may be too late
    # (test_a_job_that_begins_before_its_pool_has_noted_the_thread).
    return thread._args[0]() if getattr(thread, "_target", None) is _worker else None


class Watch:
    """Answers the runs of all groups of one scheduler.

    Args:
        scheduler: The scheduler.

    Attributes:
        waiting: What a store may have, by the store's alias and the job's id.
    """

    def __init__(self, scheduler: BaseScheduler) -> None:
        self.scheduler = scheduler
        self.waiting: dict[tuple[str, str], Run] = {}
        # Those of them that could not be taken out of their stores, in the order of the attempts.
        self._left: dict[Run, None] = {}
        self._stores = Stores(scheduler)
        self._blocks: dict[Block, None] = {}
        # For the blocks. A garbage collection may end one in a thread that has the lock.
        self._lock = threading.RLock()
        self._is_stopping = False
        self._is_there = False

    @classmethod
    def of(cls, scheduler: BaseScheduler) -> Any:
        """Return the watch of a scheduler, which keeps it."""
        return vars(scheduler).setdefault("_job_groups", cls(scheduler))

    def open(self, block: Block) -> None:
        """Watch for one more block, unless it can have no job.

        In a fork, threads that it has not may hold this lock, and the listeners', for ever.
        """
        if self._why_dead() != _DEAD:
            with self._lock:
                self._blocks[block] = None
                self._attend()

    def close(self, block: Block) -> None:
        """Watch for one block less."""
        if block in self._blocks:
            with self._lock:
                del self._blocks[block]
                self._attend()

    def _attend(self) -> None:
        """Be at the scheduler as long as there is anything to watch; after that it is as it was."""
        scheduler = self.scheduler
        is_wanted = bool(self._blocks or self.waiting)
        if is_wanted and not self._is_there:
            self._find_executor, self._shut_down = scheduler._lookup_executor, scheduler.shutdown
            scheduler._lookup_executor, scheduler.shutdown = self._lookup_executor, self._shutdown
            scheduler.add_listener(self._hear, _HEARD)
        elif self._is_there and not is_wanted:
            scheduler.remove_listener(self._hear)
            scheduler._lookup_executor, scheduler.shutdown = self._find_executor, self._shut_down
        self._is_there = is_wanted

    def outlook(self) -> str:
        """Say why the scheduler hands no job over at present; empty when it does."""
        is_paused = self.scheduler.state == STATE_PAUSED
        return self._why_dead() or ("the scheduler is paused" if is_paused else "")

    def _why_dead(self) -> str:
        if not self.scheduler.running:
            return _STOPPED
        thread = getattr(self.scheduler, "_thread", None)
        # Without an ident it is about to be started.
        is_there = thread is None or thread.ident is None or thread.is_alive()
        return "" if is_there else _DEAD

    # Adding and taking back

    def add(self, run: Run, block: Block, options: dict[str, Any]) -> None:
        """Add a run's job.

        Args:
            run: The run.
            block: The block that it belongs to.
            options: What the scheduler's ``add_job`` takes.

        Raises:
            JobRefused: It could not run.
            Exception: Whatever the scheduler's ``add_job`` raises.
        """
        why = self._why_dead() or self._why_kept(run, block)
        if options.get("replace_existing") and self._stores.are_locked_here():
            why = why or _KEPT  # This thread may be about to hand over the other one.
        if why:
            raise _not_added(run, why)
        with self._stores.locked() as is_locked:
            if not is_locked:
                raise _not_added(run, _BUSY if self.scheduler.running else _STOPPED)
            self._add(run, options)

    def _why_kept(self, run: Run, block: Block) -> str:
        """Say how this thread, if it waits for a job, keeps it from running."""
        pool = getattr(self.scheduler._executors.get(run.executor), "_pool", None)
        if block.keeps_the_scheduler or pool is None or block.home is not pool:
            return _KEPT if block.keeps_the_scheduler else ""
        with self._lock:
            block.keeps_a_worker = True
            # Threads: one that has two blocks is one worker.
            keepers = [each for each in self._blocks if each.home is pool and each.keeps_a_worker]
            block.keeps_a_worker = len({each.thread for each in keepers}) < pool._max_workers
        return "" if block.keeps_a_worker else _STARVED

    def _add(self, run: Run, options: dict[str, Any]) -> None:
        before = self.waiting.get(run.key)
        # Before it is added: it can be over before add_job returns.
        self._wait_for(run)
        try:
            run.job = self.scheduler.add_job(**options)
            if run.job.pending:  # A shutdown came between, or begins.
                run.job.remove()
            if run.job.pending or self._is_stopping:
                raise _not_added(run, _STOPPED)  # noqa: TRY301  # As whatever add_job raises.
        except BaseException:
            self._forget(run)
            if before is not None:
                self._wait_for(before)
            if run.is_stored:  # Else what the store has is somebody else's.
                with suppress(Exception):
                    self._stores.remove(run)
            raise
        if before is not None:
            self._withdraw(before, events.EVENT_JOB_ADDED)

    def _wait_for(self, run: Run) -> None:
        with self._lock:
            self.waiting[run.key] = run
            self._attend()

    def _forget(self, run: Run) -> None:
        with self._lock:
            self._left.pop(run, None)
            if self.waiting.get(run.key) is run:
                del self.waiting[run.key]
                self._attend()

    def take_back(self, runs: list[Run]) -> list[Exception]:
        """Take jobs out of their stores, which have their answer, and what was left there before.

        A thread that has the stores' lock may be looking at what is due, and removes nothing; nor
        is a shutdown waited for. What is left is not run when it is due, and taken out next time.

        Returns:
            What stores have raised; they may still have their jobs.
        """
        self._left.update((run, None) for run in runs if self.waiting.get(run.key) is run)
        if not self._left or self._stores.are_locked_here():
            return []
        errors: list[Exception] = []
        with self._stores.locked(wait=not self._is_stopping) as is_locked:
            for run in list(self._left) if is_locked else ():
                try:
                    self._stores.remove(run)
                    self._forget(run)
                except Exception as error:  # noqa: BLE001  # A store's; others have jobs, too.
                    errors.append(error)
                    self._left.pop(run, None)
        return errors

    # What the scheduler does meanwhile

    def _hear(self, event: Any) -> None:
        match event.code:
            case events.EVENT_JOB_ADDED | events.EVENT_JOB_MODIFIED | events.EVENT_JOB_REMOVED:
                if run := self.waiting.get((event.jobstore, event.job_id)):
                    self._hear_of_one(run, event.code)
            case events.EVENT_ALL_JOBS_REMOVED | events.EVENT_JOBSTORE_REMOVED:
                for run in list(self.waiting.values()):
                    if event.alias in {None, run.jobstore} and run.is_stored and self._is_gone(run):
                        self._withdraw(run, event.code)
            case events.EVENT_SCHEDULER_SHUTDOWN:
                self._tell_of_shutdown()
                self.take_back([])
            case _:  # A job was missed.
                if missed := run_of(event.job_id):
                    end_with(missed, [event])

    def _hear_of_one(self, run: Run, code: int) -> None:
        match code:
            case events.EVENT_JOB_ADDED if run.is_stored:  # Another job has taken its id.
                self._withdraw(run, code)
            case events.EVENT_JOB_ADDED:
                run.is_stored = True
                run.seen = f"added to job store {run.jobstore!r}"
            case events.EVENT_JOB_REMOVED if run.is_handed_over:
                self._forget(run)
            case events.EVENT_JOB_REMOVED:
                if self._is_gone(run):  # Else it was another job, which had its id before.
                    self._withdraw(run, code)
            case events.EVENT_JOB_MODIFIED if not run.is_handed_over:
                where = f"job store {run.jobstore!r}"
                run.seen = f"modified in {where}: it may be paused or rescheduled"

    def _is_gone(self, run: Run) -> bool:
        """Return whether a job has left its store, and not to an executor."""
        try:
            return not (run.is_handed_over or self._stores.have(run))
        except Exception as error:  # noqa: BLE001  # A store's; other stores have jobs, too.
            run.seen = f"perhaps removed from job store {run.jobstore!r}: {text_of(error)}"
            return False

    def _withdraw(self, run: Run, code: int) -> None:
        """Answer for a job that has left its store, and is waited for no longer."""
        is_looking = self._stores.are_locked_here()
        run.executor = (run.job or run).executor  # It may have been modified.
        is_missing = run.executor not in self.scheduler._executors
        if is_looking and is_missing and code == events.EVENT_JOB_REMOVED:
            what = f"was taken out of job store {run.jobstore!r}: its executor {run.executor!r}"
            advice = "Name one that the scheduler has, or add it."
            run.withdraw(JobRefused, f"{what} does not exist", advice)
        what = _GONE[code].format(run.jobstore)
        run.withdraw(JobRemoved, what, _AGAIN.get(code, "Add it again if it should run."))
        # The scheduler may be about to hand it over, and finds by its id that it is taken back. One
        # whose id another job has taken cannot be found: its function raises NotBegun.
        if code == events.EVENT_JOB_ADDED:
            run.job.func = Body(run, run.job.func)
        if code == events.EVENT_JOB_ADDED or not is_looking:
            self._forget(run)

    def _shutdown(self, *args: Any, **options: Any) -> None:
        """Shut the scheduler down, and answer first: a job that it waits for may wait."""
        self._is_stopping = True
        try:
            self._tell_of_shutdown()
            self._shut_down(*args, **options)
        finally:
            self._is_stopping = False
            self.take_back([])

    def _tell_of_shutdown(self) -> None:
        for run in list(self.waiting.values()):
            # It may be in its store although a pool has it, until the scheduler has removed it.
            if not run.is_handed_over:
                what = f"was still in job store {run.jobstore!r} when the scheduler was shut down"
                in_memory = self._stores.in_memory(run)
                why = (JobRemoved, what, _RESTART) if in_memory else (JobLost, what, _SHUT)
                run.withdraw(*why)

    def _lookup_executor(self, alias: str) -> Any:
        return ObservedExecutor(self._find_executor(alias), self._find_run)

    def _find_run(self, job: Any) -> Run | None:
        return self.waiting.get((job._jobstore_alias, job.id))


def _not_added(run: Run, why: str) -> JobRefused:
    return JobRefused(run.name, run.job_id, f"was not added: {why}", _ADVICE[why])
