"""The virtual ``datetime.now``, ``utcnow`` and, in Python 3.15, ``date.today``.

They are replaced in the dictionaries of the real classes, so that every subclass finds them, made
before the block or inside. A date without a zone is the machine's, as that of ``time.localtime``.
freezegun's classes act as the real ones inside a block.
"""

import ctypes
import gc
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, tzinfo
from types import BuiltinMethodType
from typing import Any

from freezegun import api

from threadsim.primitives.time_functions import instant
from threadsim.runtime.durations import EPOCH, MICROSECOND, microseconds
from threadsim.runtime.kernel import here

# In a list: freezegun replaces the real classes in every module's names.
_REAL: list[Any] = [api.real_datetime]
_REAL_DATE: list[Any] = [api.real_date]
_today = vars(_REAL_DATE[0])["today"]
_now, _utcnow = (vars(_REAL[0])[name] for name in ("now", "utcnow"))

# Tells the interpreter, which caches attributes of a class, that they have changed.
_changed: Any = ctypes.PYFUNCTYPE(None, ctypes.py_object)(("PyType_Modified", ctypes.pythonapi))

# The methods of freezegun's classes that ask for the frozen time or make frozen dates.
_FROZEN = (
    *("now", "today", "utcnow", "fromtimestamp", "timestamp", "astimezone", "date"),
    *("__add__", "__sub__"),
)


@contextmanager
def virtual_dates() -> Iterator[None]:
    """Let every class of dates show virtual time."""
    frozen = [
        (kind, name, vars(kind)[name])
        for kind in (api.FakeDate, api.FakeDatetime)
        for name in _FROZEN
        if name in vars(kind)
    ]
    factories: list[Any] = api.freeze_factories
    factories.append(_frozen_instant)  # A Clock around the block is told that it waits.
    _set_in(_REAL[0], now=classmethod(now), utcnow=classmethod(utcnow))
    if sys.version_info >= (3, 15):
        _set_in(_REAL_DATE[0], today=classmethod(today))
    for kind, name, _ in frozen:
        delattr(kind, name)
    try:
        yield
    finally:
        for change in frozen:
            setattr(*change)
        _set_in(_REAL[0], now=_now, utcnow=_utcnow)
        if sys.version_info >= (3, 15):
            _set_in(_REAL_DATE[0], today=_today)
        factories.pop()


def asks_for_the_time(function: BuiltinMethodType) -> bool:
    """Return whether a built-in function is a ``datetime`` class's ``now`` or ``utcnow``."""
    cls = function.__self__
    return (
        function.__name__ in {"now", "utcnow"}
        and isinstance(cls, type)
        and issubclass(cls, datetime)
    )


def now(cls: type[datetime], tz: tzinfo | None = None) -> datetime:
    """Return the virtual instant. See ``datetime.now``."""
    kernel = here()
    if kernel is None or not isinstance(tz, tzinfo | None):
        # The real function has an error for a wrong zone.
        return _now.__get__(None, cls)(tz)  # type: ignore[no-any-return]
    shown = microseconds(instant(kernel))
    if tz is not None:
        return tz.fromutc(_as(cls, EPOCH + shown * MICROSECOND, tz))
    # ``fromtimestamp`` sets ``fold`` in the second of two equal hours.
    local = _REAL[0].fromtimestamp(shown // 1_000_000)
    return _as(cls, local.replace(microsecond=shown % 1_000_000), None)


def utcnow(cls: type[datetime]) -> datetime:
    """Return the virtual instant in UTC, without a zone. See ``datetime.utcnow``."""
    if sys.version_info >= (3, 12):
        warnings.warn(
            "datetime.datetime.utcnow() is deprecated and scheduled for removal in a future "
            "version. Use timezone-aware objects to represent datetimes in UTC: "
            "datetime.datetime.now(datetime.UTC).",
            DeprecationWarning,
            stacklevel=2,
        )
    return _as(cls, now(_REAL[0], UTC), None)


def today(cls: type[date]) -> date:
    """Return the virtual day, in Python 3.15. See ``date.today``."""
    if here() is None or cls is not _REAL_DATE[0]:
        return _today.__get__(None, cls)()  # type: ignore[no-any-return]
    return now(_REAL[0]).date()


def _as(cls: type[datetime], when: datetime, tz: tzinfo | None) -> datetime:
    """Return a date's numbers in another class, with another zone."""
    made = cls(*when.timetuple()[:6], when.microsecond, tz)
    return made.replace(fold=1) if when.fold else made


def _set_in(kind: type, **methods: Any) -> None:
    """Set attributes of a built-in class."""
    [names] = gc.get_referents(vars(kind))
    names.update(methods)
    _changed(kind)


def _frozen_instant() -> datetime:
    return now(datetime, UTC).replace(tzinfo=None)
