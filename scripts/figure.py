"""A measured figure beside what is good enough, and the clock that it is measured by."""

import time
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Figure:
    """One measured figure.

    Args:
        name: What was measured.
        value: The figure.
        unit: Its unit.
        aim: The largest value that is good enough; ``None`` when it is only for comparison.
    """

    name: str
    value: float
    unit: str
    aim: float | None = None

    @property
    def verdict(self) -> str:
        """Whether the aim was met, in words."""
        if self.aim is None:
            return ""
        met = "met" if self.value <= self.aim else "MISSED"
        return f"aim {self.aim:g}: {met}"


class Timer:
    """Real time, also inside a simulation: it keeps the real clock to itself."""

    def __init__(self, clock: Callable[[], float] = time.perf_counter) -> None:
        self._clock = clock

    def __call__(self) -> float:
        """Return real seconds."""
        return self._clock()


now = Timer()
