"""What ``concurrent.futures`` says of futures holds for those of a group."""

import concurrent.futures
import logging
import os
import pickle
import threading
import time
from collections.abc import Callable, Generator
from concurrent.futures.process import BrokenProcessPool
from typing import Any, ClassVar

import pytest
from apscheduler.events import (
    EVENT_JOB_ERROR,
    EVENT_JOB_REMOVED,
    EVENT_JOB_SUBMITTED,
    JobExecutionEvent,
)
from apscheduler.executors.debug import DebugExecutor
from apscheduler.executors.pool import ProcessPoolExecutor, ThreadPoolExecutor
from apscheduler.jobstores.base import ConflictingIdError

from apscheduler_fakes import FakeScheduler
from caller import Elsewhere, Gets, soon
from jobs_synchronizer import JobGroup, JobLost, JobMissed, JobNotRun, JobRefused, JobRemoved
from outcomes import later
from threadsim import Simulation


def work(seconds: float = 0.5) -> float:
    """Take some time."""
    time.sleep(seconds)
    return seconds


def test_a_future_says_in_a_log_whose_it_is(scheduler: Any) -> None:
    """Its text has the job's name and id, and what was last seen of it."""
    with JobGroup(scheduler) as group:
        future = group.add_job(work, id="1", name="half", **soon())
        assert repr(future) == "<JobFuture of 'half' (id 1): added to job store 'default'>"
        future.cancel()
    assert repr(future) == "<JobFuture of 'half' (id 1): cancelled>"


def test_wait_returns_what_is_done_at_the_deadline(scheduler: Any, sim: Simulation) -> None:
    """``wait`` divides the futures at its deadline."""
    with JobGroup(scheduler) as group:
        quick, slow = group.add_job(work), group.add_job(work, args=[5])
        done, not_done = concurrent.futures.wait([quick, slow], timeout=1)
    assert (done, not_done) == ({quick}, {slow})
    assert sim.clock.elapsed == 1.0


def test_as_completed_returns_jobs_in_the_order_of_their_ends(scheduler: Any) -> None:
    """``as_completed`` yields the quickest job first."""
    with JobGroup(scheduler) as group:
        futures = [group.add_job(work, args=[seconds]) for seconds in (3, 1, 2)]
        ended = [future.result() for future in concurrent.futures.as_completed(futures, 30)]
    assert ended == [1, 2, 3]


def test_the_first_exception_ends_a_wait_for_it(scheduler: Any, sim: Simulation) -> None:
    """A job that is removed counts as one that failed."""
    with JobGroup(scheduler) as group:
        futures = [group.add_job(work, args=[9]), group.add_job(work, **soon())]
        later(2, lambda: scheduler.remove_job(futures[1].job_id))
        concurrent.futures.wait(futures, 30, concurrent.futures.FIRST_EXCEPTION)
    assert sim.clock.elapsed == 2.0


def test_a_time_out_of_result(scheduler: Any) -> None:
    """``result`` and ``exception`` time out while the job runs."""
    with JobGroup(scheduler) as group:
        future = group.add_job(work)
        with pytest.raises(TimeoutError):
            future.result(timeout=0.1)
        with pytest.raises(TimeoutError):
            future.exception(timeout=0.1)
        assert future.result(timeout=1) == 0.5


def test_callbacks_are_called_with_the_future(scheduler: Any) -> None:
    """A callback is called once, when the job has ended, or at once if it has."""
    seen: list[Any] = []
    with JobGroup(scheduler) as group:
        future = group.add_job(work)
        future.add_done_callback(seen.append)
        assert seen == []
        future.result()
        future.add_done_callback(seen.append)
    assert seen == [future, future]


def test_a_cancelled_job_leaves_its_store(scheduler: Any, sim: Simulation, gets: Gets) -> None:
    """``cancel`` takes the job out of the store, and whoever waits is told at once."""
    with JobGroup(scheduler) as group:
        future, other = group.add_job(work, **soon()), group.add_job(work, **soon())
        later(1, future.cancel)
        done, _ = concurrent.futures.wait([future, other], 30, concurrent.futures.FIRST_COMPLETED)
        assert (done, sim.clock.elapsed) == ({future}, 1.0)
        assert [job.id for job in scheduler.get_jobs()] == [other.job_id]
        gets(future, "cancelled after 1 s")
        with pytest.raises(concurrent.futures.CancelledError):
            future.result()
        assert future.last_seen == "cancelled"
        assert future.cancel()


def test_who_waits_for_a_cancelled_job_is_told_before_callbacks_are_called(scheduler: Any) -> None:
    """A callback finds the job done, and others who wait for it do not wait for the callback."""
    told: list[set[Any]] = []
    with JobGroup(scheduler) as group:
        future = group.add_job(work, **soon())
        future.add_done_callback(lambda _: told.append(concurrent.futures.wait([future], 0).done))
        assert [future.cancel(), future.cancel()] == [True, True]
    assert told == [{future}]


def test_who_asks_for_the_result_of_a_cancelled_job_is_told(scheduler: Any) -> None:
    """A cancellation in another thread wakes whoever waits in ``result``."""
    with JobGroup(scheduler) as group:
        future = group.add_job(work, **soon(60))
        later(1, future.cancel)
        with pytest.raises(concurrent.futures.CancelledError):
            future.result(30)


def test_a_cancelled_job_is_told_to_listeners(scheduler: Any) -> None:
    """Whoever listens to the scheduler hears that a cancelled job has left its store, once."""
    heard: list[str] = []
    with JobGroup(scheduler) as group:
        future, taken = group.add_job(work, **soon()), group.add_job(work, **soon())
        scheduler.add_listener(lambda event: heard.append(event.job_id), EVENT_JOB_REMOVED)
        # As another process does.
        scheduler._jobstores["default"].remove_job(taken.job_id)
        assert [taken.cancel(), future.cancel()] == [True, True]
        assert heard == [future.job_id]
    assert heard == [future.job_id]
    assert len(scheduler._listeners) == 1


@pytest.mark.parametrize("adds", [False, True])
def test_nobody_waits_for_a_shutdown_that_waits(
    scheduler: Any, sim: Simulation, adds: bool
) -> None:
    """A shutdown may come while ``cancel`` or ``add_job`` waits for the stores: both give up."""

    def look_long() -> None:
        with scheduler._jobstores_lock:
            time.sleep(3)

    heard: list[Any] = []
    scheduler.add_listener(heard.append, EVENT_JOB_REMOVED)
    with JobGroup(scheduler) as group:
        future = group.add_job(work, **soon())
        threading.Thread(target=look_long).start()
        later(0.25, scheduler.shutdown)
        sim.settle()
        if adds:
            with pytest.raises(JobRefused, match="the scheduler is not running"):
                group.add_job(work)
        else:
            assert future.cancel()
        assert sim.clock.elapsed == 0.3
    # A shutdown says nothing of single jobs.
    assert heard == []


def test_a_cancelled_job_in_a_queue_is_never_run(
    scheduler: Any, caplog: pytest.LogCaptureFixture
) -> None:
    """A job that a pool has in its queue can be cancelled, which is no error in any log."""
    scheduler.add_executor(ThreadPoolExecutor(1), "small")
    ran: list[str] = []
    with JobGroup(scheduler) as group:
        running = group.add_job(work, executor="small")
        queued = group.add_job(ran.append, args=["queued"], executor="small", name="queued")
        time.sleep(0.1)
        scheduler.pause()
        assert queued.last_seen == "handed to executor 'small'"
        scheduler.resume()
        assert queued.cancel()
        assert not running.cancel()
        assert running.result() == 0.5
        group.add_job(work, executor="small").result()
    assert ran == []
    assert caplog.records == []


def test_a_job_that_was_given_up_in_a_queue_frees_its_id(scheduler: Any) -> None:
    """A request that gives up, and is sent again, is not told that it runs already."""
    executor = ThreadPoolExecutor(1)
    scheduler.add_executor(executor, "small")
    seen: list[str] = []
    scheduler.add_job(work, executor="small", args=[10])
    for _ in range(3):
        with JobGroup(scheduler) as group:
            future = group.add_job(work, id="report", executor="small")
            concurrent.futures.wait([future], 1)
            seen.append(future.last_seen)
        assert list(executor._instances.values()) == [1]
    assert seen == ["handed to executor 'small'"] * 3


def test_a_callback_of_a_cancelled_job_finds_its_id_free(scheduler: Any) -> None:
    """The next job of that id, added and due in the callback, is not skipped."""
    scheduler.add_executor(ThreadPoolExecutor(1), "small")
    added: list[Any] = []

    def add_another(_future: Any) -> None:
        added.append(group.add_job(int, id="report", executor="small"))
        time.sleep(1)  # The scheduler hands it over meanwhile.

    with JobGroup(scheduler) as group:
        group.add_job(work, args=[5], executor="small")
        queued = group.add_job(work, id="report", executor="small")
        queued.add_done_callback(add_another)
        time.sleep(0.1)
        assert queued.cancel()
        assert added.pop().result(30) == 0


def test_a_job_that_is_cancelled_as_a_worker_comes_to_it(
    scheduler: Any, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its pool drops it no longer, and the executor's log says why it is not run."""
    executor = scheduler._executors["default"]
    caplog.set_level(logging.INFO, executor._logger.name)
    told: list[bool] = []
    ran: list[str] = []

    def cancel_it(record: logging.LogRecord) -> bool:
        if record.msg.startswith("Running"):
            told.append(future.cancel())
        return True

    monkeypatch.setattr(executor._logger, "filters", [cancel_it])
    with JobGroup(scheduler) as group:
        future = group.add_job(ran.append, args=["it"])
        time.sleep(1)
    assert (told, ran) == ([True], [])
    assert executor._instances == {}
    assert "is not run: its future was cancelled before it began." in caplog.text


def test_a_finished_job_cannot_be_cancelled(scheduler: Any) -> None:
    """What is done stays as it is."""
    with JobGroup(scheduler) as group:
        future = group.add_job(work)
        future.result()
    assert not future.cancel()
    assert future.result() == 0.5


@pytest.fixture
def pool(scheduler: Any) -> Elsewhere:
    """The executor ``elsewhere``, which is its own pool, in no thread of this process."""
    pool = Elsewhere()
    scheduler.add_executor(pool, "elsewhere")
    return pool


@pytest.fixture
def broken(scheduler: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Break the pool of the executor ``processes``: APScheduler replaces it by another such."""
    executor = ProcessPoolExecutor(1)
    scheduler.add_executor(executor, "processes")
    monkeypatch.setattr(executor, "_pool", Broken())


def test_a_job_for_another_process_is_cancelled_if_its_pool_can_drop_it(
    scheduler: Any, pool: Elsewhere
) -> None:
    """A pool says what it has put on its way to another process: only that has to run."""
    told: list[bool] = []
    with JobGroup(scheduler) as group:
        futures = [group.add_job(work, executor="elsewhere") for _ in range(3)]
        time.sleep(0.1)
        pool.futures[0].set_running_or_notify_cancel()
        futures[1].add_done_callback(lambda future: told.append(future.cancelled()))
        assert [future.running() for future in futures] == [True, False, False]
        assert [future.cancel() for future in futures[:2]] == [False, True]
        assert [future.last_seen for future in futures[1:]] == [
            "cancelled",
            "handed to executor 'elsewhere'",
        ]
        assert told == [True]
    # The end of the block cancels, too.
    assert [future.cancelled() for future in futures] == [False, True, True]
    assert [future.cancelled() for future in pool.futures] == [False, True, True]
    assert scheduler.get_jobs() == []
    assert list(pool._instances.values()) == [1]


def test_a_fork_that_cancels_a_job_drops_nothing_from_its_parents_queue(
    scheduler: Any, pool: Elsewhere, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who is forked does not touch the copy of a pool, whose locks threads may have had."""
    with JobGroup(scheduler) as group:
        future = group.add_job(work, executor="elsewhere")
        time.sleep(0.1)
        for other in (0, 1 << 31):
            with monkeypatch.context() as patch:
                patch.setattr(os, "getpid", lambda other=other: other)
                assert not future.cancel()
        assert not pool.futures[0].cancelled()


def test_a_fork_that_cancels_a_job_in_a_queue_of_threads_leaves_its_parents_alone(
    scheduler: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """There is nobody in a fork who would run it, and its parent's pool has it still."""
    executor = ThreadPoolExecutor(1)
    scheduler.add_executor(executor, "small")
    with JobGroup(scheduler) as group:
        group.add_job(work, executor="small")
        time.sleep(0.1)
        for other in (0, 1 << 31):
            future = group.add_job(work, id=f"{other}", executor="small")
            time.sleep(0.1)
            with monkeypatch.context() as patch:
                patch.setattr(os, "getpid", lambda other=other: other)
                assert future.cancel()
            assert executor._instances[f"{other}"] == 1


@pytest.mark.usefixtures("broken")
def test_the_first_job_of_a_pool_that_replaces_a_broken_one(scheduler: Any) -> None:
    """APScheduler makes another pool in the middle of a hand-over, whose job has to run then."""
    with JobGroup(scheduler) as group:
        future = group.add_job(abs, args=[-1], executor="processes")
        time.sleep(0.1)
        assert [future.running(), future.cancel()] == [True, False]
        assert future.last_seen == "handed to executor 'processes'"
        (answer, (run, *call)) = Broken.taken.pop()
        answer.set_result(run(*call))
        assert future.result(0) == 1


@pytest.mark.usefixtures("broken")
def test_the_first_job_of_a_pool_that_breaks_again(scheduler: Any) -> None:
    """Nobody knows how far a job has come of whose pool nothing is known: it may have run."""
    with JobGroup(scheduler) as group:
        future = group.add_job(abs, args=[-1], executor="processes")
        time.sleep(0.1)
        answer, _ = Broken.taken.pop()
        answer.set_exception(BrokenProcessPool("a worker was killed"))
        assert "It may have run, in part or whole" in str(future.exception(0))


class Broken(concurrent.futures.Executor):
    """A process pool that has lost a worker; another one of its kind takes a job."""

    _max_workers = 0
    taken: ClassVar[list[Any]] = []

    def __init__(self, workers: int | None = None, **_options: Any) -> None:
        self.is_broken = workers is None

    def submit(self, *call: Any) -> Any:  # type: ignore[override]  # As the pool is called.
        """Take a job, or refuse it."""
        if self.is_broken:
            raise BrokenProcessPool
        self.taken.append((concurrent.futures.Future(), call))
        return self.taken[-1][0]


def test_a_job_that_its_pool_has_lost_when_it_takes_it(
    scheduler: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A job that is lost before its executor counts it is not counted for ever."""
    lost, executor = concurrent.futures.Future[Any](), scheduler._executors["default"]
    lost.set_exception(OSError("no more"))
    monkeypatch.setattr(executor._pool, "submit", lambda *_: lost)
    with JobGroup(scheduler) as group:
        assert "lost by executor 'default': OSError: no more" in str(
            group.add_job(work).exception(5)
        )
    assert executor._instances == {}


def test_a_job_that_is_being_answered_goes_to_no_other_process(
    scheduler: Any, pool: Elsewhere, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who has claimed a job in the last moment answers it, and it is not handed over."""
    with JobGroup(scheduler) as group:
        future = group.add_job(work, executor="elsewhere", **soon())
        look_up = scheduler._lookup_executor
        with monkeypatch.context() as patch:
            patch.setattr(
                scheduler,
                "_lookup_executor",
                lambda alias: future.set_running_or_notify_cancel() and look_up(alias),
            )
            time.sleep(6)
    assert pool.submitted == []


class Lingering(ThreadPoolExecutor):  # type: ignore[misc]  # APScheduler has no types.
    """An executor that comes back from a hand-over when the job is over."""

    def submit_job(self, *call: Any) -> None:
        """Take a job, and some time."""
        super().submit_job(*call)
        time.sleep(1)


def test_a_job_that_is_over_before_its_hand_over(scheduler: Any) -> None:
    """A fast job is handed over like any other: listeners hear that it was submitted."""
    scheduler.add_executor(Lingering(1), "lingering")
    heard: list[Any] = []
    scheduler.add_listener(lambda event: heard.append(event.job_id), EVENT_JOB_SUBMITTED)
    with JobGroup(scheduler) as group:
        assert group.add_job(abs, args=[-1], id="fast", executor="lingering").result(5) == 1
        time.sleep(2)
    assert heard == ["fast"]


def test_a_lost_job_whose_executor_is_busy_frees_its_id(
    scheduler: Any, sim: Simulation, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The next job of its id is not skipped although nobody could count the lost one out."""
    executor = ThreadPoolExecutor(1)
    scheduler.add_executor(executor, "small")
    queued: list[Any] = []
    submit = executor._pool.submit

    def submit_and_keep(*call: Any) -> Any:
        queued.append(submit(*call))
        return queued[-1]

    monkeypatch.setattr(executor._pool, "submit", submit_and_keep)

    def keep_busy() -> None:
        with executor._lock:
            time.sleep(2)

    with JobGroup(scheduler) as group:
        group.add_job(work, args=[10], executor="small")
        lost = group.add_job(work, id="same", executor="small")
        sim.settle()
        later(0, keep_busy)
        time.sleep(0.1)
        queued[-1].cancel()
        assert isinstance(lost.exception(0), JobLost)
        # Nor does the pool wait for that, which may have its own lock.
        assert sim.clock.elapsed == 0.1
        future = group.add_job(abs, args=[-1], id="same", executor="small")
        assert future.result(20) == 1


def test_a_job_that_is_cancelled_while_another_processes_pool_takes_it(
    scheduler: Any, pool: Elsewhere, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody knows yet whether the job begins, so that it cannot be cancelled."""
    seen: list[bool] = []

    def submit(*call: Any) -> Any:
        seen.extend([future.cancel(), future.running()])
        return Elsewhere.submit(pool, *call)

    monkeypatch.setattr(pool._pool, "submit", submit)
    with JobGroup(scheduler) as group:
        future = group.add_job(work, executor="elsewhere", **soon())
        time.sleep(6)
        assert seen == [False, True]
        assert not future.running()


def test_jobs_in_the_queue_of_a_process_pool_that_breaks(
    scheduler: Any, pool: Elsewhere, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Only what the pool had put on its way may have run, be it in the hand-over or after that."""

    def submit(*call: Any) -> Any:
        pool_future = Elsewhere.submit(pool, *call)
        if len(pool.futures) == 1:
            pool_future.set_running_or_notify_cancel()
        return pool_future

    monkeypatch.setattr(pool._pool, "submit", submit)
    with JobGroup(scheduler) as group:
        futures = [group.add_job(work, executor="elsewhere") for _ in range(3)]
        time.sleep(0.1)
        assert pool.futures[1].set_running_or_notify_cancel()
        assert [future.running() for future in futures] == [True, True, False]
        for pool_future in pool.futures:
            pool_future.set_exception(BrokenProcessPool("a worker was killed"))
    told = [str(future.exception()).split(". ")[1].partition(":")[0] for future in futures]
    assert told == [*["It may have run, in part or whole"] * 2, "It did not begin"]


def test_a_process_pool_that_breaks_beside_a_cancelled_job(scheduler: Any, pool: Elsewhere) -> None:
    """A pool that tells all that it has of its end, the cancelled job too, comes to those behind.

    Python 3.11's ends its thread with the first exception that one of them raises.
    """
    with JobGroup(scheduler) as group:
        cancelled, behind = (group.add_job(work, executor="elsewhere") for _ in range(2))
        time.sleep(0.1)
        assert cancelled.cancel()
        for pool_future in pool.futures:
            pool_future.set_exception(BrokenProcessPool("a worker was killed"))
        assert isinstance(behind.exception(0), JobLost)
    assert [future.cancelled() for future in (cancelled, behind)] == [True, False]
    assert pool._instances == {}


class Unwritable(Exception):  # It is what it is.
    """An exception that takes no note."""

    def __setattr__(self, *_: object) -> None:
        """Refuse."""
        raise AttributeError("__notes__")


def test_an_exception_from_another_process(scheduler: Any, pool: Elsewhere) -> None:
    """What came without a traceback has it as a note, if it takes one."""
    errors = ValueError("boom"), Unwritable("boom"), ValueError("untold")
    with JobGroup(scheduler) as group:
        futures = [group.add_job(work, executor="elsewhere") for _ in errors]
        time.sleep(0.1)
        texts = "here\n", "here\n", None
        for pool_future, error, text, (_, job, *_) in zip(
            pool.futures, errors, texts, pool.submitted, strict=True
        ):
            ended = JobExecutionEvent(EVENT_JOB_ERROR, job.id, "default", None, None, error, text)
            pool_future.set_result([ended])
        assert [future.exception(0) for future in futures] == list(errors)
    assert errors[0].__notes__ == ["In the pool's process:\nhere"]
    assert not hasattr(errors[2], "__notes__")


class Own(concurrent.futures.Future[Any]):
    """A future of a pool of somebody's."""


@pytest.mark.parametrize("kind", [concurrent.futures.Future, Own])
def test_a_job_that_its_pool_begins_in_the_middle_of_the_hand_over(
    scheduler: Any, pool: Elsewhere, monkeypatch: pytest.MonkeyPatch, kind: Any
) -> None:
    """Nobody can say that it did not begin, whatever its pool knew of it, and calls it, by then."""
    calls: list[Callable[..., Any]] = []

    def submit(*_: Any) -> Any:
        pool_future = kind()
        # As by a pool's thread that goes on when the hand-over is over.
        calls.extend([pool_future.set_running_or_notify_cancel, pool_future.set_exception])
        return pool_future

    monkeypatch.setattr(pool._pool, "submit", submit)
    with JobGroup(scheduler) as group:
        future = group.add_job(work, executor="elsewhere")
        time.sleep(0.1)
        begin, end = calls
        begin()
        end(BrokenProcessPool("a worker was killed"))
        assert "It may have run, in part or whole" in str(future.exception(0))


class Slow(Elsewhere):
    """One whose pool takes a second to take a job."""

    def submit(self, *call: Any) -> Any:
        """Keep a call."""
        time.sleep(1)
        return super().submit(*call)


@pytest.mark.parametrize("ends", [False, True])
def test_a_job_that_is_taken_back_while_another_processes_pool_takes_it(
    scheduler: Any, sim: Simulation, ends: bool
) -> None:
    """``cancel`` and the end of a block wait for the hand-over: the pool can drop the job then."""
    pool = Slow()
    scheduler.add_executor(pool, "slow")
    with JobGroup(scheduler) as group:
        future = group.add_job(work, executor="slow")
        time.sleep(0.5)
        assert future.running()
        assert ends or future.cancel()
    assert [future.cancelled(), pool.futures[0].cancelled()] == [True, True]
    assert sim.clock.elapsed == 1.0
    assert pool._instances == {}
    assert scheduler._listeners == []


def test_a_generator_that_is_closed_while_another_processes_pool_takes_its_job(
    scheduler: Any, sim: Simulation
) -> None:
    """It waits for no hand-over: whoever hands the job over has the pool drop it."""
    pool = Slow()
    scheduler.add_executor(pool, "slow")

    def stream() -> Generator[Any, None, None]:
        with JobGroup(scheduler) as group:
            yield group.add_job(work, executor="slow")

    streamed = stream()
    future = next(streamed)
    time.sleep(0.5)
    streamed.close()
    assert sim.clock.elapsed == 0.5
    time.sleep(1)
    assert [future.cancelled(), pool.futures[0].cancelled()] == [True, True]
    assert scheduler.get_jobs() == []
    assert scheduler._listeners == []


class Busy(Elsewhere):
    """One that goes on for a second when its pool has taken a job."""

    def _do_submit_job(self, job: Any, run_times: Any) -> None:
        super()._do_submit_job(job, run_times)
        time.sleep(1)


def test_a_job_is_dropped_as_soon_as_its_pool_has_it(scheduler: Any, sim: Simulation) -> None:
    """``cancel`` does not let it begin while its executor is still busy with it."""
    scheduler.add_executor(Busy(), "busy")
    seen: list[float] = []
    with JobGroup(scheduler) as group:
        future = group.add_job(work, executor="busy")
        future.add_done_callback(lambda _: seen.append(sim.clock.elapsed))
        time.sleep(0.5)
        assert future.cancel()
    assert seen == [0.5]


def test_a_block_that_ends_in_the_thread_that_hands_its_job_over(
    scheduler: Any, pool: Elsewhere, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who can't wait for the hand-over leaves the job to who hands it over."""

    def submit(*call: Any) -> Any:
        group.__exit__(None, None, None)
        return Elsewhere.submit(pool, *call)

    monkeypatch.setattr(pool._pool, "submit", submit)
    group = JobGroup(scheduler)
    future = group.__enter__().add_job(work, executor="elsewhere")
    assert concurrent.futures.wait([future], 1).done == {future}
    assert [future.cancelled(), pool.futures[0].cancelled()] == [True, True]
    assert pool._instances == {}


def test_a_job_that_is_cancelled_twice_in_the_queue_of_another_processes_pool(
    scheduler: Any, pool: Elsewhere, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is cancelled as soon as its pool has dropped it, whoever is told of that first."""
    seen: list[bool] = []

    def submit(*call: Any) -> Any:
        pool_future = Elsewhere.submit(pool, *call)
        pool_future.add_done_callback(
            lambda _: seen.extend([future.running(), future.cancel(), future.cancelled()])
        )
        return pool_future

    monkeypatch.setattr(pool._pool, "submit", submit)
    with JobGroup(scheduler) as group:
        future = group.add_job(work, executor="elsewhere")
        time.sleep(0.1)
        assert future.cancel()
    assert seen == [False, True, True]
    assert pool._instances == {}


@pytest.mark.parametrize("executor", ["default", "elsewhere"])
def test_a_job_that_is_cancelled_while_it_is_handed_over(
    scheduler: Any, pool: Elsewhere, monkeypatch: pytest.MonkeyPatch, executor: str
) -> None:
    """A job that is cancelled in the last moment is not handed to a pool."""
    monkeypatch.setattr(scheduler._executors["default"]._pool, "submit", pool.submit)
    with JobGroup(scheduler) as group:
        future = group.add_job(work, executor=executor, **soon())
        real = scheduler._lookup_executor

        def lookup(alias: str) -> Any:
            super(type(future), future).cancel()
            return real(alias)

        monkeypatch.setattr(scheduler, "_lookup_executor", lookup)
        time.sleep(6)
        monkeypatch.setattr(scheduler, "_lookup_executor", real)
    assert pool.submitted == []
    assert future.cancelled()
    assert scheduler.get_jobs() == []


def cancels(others: list[Any]) -> Callable[[Any], None]:
    """Return a callback that cancels other jobs."""

    def cancel(_future: Any) -> None:
        for other in others:
            other.cancel()

    return cancel


@pytest.mark.parametrize("executor", ["inline", "nowhere", "shut"])
def test_a_callback_on_the_schedulers_thread_may_cancel(scheduler: Any, executor: str) -> None:
    """A callback that cancels jobs which are due at once with its own does not end the thread."""
    scheduler.add_executor(DebugExecutor(), "inline")
    scheduler.add_executor(ThreadPoolExecutor(), "shut")
    scheduler._executors["shut"].shutdown()
    day, ran = soon(), list[str]()
    with JobGroup(scheduler) as group:
        first = group.add_job(work, id="1", executor=executor, **day)
        second = group.add_job(ran.append, args=["2"], id="2", name="second", **day)
        far = group.add_job(work, id="far", run_date="2026-01-01 01:00:00")
        first.add_done_callback(cancels([second, far]))
        time.sleep(6)
        assert second.cancelled()
        assert scheduler._thread.is_alive()
        assert scheduler.get_jobs() == []
    assert ran == []


def remove_it(scheduler: Any) -> None:
    """Remove the second job."""
    scheduler.remove_job("2")


def remove_all(scheduler: Any) -> None:
    """Remove all jobs."""
    scheduler.remove_all_jobs()


def replace_it(scheduler: Any) -> None:
    """Have another job, of no group, in place of the second one."""
    scheduler.add_job(int, id="2", replace_existing=True, **soon(60))


# The scheduler's thread dies of one that it cannot remove itself, and says so.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
@pytest.mark.parametrize("take", [remove_it, remove_all, replace_it])
@pytest.mark.parametrize("executor", ["inline", "nowhere"])
def test_a_job_that_is_taken_away_while_its_scheduler_has_it_at_hand(
    scheduler: Any,
    sim: Simulation,
    take: Callable[[Any], None],
    executor: str,
) -> None:
    """What is due with a job whose callback removes or replaces it is not run: its caller is told.

    APScheduler itself would run it.
    """
    scheduler.add_executor(DebugExecutor(), "inline")
    day, ran = soon(), list[str]()
    with JobGroup(scheduler) as group:
        first = group.add_job(int, id="1", executor=executor, **day)
        second = group.add_job(ran.append, args=["2"], id="2", **day)
        first.add_done_callback(lambda _: take(scheduler))
        assert isinstance(second.exception(6), JobRemoved)
        assert sim.clock.elapsed == 5.0
        sim.clock.tick(1)
    assert ran == []
    assert scheduler._job_groups._waiting == {}
    assert scheduler._listeners == []


@pytest.mark.parametrize("of_the_group", [False, True])
def test_an_id_that_is_free_again_while_its_scheduler_looks(
    scheduler: Any, of_the_group: bool
) -> None:
    """A job that takes the id of one that was removed stays, whosever it is."""
    scheduler.add_executor(DebugExecutor(), "inline")
    options: dict[str, Any] = {"id": "far", **soon(3600)}

    def take_its_id(_future: Any) -> None:
        scheduler.remove_job("far")
        (group if of_the_group else scheduler).add_job(int, **options)

    with JobGroup(scheduler) as group:
        far = group.add_job(work, **options)
        first = group.add_job(int, executor="inline", **soon())
        first.add_done_callback(take_its_id)
        time.sleep(6)
        assert isinstance(far.exception(0), JobRemoved)
        assert [job.id for job in scheduler.get_jobs()] == ["far"]
    assert len(scheduler.get_jobs()) == (0 if of_the_group else 1)
    assert scheduler._listeners == []


def test_a_job_that_is_replaced_while_its_scheduler_has_it_at_hand(scheduler: Any) -> None:
    """A group does not replace it: the scheduler would run the one for the other."""
    scheduler.add_executor(DebugExecutor(), "inline")
    day, ran = soon(), list[str]()

    def replace(_future: Any) -> None:
        options: dict[str, Any] = {"args": ["new"], "id": "2", **day}
        with pytest.raises(ConflictingIdError):
            group.add_job(ran.append, **options)
        with pytest.raises(JobRefused, match="keeps the scheduler from handing it over"):
            group.add_job(ran.append, replace_existing=True, **options)
        replaced.append(True)

    replaced: list[bool] = []
    with JobGroup(scheduler) as group:
        group.add_job(work, id="1", executor="inline", **day).add_done_callback(replace)
        second = group.add_job(ran.append, args=["old"], id="2", **day)
        assert second.result(6) is None
    assert [ran, replaced] == [["old"], [True]]


def test_a_job_that_is_cancelled_while_another_one_fails_to_replace_it(
    scheduler: Any, db: Any, sim: Simulation, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It leaves its store when the other one has not taken its place."""
    options: dict[str, Any] = {"args": [1], "id": "same", "jobstore": "db", **soon()}
    scheduler.add_jobstore(db, "db")

    def fail(_job: Any) -> None:
        later(0, first.cancel)
        sim.settle()
        raise OSError("connection lost")

    monkeypatch.setattr(db, "update_job", fail)
    with JobGroup(scheduler) as group:
        first = group.add_job("time:sleep", **options)
        with pytest.raises(OSError, match="connection lost"):
            group.add_job("time:sleep", replace_existing=True, **options)
        assert first.cancelled()
        assert db.get_all_jobs() == []
        assert scheduler._job_groups._waiting == {}


def test_a_job_that_is_modified_while_it_runs_is_running(scheduler: Any) -> None:
    """What is done to a job in its store says nothing of a run that has begun."""
    with JobGroup(scheduler) as group:
        future = group.add_job(work, args=[3], id="1", **soon())
        scheduler.reschedule_job("1", trigger="interval", seconds=5)
        time.sleep(6)
        assert future.last_seen == "running"
        scheduler.modify_job("1", name="another")
        assert future.last_seen == "running"


def test_what_a_job_ended_with_stands(sim: Simulation) -> None:
    """A job that is told lost after it was answered keeps its answer."""
    scheduler = FakeScheduler()
    scheduler.start()
    with JobGroup(scheduler) as group:
        future = group.add_job(work)
        scheduler.run_due()
        future._fail(JobMissed, "was missed", "Nothing.")
    assert future.result() == 0.5
    assert future.last_seen == "returned"


def test_a_job_that_has_begun_is_not_said_to_be_gone(scheduler: Any) -> None:
    """Whatever is told late of its store, a job that runs has its own value."""
    with JobGroup(scheduler) as group:
        future = group.add_job(work)
        time.sleep(0.1)
        future._withdraw(JobRemoved, "was removed", "Add it again.")
        assert future.result(30) == 0.5


def test_the_answer_of_a_job_that_was_not_run_can_be_pickled() -> None:
    """A job that waits for others can end with their exception, in another process too."""
    error = JobNotRun("report", "5", "was not run", "Run it.")
    copy = pickle.loads(pickle.dumps(error))  # noqa: S301  # Our own.
    assert str(copy) == str(error) == "Job 'report' (id 5) was not run. Run it."
    assert (copy.name, copy.job_id, copy.what, copy.advice) == error.args


def test_the_repr_of_an_answer_is_a_sentence() -> None:
    """A page or a log that shows the ``repr`` of an exception says all that is known."""
    error = JobRefused("report", "5", "was not run", "Run it.")
    assert repr(error) == """JobRefused("Job 'report' (id 5) was not run. Run it.")"""


def test_a_job_of_a_fake_scheduler(caplog: pytest.LogCaptureFixture) -> None:
    """A FakeScheduler, which tests drive by hand, answers the futures of a group like any other."""
    caplog.set_level(logging.CRITICAL)
    scheduler = FakeScheduler(raise_job_errors=False)
    scheduler.start()
    scheduler.refuse("refused")
    scheduler.skip("skipped")
    scheduler.miss("missed")
    scheduler.hang("hanging")
    scheduler.lose("lost")
    with JobGroup(scheduler) as group:
        names = ["0", "refused", "skipped", "missed", "hanging", "lost"]
        futures = [group.add_job(work, args=[0], id=name, misfire_grace_time=1) for name in names]
        scheduler.run_due()
        told = [type(each.exception()).__name__ if each.done() else "" for each in futures]
        assert told == ["NoneType", "JobRefused", "JobSkipped", "JobMissed", "", "JobLost"]
        hanging, lost = futures[-2:]
        assert (hanging.last_seen, hanging.running(), hanging.cancel()) == ("running", True, False)
        what = "was lost by executor 'default': CancelledError: the pool cancelled it"
        assert lost.last_seen == what
        # As for real: it is no longer counted as under way.
        assert scheduler._executors["default"]._instances == {"hanging": 1}
        immediate = FakeScheduler(immediate=True, raise_job_errors=False)
        immediate.start()
    with JobGroup(immediate) as group:
        assert group.add_job(work, args=[0]).result(0) == 0

        def outer() -> None:
            with JobGroup(immediate) as inner:
                inner.add_job(work)

        error = group.add_job(outer).exception(0)
    assert isinstance(error, JobRefused)
    assert "this thread keeps the scheduler from handing it over" in str(error)


def test_a_job_of_a_fake_scheduler_that_is_dead() -> None:
    """It is refused as by a real one whose thread has ended, and one from before waits."""
    scheduler = FakeScheduler()
    scheduler.start()
    with JobGroup(scheduler) as group:
        future = group.add_job(work)
        scheduler.die()
        assert future.last_seen.endswith("; the scheduler's thread has ended")
        with pytest.raises(JobRefused, match="the scheduler's thread has ended"):
            group.add_job(work)
        scheduler.run_due()
        assert not future.done()


@pytest.mark.parametrize("job_id", ["same", "other"])
def test_a_job_may_raise_that_another_one_did_not_run(scheduler: Any, job_id: str) -> None:
    """What its own caller is told of it is that it raised."""
    error = JobRefused("inner", "same", "was refused", "Try again.")

    def raise_it() -> None:
        raise error

    with JobGroup(scheduler) as group:
        future = group.add_job(raise_it, id=job_id)
        assert future.exception(5) is error
        assert future.last_seen == "raised JobRefused"


def test_what_was_last_seen_of_a_job_stays_when_it_is_answered(scheduler: Any) -> None:
    """A pool that misses a job later, which has its answer, changes nothing of it."""
    scheduler.add_executor(ThreadPoolExecutor(1), "small")
    with JobGroup(scheduler) as group:
        group.add_job(work, args=[10], executor="small")
        future = group.add_job(int, id="x", executor="small", misfire_grace_time=1, **soon(1))
        scheduler.reschedule_job("x", trigger="interval", seconds=2)
        time.sleep(5)
        scheduler.add_job(int, id="x", replace_existing=True, **soon(100))
        time.sleep(20)
        assert future.last_seen == "was replaced in job store 'default' by another job with its id"
        assert isinstance(future.exception(0), JobRemoved)


class Falsy(Exception):  # It is no error that somebody should copy.
    """An exception that counts as false."""

    def __bool__(self) -> bool:
        return False


def test_an_exception_that_is_false(scheduler: Any) -> None:
    """A job that raises it has raised, whatever its truth is."""

    def fail() -> None:
        raise Falsy

    with JobGroup(scheduler) as group:
        future = group.add_job(fail)
        error = future.exception(5)
        assert isinstance(error, Falsy)
        assert not error
        assert future.last_seen == "raised Falsy"
