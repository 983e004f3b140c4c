"""Random search: each thread that can run is as likely as any other to take the next step.

A thread whose last step touched no object mostly goes on. Not all orders are equally likely.
"""

from dataclasses import dataclass
from random import Random as Generator

from threadsim.exploration.execution import NOBODY, Step
from threadsim.exploration.strategies.arguments import check_int
from threadsim.exploration.strategies.strategy import Sampling, Strategy

# How often a thread is stopped after a step that touched no object.
_RARELY = 0.05


@dataclass(frozen=True)
class Random(Strategy):
    """Run random schedules. It never claims that all schedules have run.

    Args:
        schedules: How many schedules run.
        seed: The seed of the random numbers. The same seed gives the same schedules.

    Raises:
        TypeError: An argument is no int.
        ValueError: ``schedules`` is less than 1.
    """

    schedules: int = 100
    seed: int = 0

    def __post_init__(self) -> None:
        check_int("Random(schedules", self.schedules, 1)
        check_int("Random(seed", self.seed)

    def search(self, steps: int = 1) -> "_Search":  # noqa: ARG002
        """Return a new search."""
        return _Search(self)


class _Search(Sampling):
    """One random search; see ``Search``."""

    def __init__(self, options: Random) -> None:
        super().__init__(options, options.schedules)
        self._generator = Generator(options.seed)  # noqa: S311  # It has to be repeatable.

    def choose(self, enabled: tuple[int, ...], current: int, steps: list[Step]) -> int:
        """Return the next thread."""
        touched_nothing = current != NOBODY and not steps[-1].footprint
        if touched_nothing and self._generator.random() > _RARELY:
            # A step of another thread now has the effect that it would have had before this one.
            return current
        return enabled[0] if len(enabled) == 1 else self._generator.choice(enabled)
