"""The check around every test of this project sees what a test leaves behind."""

from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

TIDY = """
import signal
import threading
import time

import pytest

sleep = time.sleep


@pytest.hookimpl(wrapper=True)
def pytest_runtest_teardown(item):
    try:
        return (yield)
    finally:  # After the check, which has seen it by then.
        item.module.stop.set()
        for thread in threading.enumerate():
            if thread.name.endswith("(wait)"):
                thread.join()
        signal.setitimer(signal.ITIMER_REAL, 0)
        time.sleep = sleep
        item.module.leave_no_context()
"""

TESTS = """
import signal
import threading
import time

import flask

stop = threading.Event()
context = flask.Flask("left").app_context()


def leave_no_context():
    if flask.has_app_context():
        context.pop()


def test_that_leaves_nothing():
    thread = threading.Thread(target=stop.wait)
    thread.start(), stop.set(), thread.join(), stop.clear()


def test_that_leaves_a_timer():
    signal.setitimer(signal.ITIMER_REAL, 1000)


def test_that_leaves_a_swapped_name():
    time.sleep = print


def test_that_leaves_an_application_context():
    context.push()


def test_that_leaves_a_thread():
    stop.clear()
    threading.Thread(target=stop.wait).start()
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


def test_a_test_that_leaves_something_fails(pytester: pytest.Pytester, check: ModuleType) -> None:
    """It is an error after the test, at the assert that is about it; who leaves nothing passes."""
    pytester.makeconftest(TIDY)
    pytester.makepyfile(TESTS)
    result = pytester.runpytest_inprocess("-p", "no:cacheprovider", plugins=[check])

    result.assert_outcomes(passed=5, errors=4)
    result.stdout.fnmatch_lines(
        [
            "*ERROR at teardown of test_that_leaves_a_timer*",
            ">*assert signal.getitimer(*) == (0.0, 0.0)",
            "*ERROR at teardown of test_that_leaves_a_swapped_name*",
            ">*assert _names() == names",
            "*ERROR at teardown of test_that_leaves_an_application_context*",
            ">*assert not flask.has_app_context()",
            "*ERROR at teardown of test_that_leaves_a_thread*",
            ">*assert [[]each for each in threading.enumerate() * == [[]]",
        ]
    )
