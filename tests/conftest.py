"""What holds for every test: nothing is left behind, and coverage knows which test ran a line."""

import datetime
import gc
import os
import signal
import threading
import time
from collections.abc import Generator, Iterator

import coverage
import flask
import pytest

pytest_plugins = ["pytester", "path_results"]


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add ``--soundness``."""
    parser.addoption(
        "--soundness",
        action="store_true",
        help="compare explore() with trying every order wherever that ends (takes minutes)",
    )


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave to ``nox -s soundness`` what takes long."""
    whole = config.getoption("--soundness")
    long = {item for item in items if not whole and item.get_closest_marker("soundness")}
    items[:] = [item for item in items if item not in long]
    config.hook.pytest_deselected(items=list(long))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, object, object]:
    """Give coverage the test's id as its context."""
    current = coverage.Coverage.current()
    switch_context = getattr(current, "switch_context", lambda _context: None)
    switch_context(item.nodeid)
    return (yield)


def pytest_collection_finish() -> None:
    """Spare the garbage collector what lives as long as the tests: many of them call it."""
    gc.collect()
    gc.freeze()


@pytest.fixture
def completed() -> list[str]:
    """What ten published tasks report, in order."""
    return [f"Task {i} completed execution" for i in range(10)]


@pytest.fixture(autouse=True, scope="session")
def unmeasured_processes() -> None:
    """Let coverage measure pytest-xdist's workers, but not the processes that tests start."""
    for name in ("COVERAGE_PROCESS_CONFIG", "COVERAGE_PROCESS_START"):
        os.environ.pop(name, None)


@pytest.fixture(autouse=True)
def nothing_left_behind() -> Iterator[None]:
    """Fail a test that leaves a thread, a timer, a swapped name or an application context."""
    threads, names = set(threading.enumerate()), _names()
    yield
    assert [each for each in threading.enumerate() if each not in threads] == []
    assert signal.getitimer(signal.ITIMER_REAL) == (0.0, 0.0)
    assert _names() == names
    assert not flask.has_app_context()


def _names() -> list[object]:
    return [
        datetime.datetime,
        threading.Lock,
        threading.Thread.start,
        threading.get_ident,
        time.monotonic,
        time.sleep,
        time.time,
    ]
