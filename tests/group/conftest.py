"""A real scheduler in virtual time, and the caller who waits for its jobs."""

from collections.abc import Callable, Iterator
from datetime import UTC
from pathlib import Path
from typing import Any

import pytest
from apscheduler.schedulers.background import BackgroundScheduler

from apscheduler_fakes import Simulation
from caller import Gets, Refused, refusal, sqlite_store, told
from jobs_synchronizer import JobFuture


@pytest.fixture
def scheduler(sim: Simulation) -> Iterator[Any]:
    """A real scheduler with its thread and its pool of ten workers."""
    scheduler = BackgroundScheduler(timezone=UTC)
    scheduler.start()
    yield scheduler
    if scheduler.running:
        scheduler.shutdown(wait=False)


@pytest.fixture
def db(tmp_path: Path) -> Any:
    """A job store in an SQLite file."""
    return sqlite_store(tmp_path / "jobs.sqlite")


@pytest.fixture
def gets(request: pytest.FixtureRequest) -> Iterator[Gets]:
    """Wait for a job and compare what its caller gets; the second argument is what the docs say."""
    sim = request.getfixturevalue("sim") if "sim" in request.fixturenames else None

    def gets(future: JobFuture, expected: str) -> None:
        compared.append(expected)
        assert told(future, sim and (lambda: sim.clock.elapsed)) == expected

    compared: list[str] = []
    yield gets
    assert compared, "gets() was never called: docs/endings.md says what it did not compare."


@pytest.fixture
def refused() -> Iterator[Refused]:
    """Compare what a call raises; the second argument is what the docs say."""

    def refused(call: Callable[[], object], expected: str) -> None:
        compared.append(expected)
        assert refusal(call) == expected

    compared: list[str] = []
    yield refused
    assert compared, "refused() was never called: docs/endings.md says what it did not compare."
