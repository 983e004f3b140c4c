"""``datetime`` and ``date`` inside a simulation.

The classes stay what they are. Two of their methods ask the system for the time, ``datetime.now``
and ``utcnow``; these are replaced in the class itself, so that every class of dates finds them,
made before the block or inside. (``today`` asks ``time.time``, but for ``date`` itself in Python
3.15, where it is replaced too.) An instant is the kernel's, and a
date without a zone is the machine's, as that of ``time.localtime`` is. In a real thread beside the
simulation both are the real ones.

Where freezegun froze time around the block, its classes do as theirs do for the block.
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

_SECOND = 1_000_000

# Where freezegun freezes time, the name `datetime` of this module means another class.
_REAL: list[Any] = [api.real_datetime]
_REAL_DATE: list[Any] = [api.real_date]
_today = vars(_REAL_DATE[0])["today"]
_now, _utcnow = (vars(_REAL[0])[name] for name in ("now", "utcnow"))

# The interpreter keeps what it found in a class, and has to be told of a change.
_changed: Any = ctypes.PYFUNCTYPE(None, ctypes.py_object)(("PyType_Modified", ctypes.pythonapi))

# What freezegun's classes do themselves.
_FROZEN = (
    ("FakeDate", ("today", "__add__", "__sub__")),
    (
        "FakeDatetime",
        (
            *("now", "today", "utcnow", "fromtimestamp", "timestamp", "astimezone", "date"),
            *("__add__", "__sub__"),
        ),
    ),
)


@contextmanager
def virtual_dates() -> Iterator[None]:
    """Let every class of dates show the time of the simulation that is active."""
    frozen = [
        (kind, name, vars(kind)[name])
        for kind, names in ((getattr(api, kind), names) for kind, names in _FROZEN)
        for name in names
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
    """Return whether a built-in function is the ``now`` or ``utcnow`` of a class of dates."""
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
        # The real one has an error for what is no zone.
        return _now.__get__(None, cls)(tz)  # type: ignore[no-any-return]
    if tz is not None:
        return tz.fromutc(_as(cls, EPOCH + microseconds(instant(kernel)) * MICROSECOND, tz))
    # By way of the seconds, so that the second of two equal hours is known as that.
    seconds, rest = divmod(microseconds(instant(kernel)), _SECOND)
    return _as(cls, _REAL[0].fromtimestamp(seconds).replace(microsecond=rest), None)


def utcnow(cls: type[datetime]) -> datetime:
    """Return the virtual instant in UTC, without saying so. See ``datetime.utcnow``."""
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
    """Return what a date shows, in another class and with another zone."""
    made = cls(
        when.year,
        when.month,
        when.day,
        when.hour,
        when.minute,
        when.second,
        when.microsecond,
        tz,
    )
    return made.replace(fold=1) if when.fold else made


def _set_in(kind: type, **methods: Any) -> None:
    """Set attributes of a class, which Python lets nobody change, in its dictionary."""
    [names] = gc.get_referents(vars(kind))
    names.update(methods)
    _changed(kind)


def _frozen_instant() -> datetime:
    return now(datetime, UTC).replace(tzinfo=None)
