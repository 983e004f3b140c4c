"""A measured figure beside what is good enough."""

from typing import NamedTuple


class Figure(NamedTuple):
    """One measured figure.

    Attributes:
        name: What was measured.
        value: The figure.
        unit: Its unit.
        aim: The largest value that is good enough; ``None`` when it is only for comparison.
    """

    name: str
    value: float
    unit: str = ""
    aim: float | None = None

    def __str__(self) -> str:
        text = f"{self.name:<64}{self.value:>10.2f} {self.unit:<6}"
        if self.aim is not None:
            text += f"aim {self.aim:.4g}: {'met' if self.value <= self.aim else 'MISSED'}"
        return text.rstrip()
