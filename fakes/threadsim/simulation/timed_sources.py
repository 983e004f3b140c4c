"""What runs as a ``Clock`` moves: the clock stops where a source is due and lets it run.

This module needs neither greenlet nor freezegun.
"""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Protocol


class Outcome(Protocol):
    """How a source's turn went."""

    errors: list[BaseException]
    """What its work raised."""
    broken: bool
    """Whether the source itself failed, so that the clock must stop here."""


class TimedSource(Protocol):
    """Something with work that is due at instants, such as a FakeScheduler."""

    def next_due(self) -> datetime | None:
        """Return when it has to run next; ``None`` if that is never."""
        ...

    def run_until_idle(self, call: str) -> Outcome:
        """Run all that is due now.

        Args:
            call: What lets time pass, for errors.
        """
        ...


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
