"""A measured figure beside what is good enough, the clock it is measured by, and the report."""

import json
import platform
import time
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from pathlib import Path


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


def report(measurements: Iterable[Callable[[], list[Figure]]], path: Path) -> None:
    """Measure, print each figure as soon as it is there, and write all of them.

    Args:
        measurements: What measures, in this order.
        path: The JSON file.
    """
    figures = []
    for measure in measurements:
        for figure in measure():
            figures.append(figure)
            print(
                f"{figure.name:<52} {figure.value:>9.2f} {figure.unit:<5} {figure.verdict}",
                flush=True,
            )
    path.parent.mkdir(parents=True, exist_ok=True)
    written = {
        "python": platform.python_version(),
        "machine": platform.machine(),
        "figures": [asdict(figure) for figure in figures],
    }
    path.write_text(json.dumps(written, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
