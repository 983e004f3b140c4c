"""What it costs to enter and leave a Simulation, to switch, and to run an app in one.

Processor time, unless it says something else: other work on the machine changes that little.
"""

import contextlib
import io
import resource
import threading
import time
from collections.abc import Iterator
from statistics import median
from timeit import repeat

from apscheduler.executors.pool import ThreadPoolExecutor
from apscheduler.schedulers.background import BackgroundScheduler
from greenlet import getcurrent, greenlet

from apscheduler_fakes import FakeScheduler
from bench.figure import Figure
from jobs_synchronizer.corrected import TaskReport, create_app
from threadsim import Simulation

SLEEPS, HALF = 10, 10_000
cpu = time.process_time


def figures(threads: int) -> Iterator[Figure]:
    """Yield all figures.

    Args:
        threads: The largest number of virtual threads.
    """
    yield from enter_and_leave()
    yield from switches()
    yield from app(30)
    yield from many_threads(threads)
    yield many_jobs(1_000)


def enter_and_leave() -> Iterator[Figure]:
    """Enter and leave a block in which nothing happens."""

    def nothing() -> None:
        with Simulation():
            pass

    repeat(nothing, repeat=20, number=1)  # The first blocks fill caches.
    spent = min(repeat(nothing, repeat=100, number=1, timer=cpu))
    yield Figure("enter and leave, processor time", spent * 1e3, "ms")
    took = median(repeat(nothing, repeat=100, number=1))
    yield Figure("enter and leave, real time", took * 1e3, "ms", aim=1)


def sleep_0() -> None:
    """Let another thread go first."""
    for _ in range(HALF):
        time.sleep(0)


def sleep() -> None:
    """Sleep and wake up."""
    for _ in range(HALF):
        time.sleep(0.001)


def hand_over() -> None:
    """Hand over to another thread by a Semaphore, which hands back."""
    ping, pong = threading.Semaphore(0), threading.Semaphore(0)

    def answer() -> None:
        for _ in range(HALF):
            ping.acquire()
            pong.release()

    threading.Thread(target=answer).start()
    for _ in range(HALF):
        ping.release()
        pong.acquire()


def switches() -> Iterator[Figure]:
    """Compare switches with a bare one to a greenlet and back, the best of five."""
    main = getcurrent()

    def bounce() -> None:
        while True:
            main.switch()

    bare = min(repeat(greenlet(bounce).switch, repeat=5, number=HALF, timer=cpu)) / HALF
    yield Figure("bare greenlet round trip", bare * 1e6, "µs")
    for name, one, other, aim in (
        ("sleep(0) of two threads in turn", sleep_0, sleep_0, 3.5),
        ("Semaphore hand-over", hand_over, None, 15),
        ("sleep and wake-up", sleep, None, 5),
        ("sleep and wake-up of two threads in turn", sleep, sleep, 5),
    ):
        spent = []
        for _ in range(5):
            with Simulation(max_steps=10**9):
                begun = cpu()
                if other:
                    threading.Thread(target=other).start()
                one()
                spent.append(cpu() - begun)
        count = HALF if (one, other) == (sleep, None) else 2 * HALF
        yield Figure(f"{name}, against that", min(spent) / count / bare, "times", aim)


def app(runs: int) -> Iterator[Figure]:
    """Run the corrected app, in a Simulation and, which waits for nothing, on FakeScheduler."""

    def simulated() -> None:
        with Simulation():
            create_app().test_client().get("/run-tasks")

    def report(synchronizer: TaskReport, number: int) -> None:
        synchronizer.notify_task_completion(f"Task {number}")

    def faked() -> None:
        scheduler = FakeScheduler(immediate=True)
        create_app(task=report, scheduler=scheduler).test_client().get("/run-tasks")

    with contextlib.redirect_stdout(io.StringIO()):
        repeat(simulated, repeat=3, number=1)
        spent = min(repeat(simulated, repeat=runs, number=1, timer=cpu))
        less = min(repeat(faked, repeat=runs, number=1, timer=cpu))
    yield Figure("app in a Simulation, processor time", spent * 1e3, "ms", aim=8)
    yield Figure("app in a Simulation, against FakeScheduler", spent / less, "times")


def many_threads(largest: int) -> Iterator[Figure]:
    """Run from ten threads up to the largest number, in powers of ten, ten sleeps each."""

    def sleeper() -> None:
        for _ in range(SLEEPS):
            time.sleep(1)

    costs, count = dict[int, float](), 10
    while count <= largest:
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        with Simulation(max_steps=100 * SLEEPS * count + 1_000) as sim:
            begun = cpu()
            threads = [threading.Thread(target=sleeper) for _ in range(count)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            costs[count] = (cpu() - begun) / len(sim.trace) * 1e6
        after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        yield Figure(f"{count:,} threads, a switch", costs[count], "µs")
        if count >= 10_000:  # noqa: PLR2004  # Below, the process's own growth hides the threads.
            yield Figure(f"{count:,} threads, memory of one", (after - before) / count, "KiB", 12)
        count *= 10
    if largest > 1_000:  # noqa: PLR2004
        most, ratio = max(costs), costs[max(costs)] / costs[1_000]
        yield Figure(f"a switch among {most:,} threads, against 1,000", ratio, "times", aim=2)


def nap() -> None:
    """Take ten seconds."""
    time.sleep(10)


def many_jobs(count: int) -> Figure:
    """Run real APScheduler jobs on as many virtual workers."""
    with Simulation(max_steps=1_000 * count) as sim:
        scheduler = BackgroundScheduler(executors={"default": ThreadPoolExecutor(count)})
        begun = cpu()
        scheduler.start()
        for _ in range(count):
            scheduler.add_job(nap)
        sim.clock.tick(20)
        spent = cpu() - begun
    return Figure(f"{count:,} real APScheduler jobs, a job", spent / count * 1e3, "ms", aim=0.4)
