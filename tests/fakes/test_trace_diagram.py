"""The trace diagram of a simulation."""

import os
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from queue import Queue
from threading import Semaphore

import pytest

from threadsim import Simulation
from threadsim.reporting.trace_diagram import draw


def nap(seconds: float) -> None:
    time.sleep(seconds)


def two_naps() -> Simulation:
    with Simulation() as sim:
        threads = [threading.Thread(target=nap, args=(n,), name=f"nap {n}") for n in (1, 2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    return sim


def test_every_step_has_a_row_and_every_thread_a_lane() -> None:
    """A dot is a thread that runs, a line one that waits, a blank one that does not live."""
    assert draw(two_naps().trace).splitlines() == [
        "0 MainThread, 1 nap 1, 2 nap 2",
        "   seconds  0 1 2",
        "  0.000000  ●      MainThread waits for the end of nap 1",
        "  0.000000  │ ●    nap 1 sleeps",
        "  0.000000  │ │ ●  nap 2 sleeps",
        "  1.000000  │ ● │  nap 1 ends",
        "  1.000000  ●   │  MainThread waits for the end of nap 2",
        "  2.000000  │   ●  nap 2 ends",
    ]


def test_the_last_rows_leave_out_who_has_ended() -> None:
    """A short diagram says how many rows it leaves out, and draws the other lanes."""
    assert draw(two_naps().trace, 2).splitlines() == [
        "0 MainThread, 2 nap 2",
        "   seconds  0 2",
        "            … 4 steps before these",
        "  1.000000  ● │  MainThread waits for the end of nap 2",
        "  2.000000  │ ●  nap 2 ends",
    ]


def test_among_many_threads_only_those_that_run_have_lanes() -> None:
    """A program of thirty threads is drawn with the lanes of the rows that are shown."""
    with Simulation() as sim:
        for n in range(1, 31):
            threading.Thread(target=nap, args=(n,), name=f"nap {n}", daemon=True).start()
        time.sleep(0.5)
    assert draw(sim.trace, 2).splitlines() == [
        "29 nap 29, 30 nap 30",
        "   seconds  29 30",
        "            … 29 steps before these",
        "  0.000000  ●      nap 29 sleeps",
        "  0.000000  │  ●   nap 30 sleeps",
    ]


def test_a_row_says_which_call_waits_and_who_holds_the_lock() -> None:
    """A row has the words of the thread table, for a job of a pool too."""
    with Simulation() as sim:
        lock, nothing = threading.Lock(), Semaphore(0)
        waits = (lock.acquire, Queue[int]().get, nothing.acquire)
        with lock, ThreadPoolExecutor(1) as pool:
            pool.submit(nothing.acquire)
            for wait in waits:
                threading.Thread(target=wait, name="daemon", daemon=True).start()
            time.sleep(1)
            nothing.release()
    assert [step.words for step in sim.trace[1:5]] == [
        "ThreadPoolExecutor-0_0 waits in Semaphore.acquire",
        "daemon waits for a Lock, held by MainThread",
        "daemon waits in Queue.get",
        "daemon waits in Semaphore.acquire",
    ]


def test_a_row_is_broken_where_the_terminal_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    """The other lanes go on beside it. The legend wraps between names."""
    monkeypatch.setenv("COLUMNS", "60")
    with Simulation() as sim:
        for number in (1, 2):
            name = f"thread {number} of those that have long names"
            thread = threading.Thread(target=nap, args=(number,), name=name)
            thread.start()
        thread.join()
    assert draw(sim.trace).splitlines() == [
        "0 MainThread, 1 thread 1 of those that have long names,",
        "2 thread 2 of those that have long names",
        "   seconds  0 1 2",
        "  0.000000  ●      MainThread waits for the end of",
        "            │        thread 2 of those that have long",
        "            │        names",
        "  0.000000  │ ●    thread 1 of those that have long",
        "            │ │      names sleeps",
        "  0.000000  │ │ ●  thread 2 of those that have long",
        "            │ │ │    names sleeps",
        "  1.000000  │ ● │  thread 1 of those that have long",
        "            │   │    names ends",
        "  2.000000  │   ●  thread 2 of those that have long",
        "            │        names ends",
    ]


@pytest.mark.parametrize(("columns", "longest"), [(60, 60), (100, 100), (150, 120)])
def test_a_diagram_is_as_wide_as_the_terminal_where_pytest_captures_too(
    columns: int, longest: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No line is longer than 120 columns, with the four by which pytest indents it."""
    monkeypatch.delenv("COLUMNS")
    monkeypatch.setattr("os.get_terminal_size", lambda _: os.terminal_size((columns, 24)))
    with Simulation() as sim:
        for number in range(3):
            name = f"number {number} of those that sleep"
            thread = threading.Thread(target=nap, args=(1,), name=name)
            thread.start()
            threading.Thread(target=thread.join, name=f"{name} or of those that wait").start()
        time.sleep(2)
    lengths = [len(line) for line in draw(sim.trace).splitlines()]
    assert longest - 20 < max(lengths) + 4 <= longest


def test_a_simulation_without_steps_is_a_sentence() -> None:
    """Without a switch there is no row."""
    assert draw([]) == "MainThread ran alone, from its beginning to its end."
