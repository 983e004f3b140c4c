"""Locks that the program did not make, wherever it has them from, are places to switch."""

import queue
import threading
from collections import OrderedDict, defaultdict, deque
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from typing import Any, NamedTuple

import pytest
from searching import outcomes
from written_programs import joined

from threadsim import Exhaustive, ScheduleFailure, explore

Program = Callable[[], object]


class Account:
    """Has a lock, and loses an update between two uses of it."""

    def __init__(self, lock: Any) -> None:
        self.lock = lock
        self.value = 0

    def add(self) -> None:
        """Add one."""
        with self.lock:
            value = self.value
        with self.lock:
            self.value = value + 1

    def add_twice(self) -> object:
        """Add one in each of two threads."""
        self.value = 0
        joined(self.add, self.add)
        return self.value


class Slotted(Account):
    """Has its lock in a slot, and a slot that is empty."""

    __slots__ = ("empty", "guard")

    @property
    def lock(self) -> Any:
        """The lock."""
        return self.guard

    @lock.setter
    def lock(self, lock: Any) -> None:
        self.guard = lock


class Jobs(queue.Queue[int]):
    """Is a queue, and more."""


@dataclass
class WithAField:
    """Has a lock that a function makes which was kept before any exploration."""

    lock: Any = field(default_factory=threading.Lock)


ACCOUNT = Account(threading.Lock())

# The locks that the programs below have had.
had: list[Any] = []


def twice(lock: Any) -> object:
    had.append(lock)
    return Account(lock).add_twice()


def in_a_closure(lock: Any) -> Program:
    def program() -> object:
        return twice(lock) if lock else gone  # noqa: F821  # Its cell is empty.

    gone = None
    del gone
    return program


def in_a_default(lock: Any) -> Program:
    def program(given: Any = lock) -> object:
        return twice(given)

    return program


def in_a_keywords_default(lock: Any) -> Program:
    def program(*, given: Any = lock) -> object:
        return twice(given)

    return program


def in_a_container(lock: Any) -> Program:
    kept: dict[str, Any] = {"all": [1, (lock, 2)]}
    return lambda: twice(kept["all"][1][0])


class Locks(list[Any]):
    """A list of a class of its own."""


def in_a_list_of_ones_own(lock: Any) -> Program:
    kept = Locks([lock])
    return lambda: twice(kept[0])


def in_a_deque(lock: Any) -> Program:
    kept = deque([lock])
    return lambda: twice(kept[0])


def in_a_key(lock: Any) -> Program:
    kept = {"first": 1, (lock, 2): lock, "last": 3}
    return lambda: twice(next(lock for key, lock in kept.items() if key == (lock, 2)))


def in_a_key_of_an_ordered_dictionary(lock: Any) -> Program:
    kept = OrderedDict[Any, int](last=1)
    kept[lock] = 2
    kept.move_to_end("last")
    return lambda: twice(next(iter(kept)))


def in_a_set(lock: Any) -> Program:
    kept = {lock}
    return lambda: twice(*kept)


class Guarded(NamedTuple):
    """A lock and what it guards."""

    lock: Any
    data: object = None


def in_a_named_tuple(lock: Any) -> Program:
    kept = [Guarded(lock)]
    return lambda: twice(kept[0].lock)


class Pair(tuple[Any, ...]):  # noqa: SLOT001  # That is the point.
    """A tuple that has attributes."""


def in_a_tuple_with_attributes(lock: Any) -> Program:
    pair = Pair([lock, "data"])
    pair.name = "both"  # type: ignore[attr-defined]
    return lambda: twice(pair[0] if vars(pair) == {"name": "both"} else None)


def in_an_attribute(lock: Any) -> Program:
    account = Account(lock)
    return lambda: twice(account.lock)


def in_a_slot(lock: Any) -> Program:
    account = Slotted(lock)
    return lambda: twice(account.lock)


def in_an_argument(lock: Any) -> Program:
    return partial(twice, lock)


def in_a_named_argument(lock: Any) -> Program:
    return partial(twice, lock=lock)


PLACES = [
    in_a_closure,
    in_a_default,
    in_a_keywords_default,
    in_a_container,
    in_a_list_of_ones_own,
    in_a_deque,
    in_a_key,
    in_a_key_of_an_ordered_dictionary,
    in_a_set,
    in_a_named_tuple,
    in_a_tuple_with_attributes,
    in_an_attribute,
    in_a_slot,
    in_an_argument,
    in_a_named_argument,
]
OTHER_KINDS = [threading.RLock, threading.Semaphore]


@pytest.mark.parametrize(
    ("make", "kind"),
    [
        *((place, threading.Lock) for place in PLACES),
        *((in_an_attribute, kind) for kind in OTHER_KINDS),
    ],
)
def test_a_lock_from_outside_is_a_place_to_switch(
    make: Callable[[Any], Program], kind: Callable[[], Any]
) -> None:
    """Between two uses of a lock another thread may use it; afterwards the lock is what it was."""
    lock = kind()
    program = make(lock)

    for strategy in (Exhaustive(), Exhaustive(1, reduction=False)):
        assert outcomes(program, strategy).keys() == {1, 2}
    program()
    assert had[-1] is lock


def made_by_a_dataclass() -> object:
    return twice(WithAField().lock)


LOCKS = defaultdict[str, Any](threading.Lock)


def made_by_a_dictionary() -> object:
    LOCKS.clear()
    return twice(LOCKS["first"])


def made_by_a_default(make: Callable[[], Any] = threading.Lock) -> object:
    return twice(make())


MAKE = {"with": partial(threading.Lock)}


def made_by_a_partial() -> object:
    return twice(MAKE["with"]())


class Part(partial[Any]):
    """A partial of a class of its own."""


PARTS = [Part(threading.Lock)]


def made_by_a_partial_of_ones_own() -> object:
    return twice(PARTS[0]())


@pytest.mark.parametrize(
    "program",
    [
        made_by_a_dataclass,
        made_by_a_dictionary,
        made_by_a_default,
        made_by_a_partial,
        made_by_a_partial_of_ones_own,
    ],
)
def test_what_makes_locks_is_found_where_it_is_kept(program: Program) -> None:
    """A function that makes locks makes them virtual ones, and real ones again afterwards."""
    assert outcomes(program, Exhaustive()).keys() == {1, 2}
    program()
    assert type(had[-1]).__module__ == "_thread"


def test_what_a_module_has_is_followed() -> None:
    """So is one of an object that a module of the program's functions refers to."""
    with pytest.raises(ScheduleFailure, match="an update is lost"):
        explore(account_of_a_module)


def account_of_a_module() -> None:
    """Use a module's account."""
    assert ACCOUNT.add_twice() == 2, "an update is lost"


def test_a_queue_from_outside_is_a_place_to_switch() -> None:
    """Before a look at a queue from outside others may put into it and take from it."""
    jobs = Jobs()
    sizes: list[int] = []

    def program() -> object:
        sizes.clear()
        joined(put_and_take, put_and_take)
        return tuple(sorted(sizes))

    def put_and_take() -> None:
        jobs.put(1)
        sizes.append(jobs.qsize())
        jobs.get()

    assert outcomes(program, Exhaustive()).keys() == {(1, 1), (1, 2), (2, 2)}
    assert jobs.mutex is jobs.not_full._lock  # type: ignore[attr-defined]
    assert type(jobs.mutex).__module__ == "_thread"


def test_a_lock_that_is_freed_whoever_has_it_is_free_for_real() -> None:
    """Nobody waits for one that a thread has taken while another was about to free it."""
    lock = threading.Lock()

    def free() -> None:
        with suppress(RuntimeError):
            lock.release()

    def use() -> None:
        lock.acquire(timeout=1)
        free()

    assert explore(lambda: joined(free, use)).complete
    assert not lock.locked()


def test_a_key_of_a_dictionary_keeps_its_place_and_what_it_holds() -> None:
    """It is another one in an exploration if it is a lock, and the same if it is none."""
    first, last = threading.Lock(), threading.Event()
    kept: dict[Any, int] = {first: 1, "between": 2, last: 3}

    def program() -> object:
        lock, between, event = kept
        assert (between, [*kept.values()], event.is_set()) == ("between", [1, 2, 3], False)
        joined(event.set, partial(event.wait, 1))
        return isinstance(lock, type(threading.Lock()))

    assert outcomes(program, Exhaustive()).keys() == {True}
    assert (*kept.items(),) == ((first, 1), ("between", 2), (last, 3))
    assert not last.is_set()


class Fickle:
    """Can be a key that no other is equal to, for some time."""

    gone: Exception | None = None
    others = False

    def __hash__(self) -> int:
        if self.gone:
            raise self.gone
        return 1

    def __eq__(self, other: object) -> bool:
        return self.others or self is other


@pytest.mark.parametrize("later", [{"gone": RuntimeError("no longer")}, {"others": True}])
def test_a_dictionary_whose_keys_are_no_keys_any_more_keeps_what_it_has(
    later: dict[str, Any],
) -> None:
    """Nothing is another one in it then: all keys are exchanged, or none."""
    lock, fickle, other = threading.Lock(), Fickle(), Fickle()
    kept: dict[Any, int] = {lock: 1, fickle: 2, other: 3}
    vars(fickle).update(later)

    assert outcomes(lambda: len(kept), Exhaustive()).keys() == {3}
    assert list(map(id, kept)) == [id(lock), id(fickle), id(other)]
    assert [*kept.values()] == [1, 2, 3]


def test_what_the_program_puts_in_the_place_of_a_lock_stays() -> None:
    """A lock that a schedule has put into an object from outside is there afterwards, too."""
    account = Account(threading.Lock())
    instead: list[Any] = []

    def program() -> object:
        account.lock = threading.Lock()
        instead[:] = [account.lock]
        return account.add_twice()

    assert outcomes(program, Exhaustive()).keys() == {1, 2}
    assert account.lock is instead[0]


def test_a_lock_that_is_out_of_reach_stays_real() -> None:
    """What only a frozenset refers to is no place to switch: the page says so."""
    locks = frozenset([threading.Lock()])

    assert outcomes(lambda: twice(*locks), Exhaustive()).keys() == {2}
    assert type(had[-1]).__module__ == "_thread"
