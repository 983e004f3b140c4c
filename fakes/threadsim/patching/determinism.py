"""What would differ from run to run although no thread decides it.

Counters, random ids, names of temporary files, and the order of sets: an object's place in a set
depends on its address.
"""

import concurrent.futures._base as futures
import concurrent.futures.thread as pools
import os
import tempfile
import threading
import uuid
from collections.abc import Callable, Iterable, Iterator
from functools import wraps
from itertools import count
from random import Random
from types import SimpleNamespace
from typing import Any

from threadsim.primitives.time_functions import monotonic
from threadsim.runtime.kernel import here
from threadsim.runtime.own_code import makes_for_others

# More than what one thread makes.
_MANY = 1 << 32

_uuid4 = uuid.uuid4
_wait = futures.wait
_make_future: Callable[[Any], None] = futures.Future.__init__


class InOrder(set[Any]):
    """A set of futures or threads that lists them by their numbers."""

    def __iter__(self) -> Iterator[Any]:
        """List them."""
        return iter(sorted(super().__iter__(), key=number))

    def __repr__(self) -> str:
        return f"{{{', '.join(map(repr, self))}}}" if self else "set()"


def number(thing: Any) -> int:
    """Return a future's or thread's place in the order; one from outside has its address.

    In a simulation it is the order in which they were made. In an exploration it must not depend on
    which thread was first, which no step has on record: there a future's is that of its thread,
    then which of that thread's it is.
    """
    place = getattr(thing, "_number", None) or getattr(thing, "ident", None)
    return id(thing) if place is None else int(place)


@wraps(_wait)
def wait(
    fs: Iterable[Any], timeout: float | None = None, return_when: str = futures.ALL_COMPLETED
) -> futures.DoneAndNotDoneFutures[Any]:
    """Wait for futures; both sets list theirs in order. See ``concurrent.futures.wait``."""
    ended = _wait(fs, timeout, return_when)
    return ended if here() is None else type(ended)(*map(InOrder, ended))


@wraps(_uuid4)
def uuid4() -> uuid.UUID:
    """Return a UUID that is the same in every run: APScheduler's default job ids order its jobs.

    In an exploration it is one of its thread's, whichever thread was first, as a future's number.
    """
    kernel = here()
    if kernel is None:
        return _uuid4()
    random = kernel.random
    if kernel.points is not None:
        name, _ = kernel.points.new_name()
        random = Random(str(name))  # noqa: S311  # As new_random.
    return uuid.UUID(int=random.getrandbits(128), version=4)


def new_random() -> Random:
    """Return what a simulation draws its ids from."""
    return Random(0)  # noqa: S311  # Repeatable is what is wanted.


def new_counters() -> list[tuple[Any, str, Any]]:
    """Return what one simulation counts anew, each as owner, name and what stands there."""
    numbers = count(1)
    looks: dict[int, tuple[float, int]] = {}

    def look() -> float:
        # as_completed takes its time for over when the clock shows more than that, and no real
        # clock shows the same twice: at one instant this one grows by a nanosecond a look. It does
        # so in each thread by itself: how often others have looked is on record in no step.
        now, thread = monotonic(), threading.get_ident()
        seen, number = looks.get(thread, (now, 0))
        looks[thread] = now, number + 1 if now == seen else 1
        return now + looks[thread][1] / 1_000_000_000

    @makes_for_others
    def make_future(self: Any) -> None:
        _make_future(self)
        kernel = here()
        if kernel is not None and kernel.points is not None:
            (thread, made), _ = kernel.points.new_name()
            self._number = (thread + 1) * _MANY + made
        elif kernel is not None:
            self._number = next(numbers)

    return [
        (threading, "_counter", count(1).__next__),
        (pools.ThreadPoolExecutor, "_counter", count().__next__),
        (futures.Future, "__init__", make_future),
        # These two modules lock and list futures and threads in the order of sets and addresses.
        (futures, "id", number),
        (futures, "time", SimpleNamespace(monotonic=look)),
        (futures, "set", InOrder),
        (pools, "set", InOrder),
        # No other process's: beside it, these would be different ones from schedule to schedule.
        (tempfile, "_name_sequence", map(f"{os.getpid()}_{{}}".format, count())),
        # uuid1 takes the time from here, or asks the system for both time and id.
        (uuid, "_generate_time_safe", None),
        (uuid, "_UuidCreate", None),
        (uuid, "_last_timestamp", None),
    ]
