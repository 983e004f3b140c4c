"""A trace as it is shown: one entry for each switch, in words."""

from collections.abc import Iterable
from typing import NamedTuple

from threadsim.reporting.waits import wait_text
from threadsim.runtime.formatting import seconds
from threadsim.runtime.kernel import Kernel
from threadsim.runtime.virtual_thread import TraceRow, VirtualThread


class TraceEntry(NamedTuple):
    """What one virtual thread did between two switches.

    Attributes:
        at: When, in microseconds since the simulation began.
        thread: The thread.
        then: What it waited for afterwards, in words, or that it ended or failed.
        because: Why it went on, in words, where that is told.
    """

    at: int
    thread: VirtualThread
    then: str
    because: str = ""

    @property
    def fails(self) -> bool:
        """Whether it failed."""
        return self.then.startswith("fails with ")

    @property
    def words(self) -> str:
        """What is told of it."""
        because = self.because and f"{self.because} and "
        return f"{self.thread.name} {because}{self.then}"

    def __str__(self) -> str:
        return f"{seconds(self.at)}  {self.thread.name}  {self.then}"


def entries(rows: Iterable[TraceRow]) -> list[TraceEntry]:
    """Return the rows of a kernel's trace in words."""
    return [
        TraceEntry(at, thread, wait_text(thread, doing, site)) for at, thread, doing, site in rows
    ]


def outlook(kernel: Kernel) -> list[str]:
    """Return which thread will wake next by itself, and when; nothing if none will."""
    deadline = kernel.next_deadline()
    if deadline is None:
        return []
    return [f"{seconds(deadline):>10}  {kernel.next_to_wake().name} wakes next"]
