"""The virtual ``datetime.now``, ``datetime.utcnow`` and ``date.today``.

They are replaced in the dictionaries of the real classes, so that every subclass finds them, made
before the block or inside. A date without a zone is the machine's, as that of ``time.localtime``.
"""

import ctypes
import gc
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, tzinfo
from typing import Any

from freezegun import api

from threadsim.primitives.time_functions import instant, time
from threadsim.runtime.durations import microseconds
from threadsim.runtime.kernel import here

# In a list: freezegun replaces the real classes in every module's names.
_REAL: list[Any] = [api.real_datetime, api.real_date]
_now, _utcnow = (vars(_REAL[0])[name] for name in ("now", "utcnow"))
_today = vars(_REAL[1])["today"]

# Tells the interpreter, which caches attributes of a class, that they have changed.
_changed: Any = ctypes.PYFUNCTYPE(None, ctypes.py_object)(("PyType_Modified", ctypes.pythonapi))


@contextmanager
def virtual_dates() -> Iterator[None]:
    """Let every class of dates show virtual time, and freezegun's if time is frozen around it."""
    factories: list[Any] = api.freeze_factories
    factories.append(lambda: now(_REAL[0], UTC).replace(tzinfo=None))
    _set_in(_REAL[0], now=classmethod(now), utcnow=classmethod(utcnow))
    _set_in(_REAL[1], today=classmethod(today))
    try:
        yield
    finally:
        _set_in(_REAL[0], now=_now, utcnow=_utcnow)
        _set_in(_REAL[1], today=_today)
        factories.pop()


def now(cls: type[datetime], tz: tzinfo | None = None) -> datetime:
    """Return the virtual instant. See ``datetime.now``."""
    kernel = here()
    if kernel is None:
        return _now.__get__(None, cls)(tz)  # type: ignore[no-any-return]
    return cls.fromtimestamp(microseconds(instant(kernel)) / 1_000_000, tz)


def utcnow(cls: type[datetime]) -> datetime:
    """Return the virtual instant in UTC, without a zone. See ``datetime.utcnow``."""
    return now(cls, UTC).replace(tzinfo=None)


def today(cls: type[date]) -> date:
    """Return the virtual day; of ``datetime`` the instant. See ``date.today``."""
    return cls.fromtimestamp(time())


def _set_in(kind: type, **methods: Any) -> None:
    """Set attributes of a built-in class."""
    [names] = gc.get_referents(vars(kind))
    names.update(methods)
    _changed(kind)
