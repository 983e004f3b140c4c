"""The simulation that is open in this process. To import this needs no other package."""

from typing import Any

open_simulations: list[Any] = []
"""The simulations whose end has not come yet: one, or none."""


def open_simulation() -> Any:
    """Return the simulation that is open, if there is one."""
    return open_simulations[0] if open_simulations else None
