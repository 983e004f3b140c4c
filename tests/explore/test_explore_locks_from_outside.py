"""Locks that the program did not make, wherever it has them from, are places to switch."""

import importlib
import queue
import threading
import time
from collections import defaultdict, deque
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from searching import outcomes
from written_programs import joined

from threadsim import Exhaustive, NotModelled, ScheduleFailure, explore

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
    def program(given: Any = None) -> None:
        had.append(given)

    program()
    program.__defaults__ = (lock,)
    return program


def in_a_keywords_default(lock: Any) -> Program:
    def program(*, given: Any = lock) -> object:
        return twice(given)

    return program


def in_a_container(lock: Any) -> Program:
    kept: dict[str, Any] = {"all": [1, {"first": lock}]}
    return lambda: twice(kept["all"][1]["first"])


class Locks(list[Any]):
    """A list of a class of its own."""


def in_a_list_of_ones_own(lock: Any) -> Program:
    kept = Locks([lock])
    return lambda: twice(kept[0])


def in_a_deque(lock: Any) -> Program:
    kept = deque([lock])
    return lambda: twice(kept[0])


def in_a_frozenset(lock: Any) -> Program:
    kept = frozenset([lock])
    return lambda: twice(*kept)


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


def in_an_attribute(lock: Any) -> Program:
    account = Account(lock)
    return lambda: twice(account.lock)


def in_a_slot(lock: Any) -> Program:
    account = Slotted(lock)
    return lambda: twice(account.lock)


def in_a_part_of_an_attribute(lock: Any) -> Program:
    account = Account(None)
    first = Account(None)
    first.locks = None, lock  # type: ignore[attr-defined]
    account.pools = {"first": first}  # type: ignore[attr-defined]
    return lambda: twice(account.pools["first"].locks[1])  # type: ignore[attr-defined]


def in_an_argument(lock: Any) -> Program:
    return partial(twice, lock)


def in_a_named_argument(lock: Any) -> Program:
    return partial(twice, lock=lock)


PLACES = [
    in_a_closure,
    in_a_keywords_default,
    in_a_container,
    in_a_list_of_ones_own,
    in_an_attribute,
    in_a_slot,
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


@pytest.mark.parametrize(
    "program",
    [
        made_by_a_dataclass,
        made_by_a_dictionary,
    ],
)
def test_what_makes_locks_is_found_where_it_is_kept(program: Program) -> None:
    """A function that makes locks makes them virtual ones, and real ones again afterwards."""
    assert outcomes(program, Exhaustive()).keys() == {1, 2}
    program()
    assert type(had[-1]).__module__ == "_thread"


@pytest.mark.parametrize(
    ("make", "path"),
    [
        (in_a_default, "in_a_default.<locals>.program.__defaults__[…]"),
        (in_a_deque, "kept[…]"),
        (in_a_set, "kept[…]"),
        (in_a_frozenset, "kept[…]"),
        (in_a_named_tuple, "kept[0][…]"),
        (in_an_argument, "program[…][…]"),
        (in_a_part_of_an_attribute, "account.pools['first'].locks[…]"),
    ],
)
@pytest.mark.parametrize("lock", [threading.Lock(), threading.RLock(), threading.local()])
def test_a_lock_that_cannot_be_replaced_is_named_by_its_path(
    make: Callable[[Any], Program], path: str, lock: Any
) -> None:
    """A real lock would hide orders: the error says where it is and where it could be kept."""
    with pytest.raises(NotModelled) as caught:
        explore(make(lock))
    assert str(caught.value) == (
        f"explore(): the {type(lock).__name__} at {path} was made outside and cannot be replaced "
        "there. Make it inside the program, or keep it in an attribute, a list or the values of a "
        "dict."
    )


@pytest.mark.parametrize("makes", [partial(threading.Lock), (threading.Lock,), {queue.SimpleQueue}])
def test_what_makes_locks_is_refused_where_it_cannot_be_replaced(makes: object) -> None:
    """It would make real locks."""
    with pytest.raises(NotModelled, match=r"explore\(\): the \w+ at makes[.[]"):
        explore(lambda: makes)


def test_a_refusal_leaves_all_locks_real() -> None:
    """What was replaced before the refusal is put back."""
    account, kept = Account(lock := threading.Lock()), (threading.Lock(),)

    with pytest.raises(NotModelled, match="the lock at kept"):
        explore(lambda: (account, kept))
    assert account.lock is lock


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


def test_a_clock_in_a_default_argument_is_not_refused() -> None:
    """It stays real: only locks, and what makes them, are refused there."""

    def program(clock: Callable[[], float] = time.time) -> None:
        assert clock() > 0

    assert explore(program).schedules == 1


SAFE = """
import threading
from dataclasses import dataclass, field


@dataclass
class Safe:
    lock: threading.Lock = field(default_factory=threading.Lock)
"""


def test_what_makes_locks_is_found_in_a_module_that_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The program reaches the class as an attribute of its module only."""
    (tmp_path / "safes_of_a_bank.py").write_text(SAFE)
    monkeypatch.syspath_prepend(tmp_path)
    bank = importlib.import_module("safes_of_a_bank")

    def program() -> None:
        one, other = bank.Safe(), bank.Safe()

        def move(first: Any, second: Any) -> None:
            with first.lock, second.lock:
                pass

        threads = [
            threading.Thread(target=move, args=pair) for pair in ((one, other), (other, one))
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    with pytest.raises(ScheduleFailure, match="Deadlock"):
        explore(program)
