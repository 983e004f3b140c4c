"""What a strategy of exploration has to implement.

A new strategy is a module in this folder with two classes. One is a ``Strategy``: a frozen
dataclass with the options that a user passes. Its ``search`` returns the other, a ``Search``, with
three methods: ``choose`` (a ``Chooser`` of ``execution.py``) chooses the thread of each step,
``advance`` learns from each execution and chooses the next schedule, and ``claim`` says what a pass
means. A search keeps its attributes up to date; one that only samples derives from ``Sampling``.

Each option has a default. The number of schedules is called ``schedules``, or ``max_schedules`` if
it is a limit: pytest's options set these. ``threadsim/__init__.py`` exports the first class.
"""

from abc import ABC, abstractmethod

from threadsim.exploration.execution import ALL_POINTS, Execution, Step, SwitchPoints


class Search(ABC):
    """Chooses the threads of one schedule after the other.

    Attributes:
        switch_points: Where its next schedule switches threads.
        schedules: How many distinct orders it has run.
        complete: Whether it has covered every order, or every order within a bound.
        within: That bound: the largest number of preemptions. ``None`` if there is none.
        shortfall: Why it ended without a claim; "" if it has one.
    """

    switch_points = ALL_POINTS
    schedules = 0
    complete = False
    within: int | None = None
    shortfall = ""

    @abstractmethod
    def choose(self, enabled: tuple[int, ...], current: int, steps: list[Step]) -> int:
        """Return the next thread; see ``Chooser``."""

    def add_points(self, points: SwitchPoints) -> None:
        """Switch threads at more points from now on."""
        self.switch_points |= points

    @abstractmethod
    def advance(self, execution: Execution) -> bool:
        """Learn from the schedule that has run, choose the next; return whether there is one."""

    @abstractmethod
    def claim(self) -> str:
        """Return in words what holds if no schedule has failed."""


class Sampling(Search):
    """A search that runs so many schedules, and claims nothing of others.

    Args:
        strategy: What it samples by.
        number: How many schedules it runs.
    """

    def __init__(self, strategy: "Strategy", number: int) -> None:
        self._strategy = strategy
        self._number = number

    def advance(self, execution: Execution) -> bool:
        """Count the schedule."""
        self.add_points(SwitchPoints(data=execution.needs.data))
        self.schedules += 1
        return self.schedules < self._number

    def claim(self) -> str:
        """Return that nothing is claimed of others."""
        return f"no failure in what {self._strategy} ran; others were not tried"


class Strategy(ABC):
    """Which schedules run.

    Attributes:
        schedules: How many schedules run; ``None`` for as many as it takes.
    """

    schedules: int | None = None

    @abstractmethod
    def search(self, steps: int = 1) -> Search:
        """Return a new search of a program whose first schedule has so many steps."""
