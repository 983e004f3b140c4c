"""What the caller of a group gets of a job, in one line, and when; and the jobs themselves."""

import concurrent.futures
import re
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from apscheduler.executors.pool import ThreadPoolExecutor

from jobs_synchronizer import JobFuture

# Seconds for which a caller waits.
DEADLINE = 30.0
# What a machine with other work may take for what is at once, in real seconds.
AT_ONCE = 5.0

Gets = Callable[[JobFuture, str], None]


def told(future: JobFuture, clock: Callable[[], float] | None) -> str:
    """Wait for a job as a caller does, and say what is known then.

    Args:
        future: The job's future.
        clock: Returns the seconds since the test began; ``None`` takes the real ones of this wait,
            of which few are none.
    """
    began = time.monotonic()
    concurrent.futures.wait([future], timeout=DEADLINE)
    waited = time.monotonic() - began
    seconds = waited if clock is None else clock()
    when = "at once" if clock is None and waited < AT_ONCE else f"after {seconds:g} s"
    if not future.done():
        return f"pending {when}, last seen: {future.last_seen}"
    if future.cancelled():
        return f"cancelled {when}"
    error = future.exception()
    if error is None:
        return f"{future.result()!r} {when}"
    text = str(error).replace(f"(id {future.job_id})", "(id …)")
    return f"{type(error).__name__} {when}: {text}"


class Comparison:
    """What a test compares with what callers get: ``docs/jobgroup/all_endings.md`` says it."""

    def __init__(self) -> None:
        self._compared: list[str] = []

    def add(self, seen: str, expected: str) -> None:
        """Compare one text.

        Raises:
            AssertionError: They differ.
        """
        assert seen == expected, f"{seen!r} is not what the test expects: {expected!r}"
        self._compared.append(seen)

    def end(self) -> list[str]:
        """Return the texts, each once.

        Raises:
            AssertionError: Nothing was compared.
        """
        assert self._compared, "gets() or refused() was asked for, and has compared nothing"
        return list(dict.fromkeys(self._compared))


Refused = Callable[[Callable[[], object], str], None]


def refusal(call: Callable[[], object]) -> str:
    """Return what a call raises, which names a job or its function."""
    with pytest.raises(Exception) as caught:  # noqa: PT011  # The test compares it.
        call()
    text = re.sub(r"\(id \w+\)|(?<=add_job\()[^)]*\)?>?(?=\):)", _shorter, str(caught.value))
    return f"{type(caught.value).__name__}: {text}"


def _shorter(found: re.Match[str]) -> str:
    return "(id …)" if found[0].startswith("(id") else "…"


def work(value: str = "done", seconds: float = 0.5) -> str:
    """Take half a second."""
    time.sleep(seconds)
    return value


def soon(seconds: float = 5) -> dict[str, Any]:
    """Return a date in five seconds, as ``add_job`` takes it."""
    return {"run_date": datetime.now(UTC) + timedelta(seconds=seconds)}


def kill(scheduler: Any) -> None:
    """End a scheduler's thread as an exception in its look at the stores does."""
    scheduler._process_jobs = lambda: vars(scheduler)["a job"]
    scheduler.wakeup()
    scheduler._thread.join()


class Elsewhere(ThreadPoolExecutor):  # type: ignore[misc]  # APScheduler has no types.
    """An executor whose pool is no thread pool, and does nothing."""

    def __init__(self) -> None:
        super().__init__(1)
        self._pool = Keeping(self)
        self.submitted: list[Any] = []
        self.futures: list[concurrent.futures.Future[Any]] = []

    def submit(self, *call: Any) -> Any:
        """Keep a call."""
        self.submitted.append(call)
        self.futures.append(concurrent.futures.Future())
        return self.futures[-1]


class Keeping(concurrent.futures.Executor):
    """A pool that lets its executor keep the calls.

    Args:
        executor: The executor.
    """

    def __init__(self, executor: Elsewhere) -> None:
        self._executor = executor

    def submit(self, *call: Any) -> Any:  # type: ignore[override]  # As APScheduler calls it.
        """Pass a call on."""
        return self._executor.submit(*call)


def sqlite_store(path: Path) -> Any:
    """Make a job store in an SQLite file."""
    # Here, since every test process would take half a second for importing it.
    from apscheduler.jobstores.sqlalchemy import SQLAlchemyJobStore  # noqa: PLC0415
    from sqlalchemy import create_engine  # noqa: PLC0415
    from sqlalchemy.pool import NullPool  # noqa: PLC0415

    return SQLAlchemyJobStore(engine=create_engine(f"sqlite:///{path}", poolclass=NullPool))
