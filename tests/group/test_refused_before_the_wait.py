"""What cannot run is refused when it is added, and nothing is left of the group it was for."""

import asyncio
import os
import pickle
import threading
import time
from collections.abc import Callable
from datetime import UTC
from functools import partial
from typing import Any

import pytest
from apscheduler.events import EVENT_JOB_ADDED, EVENT_JOB_SUBMITTED, EVENT_SCHEDULER_STARTED
from apscheduler.executors.debug import DebugExecutor
from apscheduler.executors.pool import ThreadPoolExecutor
from apscheduler.jobstores.base import ConflictingIdError, JobLookupError
from apscheduler.schedulers.asyncio import AsyncIOScheduler
from apscheduler.schedulers.background import BackgroundScheduler
from apscheduler.schedulers.base import STATE_STOPPED
from apscheduler.schedulers.blocking import BlockingScheduler
from apscheduler.triggers.date import DateTrigger
from apscheduler.triggers.interval import IntervalTrigger
from flask import Flask
from flask_apscheduler import APScheduler

from apscheduler_fakes import FakeScheduler
from caller import Refused, kill, refusal, soon
from jobs_synchronizer import JobGroup, JobRefused
from threadsim import Simulation


def work() -> str:
    """Return at once."""
    return "done"


async def coroutine() -> None:
    """Be refused."""


class Coroutine:
    """An object that is called like a coroutine function."""

    async def __call__(self) -> None:
        """Be refused."""


@pytest.mark.rows("E5")
@pytest.mark.parametrize(
    "func", [coroutine, f"{__name__}:coroutine", partial(coroutine), Coroutine()]
)
def test_a_coroutine_function(scheduler: Any, refused: Refused, func: Any) -> None:
    """A coroutine function, whose body no thread would run, is refused."""
    with JobGroup(scheduler) as group:
        refused(
            lambda: group.add_job(func),
            "TypeError: JobGroup.add_job(…): a thread would call this coroutine function, and its "
            "body would never run. Pass a function that calls asyncio.run.",
        )
    assert scheduler.get_jobs() == []


NOT_STARTED = (
    "JobRefused: Job 'work' (id …) was not added: the scheduler is not running. Start it; one "
    "that was shut down needs new executors first (remove_executor, add_executor). "
    "Flask-APScheduler's start() returns without a word when FLASK_DEBUG is set and the process "
    "is not the reloader's child, and when SCHEDULER_ALLOWED_HOSTS does not name this host."
)


DEAD = (
    "JobRefused: Job 'work' (id …) was not added: the scheduler's thread has ended. Start a "
    "scheduler in this process: a fork (gunicorn --preload) copies a scheduler without its thread, "
    "and an error in a job store ends the thread."
)


@pytest.mark.rows("E26")
def test_a_scheduler_that_flask_debug_has_not_started(
    refused: Refused, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A scheduler that looks started and is not refuses the job, and says why that may be."""
    monkeypatch.setenv("FLASK_DEBUG", "1")
    scheduler = APScheduler(app=Flask(__name__))
    scheduler.start()
    with JobGroup(scheduler) as group:
        refused(
            lambda: group.add_job(work),
            NOT_STARTED,
        )
    assert scheduler.get_jobs() == []


def test_a_scheduler_that_is_started_again(scheduler: Any) -> None:
    """One that was shut down runs jobs again when it has new executors, as a refusal says."""
    scheduler.shutdown()
    with JobGroup(scheduler) as group:
        with pytest.raises(JobRefused, match=r"new executors first \(remove_executor, add_exec"):
            group.add_job(work)
        scheduler.start()
        with pytest.raises(JobRefused, match=r"that runs \(remove_executor, add_executor\)"):
            group.add_job(work).result(30)
        scheduler.remove_executor("default")
        scheduler.add_executor(ThreadPoolExecutor(1), "default")
        assert group.add_job(work).result(30) == "done"


@pytest.mark.rows("E27")
def test_a_job_that_could_be_removed_before_the_start(refused: Refused) -> None:
    """No job of a group waits for a scheduler's start, so none can be removed before it."""
    scheduler = BackgroundScheduler(timezone=UTC)
    with JobGroup(scheduler) as group:
        refused(
            lambda: group.add_job(work, id="early"),
            NOT_STARTED,
        )
        with pytest.raises(JobLookupError):
            scheduler.remove_job("early")


@pytest.mark.rows("E27")
def test_a_shutdown_in_the_middle_of_adding(
    scheduler: Any, refused: Refused, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A job that was added a moment after the shutdown does not wait for the next start."""
    real = scheduler._create_trigger

    def shut_down(*args: Any) -> Any:
        scheduler.shutdown()
        return real(*args)

    monkeypatch.setattr(scheduler, "_create_trigger", shut_down)
    with JobGroup(scheduler) as group:
        refused(lambda: group.add_job(work), NOT_STARTED)
    assert scheduler.get_jobs() == []


def add_in_a_fork(scheduler: Any) -> None:
    """Raise what a forked process gets that adds a job to its copy of a scheduler."""
    reading, writing = os.pipe()
    os.fork() or _add_untraced(scheduler, writing)
    os.close(writing)
    with os.fdopen(reading, "rb") as pipe:
        error = pickle.load(pipe)  # noqa: S301  # Our own.
    os.wait()
    raise error


def _add_untraced(scheduler: Any, writing: int) -> int:
    error = None
    try:
        with JobGroup(scheduler) as group:
            group.add_job(work)
    except JobRefused as refused:
        error = refused
    finally:
        os.write(writing, pickle.dumps(error))
        os._exit(0)


@pytest.mark.e2e
@pytest.mark.rows("E28")
# Python warns of forks beside threads; this is about what becomes of them.
@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
def test_a_fork_after_the_start(refused: Refused) -> None:
    """A forked process, whose copy of the scheduler has no thread, is told so."""
    scheduler = BackgroundScheduler(timezone=UTC)
    scheduler.start()
    refused(
        lambda: add_in_a_fork(scheduler),
        DEAD,
    )
    scheduler.shutdown()


@pytest.mark.rows("E29")
# The thread that dies says so.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_scheduler_whose_thread_is_dead(
    scheduler: Any, refused: Refused, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A scheduler whose thread has died, though its state says running, refuses the job."""
    kill(scheduler)
    with JobGroup(scheduler) as group:
        refused(
            lambda: group.add_job(work),
            DEAD,
        )


@pytest.mark.rows("E28")
# The thread that dies says so.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_fork_while_other_threads_use_groups(scheduler: Any, refused: Refused) -> None:
    """Locks that a fork has copied from threads that it has not are not waited for."""
    kill(scheduler)
    gate = threading.Event()

    def use() -> None:
        with scheduler._job_groups._lock, scheduler._listeners_lock, scheduler._jobstores_lock:
            gate.wait()

    with JobGroup(scheduler):
        threading.Thread(target=use).start()
        time.sleep(1)
        with JobGroup(scheduler) as group:
            refused(
                lambda: group.add_job(work),
                DEAD,
            )
        gate.set()


def test_a_scheduler_whose_thread_is_about_to_start(
    sim: Simulation, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A request that comes in the middle of ``start()`` is not told that a thread has ended."""
    scheduler = BackgroundScheduler(timezone=UTC)
    start = threading.Thread.start
    told: list[str] = []

    def start_late(thread: threading.Thread) -> None:
        monkeypatch.undo()
        with JobGroup(scheduler) as group:
            future = group.add_job(work)
            told.append(future.last_seen)
            start(thread)
            told.append(future.result(30))

    monkeypatch.setattr(threading.Thread, "start", start_late)
    scheduler.start()
    assert told == ["added to job store 'default'", "done"]
    scheduler.shutdown()


@pytest.mark.parametrize(
    ("func", "options"),
    [
        (5, {}),
        (5, {"name": "five"}),
        ("nightly", {}),
        (f"{__name__}:nothing", {}),
        ("nowhere:nothing", {}),
        *((work, {name: ["x"]}) for name in ("id", "name", "jobstore", "executor")),
        *((work, {name: 5}) for name in ("id", "name", "jobstore", "executor")),
    ],
)
def test_what_apscheduler_does_not_take(scheduler: Any, func: Any, options: dict[str, Any]) -> None:
    """What is no function, id, name or alias is refused at once, and leaves the others alone."""
    with JobGroup(scheduler) as group:
        before = group.add_job(work)
        with pytest.raises((TypeError, ValueError, LookupError)):
            group.add_job(func, **options)
        assert before.result(30) == "done"
    assert scheduler._job_groups.waiting == {}


@pytest.mark.parametrize(
    "trigger", ["interval", "cron", IntervalTrigger(hours=1, timezone=UTC), [1]]
)
def test_a_trigger_that_recurs(scheduler: Any, trigger: Any) -> None:
    """A future has one answer, so a trigger that can fire twice is refused."""
    with (
        JobGroup(scheduler) as group,
        pytest.raises(ValueError, match=r"may run the job more than once\. Pass 'date'"),
    ):
        group.add_job(work, trigger)


def test_a_trigger_that_fires_once(scheduler: Any) -> None:
    """Every way to say a date is taken."""
    with JobGroup(scheduler) as group:
        for trigger in (None, "date", DateTrigger(timezone=UTC)):
            assert group.add_job(work, trigger).result(30) == "done"


def test_a_group_that_is_not_open(scheduler: Any) -> None:
    """A group takes jobs inside its block, whose end takes back what has not begun."""
    group = JobGroup(scheduler)
    for _ in range(2):
        with pytest.raises(RuntimeError, match=r"not open\. Call it inside its block"):
            group.add_job(work)
        with group:
            assert group.add_job(work).result(30) == "done"


def test_what_is_no_scheduler() -> None:
    """A group is told at once that it was given something else."""
    with pytest.raises(TypeError, match=r"JobGroup\(5\): it is no scheduler, or runs in"):
        JobGroup(5)


def test_a_scheduler_that_runs_in_an_event_loop() -> None:
    """A thread that waits may be the loop's own; what to do instead is said."""
    with pytest.raises(TypeError, match=r"runs in an event loop.*or a Background"):
        JobGroup(AsyncIOScheduler())


def test_an_event_loop_awaits_a_job() -> None:
    """What to do instead: a job of a scheduler with a thread of its own is awaited in a loop."""
    scheduler = FakeScheduler()
    scheduler.start()

    async def ask() -> Any:
        with JobGroup(scheduler) as group:
            future = asyncio.wrap_future(group.add_job(work))
            scheduler.run_due()
            return await future

    assert asyncio.run(ask()) == "done"


def test_an_id_that_waits_for_another_group(scheduler: Any) -> None:
    """Two groups cannot wait for one id in one store; the first one's future is not disturbed."""
    day = soon()
    with JobGroup(scheduler) as first, JobGroup(scheduler) as second:
        future = first.add_job(work, id="same", **day)
        with pytest.raises(ConflictingIdError):
            second.add_job(work, id="same", **day)
        assert future.result(30) == "done"


def test_what_the_scheduler_refuses(scheduler: Any) -> None:
    """What APScheduler raises comes out as it is, and nothing waits for that job."""
    with JobGroup(scheduler) as group:
        with pytest.raises(KeyError, match="No such job store: nowhere"):
            group.add_job(work, jobstore="nowhere")
        with pytest.raises(ValueError, match="longer than the target callable can handle"):
            group.add_job(work, args=[1], id="again")
        assert group.add_job(work, id="again").result(30) == "done"


KEPT = (
    "was not added: this thread keeps the scheduler from handing it over. Open the group in "
    "another thread: this one is the scheduler's own, in a listener or in a job on DebugExecutor, "
    "or it has the lock of its stores."
)
STARVED = "the thread that would wait for it is the last that could run it"


def waits_inside(
    scheduler: Any, executor: str = "default", func: Callable[[], Any] = work
) -> Callable[[], Any]:
    """Return a job that waits for another one."""

    def outer() -> Any:
        with JobGroup(scheduler) as group:
            return group.add_job(func, executor=executor).result(30)

    return outer


@pytest.mark.rows("E33")
def test_a_job_that_waits_for_its_own_pool(scheduler: Any, refused: Refused) -> None:
    """A job in a pool of one cannot wait for a job of that pool; for another pool's it can."""
    scheduler.add_executor(ThreadPoolExecutor(1), "small")
    with JobGroup(scheduler) as group:
        starved = group.add_job(waits_inside(scheduler, "small"), name="outer", executor="small")
        refused(
            lambda: starved.result(30),
            "JobRefused: Job 'work' (id …) was not added: the thread that would wait for it is "
            "the last that could run it. Give the job an executor of its own, or this one more "
            "workers.",
        )
        fed = group.add_job(waits_inside(scheduler), name="outer", executor="small")
        assert fed.result(30) == "done"


def test_a_worker_with_two_open_groups_waits_once(scheduler: Any) -> None:
    """A job that waits for one job of each of two groups keeps one worker of its pool, not two."""
    scheduler.add_executor(ThreadPoolExecutor(2), "small")

    def outer() -> list[Any]:
        with JobGroup(scheduler) as one, JobGroup(scheduler) as two:
            futures = [each.add_job(work, executor="small") for each in (one, two)]
            return [future.result(30) for future in futures]

    with JobGroup(scheduler) as group:
        assert group.add_job(outer, executor="small").result(30) == ["done", "done"]


def test_a_worker_that_waits_for_another_pool(scheduler: Any) -> None:
    """It waits for no worker of its own pool, and so the last one but it may."""
    scheduler.add_executor(ThreadPoolExecutor(2), "small")
    with JobGroup(scheduler) as group:
        beside = group.add_job(
            waits_inside(scheduler, func=partial(time.sleep, 5)), executor="small"
        )
        time.sleep(1)
        waits = group.add_job(waits_inside(scheduler, "small"), executor="small")
        assert [each.result(30) for each in (beside, waits)] == [None, "done"]


@pytest.mark.parametrize("in_group", [False, True])
def test_a_job_on_the_schedulers_own_thread(scheduler: Any, in_group: bool) -> None:
    """A job that keeps the scheduler's own thread cannot wait for what that is to hand over."""
    scheduler.add_executor(DebugExecutor(), "inline")
    told: list[str] = []

    def outer() -> None:
        try:
            waits_inside(scheduler)()
        except JobRefused as error:
            told.append(str(error))

    with JobGroup(scheduler) as group:
        if in_group:
            group.add_job(outer, executor="inline").result(30)
        else:
            scheduler.add_job(outer, executor="inline")
            group.add_job(work).result(30)
    assert KEPT in "".join(told)


@pytest.mark.parametrize("kind", [BackgroundScheduler, BlockingScheduler])
@pytest.mark.parametrize("event", [EVENT_SCHEDULER_STARTED, EVENT_JOB_ADDED, EVENT_JOB_SUBMITTED])
def test_a_listener_that_keeps_the_scheduler(sim: Simulation, kind: Any, event: int) -> None:
    """A listener in the scheduler's own thread, or under its lock, cannot wait for its jobs."""
    told: list[str] = []

    def hear(_event: Any) -> None:
        scheduler.remove_listener(hear)
        told.append(refusal(waits_inside(scheduler)))

    scheduler = kind(timezone=UTC)
    scheduler.add_listener(hear, event)
    threading.Thread(target=scheduler.start).start()
    sim.settle()
    with JobGroup(scheduler) as group:
        assert group.add_job(work).result(30) == "done"
    assert len(told) == 1
    assert KEPT in told[0]
    scheduler.shutdown()


def test_a_listener_may_wait_for_another_scheduler(scheduler: Any) -> None:
    """A listener that keeps its own scheduler can wait for the jobs of another one."""
    told: list[Any] = []
    other = BackgroundScheduler(timezone=UTC)
    other.add_listener(lambda _: told.append(waits_inside(scheduler)()), EVENT_SCHEDULER_STARTED)
    other.start()
    assert told == ["done"]
    other.shutdown()


def test_a_callback_may_add_a_job(scheduler: Any) -> None:
    """A callback in a worker of a pool of one adds the next job: nobody waits there."""
    scheduler.add_executor(ThreadPoolExecutor(1), "small")
    added: list[Any] = []
    with JobGroup(scheduler) as group:
        first = group.add_job(work, executor="small")
        first.add_done_callback(lambda _: added.append(group.add_job(work, executor="small")))
        first.result(30)
        assert added.pop().result(30) == "done"
    assert scheduler.state != STATE_STOPPED
