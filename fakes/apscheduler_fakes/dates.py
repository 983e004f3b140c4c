"""``datetime`` and ``date`` inside a simulation.

The classes are freezegun's, so that dates made outside and inside mix. Their instants are the
kernel's, and a date without a zone is the machine's, as that of ``time.localtime`` is. In a real
thread beside the simulation they show real time. freezegun's own search for names is not needed:
``install.py`` finds them all at once.
"""

import copyreg
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Any

from apscheduler_fakes.clock import MICROSECOND, import_freezegun, keeping_folds
from apscheduler_fakes.kernel import here
from apscheduler_fakes.times import instant

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_SECOND = 1_000_000


@contextmanager
def virtual_dates() -> Iterator[None]:
    """Let freezegun's classes show the time of the simulation that is active.

    Raises:
        ImportError: freezegun is not installed.
    """
    api = import_freezegun("Simulation").api
    # What freeze_time().start() pushes; it does the rest for the first freeze only.
    pushed = [
        (api.freeze_factories, _utc),
        (api.tz_offsets, timedelta()),
        # Who calls does not matter: freezegun would give real dates to what pytest calls.
        (api.ignore_lists, ()),
        (api.tick_flags, False),
    ]
    table: Any = copyreg.dispatch_table
    real = {api.real_datetime: api.pickle_fake_datetime, api.real_date: api.pickle_fake_date}
    pickled_before = {kind: table[kind] for kind in real if kind in table}
    _act_as_real_outside(api)
    with keeping_folds():
        methods = _methods(api)
        before = [(owner, name, vars(owner)[name]) for owner, name, _ in methods]
        for values, value in pushed:
            values.append(value)
        table.update(real)  # A real date is pickled by its class's name, where a fake stands.
        for change in methods:
            setattr(*change)
        try:
            yield
        finally:
            for change in before:
                setattr(*change)
            for kind in real:
                del table[kind]
            table.update(pickled_before)
            for values, _ in pushed:
                values.pop()


def _utc() -> datetime:
    """Return the instant as freezegun keeps it: in UTC, without saying so."""
    return _now().replace(tzinfo=None)


def _now() -> datetime:
    kernel = here()
    if kernel is None:
        api = import_freezegun().api
        return api.real_datetime.now(UTC)  # type: ignore[no-any-return]
    return EPOCH + instant(kernel) * MICROSECOND


def _act_as_real_outside(api: Any) -> None:
    """Let freezegun's classes be the real ones while nobody freezes time, from now on.

    Dates that a simulation made outlive it, and freezegun's own have no time then.
    """
    if not hasattr(api.FakeDatetime.timestamp, "frozen"):
        for owner, name, plain in _methods(api):
            setattr(owner, name, _either(api, vars(owner)[name], plain))


def _either(api: Any, frozen: Any, plain: Any) -> Any:
    if isinstance(frozen, classmethod):
        return classmethod(_either(api, frozen.__func__, plain.__func__))

    def method(*args: Any, **kwargs: Any) -> Any:
        return (frozen if api.freeze_factories else plain)(*args, **kwargs)

    method.frozen = frozen  # type: ignore[attr-defined]
    return method


def _methods(api: Any) -> list[tuple[Any, str, Any]]:
    """Return what the classes do otherwise than freezegun's, each as class, name and method."""
    real: Any = api.real_datetime

    def fake(made: datetime) -> Any:
        return api.datetime_to_fakedatetime(made)

    def now(_: object, tz: tzinfo | None = None) -> Any:
        kernel = here()
        if kernel is None or not isinstance(tz, tzinfo | None):
            return fake(real.now(tz))  # The real one has an error for what is no zone.
        if tz is not None:
            return fake(_now().astimezone(tz))
        # By way of the seconds, so that the second of two equal hours is known as that.
        seconds, rest = divmod(instant(kernel), _SECOND)
        return fake(real.fromtimestamp(seconds).replace(microsecond=rest))

    def today(cls: Any) -> Any:
        return cls.now()

    def fromtimestamp(_: object, timestamp: float, tz: tzinfo | None = None) -> Any:
        return fake(real.fromtimestamp(timestamp, tz))

    def astimezone(self: Any, tz: tzinfo | None = None) -> Any:
        return fake(real.astimezone(self, tz))

    def date_of_today(_: object) -> Any:
        return now(api.FakeDatetime).date()

    return [
        (api.FakeDatetime, "now", classmethod(now)),
        (api.FakeDatetime, "today", classmethod(today)),
        (api.FakeDatetime, "fromtimestamp", classmethod(fromtimestamp)),
        (api.FakeDatetime, "astimezone", astimezone),
        (api.FakeDatetime, "timestamp", real.timestamp),
        (api.FakeDate, "today", classmethod(date_of_today)),
    ]
