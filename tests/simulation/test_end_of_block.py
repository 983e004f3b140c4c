"""What has its turn when a block ends, and what is ended then."""

import _thread
import queue
import threading
import time

import pytest

from threadsim import Deadlock, Simulation, StepLimit, explore


def test_what_is_ready_has_its_turn_before_the_block_ends() -> None:
    """A thread that was just started, one that was just woken, and one that they start."""
    seen: list[str] = []
    items = queue.Queue[str]()

    def take() -> None:
        seen.append(items.get())
        threading.Thread(target=seen.append, args=["started by it"]).start()

    with Simulation() as sim:
        threading.Thread(target=take).start()
        sim.settle()
        items.put("woken")
        threading.Thread(target=seen.append, args=["started"]).start()

    assert seen == ["woken", "started", "started by it"]


def test_time_does_not_move_for_them() -> None:
    """A thread that sleeps is ended in its sleep."""
    seen: list[str] = []

    def sleep() -> None:
        seen.append("begins")
        seen.append(f"goes on: {time.sleep(1)}")  # type: ignore[func-returns-value]

    with Simulation() as sim:
        threading.Thread(target=sleep).start()

    assert seen == ["begins"]
    assert sim.clock.elapsed == 0.0


def test_a_thread_that_never_rests_is_ended_and_named() -> None:
    """It lets no time pass, as a loop in the block itself does."""

    def poll() -> None:
        while True:
            time.sleep(0)

    with pytest.raises(StepLimit, match="Poller lets the others"), Simulation(max_steps=1_000):
        threading.Thread(target=poll, name="Poller").start()


def test_nothing_more_runs_after_an_error() -> None:
    """The error of the block is what counts."""
    seen: list[str] = []

    with pytest.raises(ValueError, match="of the block"), Simulation():
        threading.Thread(target=seen.append, args=["ran"]).start()
        raise ValueError("of the block")

    assert seen == []


def test_an_error_of_such_a_thread_is_shown_as_ever(capsys: pytest.CaptureFixture[str]) -> None:
    """It ends the thread; a report of the simulation ends the block."""

    def wait_for_ever() -> None:
        threading.Event().wait()

    with Simulation():
        threading.Thread(target=wait_for_ever, daemon=True).start()
    assert capsys.readouterr().err == ""


def test_it_adds_no_schedules_to_an_exploration() -> None:
    """An exploration runs a program to its end anyway."""

    def program() -> None:
        threading.Thread(target=time.time).start()

    assert explore(program).schedules == 1


def test_a_wait_for_what_an_earlier_block_has_left_says_so() -> None:
    """Its holder will never let go of it."""
    with Simulation() as sim:
        kept = threading.Lock()

        def hold() -> None:
            kept.acquire()
            threading.Event().wait()

        threading.Thread(target=hold, name="Holder", daemon=True).start()
        sim.settle()

    with pytest.raises(Deadlock) as caught, Simulation():
        kept.acquire()

    assert "held by Holder, which ended with an earlier block" in str(caught.value)


def test_a_start_that_was_kept_of_a_block_starts_a_real_thread() -> None:
    """A function of a block acts as the real one afterwards."""
    with Simulation():
        start = _thread.start_new_thread
    lock = threading.Lock()
    lock.acquire()
    start(lock.release, ())
    assert lock.acquire(timeout=10)
