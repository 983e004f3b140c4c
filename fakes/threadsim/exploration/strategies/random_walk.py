"""Random search: at each step whoever can go on is as likely as any other.

But for a thread that has touched nothing that is modelled, which mostly goes on; orders are not
equally likely.
"""

from dataclasses import dataclass
from random import Random as Generator
from typing import ClassVar

from threadsim.exploration.execution import NOBODY, Execution, Step, SwitchPoints
from threadsim.exploration.options import Options
from threadsim.exploration.strategies.arguments import check_int

# How often a thread is stopped that has touched nothing.
_RARELY = 0.05


class Sample:
    """A strategy that runs as many schedules as it is told to, and knows nothing of others."""

    switch_points: ClassVar[SwitchPoints] = SwitchPoints.ALL
    complete: ClassVar[bool] = False
    max_schedules: ClassVar[None] = None
    max_preemptions: ClassVar[None] = None

    def claim(self, options: Options) -> str:  # noqa: ARG002
        """Return in words what holds when none of them has failed."""
        return f"no failure in what {self} ran; others were not tried"


@dataclass(frozen=True)
class Random(Sample):
    """Run schedules drawn at random. It never claims that it has seen them all.

    Args:
        schedules: How many.
        seed: What they are drawn from: the same seed, the same schedules.

    Raises:
        TypeError: One is no whole number.
        ValueError: No schedule would run.
    """

    schedules: int = 100
    seed: int = 0

    def __post_init__(self) -> None:
        check_int("Random(schedules", self.schedules, 1)
        check_int("Random(seed", self.seed)

    def search(self, steps: int = 1) -> "_Search":  # noqa: ARG002
        """Return a new search; how long the program is does not matter."""
        return _Search(self)


class _Search:
    """One random search; see ``Chooser``."""

    def __init__(self, options: Random) -> None:
        self._left = options.schedules
        self._generator = Generator(options.seed)  # noqa: S311  # Repeatable is what is wanted.

    def choose(self, enabled: tuple[int, ...], current: int, steps: list[Step]) -> int:
        """Return who goes on."""
        nothing = current != NOBODY and not steps[-1].footprint
        if nothing and self._generator.random() > _RARELY:
            # As a thread that has just begun: what another does now could as well have come before,
            # but for data that has no lock.
            return current
        return enabled[0] if len(enabled) == 1 else self._generator.choice(enabled)

    def advance(self, execution: Execution) -> bool:  # noqa: ARG002
        """Return whether there is another schedule to run."""
        self._left -= 1
        return self._left > 0
