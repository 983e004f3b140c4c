"""A progress line on the terminal for a long exploration. It is gone at the end.

Without a terminal, as in the log of a CI run, a line is written every ten seconds, and stays.

The line on a terminal stands below that of the cursor, which is pytest's. The cursor returns to its
place, so that pytest goes on there.
"""

import os
import sys
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import Self

# How often a long exploration shows its progress, in seconds: on a terminal, and in a log.
EVERY, EVERY_IN_A_LOG = 1.0, 10.0

# The last one lets this process write to its terminal: pytest captures what its tests write.
uncaptured: list[Callable[[], AbstractContextManager[object]]] = [nullcontext]

# Make room below, come back, keep the place, erase all behind it, go below; and to the place again.
_BELOW, _BACK = "\x1bD\x1b[A\x1b7\x1b[J\x1b[B\r", "\x1b8"
_ERASE = "\x1b[J"


class Progress:
    """The progress of one exploration. A short one shows nothing."""

    def __enter__(self) -> Self:
        """Begin to count seconds."""
        self._began = self._told = time.perf_counter()
        with uncaptured[-1]():
            terminal = sys.stderr is not None and sys.stderr.isatty()
        self._moves = terminal and os.environ.get("TERM", "dumb") != "dumb"
        self._shown = False
        return self

    def __exit__(self, *_: object) -> None:
        """Take the line away."""
        if self._shown:
            _write(_ERASE)

    def tell(self, how_far: str) -> None:
        """Show a text, at most once a second."""
        now = time.perf_counter()
        if now - self._told < (EVERY if self._moves else EVERY_IN_A_LOG):
            return
        self._told = now
        self._shown = self._moves
        line = f"explore: {how_far}, {now - self._began:.0f} s"
        _write(f"{_BELOW}{line[:79]}{_BACK}" if self._moves else f"\n{line}\n")


def say(line: str) -> None:
    """Write a line past pytest's capture."""
    _write(f"\n{line}\n")


def _write(text: str) -> None:
    with uncaptured[-1]():
        if sys.stderr is not None:
            sys.stderr.write(text)
            sys.stderr.flush()
