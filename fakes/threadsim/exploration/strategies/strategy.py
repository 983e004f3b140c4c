"""What a strategy of exploration has to implement.

A new strategy is a module in this folder with two classes. One implements ``Strategy``: a frozen
dataclass with the options that a user passes. Its ``search`` returns the other, which implements
``Search``: it chooses the thread of each step, and learns from each execution. Export the first in
``threadsim/__init__.py``.
"""

from typing import Protocol

from threadsim.exploration.execution import Chooser, Execution, SwitchPoints
from threadsim.exploration.options import Options


class Search(Chooser, Protocol):
    """Chooses the threads of one schedule after the other; ``choose`` is that of ``Chooser``."""

    def advance(self, execution: Execution) -> bool:
        """Choose the next schedule from the one that has run; return whether there is one."""


class Strategy(Protocol):
    """Which schedules run: ``Exhaustive``, ``Random`` or ``PCT``."""

    @property
    def switch_points(self) -> SwitchPoints:
        """Where its schedules switch threads, unless one shows that they need all points."""

    @property
    def complete(self) -> bool:
        """Whether every schedule, within the bound if there is one, has run when it ends."""

    @property
    def schedules(self) -> int | None:
        """How many schedules run; ``None`` if that is not known before."""

    @property
    def max_schedules(self) -> int | None:
        """After how many schedules the exploration is incomplete; ``None`` for no limit."""

    @property
    def max_preemptions(self) -> int | None:
        """The largest number of preemptions in a schedule; ``None`` for no bound."""

    def search(self, steps: int) -> Search:
        """Return a new search of a program whose first schedule has so many steps."""

    def claim(self, options: Options) -> str:
        """Return in words what holds if no schedule has failed."""
