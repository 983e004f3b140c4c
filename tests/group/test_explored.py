"""Whatever happens to a job while its caller waits: no hang, no wrong answer, one answer.

The scheduler is APScheduler's own, with real pool and store; its thread looks at the stores once.
"Within n preemptions" is what is tried: see ``docs/explanation/explore.md``. Threads switch at
locks and waits, and inside ``JobGroup``'s own statements where a test names them.
"""

import concurrent.futures
import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import UTC
from types import ModuleType
from typing import Any

import pytest
from apscheduler.executors.debug import DebugExecutor
from apscheduler.executors.pool import ThreadPoolExecutor
from apscheduler.jobstores.base import BaseJobStore, ConflictingIdError, JobLookupError
from apscheduler.jobstores.memory import MemoryJobStore
from apscheduler.schedulers.background import BackgroundScheduler
from apscheduler.schedulers.base import BaseScheduler

from caller import DEADLINE, Elsewhere, kill
from jobs_synchronizer import JobFuture, JobGroup, JobRefused, run, store, watch
from jobs_synchronizer import group as group_module
from jobs_synchronizer import pool as pool_module
from jobs_synchronizer.run import Run
from jobs_synchronizer.watch import Block
from threadsim import Exhaustive, ScheduleFailure, explore


@pytest.fixture(autouse=True)
def silence() -> Iterator[None]:
    """Log nothing: there are thousands of schedules."""
    logging.disable(logging.CRITICAL)
    yield
    logging.disable(logging.NOTSET)


class OneLook(BaseScheduler):  # type: ignore[misc]  # APScheduler has no types.
    """APScheduler's scheduler without a thread; the program has one that looks at the stores."""

    def look(self) -> None:
        """Look at the stores once."""
        # A shutdown between a job's hand-over and its removal, which ends the real thread.
        with suppress(JobLookupError):
            self._process_jobs()

    def shutdown(self, wait: bool = True) -> None:
        """Shut down."""
        super().shutdown(wait)

    def wakeup(self) -> None:
        """Look no sooner."""


class Background(BackgroundScheduler):  # type: ignore[misc]  # As above.
    """APScheduler's scheduler with its own thread, which says nothing when it dies."""

    def _main_loop(self) -> None:
        with suppress(JobLookupError, KeyError):
            super()._main_loop()

    def look(self) -> None:
        """Look without being told."""


def remove(scheduler: Any, future: JobFuture) -> None:
    """Remove the job."""
    with suppress(JobLookupError):
        scheduler.remove_job(future.job_id)


def remove_all(scheduler: Any, future: JobFuture) -> None:
    """Remove all jobs."""
    scheduler.remove_all_jobs()


def cancel(scheduler: Any, future: JobFuture) -> None:
    """Cancel the job."""
    future.cancel()


def shut_down(scheduler: Any, future: JobFuture) -> None:
    """Shut the scheduler down."""
    scheduler.shutdown()


def refuse(scheduler: Any, future: JobFuture) -> None:
    """Shut the pool down, so that it refuses the job."""
    scheduler._executors["default"].shutdown()


def pause(scheduler: Any, future: JobFuture) -> None:
    """Pause the scheduler."""
    scheduler.pause()


class Ended:
    """A thread that has ended."""

    ident = 1

    def is_alive(self) -> bool:
        """Say no."""
        return False


def die(scheduler: Any, future: JobFuture) -> None:
    """Let the scheduler's thread have ended without another look."""
    scheduler._process_jobs = lambda: None
    scheduler._thread = Ended()


def die_for_real(scheduler: Any, future: JobFuture) -> None:
    """Let the scheduler's own thread die."""
    kill(scheduler)


class Race:
    """A program in which something happens while a caller waits for a job.

    Args:
        happens: What happens, in a thread of its own.
        executor: Makes the executor.
        early: Whether it may happen before the job is added.
        kind: The scheduler's class.
        store: Makes the job store.

    Attributes:
        seen: What callers got, and "not added" for one whose job was refused.
    """

    def __init__(
        self,
        happens: Callable[[Any, Any], None],
        executor: Callable[[], Any],
        *,
        early: bool = False,
        kind: type[Any] = OneLook,
        store: Callable[[], Any] = MemoryJobStore,
    ) -> None:
        self.happens = happens
        self.executor = executor
        self.early = early
        self.kind = kind
        self.store = store
        self.seen: set[str] = set()

    def __call__(self) -> None:
        """Run it once."""
        store = self.store()
        scheduler = self.kind(
            timezone=UTC, executors={"default": self.executor()}, jobstores={"default": store}
        )
        scheduler.start()
        # Whoever is the first here: what a pause and a death do, no lock shows.
        gate = threading.Lock()
        ran: list[str] = []
        added: list[JobFuture] = []
        told: list[str] = []
        answer = "not added"

        def happen(future: Any) -> None:
            with gate:
                pass
            self.happens(scheduler, future)

        def look() -> None:
            with gate:
                pass
            scheduler.look()

        others: list[threading.Thread] = []

        def begin(target: Callable[..., None], *args: Any) -> None:
            others.append(threading.Thread(target=target, args=args))
            others[-1].start()

        with suppress(JobRefused), JobGroup(scheduler) as group:
            if self.early:
                begin(happen, None)
            future = group.add_job(ran.append, args=["ran"], name="job")
            added.append(future)
            future.add_done_callback(lambda future: told.append(answer_of(future)))
            if not self.early:
                begin(happen, future)
            begin(look)
            concurrent.futures.wait([future], timeout=DEADLINE)
            answer = answer_of(future)
        for other in others:
            other.join()
        if scheduler.running:
            scheduler.shutdown()
        self.seen.add(answer)
        assert ran == (["ran"] if answer == "value" else [])
        # Told once, and what was told is what stays; who is pending is cancelled at the end.
        final = "cancelled" if answer.startswith(SEEN) else answer
        assert told == [answer_of(each) for each in added] == [final for _ in added]
        assert store.get_all_jobs() == []
        assert scheduler._listeners == []
        assert scheduler._job_groups.waiting == {}
        assert not any(scheduler._executors["default"]._instances.values())


def answer_of(future: Any) -> str:
    """Return what a caller gets, in a word."""
    if not future.done():
        return str(future.last_seen)
    if future.cancelled():
        return "cancelled"
    error = future.exception()
    return type(error).__name__ if error else "value"


def pool() -> Any:
    """Make a pool of one."""
    return ThreadPoolExecutor(1)


def _of_its_jobs(name: str) -> Callable[..., Any]:
    return lambda store, *args: getattr(store._jobs, name)(*args)


class Kept(BaseJobStore):  # type: ignore[misc]  # APScheduler has no types.
    """A job store that a shutdown does not empty."""

    def __init__(self) -> None:
        super().__init__()
        self._jobs = MemoryJobStore()

    lookup_job = _of_its_jobs("lookup_job")
    get_due_jobs = _of_its_jobs("get_due_jobs")
    get_next_run_time = _of_its_jobs("get_next_run_time")
    get_all_jobs = _of_its_jobs("get_all_jobs")
    add_job = _of_its_jobs("add_job")
    update_job = _of_its_jobs("update_job")
    remove_job = _of_its_jobs("remove_job")
    remove_all_jobs = _of_its_jobs("remove_all_jobs")


SEEN = "added to job store 'default'; the scheduler"
ANSWERS: dict[Any, set[str]] = {
    remove: {"value", "JobRemoved"},
    remove_all: {"value", "JobRemoved"},
    cancel: {"value", "cancelled"},
    refuse: {"value", "JobRefused"},
    shut_down: {"value", "JobRemoved"},
    pause: {"value", f"{SEEN} is paused"},
    die: {"value", f"{SEEN}'s thread has ended"},
    die_for_real: {"value", f"{SEEN}'s thread has ended"},
}


def bounded(*cases: tuple[Any, Any, int]) -> pytest.MarkDecorator:
    """Try as many preemptions as end in a blink, and two in ``nox -s soundness``."""
    long = [(happens, executor, 2) for happens, executor, _ in cases]
    return pytest.mark.parametrize(
        ("happens", "executor", "preemptions"),
        [*cases, *(pytest.param(*case, marks=pytest.mark.soundness) for case in long)],
    )


@bounded(
    (remove, DebugExecutor, 0),
    (remove, pool, 0),
    (remove_all, DebugExecutor, 0),
    (remove_all, pool, 0),
    (cancel, DebugExecutor, 0),
    (cancel, pool, 0),
    (refuse, pool, 0),
    (shut_down, DebugExecutor, 0),
    (shut_down, pool, 0),
    (pause, DebugExecutor, 0),
    (pause, pool, 0),
    (die, DebugExecutor, 0),
    (die, pool, 0),
)
def test_a_race_with_the_wait(
    happens: Callable[[Any, Any], None], executor: Callable[[], Any], preemptions: int
) -> None:
    """Removed, cancelled, refused, shut down, paused or dead: the caller gets one right answer."""
    race = Race(happens, executor)
    assert explore(race, Exhaustive(max_preemptions=preemptions)).complete
    assert race.seen == ANSWERS[happens]


@pytest.mark.parametrize(
    ("executor", "preemptions"),
    [
        (DebugExecutor, 1),
        (pool, 0),
        pytest.param(DebugExecutor, 2, marks=pytest.mark.soundness),
        pytest.param(pool, 2, marks=pytest.mark.soundness),
        pytest.param(Elsewhere, 2, marks=pytest.mark.soundness),
    ],
)
def test_a_job_that_two_threads_cancel(executor: Callable[[], Any], preemptions: int) -> None:
    """Both cancel before it begins, or neither does, in the store and in a pool's queue."""
    seen: set[str] = set()

    def program() -> None:
        scheduler = OneLook(timezone=UTC, executors={"default": executor()})
        scheduler.start()
        told: list[str] = []
        cancelled: list[bool] = []

        def cancel_it() -> None:
            cancelled.append(future.cancel())

        with JobGroup(scheduler) as group:
            future = group.add_job(int)
            future.add_done_callback(lambda future: told.append(answer_of(future)))
            if (
                executor is not DebugExecutor
            ):  # It is in the pool's queue then; else it is looked for meanwhile.
                scheduler.look()
            meanwhile = [cancel_it, scheduler.look] if executor is DebugExecutor else [cancel_it]
            others = [threading.Thread(target=each) for each in meanwhile]
            for other in others:
                other.start()
            cancel_it()
            concurrent.futures.wait([future])
            seen.add(answer_of(future))
        for other in others:
            other.join()
        scheduler.shutdown()
        assert told == [answer_of(future)]
        assert cancelled == [future.cancelled()] * 2
        assert scheduler._job_groups.waiting == {}
        assert not any(scheduler._executors["default"]._instances.values())

    assert explore(program, Exhaustive(max_preemptions=preemptions)).complete
    # The test cancels before anybody else runs, if nothing preempts it; and nobody runs elsewhere.
    runs = preemptions and executor is not Elsewhere
    assert seen == {"cancelled", *(["value"] if runs else [])}


@pytest.mark.parametrize("preemptions", [0, pytest.param(1, marks=pytest.mark.soundness)])
def test_a_job_that_is_cancelled_while_its_worker_comes_to_its_end(preemptions: int) -> None:
    """Who cancels it may be overtaken by the worker, who finds it cancelled, at any statement."""

    def program() -> None:
        scheduler = OneLook(timezone=UTC, executors={"default": pool()})
        scheduler.start()
        with JobGroup(scheduler) as group:
            future = group.add_job(int)
            scheduler.look()
            assert future.cancel() == future.cancelled()
            concurrent.futures.wait([future])
        scheduler.shutdown()
        assert not any(scheduler._executors["default"]._instances.values())

    inside: list[Any] = [Run.cancel, pool_module]
    assert explore(program, Exhaustive(max_preemptions=preemptions), switch_in=inside).complete


EVERYWHERE = [run, group_module, pool_module, store, watch]


@pytest.mark.parametrize(
    ("happens", "executor", "early", "inside"),
    [
        (remove, DebugExecutor, False, [pool_module]),
        *(
            pytest.param(*case, EVERYWHERE, marks=pytest.mark.soundness)
            for case in [
                (remove, DebugExecutor, False),
                (remove_all, DebugExecutor, False),
                (remove_all, DebugExecutor, True),
                (cancel, DebugExecutor, False),
                (shut_down, DebugExecutor, False),
                (shut_down, DebugExecutor, True),
                (pause, DebugExecutor, False),
                (die, DebugExecutor, False),
                (refuse, pool, False),
            ]
        ),
    ],
)
def test_a_race_inside_the_groups_own_code(
    happens: Callable[[Any, Any], None],
    executor: Callable[[], Any],
    early: bool,
    inside: list[ModuleType],
) -> None:
    """The answers are the same when threads switch between any two statements of a group's code."""
    race = Race(happens, executor, early=early)
    assert explore(race, Exhaustive(max_preemptions=1), switch_in=inside).complete
    assert race.seen - {"not added"} == ANSWERS[happens]
    assert ("not added" in race.seen) == (early and happens is shut_down)


@bounded((remove, DebugExecutor, 0), (cancel, DebugExecutor, 0), (shut_down, DebugExecutor, 0))
def test_a_race_over_a_store_that_keeps_its_jobs(
    happens: Callable[[Any, Any], None], executor: Callable[[], Any], preemptions: int
) -> None:
    """With a persistent store, too; after a shutdown a job in it is lost, and taken back."""
    race = Race(happens, executor, store=Kept)
    assert explore(race, Exhaustive(max_preemptions=preemptions)).complete
    assert race.seen == {**ANSWERS, shut_down: {"value", "JobLost"}}[happens]


@bounded(
    (remove_all, DebugExecutor, 0),
    (remove_all, pool, 0),
    (refuse, pool, 0),
    (shut_down, DebugExecutor, 0),
    (shut_down, pool, 0),
)
def test_a_race_with_adding(
    happens: Callable[[Any, Any], None], executor: Callable[[], Any], preemptions: int
) -> None:
    """What comes before the job is added, or in the middle of that, does no harm either."""
    race = Race(happens, executor, early=True)
    assert explore(race, Exhaustive(max_preemptions=preemptions)).complete
    # No thread waits while a job is added, so that a shutdown in the middle preempts it.
    assert race.seen - {"not added"} == ANSWERS[happens]
    assert ("not added" in race.seen) == (happens is shut_down and preemptions > 0)


@pytest.mark.parametrize(
    ("happens", "preemptions"),
    [
        (die_for_real, 0),
        pytest.param(die_for_real, 1, marks=pytest.mark.soundness),
        pytest.param(remove_all, 1, marks=pytest.mark.soundness),
        pytest.param(shut_down, 1, marks=pytest.mark.soundness),
        pytest.param(pause, 1, marks=pytest.mark.soundness),
    ],
)
def test_a_race_with_the_schedulers_own_thread(
    happens: Callable[[Any, Any], None], preemptions: int
) -> None:
    """The same with the scheduler's own thread, which can die for real."""
    race = Race(happens, pool, kind=Background)
    assert explore(race, Exhaustive(max_preemptions=preemptions)).complete
    assert race.seen == ANSWERS[happens]


@pytest.mark.parametrize("preemptions", [0, pytest.param(2, marks=pytest.mark.soundness)])
def test_adding_beside_a_shutdown_that_waits(preemptions: int) -> None:
    """A block beside a shutdown that waits for a pool leaves nothing, in a persistent store too."""
    seen: set[str] = set()

    def program() -> None:
        store = Kept()
        scheduler = OneLook(
            timezone=UTC, executors={"default": pool()}, jobstores={"default": store}
        )
        scheduler.start()
        gate = threading.Event()
        scheduler._executors["default"]._pool.submit(gate.wait)
        # Looked up when it runs: a method that was kept before is heard when it is over.
        stopping = threading.Thread(target=lambda: scheduler.shutdown())  # noqa: PLW0108
        futures = []
        with suppress(JobRefused), JobGroup(scheduler) as group:
            stopping.start()
            futures.append(group.add_job(int))
        gate.set()
        stopping.join()  # It may have claimed the job, and answers it.
        seen.add(answer_of(futures[0]) if futures else "not added")
        assert [store.get_all_jobs(), scheduler._job_groups.waiting] == [[], {}]
        assert scheduler._listeners == []

    assert explore(program, Exhaustive(max_preemptions=preemptions)).complete
    assert seen == {"cancelled", *(["JobLost", "not added"] if preemptions else [])}


@pytest.mark.parametrize("adds", [False, True])
@pytest.mark.parametrize("preemptions", [0, pytest.param(1, marks=pytest.mark.soundness)])
def test_a_callback_during_a_shutdown_that_waits(adds: bool, preemptions: int) -> None:
    """A callback that cancels or adds a job while a shutdown waits for its own: nobody hangs."""
    seen: set[str] = set()

    def program() -> None:
        scheduler = OneLook(timezone=UTC, executors={"default": pool()})
        scheduler.start()

        def call(_future: Any) -> None:
            if adds:
                try:
                    added.append(group.add_job(int))
                except JobRefused:
                    seen.add("not added")
            else:
                added[0].cancel()

        with JobGroup(scheduler) as group:
            added = [] if adds else [group.add_job(int, run_date="2100-01-01")]
            first = group.add_job(int)
            first.add_done_callback(call)
            stopping = threading.Thread(target=scheduler.shutdown)
            stopping.start()
            threading.Thread(target=scheduler.look).start()
            concurrent.futures.wait([first], timeout=DEADLINE)
            seen.add(answer_of(first))
        stopping.join()
        seen.update(answer_of(each) for each in added)
        assert scheduler._job_groups.waiting == {}

    assert explore(program, Exhaustive(max_preemptions=preemptions)).complete
    assert seen == {"value", "JobRemoved", "cancelled", *(["not added"] if adds else [])}


@pytest.mark.parametrize("preemptions", [0, pytest.param(1, marks=pytest.mark.soundness)])
def test_a_shutdown_that_waits_for_who_waits(preemptions: int) -> None:
    """A job opens a group, adds to it and waits while a shutdown waits for it: nobody hangs."""
    seen: set[str] = set()

    def program() -> None:
        scheduler = OneLook(timezone=UTC, executors={"default": pool(), "other": pool()})
        scheduler.start()

        def outer() -> str:
            with suppress(JobRefused), JobGroup(scheduler) as group:
                future = group.add_job(int, executor="other", run_date="2100-01-01")
                future.exception()
                return answer_of(future)
            return "not added"

        with JobGroup(scheduler) as group:
            future = group.add_job(outer)
            stopping = threading.Thread(target=scheduler.shutdown)
            scheduler.look()
            stopping.start()
            seen.add(future.result(DEADLINE))
        stopping.join()

    assert explore(program, Exhaustive(max_preemptions=preemptions)).complete
    assert seen == {"JobRemoved", "not added"}


def test_an_id_that_another_job_has_just_had() -> None:
    """What is told late of a removed job is not told of the next one with its id."""

    def program() -> None:
        scheduler = OneLook(timezone=UTC, executors={"default": DebugExecutor()})
        scheduler.start()
        scheduler.add_job(int, id="same", run_date="2100-01-01")
        removing = threading.Thread(target=scheduler.remove_job, args=["same"])
        removing.start()
        with suppress(ConflictingIdError), JobGroup(scheduler) as group:
            future = group.add_job(int, id="same")
            scheduler.look()
            assert future.result(0) == 0
        removing.join()

    assert explore(program, Exhaustive(max_preemptions=1)).complete


def test_an_id_can_be_used_again_as_soon_as_its_job_is_answered() -> None:
    """Whoever sees a result finds the executor done with that id: the next job is not skipped."""

    def program() -> None:
        scheduler = OneLook(timezone=UTC, executors={"default": ThreadPoolExecutor(2)})
        scheduler.start()
        with JobGroup(scheduler) as group:
            for _ in range(2):
                future = group.add_job(int, id="same")
                scheduler.look()
                assert future.result() == 0
        scheduler.shutdown()
        assert not any(scheduler._executors["default"]._instances.values())

    assert explore(program, Exhaustive(max_preemptions=1)).complete


def test_two_jobs_that_wait_for_the_last_worker() -> None:
    """Of two jobs in a pool of two that wait for that pool, one is refused in every order."""
    seen: set[Any] = set()

    def program() -> None:
        scheduler = BackgroundScheduler(timezone=UTC, executors={"default": ThreadPoolExecutor(2)})
        scheduler.start()

        def outer() -> Any:
            with JobGroup(scheduler) as group:
                return group.add_job(int).result(60)

        with JobGroup(scheduler) as group:
            futures = [group.add_job(outer) for _ in range(2)]
            concurrent.futures.wait(futures, timeout=100)
            seen.add(tuple(sorted(answer_of(future) for future in futures)))
        scheduler.shutdown()

    assert explore(program, Exhaustive(max_preemptions=0)).complete
    assert seen == {("JobRefused", "value")}


def test_a_job_that_begins_before_its_pool_has_noted_the_thread() -> None:
    """A wait for the job's own pool is refused even as the first thing that a new thread does."""
    seen: set[str] = set()

    def program() -> None:
        scheduler = OneLook(timezone=UTC, executors={"default": pool()})
        scheduler.start()

        def outer() -> Any:
            with JobGroup(scheduler) as group:
                return group.add_job(int).result(0)

        with JobGroup(scheduler) as group:
            future = group.add_job(outer)
            scheduler.look()
            future.exception()
            seen.add(answer_of(future))
        scheduler.shutdown()

    noting: Any = concurrent.futures.ThreadPoolExecutor._adjust_thread_count
    inside = [noting, Block.__init__]
    assert explore(program, Exhaustive(max_preemptions=1), switch_in=inside).complete
    assert seen == {"JobRefused"}


def cancel_the_queue(pool: Any) -> None:
    """Let a pool cancel what it has in its queue."""
    pool.shutdown(wait=False, cancel_futures=True)


def fail_to_set_up(pool: Any) -> None:
    """Do what a pool's worker does whose initializer has failed."""
    pool._initializer_failed()


def nothing(group: Any, other: Any) -> None:
    """Do nothing."""


def cancel_another(group: Any, other: Any) -> None:
    """Cancel another job."""
    other.cancel()


def add_another(group: Any, other: Any) -> None:
    """Add another job."""
    with suppress(JobRefused):
        group.add_job(int, run_date="2100-01-01")


class Occupied:
    """A pool of one with a job that has begun, and a queue.

    Args:
        group: The group whose job it is.
        scheduler: The scheduler.
    """

    def __init__(self, group: JobGroup, scheduler: Any) -> None:
        self._busy, self.gate = threading.Event(), threading.Event()
        self.job = group.add_job(self._wait)
        scheduler.look()
        self._busy.wait()

    def _wait(self) -> None:
        self._busy.set()
        self.gate.wait()


QUICK = [(cancel_the_queue, cancel_another), (fail_to_set_up, add_another)]


@pytest.mark.rows("E12", "E13")
@pytest.mark.parametrize(
    ("drop", "call", "preemptions"),
    [
        *((drop, call, 0) for drop, call in QUICK),
        *(
            pytest.param(drop, call, 2, marks=pytest.mark.soundness)
            for drop in (cancel_the_queue, fail_to_set_up)
            for call in (nothing, cancel_another, add_another)
        ),
    ],
)
def test_a_pool_that_drops_its_queue_while_it_is_given_more(
    drop: Callable[[Any], None], call: Callable[[Any, Any], None], preemptions: int
) -> None:
    """Jobs that a pool drops, and those that it is given meanwhile, are answered in every order."""
    seen: set[str] = set()

    def program() -> None:
        executor, store = pool(), Kept()
        scheduler = OneLook(
            timezone=UTC, executors={"default": executor}, jobstores={"default": store}
        )
        scheduler.start()
        with JobGroup(scheduler) as group:
            occupied = Occupied(group, scheduler)
            jobs = [group.add_job(int, id="same")]
            scheduler.look()
            jobs += [group.add_job(int), group.add_job(int)]
            jobs[0].add_done_callback(lambda _: call(group, jobs[2]))
            dropping = threading.Thread(target=drop, args=[executor._pool])
            dropping.start()
            scheduler._process_jobs()
            # Its id is free as soon as it is answered: the next one is not skipped.
            jobs[0].exception()
            jobs.append(group.add_job(int, id="same"))
            scheduler.look()
            dropping.join()
            seen.update(map(answer_of, jobs))
            occupied.gate.set()
        executor.shutdown()
        assert [store.get_all_jobs(), scheduler._job_groups.waiting] == [[], {}]
        assert executor._instances == {}

    assert explore(program, Exhaustive(max_preemptions=preemptions)).complete
    assert seen == {"JobLost", "JobRefused", *(["cancelled"] if call is cancel_another else [])}


@pytest.mark.parametrize(
    ("blocks", "preemptions"), [(2, 1), pytest.param(3, 2, marks=pytest.mark.soundness)]
)
def test_blocks_that_end_together_after_a_shutdown(blocks: int, preemptions: int) -> None:
    """None of them takes another one for the shutdown, and all their jobs leave their store."""

    def program() -> None:
        store = Kept()
        scheduler = OneLook(
            timezone=UTC, executors={"default": DebugExecutor()}, jobstores={"default": store}
        )
        scheduler.start()
        groups = [JobGroup(scheduler).__enter__() for _ in range(blocks)]
        for group in groups:
            group.add_job(int, run_date="2100-01-01")
        scheduler.shutdown()
        ends = [threading.Thread(target=each.__exit__, args=[None] * 3) for each in groups]
        for end in ends:
            end.start()
        for end in ends:
            end.join()
        assert [store.get_all_jobs(), scheduler._job_groups.waiting] == [[], {}]
        assert scheduler._listeners == []

    assert explore(program, Exhaustive(max_preemptions=preemptions)).complete


@pytest.mark.parametrize("preemptions", [1, pytest.param(2, marks=pytest.mark.soundness)])
def test_a_job_that_is_cancelled_while_its_pool_fails(preemptions: int) -> None:
    """It is cancelled or lost, and whoever cancels it is told which."""
    seen: set[str] = set()

    def program() -> None:
        executor = pool()
        scheduler = OneLook(timezone=UTC, executors={"default": executor})
        scheduler.start()
        with JobGroup(scheduler) as group:
            occupied = Occupied(group, scheduler)
            queued = group.add_job(int)
            scheduler.look()
            failing = threading.Thread(target=fail_to_set_up, args=[executor._pool])
            failing.start()
            assert queued.cancel() == queued.cancelled()
            failing.join()
            seen.add(answer_of(queued))
            occupied.gate.set()
        executor.shutdown()
        assert executor._instances == {}

    assert explore(program, Exhaustive(max_preemptions=preemptions)).complete
    assert seen == {"cancelled", "JobLost"}


@pytest.mark.parametrize("is_queued", [True, False])
@pytest.mark.parametrize("preemptions", [0, pytest.param(2, marks=pytest.mark.soundness)])
def test_a_job_that_is_cancelled_in_a_queue_or_on_its_way_there(
    preemptions: int, is_queued: bool
) -> None:
    """The next job of its id is not skipped; from a queue, as soon as anybody is told of it."""

    def program() -> None:
        executor = pool()
        scheduler = OneLook(timezone=UTC, executors={"default": executor})
        scheduler.start()
        with JobGroup(scheduler) as group:
            occupied = Occupied(group, scheduler)
            given_up = group.add_job(int, id="same")
            cancelling = threading.Thread(target=given_up.cancel)
            if is_queued:
                scheduler.look()
            cancelling.start()
            if not is_queued:
                scheduler.look()
                cancelling.join()
            concurrent.futures.wait([given_up])
            following = group.add_job(int, id="same")
            scheduler.look()
            cancelling.join()
            occupied.gate.set()
            assert following.result() == 0
        executor.shutdown()
        assert executor._instances == {}

    assert explore(program, Exhaustive(max_preemptions=preemptions)).complete


@pytest.mark.rows("E12")
def test_a_pool_that_drops_the_jobs_of_nobody() -> None:
    """A job of no group that its pool drops can stop the scheduler for ever."""

    def program() -> None:
        executor = pool()
        scheduler = OneLook(timezone=UTC, executors={"default": executor})
        scheduler.start()
        for _ in range(2):
            scheduler.add_job(int)
        dropping = threading.Thread(target=fail_to_set_up, args=[executor._pool])
        dropping.start()
        scheduler.look()
        dropping.join()

    with pytest.raises(ScheduleFailure, match=r"Deadlock: nothing can run any more"):
        explore(program, Exhaustive(max_preemptions=1))
