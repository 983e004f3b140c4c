"""The pytest plugin: what nobody looked at fails the test.

Importing it imports pytest only, so that a missing package of the fakes stops no test run.
"""

import sys
import traceback
from collections.abc import Generator
from typing import Any

import pytest


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup() -> None:
    """Forget the FakeSchedulers of earlier tests."""
    _owed()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, Any, Any]:
    """Fail a test whose FakeSchedulers have faults that never fired, or errors nobody saw.

    A test that fails by itself keeps its own failure; the rest stands in a section below it.
    """
    try:
        result = yield
    except BaseException:
        if report := _report(_owed()):
            item.add_report_section("call", "FakeScheduler", report)
        raise
    if report := _report(_owed()):
        pytest.fail(report, pytrace=False)
    return result


def _owed() -> list[BaseException]:
    scheduler = sys.modules.get("apscheduler_fakes.scheduler")
    ledgers = scheduler.unchecked if scheduler else []
    owed = [error for ledger in ledgers for error in ledger.settle()]
    ledgers.clear()
    return owed


def _report(owed: list[BaseException]) -> str:
    texts = ["".join(traceback.format_exception(error)) for error in owed]
    return "\n".join(["FakeScheduler: nobody saw this.", *texts]) if texts else ""
