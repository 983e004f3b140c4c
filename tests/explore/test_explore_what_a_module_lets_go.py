"""A module keeps an object of one schedule, and lets go of it as the next one begins."""

import queue
import threading
import weakref
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import pytest
from searching import outcomes
from written_programs import joined, started

from threadsim import (
    Deadlock,
    Exhaustive,
    Random,
    ScheduleFailure,
    explore,
)

KEPT: dict[str, Any] = {}


@pytest.fixture(autouse=True)
def _nothing_kept() -> Iterator[None]:
    """Begin without what another test has left in the module."""
    yield
    KEPT.clear()


class Account:
    """Is closed under its lock."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.amount = 0

    def use(self) -> None:
        """Add one to what is there now, as if nobody else did."""
        with self.lock:
            amount = self.amount
        with self.lock:
            self.amount = amount + 1

    def close(self) -> None:
        """Leave nothing."""
        with self.lock:
            self.amount = -1


class Mailbox:
    """Has messages, which are answered at its end."""

    def __init__(self) -> None:
        self.messages = queue.SimpleQueue[str]()

    def use(self) -> None:
        """Send a message."""
        self.messages.put("question")

    def close(self) -> None:
        """Take what is there, and answer."""
        assert self.messages.get() == "question"
        while not self.messages.empty():
            self.messages.get()
        with pytest.raises(queue.Empty):
            self.messages.get(block=False)
        self.messages.put("answer")


class Changes:
    """Are told to who waits for them."""

    def __init__(self) -> None:
        self.told = threading.Condition(threading.Lock())

    def use(self) -> None:
        """Tell of one."""
        with self.told:
            self.told.notify_all()

    close = use


def uses_one_of_its_own(kind: Callable[[], Any]) -> None:
    KEPT["it"] = None
    KEPT["it"] = it = kind()
    joined(it.use, it.use)


@pytest.mark.parametrize("kind", [Account, Mailbox, Changes])
def test_a_finalizer_of_an_earlier_schedule_takes_ordinary_steps(kind: Any) -> None:
    """With one there are as many schedules, and they are longer."""
    closing = type(kind.__name__, (kind,), {"__del__": kind.close})

    explored = [explore(partial(uses_one_of_its_own, each)) for each in (closing, kind)]

    assert explored[0].schedules == explored[1].schedules > 1
    assert explored[0].deepest > explored[1].deepest


def emptied(connections: "queue.Queue[object]") -> None:
    while not connections.empty():
        connections.get(block=False)


def test_connections_are_closed_when_a_module_lets_go_of_their_pool() -> None:
    """By a callback, as those of a pool of HTTP connections; however many there are each time."""

    class Pool:
        def __init__(self) -> None:
            self.connections = queue.LifoQueue[object](2)
            weakref.finalize(self, emptied, self.connections)

        def use(self) -> None:
            self.connections.put(object())

    assert explore(lambda: uses_one_of_its_own(Pool)).schedules == 2


def test_a_finalizer_may_wait_for_a_thread_where_the_program_ends_with_it() -> None:
    """What it waits for is done by a thread of the same schedule."""

    class Answered:
        def __init__(self) -> None:
            self.questions, self.answers = queue.Queue[str](), queue.Queue[str]()
            started(partial(answer, self.questions, self.answers), daemon=True)

        def __del__(self) -> None:
            self.questions.put("question")
            assert self.answers.get() == "question"

    def answer(questions: "queue.Queue[str]", answers: "queue.Queue[str]") -> None:
        answers.put(questions.get())

    def program() -> None:
        KEPT["it"] = Answered()
        KEPT["it"] = None

    assert explore(program).complete


def test_a_finalizer_of_an_earlier_schedule_may_run_beside_a_thread() -> None:
    """Its steps are the same in all schedules but the first."""

    class Closing(Account):
        __del__ = Account.close

    def program() -> None:
        joined(lambda: None)
        uses_one_of_its_own(Closing)

    assert explore(program).complete


@pytest.mark.parametrize("anew", [True, False])
def test_a_lock_of_the_first_run_that_main_takes_first_keeps_every_outcome(anew: bool) -> None:
    """Each schedule finds it free, whoever had it in the one before."""

    def program() -> object:
        lock = threading.Lock() if anew else KEPT.setdefault("lock", threading.Lock())
        seen: list[bool] = []

        def attempt() -> None:
            seen.append(lock.acquire(blocking=False))
            if seen[0]:
                lock.release()

        lock.acquire()
        [thread] = started(attempt)
        lock.release()
        thread.join()
        return seen[0]

    assert outcomes(program, Exhaustive()).keys() == {True, False}


def test_a_queue_of_the_first_run_that_main_alone_uses_is_put_back() -> None:
    """Each schedule finds in it what that run has left."""

    def program() -> object:
        messages = KEPT.setdefault("queue", queue.SimpleQueue[str]())
        messages.put("another")
        return messages.qsize()

    assert outcomes(program, Random(3)) == {2: 3}


def test_a_lock_of_the_first_run_that_main_takes_twice_is_a_deadlock() -> None:
    """It waits for itself, as for a lock of its own."""

    def program() -> None:
        lock = KEPT.setdefault("lock", threading.Lock())
        lock.acquire()
        lock.acquire()

    with pytest.raises(ScheduleFailure) as caught:
        explore(program)
    assert isinstance(caught.value.__cause__, Deadlock)
