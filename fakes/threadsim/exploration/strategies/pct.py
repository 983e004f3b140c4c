"""Probabilistic concurrency testing: few preemptions, at random places.

Each thread has a random priority, and the thread with the highest one runs. At ``depth - 1`` random
steps the running thread gets the lowest priority. Each schedule finds a bug that needs ``depth``
events in one order with a probability of at least 1/(n·k^(depth-1)), for n threads and k steps. k
is the length of the longest schedule so far, the warm-up included.

Source: Burckhardt, Kothari, Musuvathi and Nagarakatte, A Randomized Scheduler with Probabilistic
Guarantees of Finding Bugs, ASPLOS 2010.
"""

from dataclasses import dataclass
from random import Random as Generator

from threadsim.exploration.execution import NOBODY, Execution, Step
from threadsim.exploration.strategies.arguments import check_int
from threadsim.exploration.strategies.strategy import Sampling, Strategy


@dataclass(frozen=True)
class PCT(Strategy):
    """Run schedules with random priorities. It never claims that all schedules have run.

    Args:
        depth: How many events have to come in one order to show the bugs that it looks for.
        schedules: How many schedules run.
        seed: The seed of the random numbers. The same seed gives the same schedules.

    Raises:
        TypeError: An argument is no int.
        ValueError: ``depth`` or ``schedules`` is less than 1.
    """

    depth: int = 3
    schedules: int = 100
    seed: int = 0

    def __post_init__(self) -> None:
        check_int("PCT(depth", self.depth, 1)
        check_int("PCT(schedules", self.schedules, 1)
        check_int("PCT(seed", self.seed)

    def search(self, steps: int = 1) -> "_Search":
        """Return a new search of a program whose first schedule has so many steps."""
        return _Search(self, steps)


class _Search(Sampling):
    """One search by priorities; see ``Search``."""

    def __init__(self, options: PCT, steps: int) -> None:
        super().__init__(options, options.schedules)
        self._options = options
        self._generator = Generator(options.seed)  # noqa: S311  # It has to be repeatable.
        self._length = steps
        self._priorities: dict[int, float] = {}
        self._changes: set[int] = set()
        self._lowest = 0.0

    def choose(self, enabled: tuple[int, ...], current: int, steps: list[Step]) -> int:
        """Return the next thread."""
        if len(steps) == 1:
            self._priorities.clear()
            self._lowest = 0.0
            places = range(1, self._length + 1)
            number = min(self._options.depth - 1, self._length)
            self._changes = set(self._generator.sample(places, number))
        for each in enabled:
            if each not in self._priorities:
                self._priorities[each] = self._generator.random()
        if len(steps) in self._changes or (current == NOBODY and steps[-1].chosen in enabled):
            # The thread is at a change point, or gave way.
            self._lowest -= 1.0
            self._priorities[steps[-1].chosen] = self._lowest
        return max(enabled, key=self._priorities.__getitem__)

    def advance(self, execution: Execution) -> bool:
        """Learn how long schedules are."""
        self._length = max(self._length, len(execution.steps))
        return super().advance(execution)
