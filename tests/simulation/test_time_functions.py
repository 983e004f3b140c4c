"""Every clock of Python shows a simulation's one time."""

import copyreg
import pickle
import threading
import time
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from time import monotonic, sleep
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from threadsim import Simulation

# Python 3.12 and later warn of it.
UTCNOW = pytest.mark.filterwarnings("ignore:datetime.datetime.utcnow")

START = "2026-03-04T05:06:07.000008Z"


@UTCNOW
def test_every_clock_agrees_to_the_microsecond() -> None:
    """Dates, seconds and nanoseconds show the same instant, before and after a sleep."""
    with Simulation(START) as sim:
        for slept in (0, 0.1, 1e-6, 12345.678901):
            time.sleep(slept)
            now = datetime.now(UTC)
            stamp = now.timestamp()
            elapsed = sim.clock.elapsed
            steady = 1_000_000 + elapsed
            assert now == sim.clock.now()
            assert datetime.utcnow() == now.replace(tzinfo=None)  # noqa: DTZ003
            assert date.today() == now.date()  # noqa: DTZ011
            assert time.time() == stamp
            microseconds = round(elapsed * 1_000_000)
            first = int(datetime.fromisoformat(START).timestamp()) * 1_000_000 + 8
            assert time.time_ns() == (first + microseconds) * 1000
            assert time.monotonic_ns() == time.perf_counter_ns() == 10**15 + microseconds * 1000
            assert time.monotonic() == pytest.approx(steady, abs=1e-9)
            assert monotonic() == time.perf_counter() == time.monotonic()
            assert time.gmtime() == (*now.timetuple()[:8], 0)
            assert time.mktime(time.localtime()) == int(stamp)
            assert time.strftime("%S") == time.strftime("%S", time.gmtime())
            assert time.ctime() == time.asctime() == time.asctime(time.localtime())


def test_an_instant_that_is_given_is_shown_as_ever() -> None:
    """With an argument these functions know no simulation."""

    def show() -> list[object]:
        return [
            time.localtime(0),
            time.gmtime(86_400.5),
            time.ctime(86_400),
            time.asctime(time.gmtime(0)),
            time.strftime("%Y-%m-%d", time.gmtime(0)),
        ]

    with Simulation():
        inside = show()
    assert inside == show()


@pytest.fixture(params=["America/New_York", "Asia/Kolkata", "UTC"])
def zone(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The machine's time zone."""
    with monkeypatch.context() as changed:
        changed.setenv("TZ", request.param)
        time.tzset()
        yield request.param
    time.tzset()


# Before and after the hour that New York has twice, within it both times, and in its summer.
INSTANTS = ["2026-11-01T04:30Z", "2026-11-01T05:30Z", "2026-11-01T06:30Z", "2026-07-01T12:00Z"]


@UTCNOW
@pytest.mark.parametrize("instant", INSTANTS)
def test_a_date_without_a_zone_is_the_machines(zone: str, instant: str) -> None:
    """Dates show what ``time.localtime`` does, on machines of every zone."""
    real = datetime.fromisoformat(instant)
    local = real.astimezone(ZoneInfo(zone))
    with Simulation(instant):
        now = datetime.now()  # noqa: DTZ005  # The point, as all below.
        stamp = time.time()
        assert (now, now.fold) == (local.replace(tzinfo=None), local.fold)
        assert now.timetuple()[:6] == time.localtime()[:6]
        assert datetime.today() == now  # noqa: DTZ002
        assert datetime.utcnow() == real.replace(tzinfo=None)  # noqa: DTZ003
        assert date.today() == now.date() == local.date()  # noqa: DTZ011
        assert now.timestamp() == stamp == real.timestamp()
        assert datetime.fromtimestamp(stamp) == now  # noqa: DTZ006
        assert datetime.fromtimestamp(stamp, ZoneInfo(zone)) == local
        assert now.astimezone() == real == datetime.now().astimezone(UTC)
        assert datetime.now(ZoneInfo(zone)).isoformat() == local.isoformat()
        assert datetime.now(UTC).astimezone().tzinfo == real.astimezone().tzinfo


def test_a_wrong_zone_is_refused_with_the_real_error() -> None:
    """``now`` refuses what the real one refuses, in the same words."""
    wrong: Any = 5
    with pytest.raises(TypeError) as outside:
        datetime.now(wrong)
    with Simulation(), pytest.raises(TypeError) as inside:
        datetime.now(wrong)
    assert str(inside.value) == str(outside.value)


@UTCNOW
def test_dates_beside_a_simulation_are_real() -> None:
    """A real thread's dates are those of its clocks."""
    go, done, seen = threading.Lock(), threading.Lock(), []
    go.acquire()
    done.acquire()

    def outside() -> None:
        assert go.acquire(timeout=10)
        today = date.today()  # noqa: DTZ011  # The point, as below.
        seen.extend([datetime.now(UTC).year, datetime.now().year, today.year])  # noqa: DTZ005
        seen.extend([datetime.utcnow().year, datetime.today().year])  # noqa: DTZ002, DTZ003
        done.release()

    thread = threading.Thread(target=outside)
    thread.start()
    with Simulation("1999-06-01T00:00Z"):
        go.release()
        assert done.acquire(timeout=10)
    thread.join()
    assert min(seen) > 1999


def test_a_date_of_inside_is_a_date_outside(zone: str) -> None:
    """What was made in a simulation goes on as a date of the machine, in its zone."""
    with Simulation(INSTANTS[1]):
        now = datetime.now()  # noqa: DTZ005  # The point.
        kept = datetime.now
    stamp = datetime.fromisoformat(INSTANTS[1]).timestamp()
    assert (now.timestamp(), now.astimezone().timestamp()) == (stamp, stamp)
    later = datetime.fromtimestamp(stamp) + timedelta(hours=5)  # noqa: DTZ006
    assert (now + timedelta(hours=5)).timestamp() == later.timestamp()
    assert kept().year > 2025
    assert abs(kept().timestamp() - time.time()) < 60


def test_dates_of_outside_are_pickled_inside() -> None:
    """A job store keeps dates that were made before the block."""
    before, day = datetime.now(UTC), date(2020, 1, 1)
    tables = [dict(copyreg.dispatch_table)]
    with Simulation():
        kept = pickle.dumps([before, day, datetime.now(UTC), date.today()])  # noqa: DTZ011
        assert pickle.loads(kept)[:2] == [before, day]  # noqa: S301  # Our own.
    tables.append(dict(copyreg.dispatch_table))
    assert pickle.loads(kept)[2] == datetime(2026, 1, 1, tzinfo=UTC)  # noqa: S301
    assert tables[0] == tables[1]


def test_clocks_of_processor_time_are_real() -> None:
    """What measures the work that is done is not virtual."""
    with Simulation():
        before = time.process_time(), time.thread_time()
        assert sum(range(10_000))
        assert (time.process_time(), time.thread_time()) > before


@pytest.mark.parametrize("seconds", [-1, float("nan"), 2**63, 2**63 / 10**9, "1", None])
def test_a_wrong_sleep_is_refused_with_the_real_error(seconds: Any) -> None:
    """``sleep`` refuses what the real one refuses."""
    with pytest.raises((ValueError, OverflowError, TypeError)) as outside:
        time.sleep(seconds)
    with Simulation(), pytest.raises(outside.type):
        time.sleep(seconds)


def test_a_clock_looks_like_the_real_one() -> None:
    """Its repr is a built-in function's."""
    outside = repr(time.sleep)
    with Simulation():
        assert repr(time.sleep) == outside == "<built-in function sleep>"


def test_outside_a_simulation_what_was_kept_of_it_is_real() -> None:
    """A function kept from inside acts as the real one afterwards."""
    with Simulation():
        kept = {name: getattr(time, name) for name in NAMES}

    kept["sleep"](0)
    for name in ("time", "time_ns", "monotonic", "monotonic_ns", "perf_counter", "perf_counter_ns"):
        before = getattr(time, name)()
        assert before <= kept[name]() <= getattr(time, name)()
    assert time.mktime(kept["localtime"]()) >= time.mktime(time.localtime()) - 1
    assert kept["gmtime"](0) == time.gmtime(0)
    assert sleep is time.sleep


NAMES = [
    "gmtime",
    "localtime",
    "monotonic",
    "monotonic_ns",
    "perf_counter",
    "perf_counter_ns",
    "sleep",
    "time",
    "time_ns",
]
