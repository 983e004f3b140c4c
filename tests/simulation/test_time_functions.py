"""Every clock of Python shows a simulation's one time."""

import time
from datetime import UTC, date, datetime
from time import monotonic, sleep
from typing import Any

import pytest

from apscheduler_fakes import NotModelled, Simulation

START = "2026-03-04T05:06:07.000008Z"


def test_every_clock_agrees_to_the_microsecond() -> None:
    """Dates, seconds and nanoseconds show the same instant, before and after a sleep."""
    with Simulation(START) as sim:
        for slept in (0, 0.1, 1e-6, 12345.678901):
            time.sleep(slept)
            now = datetime.now(UTC)
            stamp = now.timestamp()
            elapsed = sim.clock.elapsed
            steady = 1 + elapsed
            assert now == sim.clock.now()
            assert datetime.utcnow() == now.replace(tzinfo=None)  # noqa: DTZ003
            assert date.today() == now.date()  # noqa: DTZ011
            assert (time.time(), time.clock_gettime(time.CLOCK_REALTIME)) == (stamp, stamp)
            microseconds = round(elapsed * 1_000_000)
            first = int(datetime.fromisoformat(START).timestamp()) * 1_000_000 + 8
            assert time.time_ns() == (first + microseconds) * 1000
            assert time.clock_gettime_ns(time.CLOCK_REALTIME) == time.time_ns()
            assert time.monotonic_ns() == time.perf_counter_ns() == 10**9 + microseconds * 1000
            assert time.clock_gettime_ns(time.CLOCK_MONOTONIC) == time.monotonic_ns()
            assert time.monotonic() == pytest.approx(steady, abs=1e-9)
            assert monotonic() == time.perf_counter() == time.monotonic()
            assert time.clock_gettime(time.CLOCK_MONOTONIC) == time.monotonic()
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


def test_clocks_of_processor_time_are_real() -> None:
    """What measures the work that is done is not virtual."""
    with Simulation():
        before = time.process_time()
        assert time.clock_gettime(time.CLOCK_PROCESS_CPUTIME_ID) >= before
        assert time.clock_gettime_ns(time.CLOCK_PROCESS_CPUTIME_ID) >= before


@pytest.mark.skipif(not hasattr(time, "CLOCK_TAI"), reason="this system has no such clock")
def test_a_clock_without_a_stand_in_is_refused() -> None:
    """Atomic time is off by seconds that no simulation knows."""
    with Simulation(), pytest.raises(NotModelled, match=r"clock_gettime\(CLOCK_TAI\)"):
        time.clock_gettime(time.CLOCK_TAI)


@pytest.mark.parametrize("seconds", [-1, float("nan"), 2**63, 2**63 / 10**9, "1", None])
def test_a_wrong_sleep_is_refused_with_the_real_error(seconds: Any) -> None:
    """``sleep`` refuses what the real one refuses, in the same words."""
    with pytest.raises((ValueError, OverflowError, TypeError)) as outside:
        time.sleep(seconds)
    with Simulation(), pytest.raises(outside.type) as inside:
        time.sleep(seconds)

    assert str(inside.value) == str(outside.value)


@pytest.mark.parametrize("name", ["strftime", "asctime"])
def test_none_is_no_time_to_format(name: str) -> None:
    """Where the real function takes a time or nothing, None is refused."""
    arguments = ("%Y", None) if name == "strftime" else (None,)
    with Simulation(), pytest.raises(TypeError):
        getattr(time, name)(*arguments)


def test_outside_a_simulation_what_was_kept_of_it_is_real() -> None:
    """A function kept from inside acts as the real one afterwards."""
    with Simulation():
        kept = {name: getattr(time, name) for name in NAMES}

    kept["sleep"](0)
    for name in ("time", "time_ns", "monotonic", "monotonic_ns", "perf_counter", "perf_counter_ns"):
        before = getattr(time, name)()
        assert before <= kept[name]() <= getattr(time, name)()
    for name in ("clock_gettime", "clock_gettime_ns"):
        for clock in (time.CLOCK_REALTIME, time.CLOCK_MONOTONIC):
            before = getattr(time, name)(clock)
            assert before <= kept[name](clock) <= getattr(time, name)(clock)
    assert time.mktime(kept["localtime"]()) >= time.mktime(time.localtime()) - 1
    assert kept["gmtime"](0) == time.gmtime(0)
    assert sleep is time.sleep


NAMES = [
    "clock_gettime",
    "clock_gettime_ns",
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
