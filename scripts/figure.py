"""A measured figure beside what is good enough, the clock it is measured by, and the report."""

import json
import platform
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from math import hypot
from pathlib import Path

import freezegun.api


@dataclass(frozen=True)
class Figure:
    """One measured figure.

    Args:
        name: What was measured.
        value: The figure.
        unit: Its unit.
        aim: The largest value that is good enough; ``None`` when it is only for comparison.
        error: The standard error, where it is the mean of a sample.
        aim_error: The same of the aim.
    """

    name: str
    value: float
    unit: str
    aim: float | None = None
    error: float = 0.0
    aim_error: float = 0.0

    @property
    def verdict(self) -> str:
        """Whether the aim was met, in words."""
        if self.aim is None:
            return ""
        if self.value <= self.aim:
            return f"aim {self.aim:g}: met"
        error = hypot(self.error, self.aim_error)
        # Less than two may well be chance.
        by = f" by {(self.value - self.aim) / error:.1f} standard errors" if error else ""
        return f"aim {self.aim:g}: MISSED{by}"


def now() -> float:
    """Return real seconds, also inside a simulation, where freezegun's names keep real time."""
    return float(freezegun.api.real_perf_counter())


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
            error = f"± {figure.error:.2f}" if figure.error else ""
            print(
                f"{figure.name:<52} {figure.value:>9.2f} {error:<7}{figure.unit:<5} "
                f"{figure.verdict}",
                flush=True,
            )
    path.parent.mkdir(parents=True, exist_ok=True)
    written = {
        "python": platform.python_version(),
        "machine": platform.machine(),
        "figures": [asdict(figure) for figure in figures],
    }
    path.write_text(json.dumps(written, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
