"""Measure explore(), side by side with interleave-test 0.1.0 where that is installed.

The peer needs Python 3.12. It is told to switch at operations on locks and the like only, as ours
does; its exhaustive search, not to bound preemptions.
"""

import contextlib
import importlib
import io
import logging
import threading
from collections.abc import Callable
from dataclasses import replace
from math import factorial, sqrt
from statistics import fmean, stdev
from types import ModuleType
from typing import Any

from figure import Figure, now
from jobs_synchronizer import corrected, documented
from threadsim import PCT, Exhaustive, Random, explore
from threadsim.exploration.explore import begin, schedules
from threadsim.exploration.runner import ScheduleRunner
from threadsim.exploration.strategies.strategy import Strategy

Program = Callable[[], object]

SEEDS = 100

# So many notifiers and their waiter come to one lock in (n + 1)! orders, and each is an outcome of
# its own: a search that tries them all once is as short as can be.
ENOUGH = {notifiers: factorial(notifiers + 1) for notifiers in (1, 2, 3, 4)}

# How often the peer runs. It needs half a minute for two notifiers and does not end for three.
PEER_RUNS = {1: 5, 2: 1}

UNBOUNDED = 1_000_000


def peer() -> ModuleType | None:
    """Return interleave-test, if it is here."""
    try:
        return importlib.import_module("interleave_test")
    except ImportError:
        return None


def program(module: Any, notifiers: int) -> Program:
    """Return a program in which so many threads notify and the main one waits."""

    def run() -> None:
        synchronizer = module.JobsSynchronizer(notifiers)
        for i in range(notifiers):
            threading.Thread(target=synchronizer.notify_task_completion, args=(f"{i}",)).start()
        synchronizer.wait_for_tasks_to_be_completed()

    return run


def schedules_to_completeness() -> list[Figure]:
    """Explore the corrected synchronizer to the end, with one to four notifiers."""
    figures = []
    for notifiers, enough in ENOUGH.items():
        runs = [explore(program(corrected, notifiers)) for _ in range(5)]
        best = min(run.seconds for run in runs)
        name = f"{notifiers} notifiers to completeness"
        orders = f"{name}, schedules, {notifiers + 1}! orders"
        figures.append(Figure(orders, runs[0].schedules, "", aim=enough))
        figures.append(Figure(name, best * 1e3, "ms"))
        other = peer()
        if other and notifiers in PEER_RUNS:
            times = []
            for _ in range(PEER_RUNS[notifiers]):
                begun = now()
                result = _by_peer(other, program(corrected, notifiers), "dfs", UNBOUNDED)
                times.append(now() - begun)
            spent = min(times)
            figures.append(Figure(f"{name}, peer's schedules", result.schedules_run, ""))
            figures.append(Figure(f"{name}, peer", spent * 1e3, "ms"))
            figures.append(Figure(f"{name}, ours against the peer's", best / spent, "times", 0.1))
    with_reduction = [explore(program(corrected, 4)) for _ in range(5)]
    without = [explore(program(corrected, 3), Exhaustive(reduction=False)) for _ in range(3)]
    return [
        *figures,
        Figure(
            "a schedule, with reduction",
            min(run.seconds / run.schedules for run in with_reduction) * 1e6,
            "µs",
            aim=400,
        ),
        Figure(
            "a schedule, without reduction",
            min(run.seconds / run.schedules for run in without) * 1e6,
            "µs",
            aim=200,
        ),
    ]


def schedules_to_the_first_failure() -> list[Figure]:
    """Search the published synchronizer's lost wake-up, with no job and up to three."""
    figures = []
    other = peer()
    for jobs in range(4):
        published = program(documented, jobs)
        name = f"first failure of {jobs} jobs"
        theirs = _by_peer(other, published, "dfs", UNBOUNDED).schedules_run if other else None
        if theirs is not None:
            figures.append(Figure(f"{name}, peer's exhaustive", theirs, "runs"))
        ours = _first(published, Exhaustive())
        figures.append(Figure(f"{name}, exhaustive", ours, "runs", aim=theirs))
        sampled: list[tuple[str, Callable[[int], Strategy]]] = [
            ("random", lambda seed: Random(1_000, seed)),
            ("pct", lambda seed: PCT(3, 1_000, seed)),
        ]
        for kind, strategy in sampled:
            mean = None
            if other:
                runs = [
                    _by_peer(other, published, kind, 1_000, seed).schedules_run
                    for seed in range(SEEDS)
                ]
                mean = _mean(f"{name}, peer's {kind}", runs)
                figures.append(mean)
            firsts = [_first(published, strategy(seed)) for seed in range(SEEDS)]
            figures.append(_mean(f"{name}, {kind}", firsts, mean))
    return figures


def _mean(name: str, runs: list[int], aim: Figure | None = None) -> Figure:
    error = stdev(runs) / sqrt(len(runs))
    figure = Figure(f"{name}, mean", fmean(runs), "runs", error=error)
    return replace(figure, aim=aim.value, aim_error=aim.error) if aim else figure


def whole_programs() -> list[Figure]:
    """Run the corrected app, real Flask and APScheduler, two jobs and two requests, at random."""

    def two_requests() -> None:
        app = corrected.create_app(num_tasks=2, task=_report)

        def request() -> None:
            app.test_client().get("/run-tasks")

        other = threading.Thread(target=request)
        other.start()
        request()
        other.join()

    logging.disable(logging.CRITICAL)
    try:
        done = explore(two_requests, Random(200))
    finally:
        logging.disable(logging.NOTSET)
    return [Figure("whole app, a schedule", done.seconds / done.schedules * 1e3, "ms", aim=4)]


def _report(synchronizer: Any, number: int) -> None:
    synchronizer.notify_task_completion(f"Task {number}")


def _first(published: Program, strategy: Strategy) -> int:
    """Return how many schedules ran when one failed."""
    with ScheduleRunner(published) as world:
        for count, ran in enumerate(schedules(world, begin(world, strategy)), 1):
            if ran.errors:
                return count
    raise AssertionError(f"{strategy}: the lost wake-up was not found")


def _by_peer(
    other: ModuleType, program: Program, strategy: str, iterations: int, seed: int = 0
) -> Any:
    with contextlib.redirect_stdout(io.StringIO()):
        return other.explore(
            program,
            strategy=strategy,
            iterations=iterations,
            seed=seed,
            max_preemptions=UNBOUNDED,
            include=["/nowhere"],  # No switches inside statements.
            raise_on_failure=False,
        )
