"""Iterative preemption bounding: shallow bugs first, and a claim for what the budget covers.

Two searches take turns. One runs every order with 0 preemptions, then with 1, 2 and so on: most
bugs need two at most. The other has no bound and its full reduction; of a small program it needs
far fewer schedules, and where it comes to its end the program is complete.

Source: Musuvathi and Qadeer, Iterative Context Bounding for Systematic Testing of Multithreaded
Programs, PLDI 2007.
"""

from dataclasses import dataclass

from threadsim.exploration.execution import Execution, Step, SwitchPoints
from threadsim.exploration.strategies.arguments import check_int
from threadsim.exploration.strategies.exhaustive import Exhaustive
from threadsim.exploration.strategies.strategy import Search, Strategy

# The search without a bound goes first for so many schedules: most programs are complete then.
_FIRST = 100


@dataclass(frozen=True)
class IterativeBound(Strategy):
    """Run all schedules with 0 preemptions, then with 1, 2, …, as far as the budget goes.

    A preemption is a switch from a thread that could have continued.

    Args:
        max_schedules: How many schedules may run.
        max_steps: How many steps they may have in all.

    Raises:
        TypeError: An argument is no int.
        ValueError: An argument is less than 1.
    """

    max_schedules: int = 10_000
    max_steps: int = 500_000

    def __post_init__(self) -> None:
        check_int("IterativeBound(max_schedules", self.max_schedules, 1)
        check_int("IterativeBound(max_steps", self.max_steps, 1)

    def search(self, steps: int = 1) -> "_Search":  # noqa: ARG002
        """Return a new search; how long the program is does not matter."""
        return _Search(self)


class _Search(Search):
    """One search by bounds; see ``Search``."""

    def __init__(self, options: IterativeBound) -> None:
        self._options = options
        self._unbounded: Search = Exhaustive().search()
        self._bounded: Search = Exhaustive(0).search()
        self._current: Search = self._unbounded
        self._ended: Search = self._unbounded
        self.switch_points = self._current.switch_points
        self._runs = self._steps = self._ahead = 0

    def choose(self, enabled: tuple[int, ...], current: int, steps: list[Step]) -> int:
        """Return the next thread; see ``Chooser``."""
        return self._current.choose(enabled, current, steps)

    def add_points(self, points: SwitchPoints) -> None:
        """Let both searches begin again, with more points."""
        for search in (self._unbounded, self._bounded):
            search.add_points(points)
        self.switch_points = self._current.switch_points

    def advance(self, execution: Execution) -> bool:
        """Learn from the schedule that has run, and choose the search whose turn it is."""
        steps = len(execution.steps)
        self._runs += 1
        self._steps += steps
        # How many steps the search without a bound is ahead of the other one.
        self._ahead += steps if self._current is self._unbounded else -steps
        if not self._current.advance(execution):
            self._ended, self.complete = self._current, True
            self.schedules, self.within = self._ended.schedules, self._ended.within
            if self.within is None:
                return False
            self._bounded = Exhaustive(self.within + 1).search()
        for search in (self._unbounded, self._bounded):
            search.add_points(SwitchPoints(data=execution.needs.data | self.switch_points.data))
        if self._runs >= self._options.max_schedules or self._steps >= self._options.max_steps:
            if not self.complete:
                self.shortfall = (
                    f"{self._options} ended before all orders had run, not even those without a "
                    "preemption. Let fewer threads or jobs run, pass Random(200), or a larger "
                    "budget."
                )
            return False
        first = self._runs < _FIRST or self._ahead <= 0
        self._current = self._unbounded if first else self._bounded
        self.switch_points = self._current.switch_points
        return True

    def claim(self) -> str:
        """Return what the last search that came to its end claims."""
        return self._ended.claim()
