"""``Clock.tick`` over days fires exactly what the real scheduler does, at exactly its instants."""

from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from apscheduler.executors.debug import DebugExecutor
from apscheduler.jobstores.memory import MemoryJobStore
from apscheduler.schedulers.background import BackgroundScheduler
from freezegun import freeze_time

from apscheduler_fakes.fake_scheduler import FakeScheduler
from threadsim.simulation.clock import Clock
from threadsim.simulation.simulation import Simulation

WEEK = 7 * 86_400
BERLIN, NEW_YORK = ZoneInfo("Europe/Berlin"), ZoneInfo("America/New_York")
JOBS: dict[str, tuple[str, dict[str, Any]]] = {
    "every 3 h": ("interval", {"hours": 3}),
    "every 25 h": ("interval", {"hours": 25, "start_date": "2026-03-20 12:34:56"}),
    "every 7 h": ("interval", {"hours": 7, "seconds": 0.25}),
    "2:30": ("cron", {"hour": 2, "minute": 30}),
    "3:00": ("cron", {"hour": 3}),
    "half past": ("cron", {"day_of_week": "sun", "minute": 30}),
    "weekdays": ("cron", {"day_of_week": "mon-fri", "hour": "9-17/4", "minute": 0, "second": 7}),
    "Sunday night": ("cron", {"day_of_week": "sun", "hour": "1-3", "minute": "*/20"}),
    "last day, New York": ("cron", {"day": "last", "hour": "*/6", "timezone": NEW_YORK}),
    "once": ("date", {"run_date": "2026-03-29 03:00:00"}),
}
FIRED = list[tuple[str, str]]


def add_jobs(scheduler: Any, zone: ZoneInfo, fired: FIRED) -> None:
    """Add the jobs to two stores of a scheduler that has been started."""

    def fire(id_: str) -> None:
        fired.append((datetime.now(UTC).isoformat(), id_))

    for number, (id_, (trigger, options)) in enumerate(JOBS.items()):
        scheduler.add_job(
            *(fire, trigger, [id_]),
            id=id_,
            jobstore=["default", "other"][number % 2],
            **{"timezone": zone, **options},
        )


def with_the_fake(start: str, zone: ZoneInfo, ticks: list[float]) -> FIRED:
    """Return what a FakeScheduler fires under a Clock."""
    fired: FIRED = []
    with Clock(start) as clock:
        scheduler = FakeScheduler(timezone=zone, jobstores={"other": MemoryJobStore()})
        scheduler.start()
        add_jobs(scheduler, zone, fired)
        for seconds in ticks:
            clock.tick(seconds)
    return fired


def with_the_real_one(start: str, zone: ZoneInfo, ticks: list[float]) -> FIRED:
    """Return what a BackgroundScheduler fires in a Simulation."""
    fired: FIRED = []
    with Simulation(start) as sim:
        scheduler = BackgroundScheduler(
            timezone=zone,
            jobstores={"other": MemoryJobStore()},
            executors={"default": DebugExecutor()},
        )
        scheduler.start()
        add_jobs(scheduler, zone, fired)
        for seconds in ticks:
            sim.clock.tick(seconds)
    return fired


@pytest.mark.parametrize(
    ("start", "runs"),
    [("2026-03-26T12:00:00.125Z", 23), ("2026-10-22T12:00:00Z", 25)],
    ids=["set forward", "set back"],
)
def test_a_week_fires_what_the_real_scheduler_does(start: str, runs: int) -> None:
    """Every run of every job, at the same microsecond, in the same order."""
    fired = with_the_fake(start, BERLIN, [WEEK])

    assert fired == with_the_real_one(start, BERLIN, [WEEK])
    assert Counter(id_ for _, id_ in fired)["half past"] == runs


@pytest.mark.parametrize("start", ["2026-10-25T00:00:00.000001Z", "2026-10-25T00:00:00.999999Z"])
def test_a_start_at_a_fraction_of_a_second_makes_no_run_late(start: str) -> None:
    """The real one waits for differences of timestamps, whose floats are a part of one off."""
    assert with_the_fake(start, BERLIN, [20_000]) == with_the_real_one(start, BERLIN, [20_000])


def test_many_ticks_are_as_good_as_one() -> None:
    """Where the ticks end makes no difference."""
    start = "2026-10-25T00:00:00Z"

    assert with_the_fake(start, BERLIN, [700.7] * 30) == with_the_fake(start, BERLIN, [30 * 700.7])


@pytest.mark.parametrize(
    ("start", "fired"),
    [
        # Clocks go from 2:00 to 3:00 at 01:00Z: 2:30 is at 3:30 that day.
        (
            "2026-03-28T23:00:00Z",
            ["23:30 half past", "00:30 half past", "01:30 2:30", "01:30 half past"],
        ),
        # Clocks go from 3:00 back to 2:00 at 01:00Z: there are two times 2:30.
        (
            "2026-10-24T23:00:00Z",
            ["23:30 half past", "00:30 2:30", "00:30 half past", "01:30 2:30", "01:30 half past"],
        ),
    ],
    ids=["set forward", "set back"],
)
@pytest.mark.parametrize("fire", [with_the_fake, with_the_real_one])
def test_the_hour_of_the_change(fire: Callable[..., FIRED], start: str, fired: list[str]) -> None:
    """An hour that comes twice is two hours, one that is left out is none."""
    ran = fire(start, BERLIN, [3 * 3600 - 1])

    assert [
        f"{instant[11:16]} {id_}" for instant, id_ in ran if id_ in {"2:30", "half past"}
    ] == fired


def test_freezegun_loses_the_second_of_two_equal_hours() -> None:
    """Why the clock helps it: a frozen 01:30Z is 2:30 in Berlin for the second time."""
    instant = datetime(2026, 10, 25, 1, 30, tzinfo=UTC)
    with freeze_time(instant):
        assert datetime.now(BERLIN).astimezone(UTC) == instant - timedelta(hours=1)
    with Clock(instant):
        assert datetime.now(BERLIN).astimezone(UTC) == instant
        assert datetime.now(BERLIN).fold == 1
