"""The pytest plugin of FakeScheduler: the fixture ``fake_scheduler``, and a check after each test.

Importing it needs pytest only, so that a missing package of the fakes stops no test run.
"""

import traceback
from collections.abc import Generator, Iterator
from typing import Any

import pytest

from apscheduler_fakes import ledger


def pytest_configure() -> None:
    """Check FakeSchedulers from now on."""
    ledger.collecting = True


@pytest.fixture
def fake_scheduler() -> Iterator[Any]:
    """Make a ``FakeScheduler``, for ``APScheduler(scheduler=fake_scheduler)``.

    ``fake_scheduler.replace(tasks.scheduler)`` puts it in the place of a module's scheduler for the
    test.
    """
    from apscheduler_fakes import FakeScheduler  # noqa: PLC0415  # Imports APScheduler.

    fake = FakeScheduler()
    yield fake
    fake.put_back()


def pytest_runtest_setup() -> None:
    """Forget the FakeSchedulers of earlier tests."""
    ledger.settle()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, Any, Any]:
    """Fail a test for a fault that never fired, or for a job's error that reached no caller.

    A test that fails by itself keeps its own failure. The report stands in a section below it.
    """
    __tracebackhide__ = True
    failed = True
    try:
        result = yield
        failed = bool(getattr(item, "_excinfo", None))  # A method of a TestCase has failed.
    finally:
        report = "\n".join(map(_text, ledger.settle()))
        if report and failed:
            item.add_report_section("call", "FakeScheduler", report)
    if report and not failed:
        pytest.fail(f"FakeScheduler: {report}", pytrace=False)
    return result


def _text(error: BaseException) -> str:
    if isinstance(error, ledger.FaultNeverFired):
        return str(error)
    return (
        f"nobody saw {type(error).__name__}: {error}\n(A job that is meant to fail: "
        "FakeScheduler(raise_job_errors=False), or in the test pytest.raises around "
        f"scheduler.check().)\n{''.join(traceback.format_exception(error))}"
    )
