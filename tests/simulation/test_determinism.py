"""The same program has the same trace, byte for byte."""

import _thread
import os
import re
import subprocess
import threading
import time
from collections.abc import Callable
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, as_completed, wait
from functools import partial
from queue import Queue

import pytest

from jobs_synchronizer.documented import create_app
from threadsim import Simulation

Run = Callable[..., subprocess.CompletedProcess[str]]

PUBLISHED = """
import sys
from threadsim import Simulation
from jobs_synchronizer.documented import create_app

with Simulation() as sim:
    create_app().test_client().get("/run-tasks")
print(*sim.trace, sep="\\n", file=sys.stderr)
"""


def traced(program: Callable[[], object]) -> list[str]:
    with Simulation() as sim:
        program()
    return [str(step) for step in sim.trace]


def published() -> None:
    assert create_app().test_client().get("/run-tasks").status_code == 200


def test_the_published_app_has_one_trace_in_one_process(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Run after run, the same steps at the same instants."""
    first = traced(published)
    for _ in range(5):
        assert traced(published) == first
    assert first[-1].startswith("10.000000  ")
    assert not re.search("0x[0-9a-f]{6,}|[0-9a-f]{32}", "\n".join(first))


@pytest.mark.e2e
def test_the_published_app_has_one_trace_in_many_processes(run_program: Run) -> None:
    """Whatever the hash seed, and whether coverage measures or not."""
    measured = ("-m", "coverage", "run", "--source=apscheduler_fakes,jobs_synchronizer")
    ran = run_program(PUBLISHED, *measured, **os.environ | {"PYTHONHASHSEED": "1"})

    assert ran.stderr.splitlines() == traced(published)


def producers_and_consumers() -> None:
    items: Queue[int | None] = Queue(maxsize=2)
    lock, total = threading.Lock(), [0]

    def produce(number: int) -> None:
        for item in range(3):
            items.put(number * item)
            time.sleep(0.5)
        items.put(None)

    def consume() -> None:
        while (item := items.get(timeout=10)) is not None:
            with lock:
                total[0] += item
                time.sleep(0.25)

    threads = [threading.Thread(target=produce, args=(i,)) for i in (1, 2)]
    threads += [threading.Thread(target=consume) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert total == [9]


TRACE = """\
0.000000  MainThread  waits for the end of Thread-1 (produce)
0.000000  Thread-1 (produce)  sleeps
0.000000  Thread-2 (produce)  sleeps
0.000000  Thread-3 (consume)  sleeps
0.000000  Thread-4 (consume)  waits for a Lock, held by Thread-3 (consume)
0.250000  Thread-3 (consume)  waits in Queue.get
0.250000  Thread-4 (consume)  sleeps
0.500000  Thread-1 (produce)  sleeps
0.500000  Thread-2 (produce)  sleeps
0.500000  Thread-4 (consume)  sleeps
0.500000  Thread-3 (consume)  waits for a Lock, held by Thread-4 (consume)
0.750000  Thread-4 (consume)  waits in Queue.get
0.750000  Thread-3 (consume)  sleeps
1.000000  Thread-1 (produce)  sleeps
1.000000  Thread-2 (produce)  sleeps
1.000000  Thread-3 (consume)  sleeps
1.000000  Thread-4 (consume)  waits for a Lock, held by Thread-3 (consume)
1.250000  Thread-3 (consume)  waits in Queue.get
1.250000  Thread-4 (consume)  sleeps
1.500000  Thread-1 (produce)  ends
1.500000  Thread-2 (produce)  ends
1.500000  Thread-4 (consume)  ends
1.500000  Thread-3 (consume)  ends
"""


def test_threads_and_queues_have_one_trace_on_every_python() -> None:
    """A program of threading and queue alone runs in these steps on each Python."""
    assert traced(producers_and_consumers) == TRACE.splitlines()


def test_futures_come_in_the_order_in_which_they_were_made() -> None:
    """What the standard library keeps in sets is listed in order."""
    with Simulation(), ThreadPoolExecutor(8) as pool:
        futures: list[Future[int]] = [Future() for _ in range(50)]
        for number, future in enumerate(futures):
            if number % 2:
                future.set_result(number)
        shuffled = set(futures)
        done, not_done = wait(shuffled, return_when=FIRST_COMPLETED)
        assert [list(done), list(not_done)] == [futures[1::2], futures[0::2]]
        first = as_completed(shuffled)
        assert [next(first) for _ in range(25)] == futures[1::2][::-1]
        late = [pool.submit(time.sleep, 1) for _ in range(8)]
        assert list(as_completed(late)) == late


def test_a_pool_joins_its_workers_in_order() -> None:
    """The trace of a shutdown does not depend on where the threads lie in memory."""

    def program() -> None:
        pool = ThreadPoolExecutor(8)
        for number in range(8):
            pool.submit(time.sleep, 8 - number)
        pool.shutdown()

    first = traced(program)
    [line] = [step for step in first if "MainThread" in step]
    joins = "MainThread  waits for the end of ThreadPoolExecutor-0_0 in ThreadPoolExecutor.shutdown"
    assert line == f"0.000000  {joins}"
    keep = []
    for _ in range(5):
        keep.append([object() for _ in range(100)])
        assert traced(program) == first


def test_a_bare_threads_name_has_no_address() -> None:
    """What has no name of its own is called by its type."""

    def program() -> None:
        _thread.start_new_thread(partial(time.sleep, 1), ())
        _thread.start_new_thread(time.sleep, (1,))
        time.sleep(2)

    assert [step.split("  ")[1] for step in traced(program)][1:3] == ["partial", "sleep"]
