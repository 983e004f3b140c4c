"""The progress of a long exploration: a line on standard error every ten seconds."""

import sys
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext

# How often a long exploration shows its progress, in seconds.
EVERY = 10.0

# The last one lets this process write to its terminal: pytest captures what its tests write.
uncaptured: list[Callable[[], AbstractContextManager[object]]] = [nullcontext]


class Progress:
    """The progress of one exploration. A short one shows nothing."""

    def __init__(self) -> None:
        self._began = self._told = time.perf_counter()

    def tell(self, how_far: str) -> None:
        """Show a text, unless another one was shown within ten seconds."""
        now = time.perf_counter()
        if now - self._told >= EVERY:
            self._told = now
            say(f"explore: {how_far}, {now - self._began:.0f} s")


def say(line: str) -> None:
    """Write a line past pytest's capture."""
    with uncaptured[-1]():
        print(f"\n{line}", file=sys.stderr, flush=True)  # noqa: T201
