"""What explore() needs to see everything, and to see a bug, beside interleave-test 0.1.0.

The peer needs Python 3.12. It is told to switch at operations on locks and the like only, as ours
does; its exhaustive search, not to bound preemptions.
"""

import contextlib
import importlib
import io
import logging
import threading
import time
from collections.abc import Callable, Iterator
from math import factorial
from typing import Any

from bench.figure import Figure
from jobs_synchronizer import corrected, documented
from threadsim import Exhaustive, Random, explore
from threadsim.exploration.explore import begin, schedules
from threadsim.exploration.options import Options
from threadsim.exploration.runner import ScheduleRunner
from threadsim.exploration.strategies.strategy import Strategy

Program = Callable[[], object]

UNBOUNDED = 1_000_000


class Peer:
    """interleave-test, if it is here."""

    def __init__(self) -> None:
        with contextlib.suppress(ImportError):
            self._module = importlib.import_module("interleave_test")

    def __bool__(self) -> bool:
        return hasattr(self, "_module")

    def runs(self, program: Program) -> int:
        """Return how many schedules its exhaustive search ran, up to the first failure."""
        with contextlib.redirect_stdout(io.StringIO()):
            result = self._module.explore(
                program,
                strategy="dfs",
                iterations=UNBOUNDED,
                max_preemptions=UNBOUNDED,
                include=["/nowhere"],  # No switches inside statements.
                raise_on_failure=False,
            )
        return int(result.schedules_run)

    def at_random(self, program: Program, most: int) -> tuple[int, bool]:
        """Return how many schedules its default search ran, and whether the last one failed."""
        with contextlib.redirect_stdout(io.StringIO()):
            result = self._module.explore(program, iterations=most, seed=0, raise_on_failure=False)
        return int(result.schedules_run), not result.ok


def figures() -> Iterator[Figure]:
    """Yield all figures."""
    peer = Peer()
    for notifiers in range(1, 5):
        yield from to_completeness(notifiers, peer)
    for jobs in range(4):
        yield from to_the_first_failure(jobs, peer)
    for reduction, notifiers, aim in ((True, 4, 400), (False, 3, 200)):
        runs = [explored(notifiers, Exhaustive(reduction=reduction)) for _ in range(3)]
        with_it = "with" if reduction else "without"
        yield Figure(f"a schedule, {with_it} reduction", min(runs) * 1e6, "µs", aim)
    logging.disable(logging.CRITICAL)
    try:
        yield whole_program()
        yield from data_watched()
    finally:
        logging.disable(logging.NOTSET)


def program(module: Any, notifiers: int) -> Program:
    """Return a program in which so many threads notify and the main one waits."""

    def run() -> None:
        synchronizer = module.JobsSynchronizer(notifiers)
        for i in range(notifiers):
            threading.Thread(target=synchronizer.notify_task_completion, args=(f"{i}",)).start()
        synchronizer.wait_for_tasks_to_be_completed()

    return run


def explored(notifiers: int, strategy: Strategy) -> float:
    """Return the seconds of a schedule of the corrected synchronizer."""
    done = explore(program(corrected, notifiers), strategy)
    return done.seconds / done.schedules


def to_completeness(notifiers: int, peer: Peer) -> Iterator[Figure]:
    """Explore the corrected synchronizer to the end.

    So many notifiers and their waiter come to one lock in (n + 1)! orders, and each is an outcome
    of its own: a search that tries them all once is as short as can be.
    """
    name, run = f"{notifiers} notifiers to completeness", program(corrected, notifiers)
    runs = [explore(run) for _ in range(5)]
    best = min(each.seconds for each in runs)
    yield Figure(f"{name}, schedules", runs[0].schedules, aim=factorial(notifiers + 1))
    yield Figure(name, best * 1e3, "ms")
    # The peer needs half a minute for two notifiers and does not end for three.
    if peer and notifiers < 3:  # noqa: PLR2004
        begun = time.perf_counter()
        theirs = peer.runs(run)
        spent = time.perf_counter() - begun
        yield Figure(f"{name}, peer's schedules", theirs)
        yield Figure(f"{name}, against the peer", best / spent, "times", aim=0.1)


def to_the_first_failure(jobs: int, peer: Peer) -> Iterator[Figure]:
    """Search the published synchronizer's lost wake-up; the aim is what the peer needs."""
    name, run = f"first failure of {jobs} jobs", program(documented, jobs)
    yield Figure(name, _first(run), "runs", peer.runs(run) if peer else None)


def _first(run: Program) -> int:
    """Return how many schedules ran when one failed."""
    with ScheduleRunner(Options(run, data="off")) as runner:
        for count, ran in enumerate(schedules(runner, begin(runner, Exhaustive())), 1):
            if ran.errors:
                return count
    raise AssertionError("the lost wake-up was not found")


def requests(jobs: int, others: int) -> Program:
    """Return a program that sends requests to the corrected app, real Flask and APScheduler."""

    def report(synchronizer: corrected.TaskReport, number: int) -> None:
        synchronizer.notify_task_completion(f"Task {number}")

    def run() -> None:
        client = corrected.create_app(num_tasks=jobs, task=report).test_client

        def ask() -> object:
            return client().get("/run-tasks")

        threads = [threading.Thread(target=ask) for _ in range(others)]
        for each in threads:
            each.start()
        ask()
        for each in threads:
            each.join()

    return run


def whole_program() -> Figure:
    """Run the corrected app, two jobs and two requests, at random."""
    done = explore(requests(2, 1), Random(200))
    return Figure("whole app, a schedule", done.seconds / done.schedules * 1e3, "ms", aim=4)


def data_watched() -> Iterator[Figure]:
    """Compare searches that watch data with those that do not: in turn, in processor time."""
    for name, run, strategy, aim in (
        ("4 notifiers", program(corrected, 4), Exhaustive(), 1.6),
        ("whole app", requests(1, 0), Exhaustive(1), 1.2),
    ):
        times: dict[str, list[float]] = {"off": [], "switch": []}
        for _ in range(7):
            for data, spent in times.items():
                spent.append(_processor_time(run, strategy, data))
        ratio = min(times["switch"]) / min(times["off"])
        yield Figure(f"{name}, data watched against not", ratio, "times", aim)
    small = program(corrected, 1)
    spent = [_processor_time(small, Exhaustive(), "switch") for _ in range(7)]
    yield Figure("1 notifier, whole search with data watched", min(spent) * 1e3, "ms", aim=20)


def _processor_time(run: Program, strategy: Strategy, data: str) -> float:
    begun = time.process_time()
    explore(run, strategy, data=data)
    return time.process_time() - begun
