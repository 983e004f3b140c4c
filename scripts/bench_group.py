"""Measure what it costs to join jobs with JobGroup, in real time on real threads.

``nox -s bench`` runs this after ``bench.py``; figures go to ``build/bench/group.json``. Overhead is
measured against the same jobs added to the same scheduler without a join, against the simplest join
that works on a sunny day, and against a bare pool of the same size.
"""

import argparse
import concurrent.futures
import contextlib
import io
import itertools
import logging
import sys
import threading
import time
import uuid
from collections.abc import Callable, Sequence
from datetime import UTC
from pathlib import Path
from statistics import median
from typing import Any

from apscheduler.events import EVENT_JOB_EXECUTED
from apscheduler.schedulers.background import BackgroundScheduler
from flask import Flask
from flask_apscheduler import APScheduler

from figure import Figure, now, report
from jobs_synchronizer import JobGroup, corrected, documented

REPORT = Path("build/bench/group.json")
WORKERS = 10
# How long a real request's jobs take, in seconds.
REAL_SECONDS = 10.0


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


def without_a_join(scheduler: Any, _pool: Any, count: int) -> None:
    """Add the jobs and wait until the last one says so."""
    job = Countdown(count)
    for _ in range(count):
        scheduler.add_job(job, name="job", misfire_grace_time=None)
    job.done.wait()


def with_a_group(scheduler: Any, _pool: Any, count: int) -> None:
    """Add the jobs to a group and wait for their futures."""
    job = Countdown(count)
    with JobGroup(scheduler) as group:
        futures = [group.add_job(job, name="job") for _ in range(count)]
        concurrent.futures.wait(futures)


def with_a_listener(scheduler: Any, _pool: Any, count: int) -> None:
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


def with_a_bare_pool(_scheduler: Any, pool: Any, count: int) -> None:
    """Submit the jobs to a pool and wait for their futures."""
    job = Countdown(count)
    concurrent.futures.wait([pool.submit(job) for _ in range(count)])


WAYS = (without_a_join, with_a_listener, with_a_group, with_a_bare_pool)


def overhead(largest: int) -> list[Figure]:
    """Compare the four ways, in turn, for ten jobs and for powers of ten above that."""
    figures, costs = [], {}
    scheduler = BackgroundScheduler(timezone=UTC)
    scheduler.start()
    with concurrent.futures.ThreadPoolExecutor(WORKERS) as pool:
        count = 10
        while count <= largest:
            times: dict[Callable[[Any, Any, int], None], list[float]] = {way: [] for way in WAYS}
            busy: dict[Callable[[Any, Any, int], None], list[float]] = {way: [] for way in WAYS}
            for _ in range(max(7, 2_000 // count)):
                for way in WAYS:
                    begun, used = now(), time.process_time()
                    way(scheduler, pool, count)
                    times[way].append((now() - begun) / count * 1e6)
                    busy[way].append((time.process_time() - used) / count * 1e6)
            alone, naive, group, bare = (times[way] for way in WAYS)
            # Other work on the machine changes processor time little.
            costs[count] = median(busy[with_a_group])
            figures += [
                Figure(f"{count:,} jobs, APScheduler alone, a job", median(alone), "µs"),
                Figure(f"{count:,} jobs, with a naive listener, a job", median(naive), "µs"),
                Figure(f"{count:,} jobs, with a group, a job", median(group), "µs"),
                Figure(f"{count:,} jobs, with a group, a job, processor time", costs[count], "µs"),
                Figure(f"{count:,} jobs, on a bare pool, a job", median(bare), "µs"),
                Figure(
                    f"{count:,} jobs, group against APScheduler",
                    _ratio(group, alone),
                    "times",
                    1.15,
                ),
                Figure(
                    f"{count:,} jobs, group against the listener", _ratio(group, naive), "times"
                ),
                Figure(f"{count:,} jobs, group against a bare pool", _ratio(group, bare), "times"),
                Figure(
                    f"{count:,} jobs, group against APScheduler, processor time",
                    _ratio(busy[with_a_group], busy[without_a_join]),
                    "times",
                ),
            ]
            count *= 10
    scheduler.shutdown()
    ratio = max(costs.values()) / min(costs.values())
    name = f"a job among {min(costs):,} to {max(costs):,}, processor time, dearest against cheapest"
    return [*figures, Figure(name, ratio, "times", aim=1.5)]


def _ratio(ours: list[float], theirs: list[float]) -> float:
    """Compare within each round, in which a machine with other work is as slow for both."""
    return median(one / other for one, other in zip(ours, theirs, strict=True))


def nap() -> float:
    """Take some milliseconds and return when that is over."""
    time.sleep(0.005)
    return now()


def latency(runs: int) -> list[Figure]:
    """Measure from the last job's end to the return of ``concurrent.futures.wait``."""
    scheduler = BackgroundScheduler(timezone=UTC)
    scheduler.start()
    late = []
    for _ in range(runs):
        with JobGroup(scheduler) as group:
            futures = [group.add_job(nap) for _ in range(WORKERS)]
            concurrent.futures.wait(futures)
            returned = now()
        late.append((returned - max(future.result() for future in futures)) * 1e3)
    scheduler.shutdown()
    late.sort()
    return [
        Figure("from the last job's end to the wait's return", median(late), "ms", aim=1),
        Figure("the same, 99 of 100", late[int(len(late) * 0.99)], "ms"),
    ]


def group_app() -> Flask:
    """Make the published app once more, on a group."""
    app = Flask(__name__)
    APScheduler(app=app).start()

    def task(number: int) -> str:
        for _ in range(10):
            time.sleep(1)
        return f"Task {number} completed execution"

    @app.get("/run-tasks")
    def run_tasks() -> list[str]:
        with JobGroup(app.apscheduler) as group:  # type: ignore[attr-defined]  # set by init_app
            futures = [group.add_job(task, args=[i], name=f"Task {i}") for i in range(10)]
            return [future.result(20) for future in futures]

    return app


def real_requests() -> list[Figure]:
    """Ask the published app, its twin, and the one on a group, one after the other, for real."""
    apps = {
        "documented": documented.create_app(),
        "corrected": corrected.create_app(),
        "group": group_app(),
    }

    def ask(app: Any) -> float:
        begun = now()
        assert app.test_client().get("/run-tasks").status_code == 200  # noqa: PLR2004
        return (now() - begun - REAL_SECONDS) * 1e3

    beyond = {}
    for name, app in apps.items():
        app.test_client().get("/")  # The first request of a process imports what it needs.
        with contextlib.redirect_stdout(io.StringIO()):
            beyond[name] = ask(app)
            app.apscheduler.shutdown()  # type: ignore[attr-defined]  # set by init_app
    return [
        Figure(f"/run-tasks beyond {REAL_SECONDS} s, {name}", late, "ms", aim=20)
        for name, late in beyond.items()
    ]


def main(argv: Sequence[str] | None = None) -> int:
    """Measure, print and write the report.

    Args:
        argv: Command-line arguments; ``None`` takes those of the process.

    Returns:
        The exit code, 0.
    """
    parser = argparse.ArgumentParser(description="Measure what it costs to join jobs.")
    parser.add_argument(
        "--jobs", type=int, default=10_000, help="largest number of jobs (default: %(default)s)"
    )
    options = parser.parse_args(argv)
    # What APScheduler logs of each job is lost, but costs its time all the same.
    logging.getLogger("apscheduler").addHandler(logging.NullHandler())
    measurements: list[Callable[[], list[Figure]]] = [
        lambda: overhead(options.jobs),
        lambda: latency(200),
        real_requests,
    ]
    report(measurements, REPORT)
    return 0


if __name__ == "__main__":
    sys.exit(main())
