"""Real APScheduler and real Flask, unmodified, inside a simulation."""

import logging
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from apscheduler import events
from apscheduler.schedulers.background import BackgroundScheduler
from apscheduler.schedulers.blocking import BlockingScheduler
from apscheduler.triggers.calendarinterval import CalendarIntervalTrigger
from apscheduler.triggers.combining import AndTrigger, OrTrigger
from apscheduler.triggers.cron import CronTrigger
from apscheduler.triggers.date import DateTrigger
from apscheduler.triggers.interval import IntervalTrigger
from flask import Flask, request

from threadsim import Simulation

START = datetime(2026, 1, 1, tzinfo=UTC)
DAY = timedelta(days=1)

ran: list[datetime] = []


def note() -> None:
    """Note when a job ran; a persistent store can find this function by its name."""
    ran.append(datetime.now(UTC))


@pytest.fixture(autouse=True)
def nothing_ran() -> None:
    ran.clear()


@pytest.fixture
def scheduler(sim: Simulation) -> Iterator[Any]:
    """A real scheduler with its thread, inside the simulation."""
    scheduler = BackgroundScheduler(timezone=UTC)
    scheduler.start()
    yield scheduler
    if scheduler.running:
        scheduler.shutdown()


# Made inside: an interval counts from the moment in which its trigger is made.
TRIGGERS: dict[str, tuple[Callable[[], Any], list[datetime]]] = {
    "date": (lambda: DateTrigger(START + DAY), [START + DAY]),
    "interval": (lambda: IntervalTrigger(hours=12), [START + DAY / 2, START + DAY]),
    "cron": (lambda: CronTrigger(hour=6, timezone=UTC), [START + DAY / 4, START + 1.25 * DAY]),
    "calendar interval": (
        lambda: CalendarIntervalTrigger(days=1, hour=1, timezone=UTC),
        [START + DAY / 24, START + 25 * DAY / 24],
    ),
    "and": (
        lambda: AndTrigger([CronTrigger(hour=3, timezone=UTC), CronTrigger(hour=3, timezone=UTC)]),
        [START + DAY / 8, START + 1.125 * DAY],
    ),
    "or": (
        lambda: OrTrigger([CronTrigger(hour=3, timezone=UTC), CronTrigger(hour=9, timezone=UTC)]),
        [START + DAY / 8, START + 3 * DAY / 8, START + 1.125 * DAY, START + 1.375 * DAY],
    ),
}


@pytest.mark.parametrize("name", TRIGGERS)
def test_every_trigger_fires_at_its_instants(sim: Simulation, scheduler: Any, name: str) -> None:
    """A trigger fires at exactly the instants that it names, for nearly a day and a half."""
    trigger, times = TRIGGERS[name]
    scheduler.add_job(note, trigger())
    sim.clock.tick(1.49 * 86_400)
    assert ran == times


@pytest.fixture
def database(tmp_path: Path) -> Callable[[], Any]:
    """Makes job stores over one SQLite file."""
    # Here, since every test process would take half a second for importing it.
    from apscheduler.jobstores.sqlalchemy import SQLAlchemyJobStore  # noqa: PLC0415
    from sqlalchemy import create_engine  # noqa: PLC0415
    from sqlalchemy.pool import NullPool  # noqa: PLC0415

    def store() -> Any:
        # NullPool: with a pool, a connection of APScheduler's stays open after its shutdown.
        engine = create_engine(f"sqlite:///{tmp_path}/jobs.sqlite", poolclass=NullPool)
        return SQLAlchemyJobStore(engine=engine)

    return store


def test_jobs_of_one_process_survive_in_a_database(
    database: Callable[[], Any], sim: Simulation
) -> None:
    """A job that one scheduler stored in SQLite is run by the next one."""

    def scheduler() -> Any:
        return BackgroundScheduler(jobstores={"default": database()}, timezone=UTC)

    first, second = scheduler(), scheduler()
    first.start()
    first.add_job(note, "date", run_date=START + DAY)
    first.shutdown()
    second.start()
    sim.clock.tick(2 * 86_400)
    second.shutdown()
    assert ran == [START + DAY]


def test_a_blocking_scheduler_runs_in_a_thread(sim: Simulation) -> None:
    """BlockingScheduler blocks its thread, and shutdown releases it."""
    scheduler = BlockingScheduler(timezone=UTC)
    scheduler.add_job(note, "interval", minutes=1)
    thread = threading.Thread(target=scheduler.start)
    thread.start()
    sim.clock.tick(150)
    scheduler.shutdown()
    thread.join()
    assert ran == [START + timedelta(minutes=1), START + timedelta(minutes=2)]


def test_a_paused_scheduler_catches_up_within_the_grace(sim: Simulation, scheduler: Any) -> None:
    """A job whose time passed while the scheduler was paused runs, or is missed, on resume."""
    seen: list[int] = []
    scheduler.add_listener(
        lambda event: seen.append(event.code),
        events.EVENT_JOB_EXECUTED | events.EVENT_JOB_MISSED,
    )
    for pause, expected in ((1.0, events.EVENT_JOB_EXECUTED), (1.5, events.EVENT_JOB_MISSED)):
        scheduler.pause()
        scheduler.add_job(note, "date")
        sim.clock.tick(pause)
        scheduler.resume()
        sim.settle()
        assert seen.pop() == expected


def test_more_jobs_than_workers_take_turns(sim: Simulation, scheduler: Any) -> None:
    """Thirty jobs of one second on ten workers take three seconds, when they may be late."""
    for _ in range(30):
        scheduler.add_job(time.sleep, args=[1], misfire_grace_time=None)
    scheduler.add_listener(lambda _event: note(), events.EVENT_JOB_EXECUTED)
    sim.clock.tick(10)
    assert ran == [START + timedelta(seconds=n) for n in (1, 2, 3) for _ in range(10)]


def test_shutdown_waits_for_the_jobs_that_run(sim: Simulation, scheduler: Any) -> None:
    """shutdown(wait=True) returns when the running job has ended."""
    scheduler.add_job(time.sleep, args=[5])
    sim.clock.tick(1)
    scheduler.shutdown(wait=True)
    assert sim.clock.elapsed == 5.0


def test_requests_of_several_threads_are_served_at_once(sim: Simulation) -> None:
    """Ten clients ask at once; each is in its own request, and all are answered together."""
    app = Flask(__name__)

    @app.route("/<name>")
    def nap(name: str) -> str:
        time.sleep(3)
        return f"{name} {request.path}"

    answers: dict[str, str] = {}

    def ask(name: str) -> None:
        answers[name] = app.test_client().get(f"/{name}").text

    threads = [threading.Thread(target=ask, args=(f"c{n}",)) for n in range(10)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers == {f"c{n}": f"c{n} /c{n}" for n in range(10)}
    assert sim.clock.elapsed == 3.0


def test_log_records_carry_virtual_time_and_thread(
    sim: Simulation, caplog: pytest.LogCaptureFixture
) -> None:
    """A record made in a virtual thread names it, and the virtual instant."""

    def work() -> None:
        time.sleep(90)
        logging.getLogger("work").warning("done")

    thread = threading.Thread(target=work, name="worker")
    thread.start()
    thread.join()
    (record,) = caplog.records
    assert record.threadName == "worker"
    assert datetime.fromtimestamp(record.created, UTC) == START + timedelta(seconds=90)
    assert sim.clock.elapsed == 90.0


def test_an_interval_from_before_the_block_begins_at_its_real_time() -> None:
    """It counts from when it was made: it runs in a simulation that begins then, and not before."""
    trigger = IntervalTrigger(seconds=30, timezone=UTC)
    for start, runs in ((START, 0), (trigger.start_date - timedelta(seconds=30), 3)):
        with Simulation(start=start) as sim:
            scheduler = BackgroundScheduler(timezone=UTC)
            scheduler.start()
            scheduler.add_job(note, trigger)
            sim.clock.tick(95)
        assert len(ran) == runs
