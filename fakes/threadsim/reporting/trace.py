"""A trace as reports show it: one entry in words for each switch."""

from collections.abc import Iterable
from typing import NamedTuple

from threadsim.reporting.waits import wait_text
from threadsim.runtime.durations import as_seconds
from threadsim.runtime.virtual_thread import TraceRow, VirtualThread


class TraceEntry(NamedTuple):
    """A thread's run between two switches.

    Attributes:
        at: The instant of its end: seconds since the simulation began, in whole microseconds.
        thread: The thread.
        then: What the thread waits for next, in words, or that it ended or failed.
        because: Why the thread went on, in words, or "".
        place: The program's line at its end, as "file:line"; "" where none was noted.
    """

    at: float
    thread: VirtualThread
    then: str
    because: str = ""
    place: str = ""

    @property
    def is_stopped(self) -> bool:
        """Whether the thread could have gone on, and another one did."""
        return self.then.startswith("is about to ")

    @property
    def fails(self) -> bool:
        """Whether the thread failed."""
        return self.then.startswith("fails with ")

    @property
    def ends(self) -> bool:
        """Whether the thread ended or failed."""
        return self.fails or self.then.startswith(("ends", "ended: "))

    @property
    def words(self) -> str:
        """The entry as a sentence."""
        because = self.because and f"{self.because} and "
        return f"{self.thread.name} {because}{self.then}"

    def __str__(self) -> str:
        return f"{self.at:.6f}  {self.thread.name}  {self.then}"


def entries(rows: Iterable[TraceRow]) -> list[TraceEntry]:
    """Return the rows of a kernel's trace in words."""
    return [
        TraceEntry(as_seconds(at), thread, wait_text(thread, doing, site))
        for at, thread, doing, site in rows
    ]
