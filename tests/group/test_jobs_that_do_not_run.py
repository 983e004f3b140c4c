"""A job that does not run has an exception that says why, as soon as that can be known."""

import concurrent.futures
import os
import threading
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from apscheduler.events import (
    EVENT_ALL_JOBS_REMOVED,
    EVENT_JOB_REMOVED,
    EVENT_JOBSTORE_REMOVED,
)
from apscheduler.executors.debug import DebugExecutor
from apscheduler.executors.pool import ProcessPoolExecutor, ThreadPoolExecutor
from apscheduler.jobstores.memory import MemoryJobStore
from apscheduler.schedulers.background import BackgroundScheduler

from caller import Gets, soon, work
from jobs_synchronizer import JobGroup, JobLost, JobRemoved
from outcomes import later
from threadsim import Simulation

SHUT = (
    "Job 'work' (id …) was still in job store 'default' when the scheduler was shut down. Add it "
    "again when the scheduler is started, with new executors."
)


@pytest.fixture
def small(scheduler: Any) -> Any:
    """An executor with one worker, known as ``small``."""
    scheduler.add_executor(ThreadPoolExecutor(1), "small")
    return scheduler._executors["small"]


@pytest.mark.rows("E3")
def test_a_job_that_begins_too_late(scheduler: Any, small: Any, gets: Gets) -> None:
    """A job with a grace that waits longer for a worker is missed; without one it is never late."""
    with JobGroup(scheduler) as group:
        first = group.add_job(work, kwargs={"seconds": 3}, id="1", executor="small")
        strict = group.add_job(work, id="2", executor="small", misfire_grace_time=1)
        lenient = group.add_job(work, id="3", executor="small")
        gets(first, "'done' after 3 s")
        gets(
            strict,
            "JobMissed after 3 s: Job 'work' (id …) was missed: it was due at 2026-01-01 "
            "00:00:00+00:00 and did not begin within its grace of 1 s. Leave misfire_grace_time "
            "out, or give its executor more workers.",
        )
        gets(lenient, "'done' after 3.5 s")
        assert not strict.cancel()


@pytest.mark.rows("E4")
def test_a_job_whose_id_runs_already(scheduler: Any, gets: Gets) -> None:
    """A job with the id of one that runs is skipped, and not taken for it."""
    with JobGroup(scheduler) as group:
        first = group.add_job(work, id="nightly")
        time.sleep(0.1)
        second = group.add_job(work, id="nightly")
        gets(
            second,
            "JobSkipped after 0.1 s: Job 'work' (id …) was skipped: as many runs of its id as "
            "max_instances allows were under way (1). Leave the id out: each job gets one of its "
            "own.",
        )
        gets(first, "'done' after 0.5 s")
        gets(group.add_job(work, id="nightly"), "'done' after 1 s")


@pytest.mark.rows("E6")
def test_a_job_that_is_removed(scheduler: Any, gets: Gets) -> None:
    """A job that somebody removes before it is due is known at once not to run."""
    with JobGroup(scheduler) as group:
        future = group.add_job(work, **soon())
        later(1, lambda: scheduler.remove_job(future.job_id))
        gets(
            future,
            "JobRemoved after 1 s: Job 'work' (id …) was removed from job store 'default' before "
            "it was due. Add it again if it should run.",
        )
    assert future.last_seen == "was removed from job store 'default' before it was due"


@pytest.mark.rows("E7")
@pytest.mark.parametrize("alias", [None, "default"])
def test_all_jobs_removed(scheduler: Any, gets: Gets, alias: str | None) -> None:
    """Jobs that are removed with all others are known at once not to run; one that runs ends."""
    scheduler.add_jobstore(MemoryJobStore(), "other")
    with JobGroup(scheduler) as group:
        running, future = group.add_job(work, kwargs={"seconds": 2}), group.add_job(work, **soon())
        other = group.add_job(work, jobstore="other", **soon())
        later(1, lambda: scheduler.remove_all_jobs(alias))
        gets(
            future,
            "JobRemoved after 1 s: Job 'work' (id …) was removed from job store 'default' with all "
            "others. Add it again if it should run.",
        )
        assert other.done() == (alias is None)
        gets(running, "'done' after 2 s")
        gets(group.add_job(work, id=future.job_id), "'done' after 2.5 s")


@pytest.mark.rows("E7")
def test_a_job_that_is_added_while_all_are_removed(
    scheduler: Any, sim: Simulation, gets: Gets
) -> None:
    """A job that is added after a store was emptied runs, even if it is due before all is told."""
    added: list[Any] = []
    group = JobGroup(scheduler)

    def add(_event: Any) -> None:
        added.extend([group.add_job(work, **soon()), group.add_job(work)])
        sim.settle()

    scheduler.add_listener(add, EVENT_ALL_JOBS_REMOVED)
    with group:
        future = group.add_job(work, **soon())
        scheduler.remove_all_jobs()
        assert isinstance(future.exception(), JobRemoved)
        gets(added[1], "'done' after 0.5 s")
        gets(added[0], "'done' after 5.5 s")


@pytest.mark.rows("E7")
def test_a_job_that_is_not_in_its_store_yet_when_all_are_removed(
    scheduler: Any, monkeypatch: pytest.MonkeyPatch, gets: Gets
) -> None:
    """A job that is about to be added when a store is emptied runs."""
    real = scheduler._create_trigger

    def remove_first(*args: Any) -> Any:
        monkeypatch.undo()
        scheduler.remove_all_jobs()
        return real(*args)

    with JobGroup(scheduler) as group:
        removed = group.add_job(work, **soon())
        monkeypatch.setattr(scheduler, "_create_trigger", remove_first)
        gets(group.add_job(work, **soon()), "'done' after 5.5 s")
    assert isinstance(removed.exception(), JobRemoved)


class UnreadableStore(MemoryJobStore):  # type: ignore[misc]  # APScheduler has no types.
    """A store that says of no job whether it has it."""

    def lookup_job(self, _id: str) -> Any:
        """Fail."""
        raise OSError("connection lost")


@pytest.mark.rows("E7")
def test_all_jobs_removed_of_which_a_store_says_nothing(scheduler: Any, gets: Gets) -> None:
    """A job whose store cannot be read then is pending, and says so; the others are told."""
    scheduler.add_jobstore(UnreadableStore(), "other")
    with JobGroup(scheduler) as group:
        other = group.add_job(work, jobstore="other", **soon())
        future = group.add_job(work, **soon())
        scheduler.remove_all_jobs()
        assert isinstance(future.exception(0), JobRemoved)
        gets(
            other,
            "pending after 30 s, last seen: perhaps removed from job store 'other': OSError: "
            "connection lost",
        )
    assert scheduler._listeners == []


@pytest.mark.rows("E8")
def test_a_job_store_that_is_removed(scheduler: Any, gets: Gets) -> None:
    """Jobs whose store is removed are known at once not to run."""
    scheduler.add_jobstore(MemoryJobStore(), "other")
    with JobGroup(scheduler) as group:
        future = group.add_job(work, jobstore="other", **soon())
        later(1, lambda: scheduler.remove_jobstore("other"))
        gets(
            future,
            "JobRemoved after 1 s: Job 'work' (id …) was in job store 'other', which was removed "
            "from the scheduler. If that store is persistent it still has the job: remove it there "
            "if no scheduler that is started on it should run it.",
        )


@pytest.mark.rows("E8")
def test_a_persistent_job_store_that_is_removed(scheduler: Any, db: Any, gets: Gets) -> None:
    """A store that is no longer the scheduler's is left alone, at the end of the block, too."""
    scheduler.add_jobstore(db, "db")
    with JobGroup(scheduler) as group:
        future = group.add_job("os:getpid", jobstore="db", **soon())
        later(1, lambda: scheduler.remove_jobstore("db"))
        gets(
            future,
            "JobRemoved after 1 s: Job 'getpid' (id …) was in job store 'db', which was removed "
            "from the scheduler. If that store is persistent it still has the job: remove it there "
            "if no scheduler that is started on it should run it.",
        )
    assert [job.id for job in db.get_all_jobs()] == [future.job_id]


@pytest.mark.rows("E8")
def test_a_block_that_ends_when_a_store_is_removed(
    scheduler: Any, caplog: pytest.LogCaptureFixture
) -> None:
    """A job whose store is gone can be taken back before that is told to its group."""
    scheduler.add_jobstore(MemoryJobStore(), "other")
    heard: list[Any] = []
    group = JobGroup(scheduler)
    scheduler.add_listener(lambda _: group.__exit__(None, None, None), EVENT_JOBSTORE_REMOVED)
    scheduler.add_listener(heard.append, EVENT_JOB_REMOVED)
    group.__enter__()
    future = group.add_job(work, jobstore="other", **soon())
    scheduler.remove_jobstore("other")
    assert future.cancelled()
    assert heard == []
    assert "Error notifying listener" not in caplog.text


@pytest.mark.rows("E9")
def test_an_executor_that_does_not_exist(scheduler: Any, gets: Gets) -> None:
    """A job whose executor does not exist is known not to run when it is due."""
    with JobGroup(scheduler) as group:
        gets(
            group.add_job(work, executor="nowhere"),
            "JobRefused after 0 s: Job 'work' (id …) was taken out of job store 'default': its "
            "executor 'nowhere' does not exist. Name one that the scheduler has, or add it.",
        )


@pytest.mark.rows("E6")
def test_a_job_that_is_removed_whose_executor_does_not_exist(scheduler: Any, gets: Gets) -> None:
    """A job that is removed was removed: nobody has looked for its executor."""
    with JobGroup(scheduler) as group:
        removed = group.add_job(work, executor="later", **soon())
        scheduler.remove_job(removed.job_id)
        gets(
            removed,
            "JobRemoved after 0 s: Job 'work' (id …) was removed from job store 'default' before "
            "it was due. Add it again if it should run.",
        )


@pytest.mark.rows("E9")
def test_a_job_that_is_given_an_executor_that_does_not_exist(scheduler: Any, gets: Gets) -> None:
    """A job that is modified gets the answer of the executor that it has when it is due."""
    with JobGroup(scheduler) as group:
        future = group.add_job(work, **soon())
        scheduler.modify_job(future.job_id, executor="nowhere")
        gets(
            future,
            "JobRefused after 5 s: Job 'work' (id …) was taken out of job store 'default': its "
            "executor 'nowhere' does not exist. Name one that the scheduler has, or add it.",
        )


@pytest.mark.rows("E10")
def test_a_job_that_is_given_an_executor_that_refuses(
    scheduler: Any, small: Any, gets: Gets
) -> None:
    """It is the one that it has when it is due that refuses a job, and is named."""
    small.shutdown()
    with JobGroup(scheduler) as group:
        future = group.add_job(work, **soon())
        scheduler.modify_job(future.job_id, executor="small")
        gets(
            future,
            "JobRefused after 5 s: Job 'work' (id …) was refused by executor 'small': "
            "RuntimeError: cannot schedule new futures after shutdown. Give the scheduler an "
            "executor that runs (remove_executor, add_executor).",
        )


@pytest.mark.rows("E10")
def test_an_executor_that_refuses(scheduler: Any, small: Any, gets: Gets) -> None:
    """A job that its pool does not take, because it is shut down, is known at once not to run."""
    with JobGroup(scheduler) as group:
        gets(group.add_job(work, executor="small"), "'done' after 0.5 s")
        small.shutdown()
        future = group.add_job(work, executor="small")
        gets(
            future,
            "JobRefused after 0.5 s: Job 'work' (id …) was refused by executor 'small': "
            "RuntimeError: cannot schedule new futures after shutdown. Give the scheduler an "
            "executor that runs (remove_executor, add_executor).",
        )
    assert isinstance(getattr(future.exception(), "__cause__", None), RuntimeError)


@pytest.mark.rows("E10")
def test_an_executor_that_is_not_started_yet(
    scheduler: Any, gets: Gets, caplog: pytest.LogCaptureFixture
) -> None:
    """A job that is due while its executor is being added is refused, and APScheduler logs why."""
    # As add_executor() does, which starts it then.
    scheduler._executors["new"] = ThreadPoolExecutor(1)
    with JobGroup(scheduler) as group:
        gets(
            group.add_job(work, executor="new"),
            "JobRefused after 0 s: Job 'work' (id …) was refused by executor 'new': "
            "AssertionError: This executor has not been started yet. Give the scheduler an "
            "executor that runs (remove_executor, add_executor).",
        )
    assert [type(each.exc_info[1]) for each in caplog.records if each.exc_info] == [AssertionError]


@pytest.mark.rows("E10")
def test_a_pool_without_a_thread(scheduler: Any, small: Any, gets: Gets) -> None:
    """A job for which no thread can be started is refused, and not run by a later thread either."""
    ran: list[str] = []
    with JobGroup(scheduler) as group:
        with pytest.MonkeyPatch.context() as patch:

            def start(thread: threading.Thread) -> None:
                raise RuntimeError("can't start new thread")

            patch.setattr(threading.Thread, "start", start)
            gets(
                group.add_job(ran.append, args=["refused"], name="note", executor="small"),
                "JobRefused after 0 s: Job 'note' (id …) was refused by executor 'small': "
                "RuntimeError: can't start new thread. Give the scheduler an executor that runs "
                "(remove_executor, add_executor).",
            )
        gets(group.add_job(work, executor="small"), "'done' after 0.5 s")
    assert ran == []


@pytest.mark.rows("E10")
@pytest.mark.parametrize("is_replaced", [False, True])
def test_a_process_that_cannot_be_started(
    scheduler: Any, gets: Gets, monkeypatch: pytest.MonkeyPatch, is_replaced: bool
) -> None:
    """A job for which no process can be started is refused, and not run by a later one either."""
    executor = ProcessPoolExecutor(1)
    scheduler.add_executor(executor, "processes")
    executor._pool._broken = is_replaced and "a worker was killed"
    monkeypatch.setattr(concurrent.futures.ProcessPoolExecutor, "_spawn_process", start_nothing)
    with JobGroup(scheduler) as group:
        gets(
            group.add_job(work, executor="processes"),
            "JobRefused after 0 s: Job 'work' (id …) was refused by executor 'processes': "
            "OSError: [Errno 24] Too many open files. Give the scheduler an executor that runs "
            "(remove_executor, add_executor).",
        )
    assert [each.future.cancelled() for each in queue_of(executor)] == [True]


def start_nothing(_pool: Any) -> None:
    """Fail as a process pool does that has no room for another process."""
    raise OSError(24, "Too many open files")


def queue_of(executor: Any) -> list[Any]:
    """Return what a process pool has to run."""
    return list(executor._pool._pending_work_items.values())


def test_a_job_that_another_process_takes_when_none_can_be_started(
    scheduler: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A job that a living worker has been given while its pool failed is answered by the job."""
    executor = ProcessPoolExecutor(1)
    scheduler.add_executor(executor, "processes")

    def start(pool: Any) -> None:
        queue_of(executor)[-1].future.set_running_or_notify_cancel()
        start_nothing(pool)

    monkeypatch.setattr(concurrent.futures.ProcessPoolExecutor, "_spawn_process", start)
    with JobGroup(scheduler) as group:
        future = group.add_job(abs, args=[-1], id="same", executor="processes")
        time.sleep(0.1)
        assert [future.running(), future.cancel()] == [True, False]
        *_, item = queue_of(executor)
        item.future.set_result(item.fn(*item.args))
        assert future.result(0) == 1
    assert executor._instances == {}


class HalfwayExecutor(DebugExecutor):  # type: ignore[misc]  # APScheduler has no types.
    """An executor that fails while it runs a job, or when it has."""

    def _do_submit_job(self, job: Any, _run_times: Any) -> None:
        thread = threading.Thread(target=job.func, args=job.args)
        thread.start()
        thread.join(1)
        raise OSError("no more")


@pytest.mark.rows("E10")
def test_an_executor_that_fails_when_a_job_has_begun(scheduler: Any, gets: Gets) -> None:
    """A job that is over by then has its own value; another one may have run."""
    scheduler.add_executor(HalfwayExecutor(), "halfway")
    with JobGroup(scheduler) as group:
        gets(group.add_job(work, args=["value"], executor="halfway"), "'value' after 0.5 s")
        gets(
            group.add_job(work, args=["value", 2], executor="halfway"),
            "JobLost after 1.5 s: Job 'work' (id …) was lost by executor 'halfway': OSError: no "
            "more. It may have run, in part or whole: add it again only if it may run twice. The "
            "executor's log has more.",
        )
    assert not any(scheduler._executors["halfway"]._instances.values())


@pytest.mark.rows("E12")
def test_workers_that_cannot_be_set_up(
    scheduler: Any, gets: Gets, caplog: pytest.LogCaptureFixture
) -> None:
    """Jobs of a pool whose initializer fails are known at once to be lost, and logged."""

    def initializer() -> None:
        raise OSError("no connection")

    pool = {"initializer": initializer}
    scheduler.add_executor(ThreadPoolExecutor(1, pool_kwargs=pool), "broken")
    with JobGroup(scheduler) as group:
        lost = group.add_job(work, executor="broken")
        gets(
            lost,
            "JobLost after 0 s: Job 'work' (id …) was lost by executor 'broken': "
            "BrokenThreadPool: A thread initializer failed, the thread pool is not usable "
            "anymore. It did not begin: mend what is wrong, and add it again. The executor's log "
            "has more.",
        )
        gets(
            group.add_job(work, executor="broken"),
            "JobRefused after 0 s: Job 'work' (id …) was refused by executor 'broken': "
            "BrokenThreadPool: A thread initializer failed, the thread pool is not usable "
            "anymore. Give the scheduler an executor that runs (remove_executor, add_executor).",
        )
    logged = [each for each in caplog.records if each.name == "apscheduler.executors.broken"]
    assert [each.getMessage() for each in logged] == [f"Error running job {lost.job_id}"]


@pytest.mark.rows("E13")
# The executor's own callback fails, which is logged.
def test_a_job_that_is_cancelled_in_the_queue(scheduler: Any, small: Any, gets: Gets) -> None:
    """A job that its pool drops from its queue is known at once to be lost, and not counted."""
    with JobGroup(scheduler) as group:
        running, queued = (
            group.add_job(work, kwargs={"seconds": 2}, id=id_, executor="small")
            for id_ in ("1", "2")
        )
        later(1, lambda: small._pool.shutdown(wait=False, cancel_futures=True))
        gets(
            queued,
            "JobLost after 1 s: Job 'work' (id …) was lost by executor 'small': CancelledError: "
            "the pool cancelled it. It did not begin: mend what is wrong, and add it again. The "
            "executor's log has more.",
        )
        gets(running, "'done' after 2 s")
        assert not queued.cancel()
    assert dict(small._instances) == {}


@pytest.mark.rows("E19")
def test_a_shutdown_with_the_job_in_memory(scheduler: Any, gets: Gets) -> None:
    """A job that has not left its memory store is known not to run when the scheduler is shut."""
    with JobGroup(scheduler) as group:
        future = group.add_job(work, **soon())
        later(1, scheduler.shutdown)
        gets(
            future,
            f"JobRemoved after 1 s: {SHUT}",
        )


def test_a_shutdown_that_was_kept_before_the_group_opened(scheduler: Any, sim: Simulation) -> None:
    """It is heard when it has waited for the jobs that a pool has."""
    shut_down = scheduler.shutdown
    with JobGroup(scheduler) as group:
        group.add_job(work, kwargs={"seconds": 3})
        future = group.add_job(work, **soon())
        later(1, shut_down)
        assert isinstance(future.exception(30), JobRemoved)
        assert sim.clock.elapsed == 3.0
    assert scheduler._job_groups.waiting == {}


@pytest.mark.rows("E19")
def test_a_shutdown_that_waits_for_who_waits(scheduler: Any, gets: Gets) -> None:
    """A job that waits for another one is told as soon as a shutdown begins to wait for itself."""

    def outer() -> str:
        with JobGroup(scheduler) as group:
            future = group.add_job(work, executor="other", **soon())
            return type(future.exception()).__name__

    scheduler.add_executor(ThreadPoolExecutor(1), "other")
    with JobGroup(scheduler) as group:
        future = group.add_job(outer)
        later(1, scheduler.shutdown)
        gets(future, "'JobRemoved' after 1 s")


@pytest.mark.rows("E19")
def test_a_shutdown_with_the_job_in_a_persistent_store(scheduler: Any, db: Any, gets: Gets) -> None:
    """A job that stays behind in a persistent store is lost to its caller, who is told so."""
    scheduler.add_jobstore(db, "db")
    with JobGroup(scheduler) as group:
        future = group.add_job("time:sleep", args=[1], jobstore="db", **soon())
        later(1, scheduler.shutdown)
        gets(
            future,
            "JobLost after 1 s: Job 'sleep' (id …) was still in job store 'db' when the scheduler "
            "was shut down. Another scheduler may run it from there until the block ends.",
        )
        assert [job.id for job in db.get_all_jobs()] == [future.job_id]
    assert db.get_all_jobs() == []


@pytest.mark.rows("E19")
def test_a_restart_with_the_job_in_a_persistent_store(
    scheduler: Any, db: Any, sim: Simulation, tmp_path: Path
) -> None:
    """A job that its caller was told is lost is not run by the same scheduler, started again."""
    scheduler.add_jobstore(db, "db")
    with JobGroup(scheduler) as group:
        future = group.add_job("os:mkdir", args=[f"{tmp_path}/ran"], jobstore="db", **soon())
        scheduler.shutdown()
        assert isinstance(future.exception(0), JobLost)
        scheduler.remove_executor("default")
        scheduler.start()
        sim.clock.tick(10)
        assert db.get_all_jobs() == []
        assert group.add_job("os:getpid", id=future.job_id, jobstore="db").result(30) == os.getpid()
    assert list(tmp_path.glob("ran")) == []


@pytest.mark.rows("E19")
def test_another_scheduler_with_the_job_in_its_persistent_store(
    scheduler: Any, db: Any, sim: Simulation, tmp_path: Path
) -> None:
    """A job that its caller was told is lost is run by another scheduler started on its store."""
    scheduler.add_jobstore(db, "db")
    other = BackgroundScheduler(timezone=UTC, jobstores={"default": db})
    with JobGroup(scheduler) as group:
        future = group.add_job("os:mkdir", args=[f"{tmp_path}/ran"], jobstore="db", **soon())
        scheduler.shutdown()
        other.start()
        sim.clock.tick(10)
        assert isinstance(future.exception(0), JobLost)
    assert (tmp_path / "ran").is_dir()
    other.shutdown()


@pytest.mark.rows("E21")
def test_a_job_that_shuts_the_scheduler_down(scheduler: Any, gets: Gets) -> None:
    """The job that did it has failed, those that run end, and the others are known not to run."""
    with JobGroup(scheduler) as group:
        beside = group.add_job(work)
        guilty = group.add_job(scheduler.shutdown, run_date=datetime.now(UTC))
        later_on = group.add_job(work, **soon())
        gets(
            later_on,
            f"JobRemoved after 0 s: {SHUT}",
        )
        gets(guilty, "RuntimeError after 0.5 s: cannot join current thread")
        gets(beside, "'done' after 0.5 s")


class SlowPool(ThreadPoolExecutor):  # type: ignore[misc]  # APScheduler has no types.
    """A pool that takes a second to take a job."""

    def _do_submit_job(self, job: Any, run_times: Any) -> None:
        time.sleep(1)
        super()._do_submit_job(job, run_times)


@pytest.mark.rows("E20")
# The thread that dies says so.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_shutdown_while_jobs_are_handed_over(scheduler: Any, gets: Gets) -> None:
    """Of jobs that are due together, those that a shutdown comes before are known not to run."""
    scheduler.add_executor(SlowPool(), "slow")
    with JobGroup(scheduler) as group:
        date = soon()
        first, second = (group.add_job(work, id=id_, executor="slow", **date) for id_ in ("1", "2"))
        later(5.5, lambda: scheduler.shutdown(wait=False))
        gets(
            second,
            f"JobRemoved after 5.5 s: {SHUT}",
        )
        gets(first, "'done' after 6.5 s")


@pytest.mark.rows("E25")
def test_a_job_that_is_replaced(scheduler: Any, sim: Simulation, gets: Gets) -> None:
    """A job that another one with its id replaces is known at once not to run; the other runs."""
    ran: list[str] = []
    with JobGroup(scheduler) as group:
        future = group.add_job(work, id="report", **soon())
        scheduler.add_job(ran.append, args=["the other"], id="report", replace_existing=True)
        gets(
            future,
            "JobRemoved after 0 s: Job 'work' (id …) was replaced in job store 'default' by "
            "another job with its id. Leave the id out: each job gets one of its own.",
        )
        sim.clock.tick(10)
    assert ran == ["the other"]


@pytest.mark.rows("E25")
def test_a_job_that_replaces_another(scheduler: Any, gets: Gets) -> None:
    """A job of a group may replace one of nobody's."""
    ran: list[str] = []
    scheduler.add_job(ran.append, args=["replaced"], id="report", **soon())
    with JobGroup(scheduler) as group:
        future = group.add_job(work, id="report", replace_existing=True, **soon())
        gets(future, "'done' after 5.5 s")
    assert ran == []


@pytest.mark.rows("E25")
def test_a_job_of_a_group_that_replaces_one_of_a_group(scheduler: Any, gets: Gets) -> None:
    """A job that replaces another group's has its own answer, and the other is told at once."""
    ran: list[str] = []
    with JobGroup(scheduler) as group, JobGroup(scheduler) as other:
        first = other.add_job(ran.append, args=["first"], id="report", name="note", **soon())
        second = group.add_job(work, id="report", replace_existing=True, **soon())
        gets(
            first,
            "JobRemoved after 0 s: Job 'note' (id …) was replaced in job store 'default' by "
            "another job with its id. Leave the id out: each job gets one of its own.",
        )
        gets(second, "'done' after 5.5 s")
    assert (ran, scheduler.get_jobs(), scheduler._listeners) == ([], [], [])


@pytest.mark.rows("E25")
def test_a_job_that_could_not_replace_another(scheduler: Any, gets: Gets) -> None:
    """A job of a group runs when the one that was to replace it could not be added."""
    with JobGroup(scheduler) as group:
        first = group.add_job(work, id="report", **soon())
        with pytest.raises(ValueError, match="longer than the target callable can handle"):
            group.add_job(work, args=[1, 2, 3], id="report", replace_existing=True, **soon())
        gets(first, "'done' after 5.5 s")
