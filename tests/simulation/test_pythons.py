"""What differs from one Python to the next is in a simulation as it is outside."""

import contextvars
import gc
import importlib
import queue
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, date, datetime
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest

from threadsim import Simulation, SimulationError, explore


def since_python(*version: int) -> pytest.MarkDecorator:
    """Skip a test on earlier Pythons."""
    name = ".".join(map(str, version))
    return pytest.mark.skipif(sys.version_info < version, reason=f"so since Python {name}")


colour = contextvars.ContextVar("colour", default="none")


@since_python(3, 14)
def test_a_re_entrant_lock_tells_whether_it_is_held() -> None:
    """``RLock.locked`` is there since Python 3.14, and ``Condition.locked`` asks it."""
    with Simulation():
        condition = threading.Condition()
        lock: Any = threading.RLock()
        seen = [lock.locked(), condition.locked()]  # type: ignore[attr-defined]
        with lock, condition:
            seen += [lock.locked(), condition.locked()]  # type: ignore[attr-defined]
    assert seen == [False, False, True, True]
    assert not lock.locked()


@since_python(3, 14)
def test_a_look_at_a_re_entrant_lock_is_explored() -> None:
    """Another thread may hold it, or not yet, or no more."""
    seen = set()

    def program() -> None:
        lock: Any = threading.RLock()

        def hold() -> None:
            with lock:
                pass

        thread = threading.Thread(target=hold)
        thread.start()
        seen.add(lock.locked())
        thread.join()

    explore(program)
    assert seen == {False, True}


@since_python(3, 14)
def test_a_thread_runs_in_the_context_that_it_is_given() -> None:
    """``Thread(context=…)`` is there since Python 3.14; without it the context is empty."""
    seen = []
    context = contextvars.copy_context()
    context.run(colour.set, "given")
    colour.set("the caller's")
    with Simulation():
        make: Any = threading.Thread
        for keywords in ({"context": context}, {}):
            thread = make(target=lambda: seen.append(colour.get()), **keywords)
            thread.start()
            thread.join()
    assert seen == [
        "given",
        "the caller's" if getattr(sys.flags, "thread_inherit_context", 0) else "none",
    ]


INHERITS = """
import contextvars, threading
from threadsim import Simulation

colour = contextvars.ContextVar("colour", default="none")
colour.set("the caller's")
with Simulation():
    thread = threading.Thread(target=lambda: print(colour.get()))
    thread.start()
    thread.join()
"""


@since_python(3, 14)
@pytest.mark.e2e
@pytest.mark.parametrize(("flag", "shown"), [(0, "none"), (1, "the caller's")])
def test_a_thread_inherits_the_context_if_python_is_told_so(flag: int, shown: str) -> None:
    """It has a copy of its starter's context with ``-X thread_inherit_context=1``."""
    command = [sys.executable, "-X", f"thread_inherit_context={flag}", "-c", INHERITS]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == shown


def test_a_thread_that_has_ended_says_so() -> None:
    """What ``Thread`` looks at to tell has another name in Python 3.13 and 3.14."""
    with Simulation():
        thread = threading.Thread(target=int)
        thread.start()
        before = repr(thread)
        thread.join()
    assert ("started" in before, "stopped" in repr(thread)) == (True, True)


def test_a_thread_that_could_not_be_ended_is_left_alone() -> None:
    """The collector of Python 3.15 would find it, and greenlet would throw its own end into it."""
    caught = 0

    def catch(_: int) -> None:
        nonlocal caught
        try:
            threading.Event().wait()
        except BaseException:  # noqa: BLE001  # As people write it.
            caught += 1

    def stubborn() -> None:
        any(map(catch, range(200)))

    with pytest.raises(SimulationError, match="stubborn"), Simulation() as sim:
        threading.Thread(target=stubborn).start()
        sim.settle()
    before = caught
    gc.collect()
    assert caught == before


# What waits for half a second, by how it is told to.
WAITS: dict[str, Callable[[Any], object]] = {
    # Not `time.sleep` itself: no block replaces what a dictionary holds.
    "sleep": lambda half: time.sleep(half),  # noqa: PLW0108
    "lock": lambda half: held().acquire(timeout=half),
    "event": lambda half: threading.Event().wait(half),
    "simple queue": lambda half: queue.SimpleQueue[int]().get(timeout=half),
    "join": lambda half: sleeper().join(half),
}


def held() -> Any:
    lock = threading.Lock()
    lock.acquire()
    return lock


def sleeper() -> threading.Thread:
    thread = threading.Thread(target=time.sleep, args=(60,), daemon=True)
    thread.start()
    return thread


@pytest.mark.parametrize("wait", WAITS)
@pytest.mark.parametrize("half", [Fraction(1, 2), Decimal("0.5")], ids=repr)
def test_a_time_out_is_any_real_number_since_python_3_15(wait: str, half: Any) -> None:
    """Earlier ones refuse a ``Decimal`` or a ``Fraction``."""
    refused = pytest.raises(TypeError) if sys.version_info < (3, 15) else suppress(queue.Empty)
    with Simulation() as sim:
        with refused:
            WAITS[wait](half)
        assert sim.clock.elapsed == (0.5 if sys.version_info >= (3, 15) else 0)


@since_python(3, 15)
def test_a_re_entrant_lock_takes_no_arguments_since_python_3_15() -> None:
    """Earlier ones ignore them."""
    with Simulation(), pytest.raises(TypeError, match="argument"):
        threading.RLock(1)  # type: ignore[call-arg]


def test_the_day_is_virtual() -> None:
    """``date.today`` of ``date`` itself asks no ``time.time`` since Python 3.15."""

    class Day(date):
        """One of a program's own."""

    with Simulation(start=datetime(2031, 5, 6, 12, tzinfo=UTC)):
        assert [kind.today() for kind in (date, Day, datetime)] == [
            date(2031, 5, 6),
            Day(2031, 5, 6),
            datetime.now(),  # noqa: DTZ005  # As ``today`` does.
        ]
    assert date.today() >= date(2026, 1, 1)  # noqa: DTZ011


def test_an_exploration_ends_where_an_object_has_no_attributes() -> None:
    """Python 3.14 tells the collector of empty dictionaries, which are made anew when asked for."""

    class Plain:
        """One that has none."""

    things = [Plain(), {}, [{}]]

    def program() -> None:
        lock = threading.Lock()
        thread = threading.Thread(target=lambda: lock.acquire() and things)
        thread.start()
        thread.join()

    assert explore(program).complete


def test_classes_of_c_that_were_never_made_ready_are_passed_over() -> None:
    """Python 3.11 and 3.12 have some in the modules with which they test themselves."""
    with suppress(ImportError):
        importlib.import_module("_testcapi")
    with Simulation() as sim:
        time.sleep(1)
    assert sim.clock.elapsed == 1.0
