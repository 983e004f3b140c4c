"""A virtual thread has a trace function of its own, as a real one has."""

import sys
import threading
import time
from collections.abc import Iterator
from types import FrameType

import greenlet
import pytest

from threadsim import Simulation


def nothing(_frame: FrameType, _event: str, _argument: object) -> None:
    """Trace nothing."""


def another(_frame: FrameType, _event: str, _argument: object) -> None:
    """Trace nothing either."""


@pytest.fixture(autouse=True)
def given_to_threads() -> Iterator[None]:
    """New threads are traced by ``nothing``; the main one by coverage, or not at all."""
    before = threading.gettrace()
    threading.settrace(nothing)
    yield
    threading.settrace(before)


@pytest.mark.usefixtures("kind")
def test_a_thread_has_a_trace_function_of_its_own() -> None:
    """A new thread gets that of ``threading.settrace``; what it sets then is its own."""
    seen: list[object] = []

    def look_in_a_bare_thread() -> None:
        seen.append(sys.gettrace())
        sys.settrace(another)
        time.sleep(0.01)
        seen.append(sys.gettrace())

    of_main = sys.gettrace()
    for _ in range(2):
        thread = threading.Thread(target=look_in_a_bare_thread)
        thread.start()
        time.sleep(0.001)
        assert sys.gettrace() is of_main
        thread.join()
        assert sys.gettrace() is of_main

    assert seen == [nothing, another] * 2


def test_a_program_that_is_not_traced_has_nothing_to_exchange() -> None:
    """Unless somebody traces when a simulation begins, no switch in it takes time for that."""

    def look_untraced() -> None:
        of_main, of_threads = sys.gettrace(), threading.gettrace()
        sys.settrace(None)
        threading.settrace(None)
        with Simulation():
            seen.append(greenlet.gettrace())
        sys.settrace(of_main)
        threading.settrace(of_threads)

    seen: list[object] = []
    look_untraced()
    with Simulation():
        seen.append(greenlet.gettrace() is None)

    assert seen == [None, False]


def test_greenlets_own_trace_function_is_put_back() -> None:
    """Who watches the switches of greenlets does so again after the block."""
    greenlet.settrace(print)
    with Simulation():
        time.sleep(1)
    assert greenlet.settrace(None) is print
