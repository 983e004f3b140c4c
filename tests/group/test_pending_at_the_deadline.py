"""What nobody can know stays pending until the caller's deadline, with what was last seen of it."""

import threading
from datetime import UTC
from typing import Any

import pytest
from apscheduler.schedulers.blocking import BlockingScheduler

from caller import Gets, kill, soon, told, work
from jobs_synchronizer import JobGroup
from outcomes import later
from threadsim import Simulation


@pytest.mark.rows("E22")
def test_a_scheduler_that_is_paused(scheduler: Any, sim: Simulation, gets: Gets) -> None:
    """A paused scheduler hands nothing over; resumed within the deadline, it still does."""
    scheduler.pause()
    with JobGroup(scheduler) as group:
        strict, future = group.add_job(work, misfire_grace_time=5), group.add_job(work)
        gets(
            future,
            "pending after 30 s, last seen: added to job store 'default'; the scheduler is paused",
        )
        later(1, scheduler.resume)
        gets(future, "'done' after 31.5 s")
        gets(
            strict,
            "JobMissed after 31.5 s: Job 'work' (id …) was missed: it was due at 2026-01-01 "
            "00:00:00+00:00 and did not begin within its grace of 5 s. Leave misfire_grace_time "
            "out, or give its executor more workers.",
        )


@pytest.mark.rows("E23")
def test_a_job_that_is_paused(scheduler: Any, gets: Gets) -> None:
    """A job that somebody pauses is pending; resumed, it runs."""
    with JobGroup(scheduler) as group:
        future = group.add_job(work, **soon())
        scheduler.pause_job(future.job_id)
        gets(
            future,
            "pending after 30 s, last seen: modified in job store 'default': it may be "
            "paused or rescheduled",
        )
        later(1, lambda: scheduler.resume_job(future.job_id))
        gets(future, "'done' after 31.5 s")


@pytest.mark.rows("E23")
def test_a_job_that_is_added_paused(scheduler: Any, gets: Gets) -> None:
    """A job without a date is pending."""
    with JobGroup(scheduler) as group:
        gets(
            group.add_job(work, next_run_time=None),
            "pending after 30 s, last seen: added to job store 'default'",
        )


@pytest.mark.rows("E24")
def test_a_job_that_is_rescheduled_beyond_the_deadline(scheduler: Any, gets: Gets) -> None:
    """A job whose new date lies beyond the deadline is pending."""
    with JobGroup(scheduler) as group:
        future = group.add_job(work, **soon())
        scheduler.reschedule_job(future.job_id, trigger="date", run_date="2026-01-02")
        gets(
            future,
            "pending after 30 s, last seen: modified in job store 'default': it may be "
            "paused or rescheduled",
        )


@pytest.mark.rows("E29")
# The thread that dies says so.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_scheduler_whose_thread_dies(scheduler: Any, gets: Gets) -> None:
    """A job that was added before the scheduler's thread died is pending."""
    with JobGroup(scheduler) as group:
        future = group.add_job(work, **soon())
        later(1, lambda: kill(scheduler))
        gets(
            future,
            "pending after 30 s, last seen: added to job store 'default'; the scheduler's thread "
            "has ended",
        )


class Left(BlockingScheduler):  # type: ignore[misc]  # APScheduler has no types.
    """One that Ctrl-C ends as soon as it waits for what is due."""

    def _main_loop(self) -> None:
        raise KeyboardInterrupt


@pytest.mark.rows("E29")
def test_a_blocking_scheduler_that_has_been_left(sim: Simulation, gets: Gets) -> None:
    """A scheduler that had the caller's thread, and has it no longer, says that it runs."""
    scheduler = Left(timezone=UTC)
    with pytest.raises(KeyboardInterrupt):
        scheduler.start()
    with JobGroup(scheduler) as group:
        gets(group.add_job(work), "pending after 30 s, last seen: added to job store 'default'")
    scheduler.shutdown()


@pytest.mark.rows("E31")
def test_a_job_that_its_store_cannot_restore(scheduler: Any, db: Any, gets: Gets) -> None:
    """A job whose row is damaged is dropped by its store, which tells nobody: it is pending."""
    scheduler.add_jobstore(db, "db")
    with JobGroup(scheduler) as group:
        future = group.add_job("time:sleep", args=[1], jobstore="db", **soon())
        with db.engine.begin() as connection:
            connection.exec_driver_sql("update apscheduler_jobs set job_state = x'00'")
        gets(future, "pending after 30 s, last seen: added to job store 'db'")
        assert scheduler.get_jobs("db") == []


@pytest.mark.rows("E33")
def test_a_job_that_never_returns(scheduler: Any, gets: Gets) -> None:
    """A job that runs for ever is pending, and cannot be cancelled any more."""
    with JobGroup(scheduler) as group:
        future = group.add_job(threading.Event().wait, name="wait")
        gets(future, "pending after 30 s, last seen: running")
    assert future.running()


def test_at_once_is_said_of_nothing_that_takes_long(scheduler: Any) -> None:
    """Where the tests have no clock of their own they see how long an answer took."""
    with JobGroup(scheduler) as group:
        assert told(group.add_job(work, args=[1]), None) == "1 at once"
        slow = group.add_job(work, kwargs={"seconds": 5})
        assert told(slow, None) == "'done' after 5 s"
