"""Every class of dates shows a simulation's time, and stays what it is."""

import copy
import pickle
import time
import warnings
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta, tzinfo
from typing import Any, Self
from zoneinfo import ZoneInfo

import pytest
from freezegun import freeze_time

from threadsim import Clock, Simulation

KOLKATA = ZoneInfo("Asia/Kolkata")
NEW_YEAR = datetime(2026, 1, 1, tzinfo=UTC)


class Stamp(datetime):
    """A class made before the block, as pandas and pendulum have them."""


class Later(Stamp):
    """One of that, which adds to what it is given."""

    @classmethod
    def now(cls, tz: tzinfo | None = None) -> Self:
        """Return tomorrow."""
        return super().now(tz) + timedelta(days=1)


class Day(date):
    """A class of dates made before the block."""


@pytest.fixture(params=["datetime", "before", "inside"])
def instants(kind: str, request: pytest.FixtureRequest) -> type[datetime]:
    """A class of instants: the standard library's, one made before the block, one made inside."""

    class Inside(datetime):
        pass

    classes: dict[str, type[datetime]] = {"datetime": datetime, "before": Stamp, "inside": Inside}
    return classes[request.param]


@pytest.fixture(params=["date", "before", "inside"])
def days(kind: str, request: pytest.FixtureRequest) -> type[date]:
    """A class of dates, in the same way."""

    class Inside(date):
        pass

    classes: dict[str, type[date]] = {"date": date, "before": Day, "inside": Inside}
    return classes[request.param]


def utcnow(cls: type[datetime]) -> datetime:
    # Python 3.12 and later warn of it.
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        return cls.utcnow().replace(tzinfo=UTC)


@pytest.mark.parametrize(
    "now",
    [
        lambda cls: cls.now(),
        lambda cls: cls.now(UTC),
        lambda cls: cls.now(tz=KOLKATA),
        lambda cls: cls.today(),
        lambda cls: cls.fromtimestamp(time.time()),
        lambda cls: cls.fromtimestamp(time.time(), KOLKATA),
        utcnow,
    ],
    ids=["now", "now(UTC)", "now(zone)", "today", "fromtimestamp", "fromtimestamp(zone)", "utcnow"],
)
def test_every_class_of_instants_makes_its_own(
    instants: type[datetime], now: Callable[[type[datetime]], datetime]
) -> None:
    """``now`` and its relatives show the clock's instant, in the class that is asked."""
    before = time.time()
    made = now(instants)
    assert before - 1e-6 <= made.timestamp() <= time.time() + 1e-6
    assert type(made) is instants


def test_every_class_of_dates_makes_its_own(days: type[date]) -> None:
    """``today`` is the clock's day, in the class that is asked."""
    before = date.fromtimestamp(time.time())  # noqa: DTZ012  # The point.
    made = days.today()
    assert before <= made <= date.fromtimestamp(time.time())  # noqa: DTZ012
    assert type(made) is days
    assert type(made + timedelta(1)) is type(made.replace(day=1)) is days


def test_instants_go_on_as_ever(instants: type[datetime]) -> None:
    """Arithmetic keeps a class where the standard library does; copies and pickles are equal."""
    now = instants.now(UTC)
    hour = timedelta(hours=1)
    for made in (now + hour, hour + now, now - hour, now.replace(hour=1), now.astimezone(KOLKATA)):
        assert type(made) is instants
    assert type(now - now) is timedelta
    assert type(now.date()) is date
    assert isinstance(now, datetime)
    assert issubclass(instants, date)
    assert copy.deepcopy(now) == copy.copy(now) == now < now + hour
    assert {now: 1}[now.astimezone(KOLKATA)] == 1
    if "<locals>" not in instants.__qualname__:
        kept = pickle.loads(pickle.dumps(now))  # noqa: S301  # Our own.
        assert (kept, type(kept)) == (now, instants)


def test_a_class_is_called_as_the_real_one_calls_it(kind: str) -> None:
    """A constructor of one's own gets what it gets for real, once."""
    calls: list[int] = []

    class Counts(datetime):
        def __new__(cls, *args: Any, **kwargs: Any) -> Self:
            calls.append(len(args))
            assert not kwargs
            return super().__new__(cls, *args)

    Counts.now()
    Counts.today()
    Counts.now(UTC)  # And once more when the zone adds what it has to.
    assert calls == [8, 8, 8, 8]


def test_a_class_with_a_now_of_its_own_is_asked() -> None:
    """What it asks in turn is virtual."""
    with Simulation() as sim:
        time.sleep(1)
        assert Later.now(UTC) == sim.clock.now() + timedelta(days=1)


def test_the_second_of_two_equal_hours_is_known(monkeypatch: pytest.MonkeyPatch) -> None:
    """PEP 495's fold is set, as the real ``now`` sets it."""
    with monkeypatch.context() as changed:
        changed.setenv("TZ", "America/New_York")
        time.tzset()
        with Simulation("2026-11-01T06:30Z"):
            now, stamp = datetime.now(), Stamp.now()  # noqa: DTZ005
            real = Stamp.fromtimestamp(time.time())
    time.tzset()
    assert (now.fold, stamp.fold) == (1, real.fold)


def test_what_was_replaced_in_dates_is_back() -> None:
    """Outside a block the classes are exactly the interpreter's."""
    names = dict(vars(datetime)), dict(vars(date))
    with Simulation():
        kept = datetime.now
        assert vars(datetime)["now"] is not names[0]["now"]
    assert (dict(vars(datetime)), dict(vars(date))) == names
    assert abs(kept().timestamp() - time.time()) < 60


@pytest.mark.parametrize("freeze", [freeze_time, Clock])
def test_freezegun_s_classes_are_virtual_too(freeze: Callable[[str], Any]) -> None:
    """Where time is frozen around the block, the simulation decides inside."""
    with freeze("2020-02-02T00:00:00+00:00"):
        fake: Any = datetime
        before = dict(vars(fake)), dict(vars(fake.__mro__[2]))
        elsewhere = [time.time]

        class Inside(fake):  # type: ignore[misc]
            pass

        with Simulation():
            for kind in (datetime, Inside):
                assert kind.now(UTC) == kind.today().astimezone(UTC) == NEW_YEAR
                assert kind.fromtimestamp(NEW_YEAR.timestamp(), UTC) == NEW_YEAR
                assert type(kind.now() + timedelta(1)) is fake
            assert date.today() == datetime.now().date()  # noqa: DTZ005, DTZ011  # The point.
            assert elsewhere[0]() == time.time()
        assert (dict(vars(fake)), dict(vars(fake.__mro__[2]))) == before
        assert datetime.now(UTC).year == 2020
