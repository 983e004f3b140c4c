"""Watch: what a scheduler does with the jobs of its groups until it hands them to an executor.

One listener sees what happens to a job in its store. No event tells that a job is about to be
handed over, that a shutdown begins, or that the stores are free, so ``scheduler._lookup_executor``,
called for each job that is due, and the locks of its executors and stores are wrapped. All are
there while a group is open, or a store may have a job of one. What comes after the hand-over is
``handover``'s.
"""

import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from traceback import walk_stack
from types import FrameType
from typing import Any, NamedTuple, Self
from weakref import WeakValueDictionary

from apscheduler import events
from apscheduler.jobstores.base import ConflictingIdError
from apscheduler.schedulers.base import STATE_PAUSED, BaseScheduler

from jobs_synchronizer.errors import JobLost, JobRefused, JobRemoved
from jobs_synchronizer.future import JobFuture, is_over
from jobs_synchronizer.handover import Observed, tells_of_a_loss
from jobs_synchronizer.opener import Opener, starves
from jobs_synchronizer.shutdown import ExecutorsLock
from jobs_synchronizer.stores import Stores, StoresLock

# Why a job could not run, and what to do.
_STOPPED = "the scheduler is not running"
_DEAD = "the scheduler's thread has ended"
_CALLED = "whoever has the lock of its stores may be waiting for this thread"
_KEPT = "this thread keeps the scheduler from handing it over"
_OTHER = "the scheduler's add_job gave it another id or store, under which no answer would come"
_STARVED = "the thread that would wait for it is the last that could run it"
_ADVICE = {
    _STOPPED: "Start it; one that was shut down needs new executors first (remove_executor, "
    "add_executor). Flask-APScheduler's start() returns without a word when FLASK_DEBUG is set and "
    "the process is not the reloader's child, and when SCHEDULER_ALLOWED_HOSTS does not name this "
    "host.",
    _DEAD: "Start a scheduler in this process: a fork (gunicorn --preload) copies a scheduler "
    "without its thread, and an error in a job store ends the thread.",
    _CALLED: "Add it when the callback that this thread is in is over.",
    _KEPT: "Open the group in another thread: this one is the scheduler's own, in a listener or in "
    "a job on DebugExecutor, or it has the lock of its stores.",
    _OTHER: "Pass the id, and the store, that the scheduler makes of them.",
    _STARVED: "Give the job an executor of its own, or this one more workers.",
}
_LEFT = (
    "If that store is persistent it still has the job, and a scheduler started on it runs it, "
    "which nobody hears of; remove it there if it should not run."
)
# What empties a store, or takes it away: what happened to the jobs in it, and what to do.
_EMPTIED = {
    events.EVENT_ALL_JOBS_REMOVED: (
        "was removed from job store {0._jobstore!r} with all others",
        "Add it again if it should run.",
    ),
    events.EVENT_JOBSTORE_REMOVED: (
        "was in job store {0._jobstore!r}, which was removed from the scheduler",
        _LEFT,
    ),
}
_REPLACED = (
    "was replaced in job store {0._jobstore!r} by another job with its id",
    "Leave the id out: each job gets one of its own.",
)
# Pools that are shut down stay so, and APScheduler's start() makes no others.
_RESTART = (
    "Give the scheduler new executors (remove_executor, add_executor), start it and add it again."
)
_SHUT = (
    "This scheduler does not run it any more. Another one that has the store may, until the end of "
    "the block takes it out; add it again after that if it should run."
)

OF_ONE = {events.EVENT_JOB_ADDED, events.EVENT_JOB_MODIFIED, events.EVENT_JOB_REMOVED}
OF_ALL = {*_EMPTIED, events.EVENT_SCHEDULER_SHUTDOWN}


# The watches that are at their schedulers.
_attending: WeakValueDictionary[int, "Watch"] = WeakValueDictionary()


class _Before(NamedTuple):
    """What a scheduler has that a watch wraps.

    Attributes:
        own_lookup: Its own ``_lookup_executor``, if it has one that is not its class's.
        lookup: Its ``_lookup_executor``.
        executors_lock: The lock of its executors.
        stores_lock: The lock of its stores.
    """

    own_lookup: Callable[[str], Any] | None
    lookup: Callable[[str], Any]
    executors_lock: Any
    stores_lock: Any


class Watch:
    """Answers the futures of all groups of one scheduler.

    Args:
        scheduler: The scheduler.
    """

    def __init__(self, scheduler: BaseScheduler) -> None:
        self.scheduler = scheduler
        self._stores = Stores(scheduler, self._gives_up)
        # Of what follows; nothing else is waited for by who holds it. The same thread may take it
        # again between any two steps: garbage collection closes a generator, and its block ends.
        self._lock = threading.RLock()
        # In their order, which a set has not: what is asked of them, every run asks alike.
        self._openers: dict[Opener, None] = {}
        # What a store may have, by the store's alias and the job's id.
        self._waiting: dict[tuple[str, str], JobFuture] = {}
        # Of these, what whoever releases the stores' lock is to take out of them.
        self._left: dict[JobFuture, None] = {}
        # And what he is to look for there.
        self._doubted: dict[JobFuture, None] = {}
        # What no store has any longer, but a thread that has their lock may have at hand, by the
        # thread's ident: it would be handed over as a job of nobody.
        self._at_hand: dict[int, dict[tuple[str, str], JobFuture]] = {}
        # Aliases of stores that have failed to remove a job, and have not taken another one since.
        self._failed: set[str] = set()
        # None if the change was broken off: an exception of a signal's handler comes anywhere.
        self._attends: bool | None = False
        self._changes = False
        # What the scheduler had before this watch came.
        self._before: _Before | None = None

    @classmethod
    def of(cls, scheduler: BaseScheduler) -> Self:
        """Return the watch of a scheduler, which keeps it."""
        watch: Self = vars(scheduler).setdefault("_job_groups", cls(scheduler))
        return watch

    def open(self, opener: Opener) -> None:
        """Watch for one more group, unless it can have no job.

        In a fork, threads that it has not may hold this lock, and the listeners', for ever.
        """
        if self._why_dead() != _DEAD:
            with self._lock:
                self._openers[opener] = None
                self._attend()

    def close(self, opener: Opener) -> None:
        """Watch for one group less."""
        if opener in self._openers:
            with self._lock:
                del self._openers[opener]
                self._attend()

    def _attend(self) -> None:
        """Be at the scheduler as long as there is anything to watch; after that it is as it was."""
        # Whom a finaliser or a signal interrupts looks again.
        while not self._changes and self._attends != (wanted := self._is_wanted()):
            self._changes = True
            try:
                self._attends = None
                (self._come if wanted else self._leave)()
                self._attends = wanted
            finally:
                self._changes = False

    def _is_wanted(self) -> bool:
        return bool(self._openers or self._waiting or self._at_hand)

    # Each may be broken off, and begun again.

    def _come(self) -> None:
        scheduler = self.scheduler
        if self._before is None:
            self._before = _Before(
                vars(scheduler).get("_lookup_executor"),
                scheduler._lookup_executor,
                scheduler._executors_lock,
                scheduler._jobstores_lock,
            )
        _attending[id(self)] = self
        self._find_executor = self._before.lookup
        scheduler._lookup_executor = self._lookup_executor
        scheduler._executors_lock = ExecutorsLock(
            self._before.executors_lock, self._look_for_shutdown, self._sweep
        )
        scheduler._jobstores_lock = StoresLock(self._before.stores_lock, self._take_what_is_left)
        scheduler.remove_listener(self._hear)
        scheduler.add_listener(self._hear, sum(OF_ONE | OF_ALL))

    def _leave(self) -> None:
        if self._before is None:
            return
        own = vars(self.scheduler)
        own.pop("_lookup_executor", None)
        if self._before.own_lookup is not None:
            own["_lookup_executor"] = self._before.own_lookup
        self.scheduler._executors_lock = self._before.executors_lock
        self.scheduler._jobstores_lock = self._before.stores_lock
        self.scheduler.remove_listener(self._hear)
        _attending.pop(id(self), None)
        self._before = None

    def outlook(self) -> str:
        """Say why the scheduler hands no job over at present; empty when it does."""
        return self._why_dead() or {STATE_PAUSED: "the scheduler is paused"}.get(
            self.scheduler.state, ""
        )

    def _why_dead(self) -> str:
        if not self.scheduler.running:
            return _STOPPED
        thread = getattr(self.scheduler, "_thread", None)
        # Without an ident it is about to be started.
        has_ended = thread is not None and thread.ident is not None and not thread.is_alive()
        return _DEAD if has_ended else ""

    def add(
        self, future: JobFuture, opener: Opener, options: dict[str, Any], *, is_new: bool
    ) -> None:
        """Add a future's job.

        Args:
            future: The future.
            opener: Who opened its group.
            options: What the scheduler's ``add_job`` takes.
            is_new: Whether no other job can have its id.

        Raises:
            JobRefused: It could not run.
            ConflictingIdError: A group's job with this id waits in this store, and is not to be
                replaced.
            Exception: Whatever the scheduler's ``add_job`` raises.
        """
        self._refuse_what_cannot_run(future, opener)
        if options.get("replace_existing") and self._stores.are_locked_here():
            raise _not_added(future, _KEPT)  # It may be about to hand over the other one.
        if not self._stores.lock():
            raise _not_added(future, _CALLED if self.scheduler.running else _STOPPED)
        try:
            self._add(future, options)
        except BaseException:
            # What its store has, or may have under a new id, is the group's to take out.
            future._stored = future._stored or is_new
            if not future._stored:
                self._take(future)
            raise
        finally:
            self._stores.release()
        self._sweep(future._jobstore)

    def _add(self, future: JobFuture, options: dict[str, Any]) -> None:
        with self._lock:
            before = self._waiting.get(future._key)
            if before is not None and not options.get("replace_existing"):
                raise ConflictingIdError(future.job_id)
            # Before it is added: it can be over before add_job returns.
            self._waiting[future._key] = future
            self._attend()
        try:
            job = self.scheduler.add_job(**options)
        finally:
            if before is not None:
                self._replace(before, future)
        if job.pending:
            # A shutdown came between, and it waits for a start() that may never come.
            self.scheduler._pending_jobs.pop()
            raise _not_added(future, _STOPPED)
        if (job._jobstore_alias, job.id) != future._key:
            job.remove()
            raise _not_added(future, _OTHER)

    def _replace(self, before: JobFuture, future: JobFuture) -> None:
        """Answer a job in whose place another one is in the store, or wait for it again."""
        if future._stored:
            before._withdraw(JobRemoved, *_REPLACED)
        else:
            with self._lock:
                self._waiting[before._key] = before
            if before.done():  # Taken back meanwhile, by one who did not find it.
                self._left[before] = None

    def _refuse_what_cannot_run(self, future: JobFuture, opener: Opener) -> None:
        if why := self._why_dead():
            raise _not_added(future, why)
        if opener.keeps_the_scheduler:
            raise _not_added(future, _KEPT)
        if opener.home is not None:
            pool = getattr(self.scheduler._executors.get(future._executor), "_pool", None)
            with self._lock:
                opener.awaited.setdefault(pool, []).append(future)
                if starves(pool, list(self._openers)):
                    raise _not_added(future, _STARVED)

    def take_back(self, future: JobFuture, *, wait: bool = True) -> None:
        """Take a job out of its store, if it may be there.

        A thread that has the stores' lock may be looking at what is due, and removes nothing; nor
        does one that must not wait for who has it. Whoever releases it does it then; until that
        the job is not handed over when it is due.

        Args:
            future: The job's future, which has its answer.
            wait: Whether to wait for who has the lock.

        Raises:
            Exception: The store fails; the job may still be there.
        """
        if not self.waits_for(future):
            return
        here = self._stores.are_locked_here()
        wait = wait and not self._has_other_stores()
        locked = not here and self._stores.lock(wait=wait, of=future)
        if not locked and not self.waits_for(future):
            return  # Somebody else has taken it out meanwhile.
        if not locked and (here or not wait or tells_of_a_loss()):
            self._left[future] = None
            self._take_what_is_left()  # It may have been released meanwhile.
            return
        try:
            # A store in memory is emptied by the shutdown that has the lock.
            removed = (locked or not self._stores.in_memory(future)) and self._remove(future)
        finally:
            if locked:
                self._stores.release()
        if locked:
            self._take(future)
        elif not future._stored:
            # It may be on its way to an executor until the shutdown is told, which may have been.
            self._hear_of_one(future, events.EVENT_JOB_REMOVED)
        if removed:
            self._tell_of_removal(future)

    def _gives_up(self, future: JobFuture | None) -> bool:
        """Return whether whoever has the stores' lock may wait for this thread, or has done it.

        When nothing is waited for any longer, nobody can see a shutdown that has it.
        """
        if future is None:
            is_done = not (self.scheduler.running or self._is_wanted())
        else:
            is_done = not self.waits_for(future)
        return is_done or tells_of_a_loss() or self._has_other_stores()

    def _has_other_stores(self) -> bool:
        """Return whether this thread has the lock of another scheduler's stores."""
        others = filter(None, (each() for each in _attending.valuerefs()))
        return any(each is not self and each._stores.are_locked_here() for each in others)

    def _take_what_is_left(self) -> None:
        """Take out of the stores what was left to whoever releases their lock."""
        left = self._left or self._doubted
        if not (left or self._at_hand) or self._stores.are_locked_here():
            return
        with self._lock:
            self._at_hand.pop(threading.get_ident(), None)
            self._attend()
        if not left or not self._stores.lock(wait=False):
            return  # Whoever has it comes here.
        removed: list[JobFuture] = []
        try:
            for future in list(self._left):
                with suppress(Exception):  # As in JobFuture.cancel().
                    if self._remove(future):
                        removed.append(future)
                    self._take(future)
                self._left.pop(future, None)
            while self._doubted:
                self._hear_of_one(self._doubted.popitem()[0], events.EVENT_JOB_REMOVED)
        finally:
            self._stores.release()
        for future in removed:
            self._tell_of_removal(future)

    def _tell_of_removal(self, future: JobFuture) -> None:
        event = events.JobEvent(events.EVENT_JOB_REMOVED, future.job_id, future._jobstore)
        self.scheduler._dispatch_event(event)

    def wait_for_hand_over(self, future: JobFuture) -> None:
        """Wait until an executor has a job, unless who hands it over may wait for this thread."""
        if self.waits_for(future) and self._stores.lock(of=future):
            self._stores.release()

    def _remove(self, future: JobFuture) -> bool:
        """Remove a job from its store; return whether it was there."""
        if not (future._stored and self.waits_for(future)):
            return False
        try:
            removed = self._stores.remove(future)
        except Exception as error:
            self._failed.add(future._jobstore)
            error.add_note(
                f"Job {future.name!r} (id {future.job_id}) has been taken back, and is not run by "
                f"this scheduler; job store {future._jobstore!r} may still have it. Remove it "
                "there."
            )
            raise
        future._stored = False
        return removed

    def waits_for(self, future: JobFuture) -> bool:
        """Return whether a job may be in its store."""
        return self._waiting.get(future._key) is future

    def _take(self, future: JobFuture) -> None:
        """Wait for this job no longer."""
        with self._lock:
            if self.waits_for(future):
                self._waiting.pop(future._key, None)
                self._left.pop(future, None)
                self._attend()

    def _let_go(self, future: JobFuture) -> None:
        """Wait no longer for a job that its store has no longer, and let nobody run it."""
        with self._lock:
            if self._stores.are_locked_here():
                here = self._at_hand.setdefault(threading.get_ident(), {})
                here.setdefault(future._key, future)
            self._take(future)

    # In the store

    def _hear(self, event: Any) -> None:
        if event.code in OF_ALL:
            self._hear_of_all(event)
        elif future := self._waiting.get((event.jobstore, event.job_id)):
            self._hear_of_one(future, event.code)

    def _sweep(self, alias: str | None = None) -> None:
        """Take back what has its answer and was left to a shutdown, which has failed since.

        Args:
            alias: A store that works: if it has failed, what was left in it is taken back, too.
        """
        works = alias in self._failed and not self._stores.are_locked_here()
        if works or not self.scheduler.running:
            self._failed.clear()
            with self._lock:
                left = [each for each in list(self._waiting.values()) if is_over(each)]
            for future in left:
                # Each job of a store that is locked would wait for its time-out.
                if future._jobstore not in self._failed:
                    with suppress(Exception):  # As in JobFuture.cancel().
                        self.take_back(future)

    def _hear_of_one(self, future: JobFuture, code: int) -> None:
        match code:
            case events.EVENT_JOB_MODIFIED:
                if not future._handed_over:
                    future._seen = (
                        "modified in job store {0._jobstore!r}: it may be paused or rescheduled"
                    )
            case events.EVENT_JOB_ADDED if not future._stored:
                future._stored = True
                future._seen = "added to job store {0._jobstore!r}"
            case events.EVENT_JOB_ADDED:
                self._let_go(future)
                future._withdraw(JobRemoved, *_REPLACED)
            case _ if future._handed_over:
                self._take(future)
                if future._refusal is not None:
                    # It is logged by now, and its frames keep whatever was due with the job.
                    future._refusal.__traceback__ = None
            # Or it was another job that had its id before.
            case _ if self._is_gone(future):
                self._let_go(future)
                self._withdraw_one(future)

    def _withdraw_one(self, future: JobFuture) -> None:
        error, future._refusal = future._refusal, None
        if error is None:
            what = "was removed from job store {0._jobstore!r} before it was due"
            future._withdraw(JobRemoved, what, "Add it again if it should run.")
        else:
            what = (
                "was taken out of job store {0._jobstore!r}: its executor {0._executor!r} does not "
                "exist"
            )
            advice = "Name one that the scheduler has, or add it."
            future._withdraw(JobRefused, what, advice)

    def _hear_of_all(self, event: Any) -> None:
        # In this order: what a store had before it was looked into, and has no longer, is gone.
        for future in self._all_in(event.alias):
            if event.code not in _EMPTIED:
                if not future._stored or self._stores.in_memory(future):
                    self._let_go(future)
                self._tell_of_shutdown(future)
            elif self._is_gone(future):
                self._let_go(future)
                future._withdraw(JobRemoved, *_EMPTIED[event.code])

    def _all_in(self, alias: str | None) -> list[JobFuture]:
        """Return what a store, or any, may have; what is being added is no part of it yet."""
        with self._lock:
            return [
                future
                for future in list(self._waiting.values())
                if alias in {None, future._jobstore} and (future._stored or is_over(future))
            ]

    def _look_for_shutdown(self) -> None:
        """Answer, if a shutdown begins, what it will not run: a job that it waits for may wait."""
        if not self.scheduler.running:
            with self.scheduler._jobstores_lock:  # After who is adding a job, or handing one over.
                for future in self._all_in(None):
                    self._tell_of_shutdown(future)

    def _tell_of_shutdown(self, future: JobFuture) -> None:
        # A shutdown that comes before its removal leaves a job in its store that a pool has.
        if future._handed_over:
            return
        in_memory = self._stores.in_memory(future)
        future._withdraw(
            JobRemoved if in_memory else JobLost,
            "was still in job store {0._jobstore!r} when the scheduler was shut down",
            _RESTART if in_memory else _SHUT,
        )

    def _is_gone(self, future: JobFuture) -> bool:
        """Return whether a job is in its store no longer; of a shutdown, another event tells."""
        if not self._stores.lock(of=future):
            if self._has_other_stores():  # Whoever has it may wait for them.
                self._doubted[future] = None
                self._take_what_is_left()  # It may have been released meanwhile.
            return False
        try:
            found = self._stores.have(future)
        except Exception as error:  # noqa: BLE001  # A store's; other stores have jobs, too.
            future._seen = (
                "removed from job store {0._jobstore!r}, it seems, which could not be looked into "
                f"({type(error).__name__})"
            )
            return False
        else:
            return not (found or future._handed_over)
        finally:
            self._stores.release()

    # On the way to an executor

    def _lookup_executor(self, alias: str) -> Any:
        try:
            executor = self._find_executor(alias)
        except BaseException as error:
            # The scheduler removes the job that it was for, and says no more of it.
            job = next(filter(None, map(_job_of_look, walk_stack(sys._getframe()))), None)
            if future := job and self._find_future(job):
                future._executor, future._refusal = alias, error
            raise
        return Observed(executor, self._find_future)

    def _find_future(self, job: Any) -> JobFuture | None:
        key = job._jobstore_alias, job.id
        at_hand = self._at_hand.get(threading.get_ident(), {})
        return at_hand.get(key) or self._waiting.get(key)


def _job_of_look(step: tuple[FrameType, int]) -> Any:
    """Return the job that a look at what is due has come to, if this is its frame."""
    frame, _ = step
    return frame.f_locals["job"] if frame.f_code is BaseScheduler._process_jobs.__code__ else None


def _not_added(future: JobFuture, why: str) -> JobRefused:
    return JobRefused(future.name, future.job_id, f"was not added: {why}", _ADVICE[why])
