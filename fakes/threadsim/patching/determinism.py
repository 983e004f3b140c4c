"""Makes ids, counters and the order of sets the same in every run.

The order of a set depends on addresses. So futures and threads get numbers, and sets list them in
the order of these.
"""

import concurrent.futures._base as futures
import concurrent.futures.thread as pools
import logging
import threading
import uuid
from collections.abc import Iterable, Iterator
from functools import wraps
from itertools import count
from random import Random
from types import SimpleNamespace
from typing import Any

from threadsim.primitives.time_functions import monotonic
from threadsim.runtime.kernel import here

# More objects than one thread makes.
_MANY = 1 << 32

_uuid4 = uuid.uuid4
_wait = futures.wait
_make_future: Any = futures.Future.__init__

# The counters of a block.
_counters: dict[str, Iterator[int]] = {}
# By thread: the last reading of `_reading`'s clock, and how often it was read at that instant.
_readings: dict[int, tuple[float, int]] = {}


def restart_counters() -> None:
    """Restart all counters: for each block, and for each schedule of an exploration."""
    _counters.update(threads=count(1), pools=count(), futures=count(1))
    _readings.clear()


def new_random(seed: str) -> Random:
    """Return the generator that a block draws its ids from."""
    return Random(seed)  # noqa: S311  # It must be repeatable.


@wraps(_uuid4)
def uuid4() -> uuid.UUID:
    """Return a UUID that is the same in every run of a test: default job ids order jobs.

    In an exploration each thread draws its own, so that the threads' order does not matter.
    """
    kernel = here()
    if kernel is None:
        return _uuid4()
    random = kernel.random
    if kernel.points is not None:
        name, _ = kernel.points.new_name()
        random = new_random(str(name))
    return uuid.UUID(int=random.getrandbits(128), version=4)


class InOrder(set[Any]):
    """A set of futures or threads that lists them by their numbers."""

    def __iter__(self) -> Iterator[Any]:
        """List them."""
        return iter(sorted(super().__iter__(), key=number))


def number(member: Any) -> int:
    """Return the number of a future or thread. A future from outside has its address.

    In a simulation futures are numbered as they are made. In an exploration the threads' order must
    not matter: the number of the thread that made the future comes first, then a count of its own.
    """
    found = getattr(member, "_number", None) or getattr(member, "ident", None)
    return id(member) if found is None else int(found)


def make_future(self: Any) -> None:
    """Make a future with a number. See ``Future``."""
    _make_future(self)
    kernel = here()
    if kernel is not None and kernel.points is not None:
        (thread, made), _ = kernel.points.new_name()
        self._number = (thread + 1) * _MANY + made
    elif kernel is not None:
        self._number = next(_counters["futures"])


@wraps(_wait)
def wait(
    fs: Iterable[Any], timeout: float | None = None, return_when: str = futures.ALL_COMPLETED
) -> futures.DoneAndNotDoneFutures[Any]:
    """Wait for futures; both sets list theirs in order. See ``concurrent.futures.wait``."""
    ended = _wait(fs, timeout, return_when)
    return ended if here() is None else type(ended)(*map(InOrder, ended))


def _reading() -> float:
    """Return the clock of ``as_completed``, which grows by a nanosecond at each look.

    ``as_completed`` ends when its clock is past the timeout, and a virtual clock stops there. Each
    thread has its own count, because no step records the looks of other threads.
    """
    now, thread = monotonic(), threading.get_ident()
    last, looks = _readings.get(thread, (now, 0))
    _readings[thread] = now, looks + 1 if now == last else 1
    return now + _readings[thread][1] / 1_000_000_000


# Real function and replacement.
REPLACEMENTS = [(_uuid4, uuid4), (_make_future, make_future), (_wait, wait)]

# Names that a block sets: owner, name and value. The two modules of futures list futures and
# threads by id and from sets.
SWAPS: list[tuple[Any, str, Any]] = [
    (threading, "_counter", lambda: next(_counters["threads"])),
    (pools.ThreadPoolExecutor, "_counter", staticmethod(lambda: next(_counters["pools"]))),
    (futures, "id", number),
    (futures, "time", SimpleNamespace(monotonic=_reading)),
    (futures, "set", InOrder),
    (pools, "set", InOrder),
]


class LogHandlers:
    """The handlers of all loggers. Each schedule of an exploration finds the same ones.

    Flask gives its logger a handler at the first error that it logs. A later schedule would not.
    """

    def __init__(self) -> None:
        self._before = {each: list(each.handlers) for each in _loggers()}

    def put_back(self) -> None:
        """Give each logger the handlers that it had, and a new logger none."""
        for logger in _loggers():
            logger.handlers[:] = self._before.get(logger, [])


def _loggers() -> list[logging.Logger]:
    known = logging.root.manager.loggerDict.values()
    return [logging.root, *(each for each in known if isinstance(each, logging.Logger))]
