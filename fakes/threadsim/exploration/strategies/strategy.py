"""What a strategy of exploration has to implement.

A new strategy is a module in this folder with two classes. One is a ``Strategy``: a frozen
dataclass with the options that a user passes. Its ``search`` returns the other, a ``Search``, with
two methods: ``choose`` (a ``Chooser`` of ``execution.py``) chooses the thread of each step, and
``advance`` learns from each execution. ``search`` is called again where a schedule shows that the
program needs more switch points. ``threadsim/__init__.py`` exports the first class.
"""

from abc import ABC, abstractmethod

from threadsim.exploration.execution import Execution, Step, SwitchPoints
from threadsim.exploration.options import Options


class Search(ABC):
    """Chooses the threads of one schedule after the other."""

    @abstractmethod
    def choose(self, enabled: tuple[int, ...], current: int, steps: list[Step]) -> int:
        """Return the next thread; see ``Chooser``."""

    def advance(self, execution: Execution) -> bool:  # noqa: ARG002
        """Learn from the schedule that has run; return whether there is another one."""
        return True


class Strategy(ABC):
    """Which schedules run.

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
