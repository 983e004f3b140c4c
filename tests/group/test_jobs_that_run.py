"""A job that runs has its own value or its own exception, whatever happens to the scheduler."""

import logging
import threading
import time
from collections.abc import AsyncGenerator
from typing import Any

import pytest
from apscheduler.executors.pool import ThreadPoolExecutor
from apscheduler.jobstores.memory import MemoryJobStore

from caller import Gets, soon, work
from jobs_synchronizer import JobGroup
from outcomes import later
from threadsim import Simulation


def fail(error: BaseException) -> None:
    """Raise an exception."""
    raise error


def use(scheduler: Any, executor: ThreadPoolExecutor) -> None:
    """Give a scheduler another pool."""
    scheduler.remove_executor("default")
    scheduler.add_executor(executor)


@pytest.mark.rows("E1")
def test_a_job_that_returns(scheduler: Any, gets: Gets) -> None:
    """The caller gets what the job returned."""
    with JobGroup(scheduler) as group:
        future = group.add_job(work, args=["hello"])
        gets(future, "'hello' after 0.5 s")

    assert future.last_seen == "returned"


@pytest.mark.rows("E1")
def test_a_job_that_runs_later(scheduler: Any, gets: Gets) -> None:
    """A job with a date of its own joins like any other."""
    with JobGroup(scheduler) as group:
        gets(group.add_job(work, "date", **soon(20)), "'done' after 20.5 s")


@pytest.mark.rows("E2")
def test_a_job_that_raises(scheduler: Any, gets: Gets) -> None:
    """The caller gets the job's own exception, with its traceback."""
    error = ValueError("boom")
    with JobGroup(scheduler) as group:
        future = group.add_job(fail, args=[error])
        gets(future, "ValueError after 0 s: boom")

    assert future.exception() is error
    assert future.last_seen == "raised ValueError"


@pytest.mark.rows("E2")
def test_a_job_that_exits(scheduler: Any, gets: Gets) -> None:
    """An exception that would end a program is one of the job's, too."""
    with JobGroup(scheduler) as group:
        gets(group.add_job(fail, args=[SystemExit("bye")]), "SystemExit after 0 s: bye")
        interrupt = KeyboardInterrupt("Ctrl-C")
        gets(group.add_job(fail, args=[interrupt]), "KeyboardInterrupt after 0 s: Ctrl-C")


def fail_to_log_an_end(record: logging.LogRecord) -> bool:
    """Be a filter that fails when it is told that a job has ended."""
    if record.msg.startswith("Job "):
        raise OSError("log server gone")
    return True


@pytest.fixture
def no_end_is_logged(
    scheduler: Any, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Let the executor fail after its job."""
    logger = scheduler._executors["default"]._logger
    caplog.set_level(logging.INFO, logger.name)
    monkeypatch.setattr(logger, "filters", [fail_to_log_an_end])


@pytest.mark.rows("E1")
@pytest.mark.usefixtures("no_end_is_logged")
def test_a_job_that_returns_whose_end_cannot_be_logged(
    scheduler: Any, gets: Gets, caplog: pytest.LogCaptureFixture
) -> None:
    """A job has its own value although its executor fails after it, which is told."""
    with JobGroup(scheduler) as group:
        gets(group.add_job(work), "'done' after 0.5 s")
    assert "OSError: log server gone" in caplog.text


@pytest.mark.rows("E2")
@pytest.mark.usefixtures("no_end_is_logged")
def test_a_job_that_raises_whose_end_cannot_be_logged(
    scheduler: Any, gets: Gets, caplog: pytest.LogCaptureFixture
) -> None:
    """A job has its own exception although its executor fails after it, which is told."""
    with JobGroup(scheduler) as group:
        gets(group.add_job(fail, args=[ValueError("boom")]), "ValueError after 0 s: boom")
    assert "OSError: log server gone" in caplog.text


async def coroutine(number: int) -> None:
    """Be called by a function that does not say so."""


def coroutine_of(number: int) -> Any:
    """Call a coroutine function."""
    return coroutine(number)


@pytest.mark.rows("E5")
def test_a_job_that_returns_a_coroutine(scheduler: Any, gets: Gets) -> None:
    """A function that turns out to call a coroutine function has failed: its body has not run."""
    with JobGroup(scheduler) as group:
        gets(
            group.add_job(coroutine_of, args=[1], name="job"),
            "TypeError after 0 s: Job 'job' (id …) returned a coroutine or an asynchronous "
            "generator, whose body has not run. Pass a function that calls asyncio.run.",
        )


async def numbers() -> AsyncGenerator[int]:
    """Be iterated over by nobody."""
    yield 1


@pytest.mark.rows("E5")
def test_a_job_that_returns_an_asynchronous_generator(scheduler: Any, gets: Gets) -> None:
    """A function that makes an asynchronous generator, whose body nobody runs, has failed, too."""
    with pytest.raises(StopIteration, match="1"):
        numbers().asend(None).send(None)
    with JobGroup(scheduler) as group:
        gets(
            group.add_job(numbers, name="job"),
            "TypeError after 0 s: Job 'job' (id …) returned a coroutine or an asynchronous "
            "generator, whose body has not run. Pass a function that calls asyncio.run.",
        )


def start_no_second_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a pool start its first thread only."""
    start = threading.Thread.start

    def start_one(thread: threading.Thread) -> None:
        if "_0" not in thread.name and thread.name != "APScheduler":
            raise RuntimeError("can't start new thread")
        start(thread)

    monkeypatch.setattr(threading.Thread, "start", start_one)


@pytest.mark.rows("E11")
def test_a_thread_that_cannot_be_started(scheduler: Any, gets: Gets) -> None:
    """A job for which a pool can start no thread is refused, and not run by a living one either."""
    ran: list[str] = []
    with JobGroup(scheduler) as group, pytest.MonkeyPatch.context() as patch:
        start_no_second_thread(patch)
        first = group.add_job(work)
        gets(
            group.add_job(ran.append, args=["second"], name="second"),
            "JobRefused after 0 s: Job 'second' (id …) was refused by executor 'default': "
            "RuntimeError: can't start new thread. Give the scheduler an executor that runs "
            "(remove_executor, add_executor).",
        )
        gets(first, "'done' after 0.5 s")
        gets(group.add_job(work), "'done' after 1 s")
    assert ran == []
    assert scheduler._executors["default"]._instances == {}


@pytest.mark.rows("E11")
def test_a_job_that_is_over_before_its_refusal(scheduler: Any, gets: Gets) -> None:
    """A job that ran while the pool failed to start a thread for it is answered all the same."""
    with JobGroup(scheduler) as group, pytest.MonkeyPatch.context() as patch:

        def fail_late(thread: threading.Thread) -> None:
            time.sleep(2)
            raise RuntimeError("can't start new thread")

        scheduler._executors["default"]._pool.submit(time.sleep, 1)  # The only worker.
        patch.setattr(threading.Thread, "start", fail_late)
        gets(group.add_job(work), "'done' after 2 s")


@pytest.mark.rows("E11")
@pytest.mark.parametrize(
    "error",
    [
        RuntimeError("can't start new thread"),
        RuntimeError("can't create new thread at interpreter shutdown"),
        MemoryError(),
    ],
)
def test_a_job_that_begins_before_its_refusal(scheduler: Any, gets: Gets, error: Exception) -> None:
    """A job that a worker has begun when the pool fails is no refused one, whatever the error."""
    with JobGroup(scheduler) as group, pytest.MonkeyPatch.context() as patch:

        def fail_late(thread: threading.Thread) -> None:
            time.sleep(1.2)
            raise error

        scheduler._executors["default"]._pool.submit(time.sleep, 1)  # The only worker.
        patch.setattr(threading.Thread, "start", fail_late)
        gets(group.add_job(work), "'done' after 1.5 s")


@pytest.mark.rows("E17")
def test_a_shutdown_that_waits(scheduler: Any, gets: Gets) -> None:
    """Jobs that a pool runs, or has in its queue, end before a shutdown that waits for them."""
    use(scheduler, ThreadPoolExecutor(1))
    with JobGroup(scheduler) as group:
        running, queued = group.add_job(work), group.add_job(work)
        later(0.1, scheduler.shutdown)
        gets(running, "'done' after 0.5 s")
        gets(queued, "'done' after 1 s")


@pytest.mark.rows("E18")
def test_a_shutdown_that_does_not_wait(scheduler: Any, gets: Gets) -> None:
    """Jobs that a pool runs, or has in its queue, end after a shutdown that does not wait."""
    use(scheduler, ThreadPoolExecutor(1))
    with JobGroup(scheduler) as group:
        running, queued = group.add_job(work), group.add_job(work)
        later(0.1, lambda: scheduler.shutdown(wait=False))
        gets(running, "'done' after 0.5 s")
        gets(queued, "'done' after 1 s")


# The thread that dies says so.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_shutdown_between_hand_over_and_removal(scheduler: Any, sim: Simulation) -> None:
    """A job that waits in a pool's queue then runs, although its store still has it."""

    class ShutDownThen(ThreadPoolExecutor):  # type: ignore[misc]  # APScheduler has no types.
        def submit_job(self, job: Any, run_times: Any) -> None:
            super().submit_job(job, run_times)
            if job.id == "queued":
                later(0, lambda: scheduler.shutdown(wait=False))
                sim.settle()

    use(scheduler, ShutDownThen(1))
    with JobGroup(scheduler) as group:
        running, queued = group.add_job(work), group.add_job(work, id="queued")
        assert [running.result(30), queued.result(30)] == ["done", "done"]


@pytest.mark.rows("E24")
def test_a_job_that_is_rescheduled(scheduler: Any, sim: Simulation, gets: Gets) -> None:
    """A job that is given a later date runs then."""
    with JobGroup(scheduler) as group:
        future = group.add_job(work, **soon())
        scheduler.reschedule_job(future.job_id, trigger="date", **soon(10))
        gets(future, "'done' after 10.5 s")


@pytest.mark.rows("E24")
def test_a_job_that_is_rescheduled_to_recur(
    scheduler: Any, sim: Simulation, gets: Gets, caplog: pytest.LogCaptureFixture
) -> None:
    """A job of a group runs once, whatever its trigger has become, and leaves its store with it."""
    ran: list[str] = []
    with JobGroup(scheduler) as group:
        future = group.add_job(ran.append, args=["once"], coalesce=False, **soon())
        scheduler.reschedule_job(future.job_id, trigger="interval", seconds=1)
        scheduler.pause()
        sim.clock.tick(4)
        scheduler.resume()
        gets(future, "None after 4 s")
        sim.clock.tick(4)
        assert [job.id for job in scheduler.get_jobs()] == [future.job_id]
    assert scheduler.get_jobs() == []
    assert ran == ["once"]
    assert "is not run" not in caplog.text


def test_a_job_that_recurs_while_it_waits_in_a_queue(
    scheduler: Any, sim: Simulation, caplog: pytest.LogCaptureFixture
) -> None:
    """It is in the queue once."""
    use(scheduler, ThreadPoolExecutor(1))
    ran: list[str] = []
    with JobGroup(scheduler) as group:
        group.add_job(work, kwargs={"seconds": 5})
        future = group.add_job(ran.append, args=["once"], max_instances=9, **soon(1))
        scheduler.reschedule_job(future.job_id, trigger="interval", seconds=1)
        assert future.result(30) is None
        sim.clock.tick(4)
    assert (ran, caplog.records) == (["once"], [])


class ForgetfulStore(MemoryJobStore):  # type: ignore[misc]  # APScheduler has no types.
    """A store that fails the first time somebody asks it for jobs that it has."""

    failed = False

    def get_due_jobs(self, now: Any) -> Any:
        """Fail, once."""
        if self._jobs and not self.failed:
            self.failed = True
            raise OSError("connection lost")
        return super().get_due_jobs(now)


@pytest.mark.rows("E30")
def test_a_job_store_that_fails_once(scheduler: Any, gets: Gets) -> None:
    """A store that cannot be read is asked again after ten seconds; no grace ends meanwhile."""
    scheduler.add_jobstore(ForgetfulStore(), "forgetful")
    with JobGroup(scheduler) as group:
        gets(group.add_job(work, jobstore="forgetful"), "'done' after 10.5 s")


@pytest.mark.rows("E32")
def test_an_executor_that_is_removed(scheduler: Any, gets: Gets) -> None:
    """Jobs that a removed executor runs, or has in its queue, end; a later one is refused."""
    scheduler.add_executor(ThreadPoolExecutor(1), "small")
    with JobGroup(scheduler) as group:
        running, queued = (group.add_job(work, executor="small") for _ in range(2))
        later(0.1, lambda: scheduler.remove_executor("small"))
        gets(running, "'done' after 0.5 s")
        gets(queued, "'done' after 1 s")
        gets(
            group.add_job(work, executor="small"),
            "JobRefused after 1 s: Job 'work' (id …) was taken out of job store 'default': its "
            "executor 'small' does not exist. Name one that the scheduler has, or add it.",
        )


@pytest.mark.rows("E32")
def test_an_executor_that_is_exchanged(scheduler: Any, gets: Gets) -> None:
    """A job that is due after its executor was exchanged is run, and answered for, by the new."""
    with JobGroup(scheduler) as group:
        future = group.add_job(work, **soon())
        use(scheduler, ThreadPoolExecutor(1))
        gets(future, "'done' after 5.5 s")
