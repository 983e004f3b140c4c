"""A FakeScheduler whose time stands still."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from freezegun import freeze_time

from apscheduler_fakes import FakeScheduler

NEW_YEAR = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.fixture
def frozen() -> Iterator[Any]:
    """Time that stands still at the new year of 2026."""
    with freeze_time(NEW_YEAR) as time:
        yield time


@pytest.fixture
def scheduler(frozen: Any) -> FakeScheduler:
    """Make a started FakeScheduler."""
    fake = FakeScheduler(timezone="UTC")
    fake.start()
    return fake
