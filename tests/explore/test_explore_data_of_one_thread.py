"""What only looks like shared data races with nothing, and costs no schedule."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextvars import ContextVar
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

import pytest
from flask import Flask, g, request
from werkzeug.local import LocalProxy
from written_programs import joined

from threadsim import Exhaustive, explore

LOCAL = threading.local()
CONTEXT: ContextVar[list[int]] = ContextVar("CONTEXT")
PROXY: Any = LocalProxy(CONTEXT)


def in_a_local() -> None:
    """Each thread has values of its own."""

    def use() -> None:
        LOCAL.values = [1]
        LOCAL.values.append(2)
        assert LOCAL.values == [1, 2]

    joined(use, use)


def in_a_context() -> None:
    """Each thread has a context of its own; a proxy leads to it."""

    def use() -> None:
        CONTEXT.set([1])
        PROXY.append(2)
        assert CONTEXT.get() == [1, 2]

    joined(use, use)


def in_a_request() -> None:
    """``g`` and ``request`` are those of each request."""
    app = Flask(__name__)

    @app.get("/<int:number>")
    def view(number: int) -> dict[str, int]:
        g.number = number
        assert request.view_args == {"number": number}
        return {"number": g.number}

    def ask(number: int) -> Callable[[], None]:
        def body() -> None:
            assert app.test_client().get(f"/{number}").json == {"number": number}

        return body

    joined(ask(1), ask(2))


class Guarded:
    """A number behind a property that locks."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._number = 0

    @property
    def number(self) -> int:
        """The number."""
        with self._lock:
            return self._number

    @number.setter
    def number(self, number: int) -> None:
        with self._lock:
            self._number = number


def behind_a_property() -> None:
    """The lock orders all accesses."""
    guarded = Guarded()
    joined(lambda: setattr(guarded, "number", 1), lambda: setattr(guarded, "number", 2))
    assert guarded.number in {1, 2}


@dataclass
class Order:
    """Data that one thread makes."""

    items: list[str] = field(default_factory=list)
    total: int = 0


class Slotted:
    """Data in a slot."""

    __slots__ = ("value",)

    def __init__(self) -> None:
        self.value = 0


class Colour(Enum):
    """Constants."""

    RED = 1
    BLUE = 2


def of_one_thread_each() -> None:
    """Objects that no other thread has, and constants that all read."""

    def use() -> None:
        order, slotted = Order(), Slotted()
        order.items.append(Colour.RED.name)
        order.total += Colour(2).value
        slotted.value += 1
        assert (order.items, order.total, slotted.value) == (["RED"], 2, 1)

    joined(use, use)


def handed_over() -> None:
    """A future hands its value over."""
    with ThreadPoolExecutor(1) as pool:
        order = pool.submit(lambda: Order(["a"], 1)).result()
        order.total += 1
    assert order == Order(["a"], 2)


def by_a_timer() -> None:
    """A timer's thread is joined before its data is read."""
    seen: list[int] = []
    timer = threading.Timer(1, lambda: seen.append(1))
    timer.start()
    timer.join()
    assert seen == [1]


@pytest.mark.parametrize(
    "program",
    [
        in_a_local,
        in_a_context,
        in_a_request,
        behind_a_property,
        of_one_thread_each,
        handed_over,
        by_a_timer,
    ],
    ids=lambda each: each.__name__,
)
def test_no_race_is_seen(program: Callable[[], None]) -> None:
    """Nothing fails, and there are as many schedules as without data."""
    watched = explore(program, Exhaustive(1))
    assert watched.races == ()
    assert watched.runs == explore(program, Exhaustive(1), data="off").runs


@pytest.fixture
def numbers() -> list[int]:
    """A list that is made anew in each schedule."""
    return []


@pytest.mark.explore
def test_data_of_a_fixture_is_that_of_one_schedule(numbers: list[int]) -> None:
    """It is empty at the beginning of each."""
    assert numbers == []
    lock = threading.Lock()

    def add() -> None:
        with lock:
            numbers.append(1)

    joined(add, add)
    assert numbers == [1, 1]
