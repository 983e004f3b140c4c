"""A group adds all or nothing, waits for nobody when it ends, and leaves nothing behind."""

import concurrent.futures
import gc
import sys
import time
import weakref
from concurrent.futures import CancelledError
from datetime import UTC, datetime
from operator import attrgetter
from typing import Any

import pytest
from apscheduler.events import EVENT_JOB_EXECUTED, EVENT_JOB_MISSED, JobExecutionEvent
from apscheduler.executors.base import run_job
from apscheduler.executors.debug import DebugExecutor
from apscheduler.executors.pool import ThreadPoolExecutor
from apscheduler.jobstores.base import ConflictingIdError
from apscheduler.jobstores.memory import MemoryJobStore
from apscheduler.schedulers.background import BackgroundScheduler
from flask import Flask, appcontext_pushed, current_app, has_app_context
from flask_apscheduler import APScheduler
from werkzeug.local import LocalProxy

from caller import Elsewhere, soon
from jobs_synchronizer import GroupResult, JobGroup, JobLost, JobRefused, JobRemoved
from outcomes import later
from threadsim import Simulation


def work(seconds: float = 0.5) -> float:
    """Take some time."""
    time.sleep(seconds)
    return seconds


def fail(error: BaseException) -> None:
    """Raise an exception."""
    raise error


def name_of_the_app() -> str | None:
    """Return the name of the application in whose context a job runs."""
    return current_app.name if has_app_context() else None


def test_a_request_joins_its_jobs(sim: Simulation) -> None:
    """Ten jobs of a view, each with its value or its own exception, in the order of adding."""
    app = Flask(__name__)
    scheduler = APScheduler(app=app)
    scheduler.start()

    @app.get("/run-tasks")
    def run_tasks() -> list[str]:
        with JobGroup(app.apscheduler) as group:  # type: ignore[attr-defined]  # set by init_app
            for i in range(10):
                group.add_job(work, args=[i], name=f"Task {i}")
            return [f"{name}: {value}" for name, value in group.wait(30).values.items()]

    assert app.test_client().get("/run-tasks").json == [f"Task {i}: {i}" for i in range(10)]
    assert sim.clock.elapsed == 9.0
    scheduler.shutdown()


@pytest.mark.parametrize("store", ["default", "db"])
def test_jobs_of_flask_run_in_an_application_context(sim: Simulation, db: Any, store: str) -> None:
    """With Flask-APScheduler a job finds its application, from a persistent store too."""
    scheduler = APScheduler(BackgroundScheduler(timezone=UTC))
    group = JobGroup(scheduler)  # Like the scheduler itself, it may be made before the app.
    scheduler.init_app(Flask("the app"))
    scheduler.scheduler.add_jobstore(db, "db")
    scheduler.start()
    with group:
        assert group.add_job(name_of_the_app, jobstore=store).result(30) == "the app"
        plain = f"{__name__}:name_of_the_app"
        assert group.add_job(plain, jobstore=store).result(30) == "the app"
    scheduler.shutdown()


def test_a_pool_of_another_kind_pushes_no_application_context(sim: Simulation) -> None:
    """What is no ``ThreadPoolExecutor`` may run its jobs in other processes, and they get none."""
    scheduler = APScheduler(BackgroundScheduler(timezone=UTC), app=Flask("the app"))
    executor = Elsewhere()
    scheduler.scheduler.add_executor(executor, "elsewhere")
    scheduler.start()
    with JobGroup(scheduler) as group:
        future = group.add_job(name_of_the_app, executor="elsewhere")
        time.sleep(0.1)
        ((run, *call),) = executor.submitted
        executor.futures[0].set_result(run(*call))
        assert future.result(0) is None
    scheduler.shutdown()


@pytest.mark.parametrize("attribute", ["apscheduler", "apscheduler.scheduler"])
def test_a_scheduler_behind_a_proxy(sim: Simulation, attribute: str) -> None:
    """A group works with what a proxy stands for where it is made, in whatever thread."""
    app = Flask("the app")
    scheduler = APScheduler(BackgroundScheduler(timezone=UTC), app=app)
    scheduler.start()
    proxy: Any = LocalProxy(lambda: attrgetter(attribute)(current_app))
    with app.app_context(), JobGroup(proxy) as group:
        future = group.add_job(name_of_the_app, **soon())
        removed = group.add_job(work, **soon())
        later(1, lambda: scheduler.scheduler.remove_job(removed.job_id))
        assert isinstance(removed.exception(30), JobRemoved)
        assert future.result(30) == ("the app" if attribute == "apscheduler" else None)
    with JobGroup(scheduler.scheduler) as group:
        assert group.add_job(work).result(30) == 0.5
    scheduler.shutdown()


def test_a_job_is_running_while_its_application_context_is_pushed(sim: Simulation) -> None:
    """Whoever cancels it then is too late, although its function is not called yet."""
    app = Flask("the app")
    scheduler = APScheduler(BackgroundScheduler(timezone=UTC), app=app)
    scheduler.start()
    seen: list[bool] = []
    with JobGroup(scheduler) as group:
        future = group.add_job(name_of_the_app, **soon())
        with appcontext_pushed.connected_to(
            lambda _app: seen.extend([future.running(), future.cancel()]), app
        ):
            assert future.result(30) == "the app"
    assert seen == [True, False]
    scheduler.shutdown()


@pytest.mark.parametrize("wrapped", [False, True])
def test_jobs_without_an_application_run_without_a_context(sim: Simulation, wrapped: bool) -> None:
    """A plain scheduler, or Flask-APScheduler's without an app, has no context to push."""
    plain = BackgroundScheduler(timezone=UTC)
    plain.start()
    with JobGroup(APScheduler(plain) if wrapped else plain) as group:
        assert group.add_job(name_of_the_app).result(30) is None
    plain.shutdown()


def test_jobs_that_are_due_together_begin_in_the_order_of_adding(scheduler: Any) -> None:
    """A store in memory hands jobs of one instant over by their ids, which count up in a group."""
    scheduler.add_executor(ThreadPoolExecutor(1), "small")
    ran: list[int] = []
    with JobGroup(scheduler) as group, JobGroup(scheduler) as other:
        futures = [group.add_job(ran.append, args=[i], executor="small") for i in range(20)]
        ids = {future.job_id for future in [*futures, other.add_job(int, executor="small")]}
        concurrent.futures.wait(futures, 30)
    assert ran == list(range(20))
    assert [*map(len, ids)] == [32] * 21


def test_a_group_waits_for_its_jobs(scheduler: Any, sim: Simulation) -> None:
    """What each job came to, by its name, at the timeout at the latest; no name stands for two."""
    scheduler.add_executor(ThreadPoolExecutor(1), "small")
    with JobGroup(scheduler) as group:
        group.add_job(work, args=[3], name="slow")
        for name in ("work", "work", "work (2)"):
            group.add_job(work, name=name)
        group.add_job(work, args=["x"], name="work")
        group.add_job(work, args=[9], name="late", executor="small")
        group.add_job(work, name="gone", id="gone", **soon())
        group.add_job(work, name="cancelled", **soon()).cancel()
        later(1, lambda: scheduler.remove_job("gone"))
        result = group.wait(timeout=5)
        assert sim.clock.elapsed == 5.0
        assert list(result.values.items()) == [
            *[("slow", 3), ("work", 0.5), ("work (2)", 0.5), ("work (2) (2)", 0.5)]
        ]
        assert [*map(type, result.errors.values())] == [TypeError, JobRemoved, CancelledError]
        assert list(result.errors) == ["work (3)", "gone", "cancelled"]
        assert result.pending == {"late": "running"}
        assert not result.all_done
        with pytest.raises(AttributeError):
            result.pending = {}  # type: ignore[misc]  # What was seen stays as it was.
        assert group.wait().all_done
        assert sim.clock.elapsed == 9.0


def test_a_result_as_json(scheduler: Any, sim: Simulation) -> None:
    """Errors are texts that say why; the rest is as it is."""
    with JobGroup(scheduler) as group:
        group.add_job(work)
        group.add_job(work, name="late", **soon())
        removed = group.add_job(work, name="removed", **soon())
        group.add_job(work, name="cancelled", **soon()).cancel()
        scheduler.remove_job(removed.job_id)
        answer = group.wait(timeout=1).as_json()
    assert answer == {
        "values": {"work": 0.5},
        "errors": {
            "removed": f"JobRemoved: Job 'removed' (id {removed.job_id}) was removed from job "
            "store 'default' before it was due. Add it again if it should run.",
            "cancelled": "CancelledError: cancelled",
        },
        "pending": {"late": "added to job store 'default'"},
    }


def test_a_job_whose_block_ended_before_it_began(scheduler: Any) -> None:
    """Its future says so, in the same words wherever it is asked."""

    def fail_late() -> None:
        time.sleep(1)
        raise CancelledError("mine")

    with JobGroup(scheduler) as group:
        running = group.add_job(fail_late)
        future, cancelled = (group.add_job(work, **soon()) for _ in range(2))
        cancelled.cancel()
        own = group.add_job(fail, args=[CancelledError("mine")])
        assert str(own.exception(30)) == "mine"
    why = "the group's block ended before this job began: wait inside it"
    assert [future.cancel(), cancelled.cancel()] == [True, True]
    for call in (future.result, future.exception):
        with pytest.raises(CancelledError, match=f"^{why}$"):
            call()
        with pytest.raises(CancelledError, match=r"^$"):
            getattr(cancelled, call.__name__)()
    assert [future.last_seen, cancelled.last_seen] == [f"cancelled: {why}", "cancelled"]
    with pytest.raises(CancelledError, match=r"^mine$"):
        running.result(30)
    with pytest.raises(RuntimeError, match=r"the group is not open\. Call it inside its block"):
        group.wait()


def test_a_group_of_nothing_is_complete(scheduler: Any, sim: Simulation) -> None:
    """No jobs, no wait."""
    with JobGroup(scheduler):
        assert concurrent.futures.wait([]) == (set(), set())
    with JobGroup(scheduler) as group:
        assert group.wait() == GroupResult({}, {}, {})
    assert sim.clock.elapsed == 0.0


def test_adding_is_all_or_nothing(scheduler: Any, sim: Simulation) -> None:
    """When the third of several jobs cannot be added, the first two do not run either."""
    ran: list[int] = []
    scheduler.add_job(work, id="2", **soon())
    with pytest.raises(ConflictingIdError), JobGroup(scheduler) as group:
        futures = [
            group.add_job(ran.append, args=[i], id=f"{i}", name="note", **soon()) for i in range(2)
        ]
        group.add_job(ran.append, args=[2], id="2", name="note", **soon())
    assert [job.id for job in scheduler.get_jobs()] == ["2"]
    assert [future.cancelled() for future in futures] == [True, True]
    sim.clock.tick(10)
    assert ran == []


@pytest.mark.parametrize("error", [RuntimeError, KeyboardInterrupt])
def test_a_job_whose_adding_fails_at_its_end_is_taken_back(
    scheduler: Any, sim: Simulation, monkeypatch: pytest.MonkeyPatch, error: type[BaseException]
) -> None:
    """The store has the job already when the scheduler's thread is to be told, or Ctrl-C comes."""
    ran: list[int] = []

    def wakeup() -> None:
        raise error("late")

    with monkeypatch.context() as patch:
        patch.setattr(scheduler, "wakeup", wakeup)
        with pytest.raises(error), JobGroup(scheduler) as group:
            group.add_job(ran.append, args=[1])
    assert scheduler.get_jobs() == []
    sim.clock.tick(5)
    assert ran == []


class WithAPoolOfItsOwn(DebugExecutor):  # type: ignore[misc]
    """An executor whose pool is none of ``concurrent.futures``."""

    _pool = object()


def test_an_executor_with_a_pool_of_its_own(scheduler: Any, sim: Simulation) -> None:
    """Nothing is taken for granted of what an executor calls its pool."""
    scheduler.add_executor(WithAPoolOfItsOwn(), "own")
    with JobGroup(scheduler) as group:
        assert group.add_job(abs, args=[-1], executor="own").result(5) == 1


class OwnFuture(concurrent.futures.Future[Any]):
    """A future of a pool that is not the standard library's."""


class OwnPool(concurrent.futures.ThreadPoolExecutor):
    """A pool that runs a job at once, and hands out futures of its own."""

    def submit(self, fn: Any, /, *args: Any, **kwargs: Any) -> Any:
        """Run a job."""
        future = OwnFuture()
        future.set_result(fn(*args, **kwargs))
        return future


class LosingPool(concurrent.futures.Executor):
    """A pool on another machine, which loses each job."""

    def submit(self, _fn: Any, /, *_args: Any, **_kwargs: Any) -> Any:
        """Lose a job."""
        future = OwnFuture()
        future.set_exception(ConnectionError("no route"))
        return future


class WithFuturesOfItsOwn(ThreadPoolExecutor):  # type: ignore[misc]
    """An executor on such a pool."""

    def __init__(self, pool: concurrent.futures.Executor) -> None:
        super().__init__()
        self._pool = pool


def test_a_pool_with_futures_of_its_own(scheduler: Any) -> None:
    """They are left as they are; of a lost job nobody knows whether it has begun."""
    scheduler.add_executor(WithFuturesOfItsOwn(OwnPool()), "own")
    scheduler.add_executor(WithFuturesOfItsOwn(LosingPool()), "elsewhere")
    with JobGroup(scheduler) as group:
        assert group.add_job(abs, args=[-1], executor="own").result(5) == 1
        lost = group.add_job(abs, args=[-1], executor="elsewhere").exception(5)
    assert isinstance(lost, JobLost)
    assert "It may have run, in part or whole" in str(lost)


def test_a_pool_that_its_owner_uses_as_well(scheduler: Any) -> None:
    """What somebody else submits to a group's pool runs as ever."""
    executor = ThreadPoolExecutor(2)
    scheduler.add_executor(executor, "shared")
    with JobGroup(scheduler) as group:
        assert group.add_job(abs, args=[-1], executor="shared").result(5) == 1
        assert executor._pool.submit(abs, -2).result(5) == 2
        assert executor._pool.submit(int).result(5) == 0


def test_a_job_of_nobody_that_is_missed(scheduler: Any) -> None:
    """A group answers for its own jobs only."""
    missed = JobExecutionEvent(EVENT_JOB_MISSED, "plain", "default", datetime.now(UTC))
    with JobGroup(scheduler) as group:
        scheduler._dispatch_event(missed)
        assert group.add_job(abs, args=[-1]).result(5) == 1


class WithIdsOfItsOwn(DebugExecutor):  # type: ignore[misc]
    """An executor that tells twice how a job ended, and keeps a string that equals the job's id."""

    def _do_submit_job(self, job: Any, run_times: Any) -> None:
        """Run it, and tell."""
        events = run_job(job, job._jobstore_alias, run_times, self._logger.name)
        for _ in range(2):
            self._run_job_success(str(job.id), events)


def test_an_executor_that_keeps_the_text_of_an_id(scheduler: Any) -> None:
    """What ``run_job`` made of a job tells whose it is, and whoever keeps that keeps no future."""
    scheduler.add_executor(WithIdsOfItsOwn(), "own")
    kept: list[Any] = []
    scheduler.add_listener(kept.append)
    with JobGroup(scheduler) as group:
        future = group.add_job(abs, args=[-1], executor="own")
        assert future.result(5) == 1
    gone = weakref.ref(future)
    del future, group
    gc.collect()
    assert gone() is None


class Failing(ThreadPoolExecutor):  # type: ignore[misc]
    """An executor that fails whenever it has told of a job."""

    def _run_job_success(self, *told: Any) -> None:
        super()._run_job_success(*told)
        raise OSError("no metrics")


class Retrying(DebugExecutor):  # type: ignore[misc]
    """An executor that runs a job again if it fails."""

    def _do_submit_job(self, job: Any, run_times: Any) -> None:
        for _ in range(2):
            told = run_job(job, job._jobstore_alias, run_times, self._logger.name)
        self._run_job_success(job.id, told)


@pytest.mark.parametrize("executor", [Failing, Retrying])
def test_an_executor_that_tells_little_or_fails(scheduler: Any, executor: Any) -> None:
    """What a job has come to in this process is its answer, whatever its executor makes of it."""
    scheduler.add_executor(own := executor(), "own")
    ran: list[str] = []
    with JobGroup(scheduler) as group:
        assert group.add_job(abs, args=[-1], executor="own").result(5) == 1
        # Jobs of nobody are passed on, as before.
        scheduler.add_job(ran.append, args=["plain"], id="plain", executor="own")
        concurrent.futures.wait([group.add_job(work)])
    assert set(ran) == {"plain"}
    # APScheduler counts to zero and keeps that, of a job that is over in the hand-over.
    assert not any(own._instances.values())


def test_the_end_of_a_group_waits_for_nobody(scheduler: Any, sim: Simulation) -> None:
    """What runs goes on, and its future is answered; the rest is taken back, in a queue too."""
    scheduler.add_executor(ThreadPoolExecutor(1), "small")
    with JobGroup(scheduler) as group:
        running = group.add_job(work, executor="small")
        time.sleep(0.1)
        queued, waiting = group.add_job(work, executor="small"), group.add_job(work, **soon())
        sim.settle()
    assert sim.clock.elapsed == 0.1
    assert scheduler._listeners == []
    assert scheduler.get_jobs() == []
    assert [queued.cancelled(), waiting.cancelled()] == [True, True]
    assert running.result(30) == 0.5


def test_a_job_in_the_schedulers_thread_keeps_the_block(scheduler: Any, sim: Simulation) -> None:
    """The end of a block, or ``add_job``, waits ten seconds for whoever has the stores' lock."""
    scheduler.add_executor(DebugExecutor(), "inline")
    ran: list[str] = []
    with JobGroup(scheduler) as group:
        group.add_job(work, args=[60], executor="inline")
        waiting = group.add_job(ran.append, args=["it"], **soon(100))
        time.sleep(1)
        with pytest.raises(JobRefused, match="the lock of the scheduler's stores was not free for"):
            group.add_job(work)
        assert sim.clock.elapsed == 11.0
    assert sim.clock.elapsed == 21.0
    assert waiting.cancelled()
    # It leaves its store with the next job that is taken out.
    assert [job.id for job in scheduler.get_jobs()] == [waiting.job_id]
    with JobGroup(scheduler) as group:
        group.add_job(work, **soon(100))
    assert [ran, scheduler.get_jobs(), scheduler._listeners] == [[], [], []]
    assert scheduler._job_groups.waiting == {}


def test_a_job_that_flasks_run_job_calls(scheduler: Any, sim: Simulation) -> None:
    """Flask-APScheduler's ``run_job`` calls the function beside its job, which runs when due."""
    ran: list[int] = []
    with JobGroup(scheduler) as group:
        future = group.add_job(ran.append, args=[1], **soon())
        APScheduler(scheduler).run_job(future.job_id)
        assert [ran, future.last_seen] == [[1], "added to job store 'default'"]
        scheduler.modify_job(future.job_id, next_run_time=datetime.now(UTC))
        assert future.result(30) is None
    assert (ran, sim.clock.elapsed) == ([1, 1], 0.0)


def test_the_last_open_group_takes_the_listener_along(scheduler: Any) -> None:
    """Groups of one scheduler share one listener, until none of them is open."""
    real = scheduler._lookup_executor
    with JobGroup(scheduler) as outer:
        with JobGroup(scheduler) as inner:
            assert len(scheduler._listeners) == 1
            assert inner.add_job(work).result(30) == 0.5
        assert len(scheduler._listeners) == 1
        assert outer.add_job(work).result(30) == 0.5
    assert scheduler._listeners == []
    assert scheduler._lookup_executor == real


def test_an_answer_comes_after_what_other_listeners_do(scheduler: Any, sim: Simulation) -> None:
    """A listener that takes its time is waited for, as the pool's worker waits for it."""
    scheduler.add_listener(lambda _event: time.sleep(3), EVENT_JOB_EXECUTED)
    with JobGroup(scheduler) as group:
        assert group.add_job(work).result(30) == 0.5
    assert sim.clock.elapsed == 3.5


def test_a_group_that_is_open_is_not_opened_again(scheduler: Any) -> None:
    """A group belongs to one block."""
    with JobGroup(scheduler) as group:
        with pytest.raises(RuntimeError, match=r"Make another one for another block\."):
            group.__enter__()
        assert group.add_job(work).result(30) == 0.5


def test_a_job_that_is_added_while_its_block_ends(
    scheduler: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A thread that still adds a job when the block ends gets a cancelled one."""
    real = scheduler._create_trigger
    group = JobGroup(scheduler)

    def end(*args: Any) -> Any:
        group.__exit__(None, None, None)
        return real(*args)

    monkeypatch.setattr(scheduler, "_create_trigger", end)
    group.__enter__()
    assert group.add_job(work, **soon()).cancelled()
    assert scheduler.get_jobs() == []


def test_a_block_that_ends_on_the_schedulers_thread(
    scheduler: Any, sim: Simulation, caplog: pytest.LogCaptureFixture
) -> None:
    """What a callback takes back while the scheduler looks at its stores is dropped when due."""
    scheduler.add_executor(DebugExecutor(), "inline")
    ran: list[str] = []
    group = JobGroup(scheduler)
    first = group.__enter__().add_job(int, executor="inline", **soon())
    far = group.add_job(ran.append, args=["far"], executor="inline", **soon(60))
    first.add_done_callback(lambda _: group.__exit__(None, None, None))
    time.sleep(6)
    assert [first.result(0), far.cancelled()] == [0, True]
    sim.clock.tick(60)
    assert [ran, scheduler.get_jobs(), scheduler._listeners] == [[], [], []]
    assert [scheduler._job_groups.waiting, caplog.records] == [{}, []]


class StubbornStore(MemoryJobStore):  # type: ignore[misc]  # APScheduler has no types.
    """A store that cannot remove some of its jobs for a while."""

    keeps: tuple[str, ...] = ("2", "3")

    def remove_job(self, job_id: str) -> None:
        """Fail for some."""
        if job_id in self.keeps:
            raise OSError(f"job {job_id}: connection lost")
        super().remove_job(job_id)


def test_a_job_store_that_fails_to_remove_jobs(scheduler: Any, sim: Simulation) -> None:
    """The block fails and says which jobs are left; none is run, and their ids are free then."""
    ran: list[str] = []
    store = StubbornStore()
    options: dict[str, Any] = {"name": "note", "jobstore": "stubborn"}
    scheduler.add_jobstore(store, "stubborn")
    with pytest.raises(ExceptionGroup, match="left in their stores") as caught:  # noqa: SIM117
        with JobGroup(scheduler) as group:
            futures = [
                group.add_job(ran.append, id=f"{i}", args=["cancelled"], **options, **soon())
                for i in range(5)
            ]
    left = (
        "has been taken back, and is not run by this scheduler; job store 'stubborn' may still "
        "have it. Remove it there."
    )
    told = [(str(error), *error.__notes__) for error in caught.value.exceptions]
    assert told == [(f"job {i}: connection lost", f"Job 'note' (id {i}) {left}") for i in (2, 3)]
    assert [future.cancelled() for future in futures] == [True] * 5
    assert [job.id for job in scheduler.get_jobs()] == ["2", "3"]

    with JobGroup(scheduler):
        pass  # Another block is not told.
    with pytest.raises(ConflictingIdError), JobGroup(scheduler) as group:
        group.add_job(ran.append, args=["again"], id="2", **options)
    store.keeps = ()
    scheduler.remove_job("3")
    sim.clock.tick(10)
    assert (ran, scheduler.get_jobs()) == ([], [])
    assert scheduler._listeners == []
    with JobGroup(scheduler) as group:
        futures = [group.add_job(ran.append, args=[f"{i}"], id=f"{i}", **options) for i in (2, 3)]
        concurrent.futures.wait(futures, 30)
    assert sorted(ran) == ["2", "3"]


# The scheduler's thread dies of the error, which is APScheduler's way.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_job_that_its_store_keeps_although_it_ran(scheduler: Any) -> None:
    """A job that was still in its store when it ran is not left there, to be run once more."""
    store = StubbornStore()
    scheduler.add_jobstore(store, "stubborn")
    with JobGroup(scheduler) as group:
        assert group.add_job(work, id="2", jobstore="stubborn").result(30) == 0.5
        assert [job.id for job in scheduler.get_jobs()] == ["2"]
        store.keeps = ()
    assert scheduler.get_jobs() == []
    assert scheduler._listeners == []


def test_a_cancelled_job_that_its_store_keeps(scheduler: Any) -> None:
    """``cancel`` says that the job will not run, as always; the end of the block says the rest."""
    scheduler.add_jobstore(StubbornStore(), "stubborn")
    with pytest.raises(ExceptionGroup) as caught, JobGroup(scheduler) as group:
        future = group.add_job(work, id="2", jobstore="stubborn", **soon())
        assert future.cancel()
    assert str(caught.value.exceptions[0]) == "job 2: connection lost"


@pytest.mark.parametrize("error", [KeyboardInterrupt, ValueError])
def test_what_ends_a_block_is_what_comes_out_of_it(
    scheduler: Any, error: type[BaseException]
) -> None:
    """An exception inside the block stays what it is, and has a note of what its store kept."""
    scheduler.add_jobstore(StubbornStore(), "stubborn")
    with pytest.raises(error, match="mine") as caught, JobGroup(scheduler) as group:
        group.add_job(work, id="2", name="work", jobstore="stubborn", **soon())
        raise error("mine")
    (note,) = caught.value.__notes__
    assert note == (
        "OSError: job 2: connection lost\nJob 'work' (id 2) has been taken back, and is not run by "
        "this scheduler; job store 'stubborn' may still have it. Remove it there."
    )


def test_a_callback_that_exits_leaves_nothing_behind(scheduler: Any) -> None:
    """Whatever comes out of a callback of a cancelled job, that job and the others are removed."""
    with pytest.raises(SystemExit, match="mine"), JobGroup(scheduler) as group:
        futures = [group.add_job(work, **soon()) for _ in range(3)]
        for future in futures[1:]:
            future.add_done_callback(lambda _: sys.exit("mine"))
        with pytest.raises(SystemExit, match="mine"):
            futures[2].cancel()
        assert [job.id for job in scheduler.get_jobs()] == [each.job_id for each in futures[:2]]
    assert [future.cancelled() for future in futures] == [True] * 3
    assert scheduler.get_jobs() == []
    assert scheduler._listeners == []


def test_a_job_that_is_taken_back_during_a_shutdown(
    scheduler: Any, db: Any, sim: Simulation
) -> None:
    """The block does not wait for a shutdown that waits; the job leaves its store after that."""
    scheduler.add_jobstore(db, "db")
    with JobGroup(scheduler) as group:
        group.add_job(work, args=[5])
        future = group.add_job("time:sleep", args=[1], jobstore="db", **soon(60))
        sim.settle()
        later(0, scheduler.shutdown)
        sim.settle()
        assert isinstance(future.exception(0), JobLost)
    assert sim.clock.elapsed == 0.0
    sim.clock.tick(6)
    assert db.get_all_jobs() == []
    assert scheduler._job_groups.waiting == {}
    assert scheduler._listeners == []


def test_a_shutdown_while_jobs_are_added(scheduler: Any, db: Any) -> None:
    """A group that a shutdown comes between leaves none of its jobs in a persistent store."""
    scheduler.add_jobstore(db, "db")
    with pytest.raises(JobRefused), JobGroup(scheduler) as group:
        group.add_job("time:sleep", args=[1], jobstore="db", **soon())
        scheduler.shutdown()
        group.add_job("time:sleep", args=[1], jobstore="db", **soon())
    assert db.get_all_jobs() == []


def test_the_job_in_the_store_stays_as_it_is(scheduler: Any) -> None:
    """Whoever has the store's job finds in it what was added."""
    with JobGroup(scheduler) as group:
        future = group.add_job(work, **soon())
        job = scheduler.get_job(future.job_id)
        future.result(30)
    assert (job.func, type(job.id)) == (work, str)


def test_jobs_of_nobody_are_left_alone(scheduler: Any, caplog: pytest.LogCaptureFixture) -> None:
    """A scheduler's other jobs run, fail and are lost as they do without a group."""
    ran: list[str] = []
    scheduler.add_executor(ThreadPoolExecutor(1), "small")
    with JobGroup(scheduler) as group:
        scheduler.add_job(ran.append, args=["other"], id="other")
        scheduler.add_job(work, id="removed", **soon()).remove()
        scheduler._executors["default"]._pool.submit(ran.append, "pool").result(30)
        scheduler._executors["default"]._pool.submit(work).result(30)
        group.add_job(work).result(30)
        scheduler.add_job(work, args=["long"], id="raises")
        scheduler._executors["default"]._run_job_error("gone", ValueError())
        for job in (group.add_job, scheduler.add_job):
            job(work, executor="small")
            time.sleep(0.1)
        scheduler._executors["small"]._pool.shutdown(cancel_futures=True)
        time.sleep(1)
    assert sorted(ran) == ["other", "pool"]
    assert "AttributeError" not in caplog.text


def test_a_callback_that_cancels_as_a_shutdown_begins(scheduler: Any) -> None:
    """A shutdown answers every job, also if the first answer takes another one away."""
    with JobGroup(scheduler) as group:
        futures = [group.add_job(work, **soon(3600)) for _ in range(3)]
        futures[0].add_done_callback(lambda _: futures[2].cancel())
        scheduler.shutdown()
        assert [type(each.exception(0)) for each in futures[:2]] == [JobRemoved] * 2
        assert futures[2].cancelled()


class Unclosable(MemoryJobStore):  # type: ignore[misc]  # APScheduler has no types.
    """A store that cannot be shut down."""

    def shutdown(self) -> None:
        """Fail."""
        raise OSError("connection lost")


def test_a_block_that_ends_while_a_shutdown_waits_that_fails_then(
    scheduler: Any, sim: Simulation
) -> None:
    """A job that is left to a shutdown is taken out of its store although that fails."""
    scheduler.add_jobstore(Unclosable(), "unclosable")

    def shut_down() -> None:
        with pytest.raises(OSError, match="connection lost"):
            scheduler.shutdown()

    scheduler.add_job(work, args=[5])
    with JobGroup(scheduler) as group:
        group.add_job(work, jobstore="unclosable", **soon(60))
        sim.settle()
        later(0, shut_down)
        sim.settle()
    sim.clock.tick(6)
    assert scheduler._jobstores["unclosable"].get_all_jobs() == []
    assert scheduler._job_groups.waiting == {}
    assert scheduler._listeners == []


@pytest.mark.simulation(stall_timeout=60)  # To find what is alive of so much takes long.
@pytest.mark.parametrize("groups", [30, pytest.param(1000, marks=pytest.mark.soundness)])
def test_so_many_groups_leave_nothing_behind(sim: Simulation, groups: int) -> None:
    """Groups of 10, a tenth of them not run to the end: no listener, job, slot or reference."""
    scheduler = BackgroundScheduler(timezone=UTC)
    scheduler.start()
    alive: list[weakref.ref[Any]] = []
    before = None
    for number in range(groups):
        with JobGroup(scheduler) as group:
            futures = [group.add_job(int, args=[i]) for i in range(10)]
            if number % 10:
                concurrent.futures.wait(futures)
                assert [future.result() for future in futures] == list(range(10))
        alive += map(weakref.ref, [group, *futures])
        if number == 10:
            before = state_of(scheduler)
    sim.settle()
    del futures
    gc.collect()
    # A group that is kept keeps no futures.
    assert [each() for each in alive if each() is not None] == [group]
    del group
    gc.collect()
    assert scheduler._listeners == []
    assert scheduler.get_jobs() == []
    assert scheduler._executors["default"]._instances == {}
    assert scheduler._executors["default"]._pool._work_queue.qsize() == 0
    assert [each for each in alive if each() is not None] == []
    # Nor anything else that is counted.
    assert state_of(scheduler) == before
    scheduler.shutdown()


def state_of(scheduler: Any) -> dict[str, Any]:
    """Return how much a scheduler, its watch and its executor keep."""
    objects = [scheduler, scheduler._job_groups, *scheduler._executors.values()]
    return {
        f"{type(each).__name__}.{name}": len(value) if hasattr(value, "__len__") else ""
        for each in objects
        for name, value in vars(each).items()
    }


@pytest.mark.usefixtures("no_logs")
@pytest.mark.parametrize("how", ["refused", "cancelled", "skipped"])
def test_a_job_that_is_not_run_leaves_nothing_behind(scheduler: Any, how: str) -> None:
    """An executor that does not run a job does not keep its future either."""
    scheduler.add_executor(ThreadPoolExecutor(1), "small")
    small = scheduler._executors["small"]
    with JobGroup(scheduler) as group:
        busy = group.add_job(work, args=[5], id="same", executor="small")
        time.sleep(0.1)
        if how == "refused":
            small.shutdown(wait=False)
        future = group.add_job(work, id="same" if how == "skipped" else None, executor="small")
        time.sleep(0.1)
        if how == "cancelled":
            future.cancel()
        assert future.done()
        concurrent.futures.wait([busy, future], 30)
    time.sleep(1)
    assert small._instances == {}
    gone = [weakref.ref(each) for each in (busy, future)]
    del busy, future, group
    gc.collect()
    assert [each() for each in gone] == [None, None]


def test_a_scheduler_that_is_gone_takes_its_watch_along(sim: Simulation) -> None:
    """Nothing outside the scheduler keeps it."""
    scheduler = BackgroundScheduler(timezone=UTC)
    scheduler.start()
    with JobGroup(scheduler) as group:
        assert group.add_job(work).result(30) == 0.5
    scheduler.shutdown()
    with JobGroup(scheduler) as group, pytest.raises(JobRefused):
        group.add_job(work)
    gone = weakref.ref(scheduler)
    del scheduler, group
    gc.collect()
    assert gone() is None
