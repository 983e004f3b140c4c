"""Timed sources: a ``Clock`` that moves stops where one of them is due, and lets it run.

This module needs neither greenlet nor freezegun.
"""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any, Protocol


class TimedSource(Protocol):
    """A source of work that is due at instants, such as a FakeScheduler."""

    def next_due(self) -> datetime | None:
        """Return when it is due next; ``None`` for never."""

    def run_until_idle(self, call: str) -> Any:
        """Run all that is due now, and return an object with the ``errors`` that were raised.

        Args:
            call: The call that lets time pass, for errors.
        """


_lists: list[Callable[[], Sequence[TimedSource]]] = []


def register(active: Callable[[], Sequence[TimedSource]]) -> None:
    """Add sources.

    Args:
        active: Returns those that run now, in the order in which they come at one instant.
    """
    _lists.append(active)


def active_sources() -> list[TimedSource]:
    """Return the sources that run now."""
    return [source for active in _lists for source in active()]
