"""The simulation that is open in this process, and what tells its random ids from those of others.

To import this needs no other package.
"""

from itertools import count
from typing import Any

open_simulations: list[Any] = []
"""The simulations whose end has not come yet: one, or none."""


def open_simulation() -> Any:
    """Return the simulation that is open, if there is one."""
    return open_simulations[0] if open_simulations else None


# The id of the running test, "" outside pytest, and the numbers of its blocks.
_blocks: list[Any] = ["", count(1)]


def begin_test(test: str) -> None:
    """Count the blocks of a test anew."""
    _blocks[:] = test, count(1)


def next_seed(start: object) -> str:
    """Return the seed of a block's random ids: the same in every run of a test, and no other's.

    Args:
        start: When the block begins. It counts outside pytest.
    """
    test, numbers = _blocks
    return f"{test or start} {next(numbers)}"
