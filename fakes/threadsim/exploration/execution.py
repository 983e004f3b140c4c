"""What is recorded of one schedule of an exploration, step by step, and how it ended.

What is explored next is decided from these records alone.
"""

from collections.abc import Callable, Hashable, Iterable
from dataclasses import dataclass, field
from enum import IntEnum
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from threadsim.reporting.origin import Origin
from threadsim.reporting.trace import TraceEntry, entries
from threadsim.runtime.errors import Deadlock, SimulationError
from threadsim.runtime.virtual_thread import TraceRow, VirtualThread

if TYPE_CHECKING:
    from threadsim.exploration.dependence import Footprint

MAIN = 0
"""The main thread's number among all that can be chosen."""

TIME = 1
"""The number of the time, which can be chosen when somebody waits for an instant."""

NOBODY = -1
"""Stands for the running thread where a switch is no preemption, and can be chosen where only
threads can go on that would have to wake up without a notification: none does."""


class SwitchPoints(IntEnum):
    """Where an exploration can switch threads."""

    NECESSARY = 0
    """Before operations that other threads can notice. An exhaustive search finds every outcome
    with these, as long as the program neither peeks at locks and threads nor uses pools late."""

    ALL = 1
    """Also before each release of a lock, each start and end of a thread, and before the program's
    end ends its pools. Some outcomes need fewer preemptions with these."""


class Cut(SimulationError):
    """The rest of this schedule is not wanted; not a failure of the program."""


def is_thread(number: int) -> bool:
    """Return whether a number stands for a thread: neither for time nor for a wake-up of itself."""
    return number >= 0 and number != TIME


def woken(number: int) -> int:
    """Return the number for a thread's waking up by itself, and the thread's for that."""
    return -2 - number


@dataclass(slots=True, eq=False)
class SchedulePoint:
    """What a stopped thread is about to do.

    Attributes:
        operation: In words ("a Lock").
        blocked: Whether it would block; ``None`` when it never does.
        deadline: When it gives up, in nanoseconds; ``None`` never.
        on: The object, for reports.
        key: The name of the object that others may have taken for good; ``None`` if none can.
        mode: How it will touch that.
        gives_way: Whether others go first by default (``sleep(0)``).
        condition: The Condition that it waits on, if it may wake up without a notification.
        spurious: Whether it did.
    """

    operation: str
    blocked: Callable[[], bool] | None = None
    deadline: int | None = None
    on: object = None
    key: Hashable = None
    mode: int = 0
    gives_way: bool = False
    condition: Any = None
    spurious: bool = False

    def is_enabled(self, now: int) -> bool:
        """Return whether it would not block at an instant."""
        if self.blocked is None or self.spurious or not self.blocked():
            return True
        return self.deadline is not None and self.deadline <= now

    def has_expired(self, now: int) -> bool:
        """Return whether its deadline has come, and it would block otherwise."""
        expired = self.deadline is not None and self.deadline <= now
        return expired and self.blocked is not None and self.blocked()


@dataclass(slots=True, eq=False)
class Step:
    """One step that was taken.

    Attributes:
        chosen: The number of the thread that took it.
        enabled: The numbers of all that could be chosen, the default choice first.
        current: The thread that ran before and could have gone on; ``NOBODY`` if none.
        footprint: What it touched.
        started: The numbers of the threads that it started.
        happens_before: The steps that happened before it, a bit each.
    """

    chosen: int
    enabled: tuple[int, ...]
    current: int
    footprint: "Footprint" = field(default_factory=dict)
    started: list[int] = field(default_factory=list)
    happens_before: int = 0

    @property
    def preempts(self) -> bool:
        """Whether the running thread could have gone on instead."""
        return self.current not in (NOBODY, self.chosen)


class Chooser(Protocol):
    """Decides which thread goes on."""

    def choose(self, enabled: tuple[int, ...], current: int, steps: list[Step]) -> int:
        """Return one of those that can run.

        Args:
            enabled: The numbers of those that can run, the default choice first.
            current: The thread that ran before and can go on; ``NOBODY`` if none.
            steps: The steps so far, complete.

        Raises:
            SimulationError: The schedule shall end here.
        """


@dataclass
class Picture:
    """What is recorded of a schedule that is going to be shown, beside its trace.

    Attributes:
        failures: The entries of threads that failed, by the row of their switch.
        because: Why threads went on where that is told, by the row of their next switch.
        places: Where threads stopped that could go on, by the row of their switch.
        hang: What each thread waited for, in words, when no thread could go on.
    """

    failures: dict[int, TraceEntry] = field(default_factory=dict)
    because: dict[int, str] = field(default_factory=dict)
    places: dict[int, str] = field(default_factory=dict)
    hang: dict[VirtualThread, str] = field(default_factory=dict)


class Execution(NamedTuple):
    """One schedule that has run.

    Attributes:
        steps: Its steps.
        blocked: Who could not run at its end, by number, and what each was about to do.
        errors: What it failed with, the main thread's first and then by the threads' numbers: which
            of them came first may be the only thing in which two schedules differ.
        cut: Whether the chooser ended it because the rest is covered elsewhere.
        value: What the program returned.
        switches: Its switches, as the kernel keeps them.
        switch_points: Where it could switch threads.
        needs: Where a search has to switch to find every outcome, as far as this schedule shows.
        numbers: The number of each thread, the same in all schedules.
        origins: The kind of each object, and the file and line that made it, by its name.
        picture: What only a shown schedule records.
        caveat: What to know about its failure, because of what earlier schedules have left.
    """

    steps: list[Step]
    blocked: list[tuple[int, SchedulePoint]]
    errors: list[BaseException]
    cut: bool
    value: Any
    switches: list[TraceRow]
    switch_points: SwitchPoints
    needs: SwitchPoints
    numbers: dict[VirtualThread, int]
    origins: dict[Hashable, Origin]
    picture: Picture
    caveat: str

    @property
    def error(self) -> BaseException | None:
        """What it failed with, the first of several; ``None`` when it did not."""
        return self.errors[0] if self.errors else None

    @property
    def trace(self) -> list[TraceEntry]:
        """Its switches, for the lane diagram."""
        return entries(self.switches)

    @property
    def story(self) -> list[TraceEntry]:
        """Its switches as a failure shows them, up to the last thread that failed.

        Where no thread could go on, the last row of each says what it waits for.
        """
        picture, rows = self.picture, self.trace
        for row, entry in enumerate(rows):
            rows[row] = entry._replace(
                then=entry.then + picture.places.get(row, ""), because=picture.because.get(row, "")
            )
        for row, entry in picture.failures.items() if rows else ():
            rows[row : row + 1] = [entry._replace(because=picture.because.get(row, ""))]
        if picture.failures and not any(isinstance(each, SimulationError) for each in self.errors):
            del rows[max(picture.failures) + 1 :]
        if any(isinstance(each, Deadlock) for each in self.errors):
            for thread, row in {entry.thread: row for row, entry in enumerate(rows)}.items():
                if words := picture.hang.get(thread):
                    then = words.replace("waits ", "waits for ever ", 1)
                    rows[row] = rows[row]._replace(then=then)
        return rows

    @property
    def preemptions(self) -> int:
        """How often a thread was stopped that could have gone on."""
        return sum(step.preempts for step in self.steps)

    @property
    def names(self) -> dict[Hashable, str]:
        """The names of all that could be chosen, by their numbers."""
        names: dict[Hashable, str] = {NOBODY: "nobody", TIME: "time"}
        for thread, number in self.numbers.items():
            names[number] = thread.name
            names[woken(number)] = f"{thread.name} (woken by itself)"
        return names

    def names_of(self, numbers: Iterable[int]) -> str:
        """Return those that could be chosen, in words."""
        return " or ".join(map(self.names.__getitem__, numbers))
