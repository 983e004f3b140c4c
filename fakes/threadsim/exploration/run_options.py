"""What a run of pytest sets for all explorations in it."""

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class RunOptions:
    """What a run of pytest sets.

    Attributes:
        strategy: The strategy that takes the place of the default one and of others; or ``None``.
        schedules: How many schedules run, or at most run; ``None`` leaves that to the strategy.
        own: The names of packages whose code is the user's own, although a copy is installed.
    """

    strategy: Any = None
    schedules: int | None = None
    own: frozenset[str] = frozenset()


runs = [RunOptions()]
"""Those of the runs that have begun, the innermost last."""
