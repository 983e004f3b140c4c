"""A real scheduler in virtual time, and the caller who waits for its jobs."""

import logging
from collections.abc import Callable, Iterator
from datetime import UTC
from pathlib import Path
from typing import Any

import pytest
from apscheduler.schedulers.background import BackgroundScheduler

from caller import Comparison, Gets, Refused, refusal, sqlite_store, told
from jobs_synchronizer import JobFuture
from path_results import RESULTS
from threadsim import Simulation


@pytest.fixture
def scheduler(sim: Simulation) -> Iterator[Any]:
    """A real scheduler with its thread and its pool of ten workers."""
    scheduler = BackgroundScheduler(timezone=UTC)
    scheduler.start()
    yield scheduler
    if scheduler.running:
        scheduler.shutdown(wait=False)


@pytest.fixture
def no_logs() -> Iterator[None]:
    """Whoever captures logs keeps the errors in them."""
    logging.disable(logging.CRITICAL)
    yield
    logging.disable(logging.NOTSET)


@pytest.fixture
def db(tmp_path: Path) -> Any:
    """A job store in an SQLite file."""
    return sqlite_store(tmp_path / "jobs.sqlite")


@pytest.fixture
def comparison(request: pytest.FixtureRequest) -> Iterator[Comparison]:
    """What a test compares, which is what the docs say of it."""
    comparison = Comparison()
    yield comparison
    request.node.stash[RESULTS]["gets"] = comparison.end()


@pytest.fixture
def gets(request: pytest.FixtureRequest, comparison: Comparison) -> Gets:
    """Wait for a job and compare what its caller gets; the second argument is what the docs say."""
    sim = request.getfixturevalue("sim") if "sim" in request.fixturenames else None

    def gets(future: JobFuture, expected: str) -> None:
        comparison.add(told(future, sim and (lambda: sim.clock.elapsed)), expected)

    return gets


@pytest.fixture
def refused(comparison: Comparison) -> Refused:
    """Compare what a call raises; the second argument is what the docs say."""

    def refused(call: Callable[[], object], expected: str) -> None:
        comparison.add(refusal(call), expected)

    return refused
