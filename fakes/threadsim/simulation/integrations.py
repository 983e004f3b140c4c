"""Integrations: what a library adds to a block, as ``apscheduler_fakes`` does for APScheduler.

A package registers an object with the methods of ``Integration`` in its ``pyproject.toml``::

    [project.entry-points."threadsim.integrations"]
    celery = "celery_fakes:INTEGRATION"

Integrations are loaded once per process, at the first block.
"""

from contextlib import AbstractContextManager
from functools import cache
from importlib.metadata import entry_points
from typing import Any, Protocol

from threadsim.runtime.kernel import Kernel

GROUP = "threadsim.integrations"


class Integration(Protocol):
    """The methods of an integration."""

    def patches(self) -> list[tuple[Any, str, Any]]:
        """Return what to replace inside a block: owner, name and new value."""

    def check_before_time_passes(self, kernel: Kernel, call: str) -> None:
        """Check that ``call`` lets time pass for what should act meanwhile.

        Raises:
            OutsideThread: It is outside the simulation.
        """

    def end_of_block(self) -> None:
        """Put back what the library keeps of a block; each schedule of an exploration is one."""

    def errors_of_a_schedule(self) -> AbstractContextManager[list[BaseException]]:
        """Enclose one schedule. At its end the list holds the errors that were not raised yet."""


@cache
def integrations() -> list[Integration]:
    """Return the integrations of all installed packages."""
    return [each.load() for each in entry_points(group=GROUP)]
