"""A progress line on the terminal for a long exploration. It is gone at the end.

It stands below the line of the cursor, which is pytest's. The cursor returns to its place, so that
pytest goes on there.
"""

import os
import sys
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import Self

# How often a long exploration shows its progress, in seconds.
EVERY = 1.0

# The last one lets this process write to its terminal: pytest captures what its tests write.
uncaptured: list[Callable[[], AbstractContextManager[object]]] = [nullcontext]

# Make room below, come back, keep the place, erase all behind it, go below; and to the place again.
_BELOW, _BACK = "\x1bD\x1b[A\x1b7\x1b[J\x1b[B\r", "\x1b8"
_ERASE = "\x1b[J"


class Progress:
    """The progress of one exploration. A short one, or one without a terminal, shows nothing."""

    def __enter__(self) -> Self:
        """Begin to count seconds."""
        self._began = self._told = time.perf_counter()
        self._shown = False
        return self

    def __exit__(self, *_: object) -> None:
        """Take the line away."""
        if self._shown:
            self._write("", _ERASE, "")

    def tell(self, how_far: str) -> None:
        """Show a text, at most once a second."""
        now = time.perf_counter()
        if now - self._told >= EVERY:
            self._told = now
            self._write(_BELOW, f"explore: {how_far}, {now - self._began:.0f} s", _BACK)

    def _write(self, before: str, line: str, after: str) -> None:
        with uncaptured[-1]():
            stream = sys.stderr
            if stream is not None and stream.isatty() and os.environ.get("TERM", "dumb") != "dumb":
                columns = os.get_terminal_size(stream.fileno()).columns
                stream.write(f"{before}{line[: columns - 1]}{after}")
                stream.flush()
                self._shown = True
