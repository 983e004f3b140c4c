"""What a strategy of exploration has to implement.

A new strategy is a module in this folder with two classes. One is a ``Strategy``: a frozen
dataclass with the options that a user passes. Its ``search`` returns the other, a ``Search``: it
chooses the thread of each step, and learns from each execution. Export the first in
``threadsim/__init__.py``.
"""

from abc import ABC, abstractmethod
from typing import Protocol

from threadsim.exploration.execution import Chooser, Execution, SwitchPoints
from threadsim.exploration.options import Options


class Search(Chooser, Protocol):
    """Chooses the threads of one schedule after the other; ``choose`` is that of ``Chooser``."""

    def advance(self, execution: Execution) -> bool:
        """Choose the next schedule from the one that has run; return whether there is one."""


class Strategy(ABC):
    """Which schedules run: ``Exhaustive``, ``Random`` or ``PCT``.

    Attributes:
        schedules: How many schedules run; ``None`` for all.
        max_schedules: After how many schedules the exploration is incomplete; ``None`` for no
            limit.
    """

    schedules: int | None = None
    max_schedules: int | None = None

    @property
    def switch_points(self) -> SwitchPoints:
        """Where its schedules switch threads, unless one shows that they need all points."""
        return SwitchPoints.ALL

    @abstractmethod
    def search(self, steps: int = 1) -> Search:
        """Return a new search of a program whose first schedule has so many steps."""

    def claim(self, options: Options) -> str:  # noqa: ARG002
        """Return in words what holds if no schedule has failed."""
        return f"no failure in what {self} ran; others were not tried"
