"""What it costs to join jobs with JobGroup, in real time on real threads.

Overhead is measured against the same jobs on the same scheduler without a join, against the
simplest join that works on a sunny day, and against a bare pool of the same size.
"""

import concurrent.futures
import itertools
import logging
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from datetime import UTC
from statistics import median
from typing import Any

from apscheduler.events import EVENT_JOB_EXECUTED
from apscheduler.schedulers.background import BackgroundScheduler

from bench.figure import Figure
from jobs_synchronizer import JobGroup

WORKERS = 10


class Countdown:
    """The job: it does nothing, and the last of so many lets ``done`` be set.

    Args:
        count: How many there are.
    """

    def __init__(self, count: int) -> None:
        self.done = threading.Event()
        self._numbers = itertools.count(1)
        self._count = count

    def __call__(self) -> None:
        """Count one."""
        if next(self._numbers) == self._count:
            self.done.set()


def alone(scheduler: Any, _pool: Any, count: int) -> None:
    """Add the jobs and wait until the last one says so."""
    job = Countdown(count)
    for _ in range(count):
        scheduler.add_job(job, name="job", misfire_grace_time=None)
    job.done.wait()


def listener(scheduler: Any, _pool: Any, count: int) -> None:
    """Wait for plain futures that a listener answers, which hangs on 26 of the 34 endings."""
    job = Countdown(count)
    batch = uuid.uuid4().hex  # As a group makes its ids; APScheduler alone makes one for each.
    futures = {f"{batch}{number}": concurrent.futures.Future[None]() for number in range(count)}

    def hear(event: Any) -> None:
        futures[event.job_id].set_result(event.retval)

    scheduler.add_listener(hear, EVENT_JOB_EXECUTED)
    for job_id in futures:
        scheduler.add_job(job, id=job_id, name="job", misfire_grace_time=None)
    concurrent.futures.wait(futures.values())
    scheduler.remove_listener(hear)


def group(scheduler: Any, _pool: Any, count: int) -> None:
    """Add the jobs to a group and wait for their futures."""
    job = Countdown(count)
    with JobGroup(scheduler) as jobs:
        concurrent.futures.wait([jobs.add_job(job, name="job") for _ in range(count)])


def bare_pool(_scheduler: Any, pool: Any, count: int) -> None:
    """Submit the jobs to a pool and wait for their futures."""
    job = Countdown(count)
    concurrent.futures.wait([pool.submit(job) for _ in range(count)])


WAYS: tuple[Callable[[Any, Any, int], None], ...] = (alone, listener, group, bare_pool)


def figures(jobs: int) -> Iterator[Figure]:
    """Yield all figures.

    Args:
        jobs: The largest number of jobs of a group.
    """
    # What APScheduler logs of each job is lost, but costs its time all the same.
    logging.getLogger("apscheduler").addHandler(logging.NullHandler())
    scheduler = BackgroundScheduler(timezone=UTC)
    scheduler.start()
    yield from overhead(scheduler, jobs)
    yield from latency(scheduler, 200)
    scheduler.shutdown()


def overhead(scheduler: Any, largest: int) -> Iterator[Figure]:
    """Compare the four ways, in turn, for ten jobs and for powers of ten above that."""
    costs, count = dict[int, float](), 10
    while count <= largest:
        took: dict[str, list[float]] = {way.__name__: [] for way in WAYS}
        spent: dict[str, list[float]] = {way.__name__: [] for way in WAYS}
        with concurrent.futures.ThreadPoolExecutor(WORKERS) as pool:
            for _ in range(max(7, 2_000 // count)):
                for way in WAYS:
                    begun, used = time.perf_counter(), time.process_time()
                    way(scheduler, pool, count)
                    took[way.__name__].append((time.perf_counter() - begun) / count * 1e6)
                    spent[way.__name__].append((time.process_time() - used) / count * 1e6)
        # Other work on the machine changes processor time little.
        costs[count] = median(spent["group"])
        of_group = f"{count:,} jobs, group"
        yield Figure(f"{of_group}, a job, processor time", costs[count], "µs")
        ratio = _ratio(spent["group"], spent["alone"])
        yield Figure(f"{of_group} against APScheduler, processor time", ratio, "times", aim=1.5)
        for name, words in (
            ("alone", "APScheduler alone"),
            ("listener", "a naive listener"),
            ("bare_pool", "a bare pool"),
        ):
            yield Figure(f"{of_group} against {words}", _ratio(took["group"], took[name]), "times")
        count *= 10
    ratio = max(costs.values()) / min(costs.values())
    yield Figure("a job in groups of all sizes, dearest against cheapest", ratio, "times", aim=1.5)


def _ratio(ours: list[float], theirs: list[float]) -> float:
    """Compare within each round, in which a machine with other work is as slow for both."""
    return median(one / other for one, other in zip(ours, theirs, strict=True))


def nap() -> float:
    """Take some milliseconds and return when that is over."""
    time.sleep(0.005)
    return time.perf_counter()


def latency(scheduler: Any, runs: int) -> Iterator[Figure]:
    """Measure from the last job's end to the return of ``concurrent.futures.wait``."""
    late = []
    for _ in range(runs):
        with JobGroup(scheduler) as jobs:
            futures = [jobs.add_job(nap) for _ in range(WORKERS)]
            concurrent.futures.wait(futures)
            returned = time.perf_counter()
        late.append((returned - max(future.result() for future in futures)) * 1e3)
    yield Figure("from the last job's end to the wait's return", median(late), "ms", aim=1)
    yield Figure("the same, 99 of 100", sorted(late)[int(runs * 0.99)], "ms")
