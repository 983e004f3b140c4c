"""The pytest plugin of FakeScheduler: its fixture, and tests fail for what nobody looked at.

Importing it needs pytest only, so that a missing package of the fakes stops no test run.
"""

import traceback
from collections.abc import Generator
from typing import Any

import pytest

from apscheduler_fakes import unchecked


def pytest_configure() -> None:
    """Check from now on what FakeSchedulers owe."""
    unchecked.collect()


@pytest.fixture
def fake_scheduler() -> Any:
    """Return a new ``FakeScheduler``, for ``APScheduler(scheduler=fake_scheduler)``."""
    from apscheduler_fakes import FakeScheduler  # noqa: PLC0415  # Imports APScheduler.

    return FakeScheduler()


def pytest_runtest_setup() -> None:
    """Forget the FakeSchedulers of earlier tests."""
    unchecked.settle()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, Any, Any]:
    """Fail a test whose FakeSchedulers have faults that never fired, or errors nobody saw.

    A test that fails by itself keeps its own failure; the rest stands in a section below it.
    """
    __tracebackhide__ = True
    try:
        result = yield
    except BaseException:
        _describe_schedulers(item)
        raise
    if getattr(item, "_excinfo", None):  # A method of a TestCase has failed.
        _describe_schedulers(item)
    elif report := _report(unchecked.settle()):
        pytest.fail(report, pytrace=False)
    return result


def _describe_schedulers(item: pytest.Item) -> None:
    """Add to a test that failed by itself what its FakeSchedulers owe."""
    if report := _report(unchecked.settle()):
        item.add_report_section("call", "FakeScheduler", report)


def _report(owed: list[BaseException]) -> str:
    """Return what is owed in words, the first of it in the first line; "" if nothing is."""
    if not owed:
        return ""
    from apscheduler_fakes.faults import FaultNeverFired  # noqa: PLC0415  # Imports APScheduler.

    faults = [error for error in owed if isinstance(error, FaultNeverFired)]
    errors = [error for error in owed if not isinstance(error, FaultNeverFired)]
    lines = [*map(str, faults), *(f"nobody saw {type(each).__name__}: {each}" for each in errors)]
    lines[0] = f"FakeScheduler: {lines[0]}"
    if errors:
        lines.append(
            "(A job that is meant to fail: FakeScheduler(raise_job_errors=False), or in the test "
            "pytest.raises around scheduler.check().)"
        )
    return "\n".join([*lines, *("".join(traceback.format_exception(each)) for each in errors)])
