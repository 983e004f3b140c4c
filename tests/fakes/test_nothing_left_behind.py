"""The check around every test of this project sees what a test leaves behind."""

from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

TEST = """
import signal
import threading
import time

import flask
import pytest

stop = threading.Event()
thread = threading.Thread(target=stop.wait)
context = flask.Flask("left").app_context()
sleep = time.sleep


@pytest.fixture(autouse=True, scope="module")
def tidy():
    # It ends after the check, which is there for each function.
    yield
    stop.set()
    if thread.is_alive():
        thread.join()
    signal.setitimer(signal.ITIMER_REAL, 0)
    time.sleep = sleep
    if flask.has_app_context():
        context.pop()


def test_it():
    {leave}
"""


@pytest.fixture
def check(request: pytest.FixtureRequest) -> ModuleType:
    """Return a plugin that has the check of ``tests/conftest.py``, and nothing else of it."""
    conftest: Any = request.config.pluginmanager.get_plugin(
        str(Path(__file__).parents[1] / "conftest.py")
    )
    plugin: Any = ModuleType("check")
    plugin.nothing_left_behind = conftest.nothing_left_behind
    return plugin  # type: ignore[no-any-return]


def run(pytester: pytest.Pytester, check: ModuleType, leave: str) -> pytest.RunResult:
    """Run a test that leaves something, with the check around it."""
    pytester.makepyfile(TEST.format(leave=leave))
    return pytester.runpytest_inprocess("-p", "no:cacheprovider", plugins=[check])


def test_a_test_that_leaves_nothing_passes(pytester: pytest.Pytester, check: ModuleType) -> None:
    """What it has put back is not left."""
    leave = "thread.start(), stop.set(), thread.join()"
    run(pytester, check, leave).assert_outcomes(passed=1)


@pytest.mark.parametrize(
    ("leave", "failed"),
    [
        ("thread.start()", "[[]each for each in threading.enumerate() * == [[]]"),
        ("signal.setitimer(signal.ITIMER_REAL, 1000)", "signal.getitimer(*) == (0.0, 0.0)"),
        ("time.sleep = print", "_names() == names"),
        ("context.push()", "not flask.has_app_context()"),
    ],
    ids=["a thread", "a timer", "a swapped name", "an application context"],
)
def test_a_test_that_leaves_something_fails(
    pytester: pytest.Pytester, check: ModuleType, leave: str, failed: str
) -> None:
    """It is an error after the test, at the assert that is about it."""
    result = run(pytester, check, leave)

    result.assert_outcomes(passed=1, errors=1)
    result.stdout.fnmatch_lines([f">*assert {failed}"])
