"""Ctrl-C and the stall limit, whenever they come, leave nothing swapped and no time frozen."""

import _signal  # type: ignore[import-not-found]
import contextlib
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from types import FrameType
from typing import Any

import pytest

import threadsim
from threadsim import Exhaustive, Simulation, explore
from threadsim.runtime.kernel import active
from threadsim.runtime.own_code import critical
from threadsim.simulation import session

# Elsewhere a finalizer may run, and what that raises is lost.
FILES = str(Path(threadsim.__file__).parent), contextlib.__file__
SESSION = (session.__file__,)


def simulate() -> None:
    with Simulation() as sim:
        threading.Thread(target=time.sleep, args=(1000,)).start()
        sim.settle()


def search() -> None:
    # This file's profiler is called in the middle of a step, and its data must not be watched.
    explore(
        lambda: threading.Thread(target=time.sleep, args=(1000,), daemon=True).start(), data="off"
    )


def swapped() -> tuple[object, ...]:
    return (
        active(),
        time.sleep,
        threading.Lock,
        threading.Thread.start,
        vars(datetime)["now"],
        *map(signal.getsignal, (signal.SIGINT, signal.SIGALRM, signal.SIGURG)),
    )


def tell(number: int) -> Callable[[FrameType], None]:
    def now_untraced(frame: FrameType) -> None:
        handler: Any = _signal.getsignal(number)  # What is called, not what the program set.
        handler(number, frame)

    return now_untraced


def places(
    block: Callable[[], None],
    place: int,
    then: Callable[[FrameType], object],
    files: tuple[str, ...] = FILES,
) -> int:
    """Run a block, do something at one of its calls and returns in some files, and count them."""
    count = 0

    def profile_untraced(frame: FrameType, _event: str, _argument: object) -> None:
        nonlocal count
        if frame.f_code.co_filename.startswith(files):
            count += 1
            if count == place:
                then(frame)

    sys.setprofile(profile_untraced)
    try:
        block()
    finally:
        sys.setprofile(None)
    return count


def give_up(*_: object) -> None:
    threading.enumerate()
    raise KeyboardInterrupt


@pytest.fixture
def alarm() -> Iterator[None]:
    """An alarm that ends what runs, as that of pytest-timeout does."""
    before = signal.signal(signal.SIGALRM, give_up)
    yield
    signal.signal(signal.SIGALRM, before)


@pytest.mark.usefixtures("alarm")
@pytest.mark.parametrize(
    ("every", "files"),
    [(997, FILES), (1, SESSION), pytest.param(23, FILES, marks=pytest.mark.soundness)],
    ids=["997", "session", "23"],
)
@pytest.mark.parametrize(
    ("block", "number"),
    [(simulate, signal.SIGINT), (search, signal.SIGINT), (search, signal.SIGALRM)],
)
def test_a_signal_anywhere_leaves_nothing(
    block: Callable[[], None], number: int, every: int, files: tuple[str, ...]
) -> None:
    """Wherever Ctrl-C comes it is raised, and names, time and the handlers are real again."""
    block()
    real = swapped()
    told = 0
    with contextlib.suppress(StopIteration):
        while True:
            with pytest.raises(KeyboardInterrupt):
                if places(block, 1 + told * every, tell(number), files) <= told * every:
                    raise StopIteration
            told += 1
            assert swapped() == real
    assert told > 1


@critical
def done_whole(number: int, done: list[int]) -> None:
    signal.raise_signal(number)
    done.append(number)


def test_ctrl_c_waits_for_what_is_done_whole() -> None:
    """It is raised where the main thread waits next, or where the block ends."""
    done: list[int] = []
    with Simulation(), pytest.raises(KeyboardInterrupt):
        done_whole(signal.SIGINT, done)
        time.sleep(1)
    with pytest.raises(KeyboardInterrupt), Simulation():
        done_whole(signal.SIGINT, done)
    assert done == [signal.SIGINT] * 2


@pytest.mark.usefixtures("alarm")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGALRM])
def test_an_exploration_ends_after_what_is_done_whole(number: int) -> None:
    """It runs no other schedule."""
    done: list[int] = []
    with pytest.raises(KeyboardInterrupt):
        explore(lambda: done_whole(number, done))
    assert done == [number]


@pytest.mark.usefixtures("alarm")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGALRM])
def test_a_signal_in_a_finalizer_ends_an_exploration(
    number: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Python prints what a finalizer raises, and goes on."""

    def profile_untraced(frame: FrameType, event: str, _argument: object) -> None:
        if (frame.f_code.co_name, event) == ("local_deleted", "call"):
            tell(number)(frame)

    def program() -> None:
        local = threading.local()
        local.value = 1
        sys.setprofile(profile_untraced)
        try:
            del local
        finally:
            sys.setprofile(None)

    monkeypatch.setattr(sys, "unraisablehook", lambda _: None)
    with pytest.raises(KeyboardInterrupt):
        explore(program)


ran: list[int] = []  # Since the time is over.


class Alarmed(Exhaustive):
    """The time is over when the first schedule has run, and is noticed by what runs them."""

    def search(self, steps: int = 1) -> Any:
        """Return a search in which it is."""

        def advance(_ran: object) -> bool:
            tell(signal.SIGALRM)(sys._getframe(1))
            ran.clear()
            return True

        search: Any = super().search(steps)
        search.advance = advance
        return search


@pytest.mark.usefixtures("alarm")
def test_an_alarm_between_two_schedules_is_raised_before_the_next() -> None:
    """No line of what runs them is in its traceback, which may be none that has a number."""
    with pytest.raises(KeyboardInterrupt) as told:
        explore(lambda: ran.append(1), Alarmed())
    assert ran == []
    assert told.traceback[-1].name == "give_up"


@pytest.mark.parametrize("name", ["__enter__", "__exit__"])
def test_a_stall_while_a_block_begins_or_ends_is_none(name: str, look: Callable[[], None]) -> None:
    """A processor that others have meanwhile is no fault of the program, which has its turn."""
    real = swapped()

    waits = {"__enter__": "return", "__exit__": "call"}[name]

    def profile_untraced(frame: FrameType, event: str, _argument: object) -> None:
        if (frame.f_code.co_qualname, event) == (f"Simulation.{name}", waits):
            looked.append(name)
            # Nothing goes on between the two, nor when it is over.
            look()
            look()

    looked: list[str] = []
    try:
        sys.setprofile(profile_untraced)
        with Simulation(stall_timeout=1000) as sim:
            time.sleep(1)
    finally:
        sys.setprofile(None)
    assert looked == [name]
    assert sim.clock.elapsed == 1.0
    assert swapped() == real


def interrupt_and_simulate(place: int) -> None:
    with contextlib.suppress(KeyboardInterrupt):
        places(simulate, place, tell(signal.SIGINT))
    simulate()


def test_ctrl_c_at_each_of_the_first_calls_leaves_the_next_block_free() -> None:
    """No instant lies between what a block takes for itself and its promise to give it back."""
    # In one line: where Ctrl-C comes, coverage may lose its trace function.
    assert [*map(interrupt_and_simulate, range(1, 200))] == [None] * 199
