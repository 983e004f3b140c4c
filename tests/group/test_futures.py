"""What ``concurrent.futures`` says of futures holds for those of a group."""

import concurrent.futures
import logging
import pickle
import time
from collections.abc import Callable
from concurrent.futures.process import BrokenProcessPool
from typing import Any

import pytest
from apscheduler.events import (
    EVENT_JOB_ERROR,
    EVENT_JOB_REMOVED,
    JobExecutionEvent,
)
from apscheduler.executors.debug import DebugExecutor
from apscheduler.executors.pool import ThreadPoolExecutor
from apscheduler.jobstores.base import ConflictingIdError

from apscheduler_fakes import FakeScheduler
from caller import Elsewhere, Gets, soon
from jobs_synchronizer import JobGroup, JobLost, JobNotRun, JobRefused, JobRemoved
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
    assert "is not run: it was answered or cancelled before." in caplog.text


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


def test_jobs_in_the_queue_of_a_process_pool_that_breaks(scheduler: Any, pool: Elsewhere) -> None:
    """What the pool had sent may have run, the rest did not begin, what was cancelled stays so."""
    with JobGroup(scheduler) as group:
        sent, cancelled, queued = (group.add_job(work, executor="elsewhere") for _ in range(3))
        time.sleep(0.1)
        assert pool.futures[0].set_running_or_notify_cancel()
        assert [sent.running(), cancelled.cancel(), queued.running()] == [True, True, False]
        for pool_future in pool.futures:
            pool_future.set_exception(BrokenProcessPool("a worker was killed"))
    assert "It may have run, in part or whole" in str(sent.exception())
    assert "It did not begin" in str(queued.exception())
    assert cancelled.cancelled()
    assert pool._instances == {}


def test_an_exception_from_another_process(scheduler: Any, pool: Elsewhere) -> None:
    """What came without a traceback has it as a note; another pool tells nothing."""
    error = ValueError("boom")
    with JobGroup(scheduler) as group:
        futures = [group.add_job(work, executor="elsewhere") for _ in range(2)]
        time.sleep(0.1)
        job_id = futures[0].job_id
        ended = JobExecutionEvent(EVENT_JOB_ERROR, job_id, "default", None, None, error, "here\n")
        pool.futures[0].set_result([ended])
        pool.futures[1].set_result([])
        assert futures[0].exception(0) is error
        assert error.__notes__ == ["In the pool's process:\nhere"]
        assert isinstance(futures[1].exception(0), JobLost)
    assert futures[1].last_seen == "has ended in executor 'elsewhere', which does not tell how"


class Slow(Elsewhere):
    """One whose pool takes a second to take a job."""

    def submit(self, *call: Any) -> Any:
        """Keep a call."""
        time.sleep(1)
        return super().submit(*call)


@pytest.mark.parametrize("ends", [False, True])
def test_a_job_that_is_taken_back_while_another_processes_pool_takes_it(
    scheduler: Any, ends: bool
) -> None:
    """Nobody knows yet whether it begins: it is cancelled as soon as the pool can drop it."""
    pool = Slow()
    scheduler.add_executor(pool, "slow")
    with JobGroup(scheduler) as group:
        future = group.add_job(work, executor="slow")
        time.sleep(0.5)
        assert future.running()
        if not ends:
            assert not future.cancel()
            time.sleep(1)
    assert [future.cancelled(), pool.futures[0].cancelled()] == [True, True]
    assert pool._instances == {}
    assert scheduler._listeners == []


class CancelledThen:
    """An executor in the middle of whose hand-over somebody cancels the job."""

    future: Any
    fails = False

    def _do_submit_job(self, job: Any, run_times: Any) -> None:
        self.future.cancel()
        if self.fails:
            raise OSError("no more")
        super()._do_submit_job(job, run_times)  # type: ignore[misc]  # An executor's.


class CancelledThread(CancelledThen, ThreadPoolExecutor):  # type: ignore[misc]
    """One of threads."""


class CancelledElsewhere(CancelledThen, Elsewhere):
    """One of other processes."""


@pytest.mark.parametrize("kind", [CancelledThread, CancelledElsewhere])
@pytest.mark.parametrize("fails", [False, True])
def test_a_job_that_is_cancelled_while_it_is_handed_over(
    scheduler: Any, kind: Any, fails: bool
) -> None:
    """A job that is cancelled in the last moment does not go to a pool, and stays cancelled."""
    scheduler.add_executor(executor := kind(), "own")
    executor.fails = fails
    ran: list[str] = []
    with JobGroup(scheduler) as group:
        executor.future = group.add_job(ran.append, args=["it"], executor="own", **soon(0.5))
        time.sleep(1)
        assert executor.future.cancelled()
    assert ran == getattr(executor, "submitted", []) == []
    assert scheduler.get_jobs() == []
    assert not any(executor._instances.values())


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
    assert scheduler._job_groups.waiting == {}
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


def test_an_id_that_is_used_again_before_its_removal_is_told(scheduler: Any) -> None:
    """What the group hears late of another job with that id says nothing of its own."""
    added: list[Any] = []

    def use_again(_event: Any) -> None:
        if not added:
            added.append(group.add_job(work, id="same", **soon()))

    scheduler.add_job(int, id="same", **soon())
    scheduler.add_listener(use_again, EVENT_JOB_REMOVED)
    with JobGroup(scheduler) as group:
        scheduler.remove_job("same")
        assert added[0].result(30) == 0.5


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


def test_a_job_that_is_modified_while_it_runs_is_running(scheduler: Any) -> None:
    """What is done to a job in its store says nothing of a run that has begun."""
    with JobGroup(scheduler) as group:
        future = group.add_job(work, args=[3], id="1", **soon())
        scheduler.reschedule_job("1", trigger="interval", seconds=5)
        time.sleep(6)
        assert future.last_seen == "running"
        scheduler.modify_job("1", name="another")
        assert future.last_seen == "running"


def test_the_answer_of_a_job_that_was_not_run_can_be_pickled() -> None:
    """A job that waits for others can end with their exception, in another process too."""
    error = JobNotRun("report", "5", "was not run", "Run it.")
    copy = pickle.loads(pickle.dumps(error))  # noqa: S301  # Our own.
    assert str(copy) == str(error) == "Job 'report' (id 5) was not run. Run it."
    assert (copy.name, copy.job_id, copy.what, copy.advice) == error.args


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
        assert "It did not begin: mend what is wrong" in str(lost.exception())
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


@pytest.mark.parametrize("is_read", [True, False])
def test_an_error_that_is_read_from_its_future(is_read: bool) -> None:
    """A FakeScheduler's check raises an error of a job unless somebody has read it."""
    scheduler = FakeScheduler(immediate=True)
    scheduler.start()
    with JobGroup(scheduler) as group:
        future = group.add_job(work, args=["no number"])
    if is_read:
        assert isinstance(future.exception(0), TypeError)
        scheduler.check()
    else:
        with pytest.raises(TypeError):
            scheduler.check()


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
