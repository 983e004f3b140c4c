"""Clock: time that moves when the test says so, and what it runs on the way."""

import re
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor as Threads
from datetime import UTC, datetime, timedelta, timezone
from enum import IntEnum
from typing import Any

import pytest
from _pytest import timing
from apscheduler.executors.pool import ThreadPoolExecutor
from apscheduler.jobstores.memory import MemoryJobStore
from freezegun import freeze_time

import threadsim
from apscheduler_fakes.fake_scheduler import FakeScheduler
from threadsim import Simulation
from threadsim.simulation.clock import Clock

NEW_YEAR = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.fixture
def clock() -> Iterator[Clock]:
    """Freeze time at the new year of 2026."""
    with Clock() as clock:
        yield clock


@pytest.fixture
def scheduler(clock: Clock) -> FakeScheduler:
    """Make a started FakeScheduler."""
    fake = FakeScheduler(timezone="UTC")
    fake.start()
    return fake


def boom(text: str = "boom") -> None:
    """Raise a ValueError."""
    raise ValueError(text)


# Time


def test_time_stands_still_at_the_start(clock: Clock) -> None:
    """Everything that reads the time agrees."""
    assert clock.now() == datetime.now(UTC) == NEW_YEAR
    assert clock.now().tzinfo is UTC
    assert time.time() == NEW_YEAR.timestamp()
    assert clock.elapsed == 0.0


def test_a_tick_moves_everything_that_reads_the_time(clock: Clock) -> None:
    """The monotonic clocks go with the wall clock."""
    before = time.monotonic()
    clock.tick(1.5)

    assert clock.now() == datetime.now(UTC) == NEW_YEAR + timedelta(seconds=1.5)
    assert time.time() == NEW_YEAR.timestamp() + 1.5
    assert time.monotonic() - before == 1.5
    assert clock.elapsed == 1.5


def test_ten_tenths_are_one_second(clock: Clock) -> None:
    """No dust of binary fractions gathers."""
    for _ in range(10):
        clock.tick(0.1)

    assert clock.elapsed == 1.0
    assert clock.now() == NEW_YEAR + timedelta(seconds=1)


@pytest.mark.parametrize(
    ("seconds", "microseconds"),
    [
        (0, 0),
        (0.0000001, 1),
        (1e-300, 1),
        (0.0000014, 1),
        (0.0000016, 2),
        (0.00000201, 2),
        (0.1 + 0.2, 300_000),
        (1e9 + 0.1, 1_000_000_000_100_000),
        (3, 3_000_000),
    ],
)
def test_a_tick_is_rounded_to_microseconds(clock: Clock, seconds: float, microseconds: int) -> None:
    """The least is one."""
    clock.tick(seconds)

    assert clock.now() - NEW_YEAR == timedelta(microseconds=microseconds)


class Length(IntEnum):
    """Lengths with names of their own."""

    MINUTE = 60


class Seconds(float):
    """A number that prints itself as it likes, as NumPy's do."""

    def __repr__(self) -> str:
        return f"Seconds({float(self)})"


def test_a_clock_shows_its_instant(clock: Clock) -> None:
    """As one does in a debugger, or below a test that failed."""
    clock.tick(90)
    assert repr(clock) == "<Clock at 2026-01-01T00:01:30+00:00>"


@pytest.mark.parametrize("seconds", [Length.MINUTE, Seconds(60)])
def test_a_number_may_print_itself_as_it_likes(clock: Clock, seconds: float) -> None:
    """It lets as much time pass as it stands for."""
    clock.tick(seconds)
    assert clock.elapsed == 60.0


@pytest.mark.parametrize(
    "instant",
    [
        "2026-01-01T01:00:00Z",
        "2026-01-01T02:00:00+01:00",
        datetime(2026, 1, 1, 0, tzinfo=timezone(timedelta(hours=-1))),
    ],
)
def test_it_moves_to_an_instant_of_any_offset(clock: Clock, instant: Any) -> None:
    """All of these are one o'clock in UTC."""
    clock.move_to(instant)
    clock.move_to(instant)

    assert clock.now() == NEW_YEAR + timedelta(hours=1)
    assert clock.elapsed == 3600.0


def test_it_starts_where_it_is_told() -> None:
    """An aware datetime or a string with its offset."""
    with Clock(datetime(2030, 1, 1, tzinfo=UTC)) as clock:
        assert datetime.now(UTC) == clock.now() == datetime(2030, 1, 1, tzinfo=UTC)
    with Clock("2030-01-01T00:00:00.000001+01:00") as clock:
        clock.tick(0.000001)
        assert datetime.now(UTC) == datetime(2029, 12, 31, 23, 0, 0, 2, tzinfo=UTC)


def test_it_can_be_read_before_and_after_its_block() -> None:
    """The real time is back, and what the clock showed last is still there."""
    real = datetime.now(UTC)
    clock = Clock()
    assert clock.now() == NEW_YEAR
    with clock:
        clock.tick(5)

    assert clock.elapsed == 5.0
    assert clock.now() == NEW_YEAR + timedelta(seconds=5)
    assert datetime.now(UTC) >= real


def test_a_job_in_a_worker_thread_sees_the_clock(clock: Clock) -> None:
    """So do the functions of ``time``, which freezegun would give real time there."""
    clock.tick(1)
    with Threads(1) as threads:
        assert threads.submit(lambda: (time.time(),)).result()[0] == NEW_YEAR.timestamp() + 1
        assert threads.submit(lambda: datetime.now(UTC)).result() == clock.now()


def test_pytest_keeps_the_real_time(clock: Clock) -> None:
    """The durations that pytest prints are not those of the clock."""
    assert timing.time() != time.time()


# What is refused


@pytest.mark.parametrize("seconds", [-1, -1e-7, float("nan"), float("inf"), "1", None])
def test_time_passes_forward_and_comes_to_an_end(clock: Clock, seconds: Any) -> None:
    """Nothing moves, and nothing is guessed."""
    with pytest.raises(ValueError, match=r"Clock.tick\(.*\): time"):
        clock.tick(seconds)
    assert clock.elapsed == 0.0


def test_time_does_not_go_back(clock: Clock) -> None:
    """An instant before now is refused."""
    clock.tick(1)
    with pytest.raises(ValueError, match=r"2026-01-01T00:00:01\+00:00 already"):
        clock.move_to(NEW_YEAR)


@pytest.mark.parametrize(
    "instant",
    ["2026-02-01", datetime(2026, 2, 1), "tomorrow", 5],  # noqa: DTZ001  # The point.
)
def test_an_instant_has_an_offset(clock: Clock, instant: Any) -> None:
    """What is not one instant everywhere is refused, also as a start."""
    for call, name in (
        (clock.move_to, "Clock.move_to"),
        (Clock, "Clock"),
        (Simulation, "Simulation"),
    ):
        text = rf"^{name}\({re.escape(repr(instant))}\): pass an aware datetime, or a string with"
        with pytest.raises(ValueError, match=text):
            call(instant)


def test_outside_its_block_it_does_not_move() -> None:
    """Neither before nor after, and it has one block."""
    clock = Clock()
    with pytest.raises(RuntimeError, match=r"Clock.tick\(1\): outside its block"):
        clock.tick(1)
    with clock, pytest.raises(RuntimeError, match="entered before"):
        clock.__enter__()
    with pytest.raises(RuntimeError, match=r"Clock.move_to\('x'\): outside its block"):
        clock.move_to("x")
    with pytest.raises(RuntimeError, match="entered before"):
        clock.__enter__()


@pytest.mark.parametrize("start", ["0001-01-01T00:00:00+05:00", "9999-12-31T23:00:00-05:00"])
def test_an_instant_that_is_none_in_utc_is_refused(start: str) -> None:
    """Before the year 1 and after 9999 there are no dates."""
    with pytest.raises(ValueError, match="pass an aware datetime"):
        Clock(start)


@pytest.mark.parametrize("name", ["Simulation", "explore"])
def test_without_greenlet_the_name_that_needs_it_says_so(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An import from the package names what is missing."""
    monkeypatch.setitem(sys.modules, "greenlet", None)
    for module in [each for each in sys.modules if each.startswith("threadsim.")]:
        # In the package, too: what is imported anew must not stay there.
        package, _, attribute = module.rpartition(".")
        monkeypatch.delattr(sys.modules[package], attribute, raising=False)
    for module in [each for each in sys.modules if each.startswith("threadsim.")]:
        monkeypatch.delitem(sys.modules, module)
    with pytest.raises(ModuleNotFoundError) as caught:
        getattr(threadsim, name)
    assert caught.value.name == "greenlet"


# Other freezes of time


def test_a_clock_inside_freeze_time_decides_until_it_ends() -> None:
    """Then the outer time is back."""
    with freeze_time("2020-01-01"):
        with Clock() as clock:
            clock.tick(1)
            assert datetime.now(UTC) == NEW_YEAR + timedelta(seconds=1)
        assert datetime.now(UTC) == datetime(2020, 1, 1, tzinfo=UTC)


def test_freeze_time_inside_a_clock_keeps_it_from_moving(clock: Clock) -> None:
    """A tick that nobody could see is refused; the clock can still be read."""
    with freeze_time("2020-01-01"):
        with pytest.raises(RuntimeError, match=r"Clock.tick\(1\): a freeze_time or Clock"):
            clock.tick(1)
        assert clock.now() == NEW_YEAR
    clock.tick(1)

    assert datetime.now(UTC) == NEW_YEAR + timedelta(seconds=1)


# What runs on the way


def test_jobs_run_at_exactly_their_time(scheduler: FakeScheduler, clock: Clock) -> None:
    """None is missed on the way, however far it is."""
    seen: list[float] = []
    scheduler.add_job(lambda: seen.append(clock.elapsed), "interval", seconds=0.1)
    clock.tick(0.35)
    clock.move_to(NEW_YEAR + timedelta(seconds=0.5))

    assert seen == [0.1, 0.2, 0.3, 0.4, 0.5]
    assert clock.elapsed == 0.5


def test_a_tick_of_nothing_runs_what_is_due_now(scheduler: FakeScheduler, clock: Clock) -> None:
    """The present instant belongs to the way."""
    ran: list[int] = []
    scheduler.add_job(ran.append, args=[1])
    clock.tick(0)

    assert ran == [1]


def test_jobs_added_on_the_way_run_on_the_way(scheduler: FakeScheduler, clock: Clock) -> None:
    """Also when they come before what would have been the next stop."""
    seen: list[tuple[str, float]] = []

    def first() -> None:
        scheduler.add_job(
            lambda: seen.append(("added", clock.elapsed)),
            "date",
            run_date=clock.now() + timedelta(seconds=1),
        )

    scheduler.add_job(first, "date", run_date=NEW_YEAR + timedelta(seconds=1))
    scheduler.add_job(
        lambda: seen.append(("last", clock.elapsed)),
        "date",
        run_date=NEW_YEAR + timedelta(seconds=3),
    )
    clock.tick(10)

    assert seen == [("added", 2.0), ("last", 3.0)]


def test_schedulers_take_turns_by_time_and_then_by_age(clock: Clock) -> None:
    """One that was made before the clock counts as well, and only while it runs."""
    seen: list[tuple[str, float]] = []
    fakes = {name: FakeScheduler() for name in ("a", "b", "paused", "never started", "over")}
    for name in ("b", "a", "paused", "over"):
        fakes[name].start(paused=name == "paused")
        fakes[name].add_job(
            lambda name=name: seen.append((name, clock.elapsed)), "interval", seconds=1
        )
    fakes["over"].shutdown()
    clock.tick(2)

    assert seen == [("a", 1.0), ("b", 1.0), ("a", 2.0), ("b", 2.0)]


def test_a_scheduler_made_before_the_clock_counts() -> None:
    """As an app's scheduler that was made at import."""
    fake = FakeScheduler()
    ran: list[int] = []
    with Clock() as clock:
        fake.start()
        fake.add_job(ran.append, "interval", [1], seconds=1)
        clock.tick(1)
    with Clock("2026-01-01T00:00:01Z") as clock:
        clock.tick(1)

    assert ran == [1, 1]


@pytest.mark.parametrize("stop", ["pause", "shutdown"])
def test_a_job_can_stop_another_scheduler_at_the_same_instant(clock: Clock, stop: str) -> None:
    """The one that was made first comes first."""
    first, second = FakeScheduler(), FakeScheduler()
    first.start()
    second.start()
    first.add_job(getattr(second, stop), "date", run_date=NEW_YEAR + timedelta(seconds=1))
    second.add_job(boom, "interval", seconds=1)
    clock.tick(2)

    assert second.job_errors == []


def test_a_job_may_take_time(scheduler: FakeScheduler, clock: Clock) -> None:
    """A tick inside a job is its duration; what was due meanwhile starts late, or is missed."""
    seen: list[tuple[str, float]] = []
    scheduler.add_job(clock.tick, "date", [5], run_date=NEW_YEAR + timedelta(seconds=1), id="slow")
    for name, seconds in {"missed": 2, "late": 5.5}.items():
        scheduler.add_job(
            lambda name=name: seen.append((name, clock.elapsed)),
            "date",
            run_date=NEW_YEAR + timedelta(seconds=seconds),
        )
    clock.tick(2)

    assert seen == [("late", 6.0)]
    assert clock.elapsed == 6.0


def test_an_exception_in_a_job_comes_out_at_the_end_of_the_way(
    scheduler: FakeScheduler, clock: Clock
) -> None:
    """What comes after it has run, and the time is where it was to be."""
    ran: list[float] = []
    scheduler.add_job(boom, "date", run_date=NEW_YEAR + timedelta(seconds=1))
    scheduler.add_job(
        lambda: ran.append(clock.elapsed), "date", run_date=NEW_YEAR + timedelta(seconds=2)
    )

    with pytest.raises(ValueError, match="boom"):
        clock.tick(3)
    assert ran == [2.0]
    assert clock.elapsed == 3.0


def test_several_exceptions_come_as_a_group(scheduler: FakeScheduler, clock: Clock) -> None:
    """One per run, in order."""
    scheduler.add_job(boom, "interval", seconds=1)

    with pytest.raises(ExceptionGroup, match=r"Clock.tick\(2\): several jobs failed") as failure:
        clock.tick(2)
    assert [str(error) for error in failure.value.exceptions] == ["boom", "boom"]


def test_what_would_end_the_schedulers_thread_is_told_at_the_end_of_the_way(
    scheduler: FakeScheduler, clock: Clock
) -> None:
    """The scheduler is dead from then on: going on would run the same jobs for ever."""
    store: Any = scheduler._jobstores["default"]
    store.update_job = int  # Needs one argument that is a number: a job is none.
    scheduler.add_job(int, "interval", seconds=1, id="a")

    with pytest.raises(TypeError):
        clock.tick(9)
    assert clock.elapsed == 9.0


def test_a_dead_scheduler_is_passed_by(scheduler: FakeScheduler, clock: Clock) -> None:
    """The tick is what its death is noticed by."""
    scheduler.add_job(boom, "interval", seconds=1)
    scheduler.die()
    clock.tick(5)

    scheduler.check()


def test_a_pools_jobs_are_handed_over_at_their_time(clock: Clock) -> None:
    """The tick does not wait for them."""
    fake = FakeScheduler(executors={"default": ThreadPoolExecutor(1)})
    fake.start()
    seen: list[datetime] = []
    fake.add_job(
        lambda: seen.append(datetime.now(UTC)), "interval", seconds=1, misfire_grace_time=None
    )
    clock.tick(1)
    fake.shutdown()

    assert seen == [NEW_YEAR + timedelta(seconds=1)]


class FailingStore(MemoryJobStore):  # type: ignore[misc]  # APScheduler has no types
    """A store whose first two looks fail."""

    failures = 2

    def get_due_jobs(self, now: datetime) -> Any:
        """Fail, or return the due jobs."""
        if self.failures:
            self.failures -= 1
            raise OSError("no connection")
        return super().get_due_jobs(now)


def test_a_job_store_that_fails_is_asked_again_after_its_interval(clock: Clock) -> None:
    """By then the job may be missed, as for real."""
    fake = FakeScheduler(jobstores={"default": FailingStore()}, jobstore_retry_interval=7)
    fake.start()
    seen: list[float] = []
    fake.add_job(
        lambda: seen.append(clock.elapsed),
        "date",
        run_date=NEW_YEAR + timedelta(seconds=1),
        misfire_grace_time=None,
    )
    clock.tick(1)
    clock.tick(60)

    assert seen == [14.0]


def test_the_schedulers_of_tests_gone_by_run_nothing() -> None:
    """Nobody can reach them any more."""
    ran: list[int] = []
    fake = FakeScheduler()
    fake.start()
    fake.add_job(ran.append, "interval", [1], seconds=1, misfire_grace_time=None)
    del fake
    with Clock("2099-01-01T00:00:00Z") as clock:
        clock.tick(1)

    assert ran == []


# The hook of a simulation


class SlowClock(Clock):
    """A clock that gets where it shall go in two steps, as one whose time another owns may."""

    def stop_at(self, target: int) -> None:
        """Go half of the way."""
        super().stop_at((self.microseconds + target + 1) // 2)


def test_time_may_move_in_more_steps_than_asked() -> None:
    """The way is the same."""
    seen: list[float] = []
    with SlowClock() as clock:
        fake = FakeScheduler()
        fake.start()
        fake.add_job(lambda: seen.append(clock.elapsed), "interval", seconds=1)
        clock.tick(2)

    assert seen == [1.0, 2.0]
    assert clock.elapsed == 2.0
