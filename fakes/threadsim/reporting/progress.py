"""A line on the terminal that says how far a long exploration is, and is gone at its end.

It stands below the line that the cursor is in, which is pytest's: the cursor stays where it is, so
that whoever writes next takes no notice.
"""

import os
import sys
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from types import TracebackType
from typing import Self

# How often, in seconds, a long exploration says how far it is.
EVERY = 1.0

# The last one lets this process write to its terminal: pytest captures what its tests write.
uncaptured: list[Callable[[], AbstractContextManager[object]]] = [nullcontext]

# Make room below, come back, keep the place, erase all behind it, go below; and to the place again.
_BELOW, _BACK = "\x1bD\x1b[A\x1b7\x1b[J\x1b[B\r", "\x1b8"
_ERASE = "\x1b[J"


class Progress:
    """The progress of one exploration: nothing when it is short, or standard error no terminal."""

    def __enter__(self) -> Self:
        """Begin to count seconds."""
        self._began = self._told = time.perf_counter()
        self._shown = False
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Take the line away."""
        if self._shown:
            self._write(lambda _: _ERASE)

    def tell(self, how_far: str) -> None:
        """Show how far it is, now and then.

        Args:
            how_far: In words.
        """
        now = time.perf_counter()
        if now - self._told >= EVERY:
            self._told = now
            line = f"explore: {how_far}, {now - self._began:.0f} s"
            self._write(lambda columns: f"{_BELOW}{line[: columns - 1]}{_BACK}")

    def _write(self, text: Callable[[int], str]) -> None:
        with uncaptured[-1]():
            stream = sys.stderr
            if stream is not None and stream.isatty() and os.environ.get("TERM", "dumb") != "dumb":
                stream.write(text(os.get_terminal_size(stream.fileno()).columns))
                stream.flush()
                self._shown = True
