"""The trace diagram of a simulation."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from queue import Queue
from threading import Semaphore

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


def test_a_simulation_without_steps_is_a_sentence() -> None:
    """Without a switch there is no row."""
    assert draw([]) == "MainThread ran alone, from its beginning to its end."
