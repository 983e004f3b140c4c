"""What FakeScheduler says is what the real scheduler says in some order of its threads."""

import logging
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from apscheduler.executors.pool import ThreadPoolExecutor
from apscheduler.schedulers.background import BackgroundScheduler
from searching import world_of

from apscheduler_fakes import FakeScheduler
from apscheduler_fakes.ledger import FaultNeverFired
from subject import NAMES
from threadsim import Clock, Exhaustive, ScheduleFailure, explore
from threadsim.exploration.explore import begin, schedules

START = datetime(2026, 1, 1, tzinfo=UTC)

# Seconds, after which every scenario is over.
LONG = 30

Scenario = Callable[[Any], object]


def one_job(scheduler: Any) -> None:
    """Add a job that is due."""
    scheduler.add_job(int, id="a")


def two_jobs(scheduler: Any) -> None:
    """Add two jobs that are due at the same instant."""
    with scheduler._jobstores_lock:  # Both before the scheduler looks.
        for name in ("b", "a"):
            scheduler.add_job(int, id=name, run_date=START)


def a_job_that_raises(scheduler: Any) -> None:
    """Add a job that fails."""
    scheduler.add_job(int, args=["one"], id="a")


def a_job_that_adds_another(scheduler: Any) -> None:
    """Add a job that adds one."""
    scheduler.add_job(lambda: scheduler.add_job(int, id="b"), id="a")


def a_job_that_is_too_late(scheduler: Any) -> None:
    """Add a job whose time was long ago."""
    scheduler.add_job(int, id="a", run_date=START - timedelta(hours=1))


def a_job_that_is_removed(scheduler: Any) -> None:
    """Add a job for later and take it out again."""
    scheduler.add_job(int, id="a", run_date=START + timedelta(seconds=LONG / 2))
    scheduler.remove_job("a")


def a_job_added_while_paused(scheduler: Any) -> None:
    """Add a job that is due when the scheduler goes on."""
    scheduler.pause()
    scheduler.add_job(int, id="a")
    scheduler.resume()


def a_job_twice(scheduler: Any) -> None:
    """Add a job that is due now and once more."""
    scheduler.add_job(
        int, "interval", id="a", seconds=20, next_run_time=START, end_date=START + timedelta(0, 25)
    )


SCENARIOS: list[Scenario] = [
    one_job,
    two_jobs,
    a_job_that_raises,
    a_job_that_adds_another,
    a_job_that_is_too_late,
    a_job_that_is_removed,
    a_job_added_while_paused,
    a_job_twice,
]


def play(
    scheduler: Any, scenario: Scenario, let_pass: Callable[[float], object]
) -> tuple[str, ...]:
    """Return what a scheduler's listener hears in a scenario, from the scheduler's start on."""
    heard: list[str] = []

    def hear(event: Any) -> None:
        heard.append(" ".join([NAMES[event.code], getattr(event, "job_id", "")]).strip())

    scheduler.add_listener(hear)
    scheduler.start()
    scenario(scheduler)
    let_pass(LONG)
    scheduler.shutdown()
    return tuple(heard[heard.index("SCHEDULER_STARTED") :])


@pytest.fixture
def quiet() -> Iterator[None]:
    """Let APScheduler log nothing: the jobs of an exploration fail in every schedule."""
    logging.disable(logging.CRITICAL)
    yield
    logging.disable(logging.NOTSET)


def what_the_fake_says(scenario: Scenario) -> tuple[str, ...]:
    with Clock(START) as clock:
        return play(FakeScheduler(raise_job_errors=False, timezone=UTC), scenario, clock.tick)


def the_real_one_may_say(said: tuple[str, ...], scenario: Scenario) -> bool:
    def real() -> tuple[str, ...]:
        # One worker: more would only let jobs change places.
        pool = ThreadPoolExecutor(1)
        scheduler = BackgroundScheduler(executors={"default": pool}, timezone=UTC)
        return play(scheduler, scenario, time.sleep)

    with world_of(real) as world:
        return any(ran.value == said for ran in schedules(world, begin(world, Exhaustive(1))))


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_the_fakes_events_are_those_of_the_real_one_in_some_order(
    scenario: Scenario, quiet: None
) -> None:
    """Whatever the fake's listeners hear, those of a BackgroundScheduler with a pool may hear."""
    said = what_the_fake_says(scenario)

    assert the_real_one_may_say(said, scenario)


def missing(*, always: bool) -> Callable[[], None]:
    """Return a program whose scheduler misses the job that comes last, if it comes."""

    def program() -> None:
        scheduler = FakeScheduler(timezone="UTC")
        scheduler.start()
        scheduler.miss("a")
        event = threading.Event()

        def work() -> None:
            event.wait(1)
            event.set()

        threads = [threading.Thread(target=work) for _ in range(2)]
        for thread in threads:
            thread.start()
        if always or event.is_set():
            for thread in threads:
                thread.join()
            scheduler.add_job(int, id="a")
            scheduler.run_due()

    return program


def test_a_fault_that_fires_in_every_schedule_is_no_failure() -> None:
    """A schedule that is cut short, as the rest is covered elsewhere, owes nothing."""
    done = explore(missing(always=True), early_timeouts=True)
    assert done.runs > done.schedules


def test_a_fault_that_never_fires_in_some_schedule_is_its_failure() -> None:
    """A fault is owed by each schedule, as by a test that runs once."""
    with pytest.raises(ScheduleFailure, match=r"miss\('a'\) never fired") as caught:
        explore(missing(always=False))

    assert isinstance(caught.value.__cause__, FaultNeverFired)
