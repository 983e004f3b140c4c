"""Faults on demand: the jobs they pick, the traces they leave, and the check that they fired."""

from datetime import UTC, datetime
from typing import Any

import pytest
from apscheduler.events import EVENT_JOB_EXECUTED, EVENT_JOB_MAX_INSTANCES, EVENT_JOB_MISSED
from apscheduler.executors.pool import ThreadPoolExecutor

from apscheduler_fakes.fake_scheduler import FakeScheduler
from apscheduler_fakes.ledger import FaultNeverFired
from threadsim.runtime.errors import NotModelled

NEW_YEAR = datetime(2026, 1, 1, tzinfo=UTC)
PICKING = ["miss", "skip", "refuse", "lose", "hang"]


def ids(jobs: list[Any]) -> list[str]:
    """Return the jobs' ids."""
    return [job.id for job in jobs]


@pytest.mark.parametrize("fault", PICKING)
def test_a_fault_keeps_one_job_from_running(scheduler: FakeScheduler, fault: str) -> None:
    """The others run; it holds for jobs added before and after."""
    ran: list[int] = []
    scheduler.add_job(ran.append, args=[0], id="j0")
    getattr(scheduler, fault)("j0")
    getattr(scheduler, fault)(lambda job: job.args[-1] == 2)
    for i in range(1, 4):
        scheduler.add_job(ran.append, args=[i], id=f"j{i}")

    assert ids(scheduler.run_due()) == ["j1", "j3"]
    assert ran == [1, 3]
    scheduler.check()


@pytest.mark.parametrize("fault", PICKING)
def test_a_fault_acts_on_run_job_too(scheduler: FakeScheduler, fault: str) -> None:
    """run_job() of a picked job gets the fault."""
    ran: list[int] = []
    getattr(scheduler, fault)("one")
    scheduler.add_job(ran.append, "interval", [1], id="one", hours=1)
    scheduler.run_job("one")

    assert ran == []
    scheduler.check()


# miss


def test_a_missed_job_keeps_its_run_time(scheduler: FakeScheduler) -> None:
    """The event has the time it was scheduled for, not that of the lateness."""
    times: list[datetime] = []
    scheduler.add_listener(lambda event: times.append(event.scheduled_run_time), EVENT_JOB_MISSED)
    scheduler.miss("one")
    scheduler.add_job(int, id="one")
    scheduler.run_due()

    assert times == [NEW_YEAR]


def test_a_job_without_a_grace_runs_however_late(scheduler: FakeScheduler) -> None:
    """APScheduler never misses it, and so the fault cannot make it; the check says so."""
    scheduler.miss("one")
    scheduler.add_job(int, id="one", misfire_grace_time=None)

    assert ids(scheduler.run_due()) == ["one"]
    text = r"never fired: .* \('one'\)\. One without a misfire_grace_time is never too late\.$"
    with pytest.raises(FaultNeverFired, match=text):
        scheduler.check()


def test_a_job_is_missed_in_a_thread_pool_too(frozen: Any) -> None:
    """The real run_job finds it late, in the worker."""
    fake = FakeScheduler(executors={"default": ThreadPoolExecutor(1)})
    missed: list[str] = []
    fake.add_listener(lambda event: missed.append(event.job_id), EVENT_JOB_MISSED)
    fake.start()
    fake.miss("one")
    fake.add_job(int, id="one")
    fake.run_due()
    fake.shutdown()

    assert missed == ["one"]


# lose, hang


@pytest.mark.parametrize("fault", ["lose", "hang"])
def test_a_job_that_never_ends_is_in_the_next_ones_way(
    scheduler: FakeScheduler, frozen: Any, fault: str
) -> None:
    """The next run finds max_instances reached."""
    skipped: list[str] = []
    scheduler.add_listener(lambda event: skipped.append(event.job_id), EVENT_JOB_MAX_INSTANCES)
    getattr(scheduler, fault)("one")
    scheduler.add_job(int, "interval", id="one", seconds=1)
    for _ in range(2):
        frozen.tick(1)
        scheduler.run_due()

    assert skipped == ["one"]


def test_waiting_for_a_job_that_hangs_is_refused(scheduler: FakeScheduler) -> None:
    """The real shutdown would never return; without waiting it does."""
    scheduler.hang("one")
    scheduler.add_job(int, id="one")
    scheduler.run_due()

    with pytest.raises(NotModelled, match=r"a job hangs, by hang\('one'\)"):
        scheduler.shutdown()
    scheduler.shutdown(wait=False)


def test_a_job_of_a_pool_hangs_too(frozen: Any) -> None:
    """No worker is kept from ending: the job is only counted as one that runs."""
    fake = FakeScheduler(executors={"default": ThreadPoolExecutor(1)})
    fake.start()
    fake.hang("one")
    fake.add_job(int, id="one")

    assert fake.run_due() == []
    assert fake._executors["default"]._instances["one"] == 1
    fake.shutdown(wait=False)
    fake.check()


def test_a_job_is_lost_from_a_thread_pool_too(frozen: Any) -> None:
    """No worker ever hears of it."""
    fake = FakeScheduler(executors={"default": ThreadPoolExecutor(1)})
    fake.start()
    fake.lose("one")
    fake.add_job(int, id="one")

    assert fake.run_due() == []
    fake.shutdown()


# die


def test_a_dead_scheduler_adds_and_runs_nothing(scheduler: FakeScheduler) -> None:
    """It says that it runs, and its thread is not alive."""
    scheduler.die()
    scheduler.add_job(int, id="one")

    assert scheduler.run_due() == []
    assert scheduler.running
    assert scheduler._thread
    assert not scheduler._thread.is_alive()
    scheduler.run_job("one")
    assert [job.id for job in scheduler.get_jobs()] == ["one"]
    scheduler.check()


def test_a_scheduler_can_be_dead_from_its_start_and_lives_after_a_restart() -> None:
    """A new start makes a new thread."""
    fake = FakeScheduler(immediate=True)
    fake.add_job(int, id="one")
    fake.die()
    fake.start()
    assert ids(fake.get_jobs()) == ["one"]
    fake.shutdown()
    assert fake._thread is None
    fake.start()
    ended: list[str] = []
    fake.add_listener(lambda event: ended.append(event.job_id), EVENT_JOB_EXECUTED)
    fake.add_job(int, id="two")

    assert ended == ["two"]


# Which job, and whether it came


@pytest.mark.parametrize("fault", PICKING)
def test_a_fault_that_never_fired_is_named(scheduler: FakeScheduler, fault: str) -> None:
    """So are the jobs that came up instead; it is said once."""
    getattr(scheduler, fault)("j9")
    scheduler.add_job(int, id="j0")
    scheduler.run_due()

    with pytest.raises(FaultNeverFired, match=rf"{fault}\('j9'\) never fired: .*\('j0'\)"):
        scheduler.check()
    scheduler.check()


def test_all_that_nobody_saw_comes_as_a_group(scheduler: FakeScheduler) -> None:
    """Predicates are named as Python shows them."""

    class Odd:
        def __call__(self, _job: Any) -> bool:
            return False

        def __repr__(self) -> str:
            return "Odd()"

    scheduler.skip(lambda _job: False)
    scheduler.skip(Odd())
    scheduler.add_job(int, id="one")
    scheduler.run_due()

    with pytest.raises(ExceptionGroup) as failure:
        scheduler.check()
    first, second = map(str, failure.value.exceptions)
    assert first.startswith("skip(<function test_all_that_nobody_saw_comes_as_a_group.<locals>.")
    assert second == (
        "skip(Odd()) never fired: it picked none of the jobs that came up to run ('one')."
    )


def test_a_job_has_one_fault(scheduler: FakeScheduler) -> None:
    """It can end in one way only: the first fault acts."""
    scheduler.miss("one")
    scheduler.skip(lambda _job: True)
    scheduler.add_job(int, id="one")

    assert scheduler.run_due() == []
    with pytest.raises(FaultNeverFired, match="skip"):
        scheduler.check()


def test_a_predicate_that_raises_fails_the_test(
    scheduler: FakeScheduler, caplog: pytest.LogCaptureFixture
) -> None:
    """APScheduler logs its error and goes on; the fault never fires."""
    scheduler.lose(lambda job: job.args[0])
    scheduler.add_job(int, id="one")

    assert scheduler.run_due() == []
    assert "IndexError" in caplog.text
    with pytest.raises(FaultNeverFired):
        scheduler.check()
