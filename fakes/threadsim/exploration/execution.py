"""The record of one schedule: its steps, and how it ended.

Strategies choose the next schedule from these records alone.
"""

from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable
from dataclasses import dataclass, field
from typing import Any

from threadsim.exploration.dependence import Footprint
from threadsim.reporting.origin import Origin
from threadsim.reporting.trace import TraceEntry, entries
from threadsim.runtime.errors import SimulationError
from threadsim.runtime.virtual_thread import TraceRow, VirtualThread

MAIN = 0
"""The main thread's number among all that can be chosen."""

TIME = 1
"""The number of time. It can be chosen when a thread waits for an instant."""

NOBODY = -1
"""As a step's ``current``: no thread could have gone on, so the switch is no preemption. As a
choice, where threads can go on only by a spurious wake-up: none wakes up."""


@dataclass(frozen=True, slots=True)
class SwitchPoints:
    """Where an exploration can switch threads: before operations that other threads can notice.

    Attributes:
        every: Whether also before each release of a lock, each start and end of a thread, and
            before the program's end ends its pools. An exhaustive search needs these if the program
            peeks at locks and threads, or uses pools late. Otherwise some outcomes need fewer
            preemptions with them.
        data: The kinds of data before whose reads and writes threads are switched, too.
    """

    every: bool = False
    data: frozenset[str] = frozenset()

    def __or__(self, other: "SwitchPoints") -> "SwitchPoints":
        """Return the points of both."""
        return SwitchPoints(self.every or other.every, self.data | other.data)

    def cover(self, other: "SwitchPoints") -> bool:
        """Return whether the other points are among these."""
        return self | other == self


NECESSARY, ALL_POINTS = SwitchPoints(), SwitchPoints(every=True)


class Cut(SimulationError):
    """The rest of this schedule is not wanted; not a failure of the program."""


def is_thread(number: int) -> bool:
    """Return whether a number stands for a thread, and not for time or for a spurious wake-up."""
    return number >= 0 and number != TIME


def woken(number: int) -> int:
    """Return the number of a thread's spurious wake-up, or the thread's number for that one."""
    return -2 - number


@dataclass(slots=True, eq=False)
class SchedulePoint:
    """The operation that a stopped thread is about to begin.

    Attributes:
        operation: Its name ("acquire a Lock").
        blocked: Returns whether it would block; ``None`` if it never does.
        deadline: When it gives up, in nanoseconds; ``None`` for never.
        on: The object, for reports.
        key: The name of an object that another thread may hold for good; ``None`` if there is none.
        mode: How the operation touches that object.
        gives_way: Whether other threads go first by default (``sleep(0)``).
        condition: The Condition that the thread waits on, if it may wake up spuriously.
        woken: Whether it has woken up spuriously.
    """

    operation: str
    blocked: Callable[[], bool] | None = None
    deadline: int | None = None
    on: Any = None
    key: Hashable = None
    mode: int = 0
    gives_way: bool = False
    condition: Any = None
    woken: bool = False

    def is_enabled(self, now: int) -> bool:
        """Return whether it would not block at an instant."""
        free = self.blocked is None or not self.blocked()
        return free or (self.deadline is not None and self.deadline <= now)


@dataclass(slots=True, eq=False)
class Step:
    """One step of a schedule.

    Attributes:
        chosen: The number of the thread that took it.
        enabled: The numbers of all that could be chosen, the default choice first.
        current: The thread that ran before and could have gone on; ``NOBODY`` if none.
        footprint: The objects that it touched, each with how.
        started: The numbers of the threads that it started.
        happens_before: The steps that happened before it, a bit each.
    """

    chosen: int
    enabled: tuple[int, ...]
    current: int
    footprint: Footprint = field(default_factory=dict)
    started: list[int] = field(default_factory=list)
    happens_before: int = 0

    @property
    def preempts(self) -> bool:
        """Whether the running thread could have gone on instead."""
        return self.current not in (NOBODY, self.chosen)


# Returns the number of the next thread. Its arguments are the numbers that can be chosen, the
# default choice first; the thread that ran before and can go on, or ``NOBODY``; and the steps so
# far, complete. It raises a SimulationError where the schedule shall end.
Chooser = Callable[[tuple[int, ...], int, list[Step]], int]


@dataclass(kw_only=True, slots=True, eq=False)
class Execution:
    """One schedule that runs, or has run.

    Attributes:
        steps: Its steps.
        blocked: The threads that could not run at its end, by number, each with its operation.
        errors: Its errors, the main thread's first, the others by the threads' numbers. Two
            schedules may differ only in the order in which their errors came.
        cut: Whether the chooser ended it because the rest is covered elsewhere.
        value: What the program returned.
        switches: Its switches, as the kernel keeps them.
        switch_points: Where it could switch threads.
        needs: Where a search has to switch to find every outcome, as far as this schedule shows.
        numbers: The number of each thread, the same in all schedules.
        races: A sentence for each kind of data that threads accessed in no order.
        origins: The kind of each object, and the file and line that made it, by its name.
        notes: What its failure shows of rows of its trace besides, or instead, by field.
    """

    switch_points: SwitchPoints
    steps: list[Step] = field(default_factory=lambda: [Step(MAIN, (MAIN,), NOBODY)])
    blocked: list[tuple[int, SchedulePoint]] = field(default_factory=list)
    errors: list[BaseException] = field(default_factory=list)
    cut: bool = False
    value: Any = None
    switches: list[TraceRow] = field(default_factory=list)
    needs: SwitchPoints = NECESSARY
    numbers: dict[VirtualThread, int] = field(default_factory=dict)
    races: dict[str, str] = field(default_factory=dict)
    origins: dict[Hashable, Origin] = field(default_factory=dict)
    notes: defaultdict[int, dict[str, str]] = field(default_factory=lambda: defaultdict(dict))

    @property
    def trace(self) -> list[TraceEntry]:
        """Its switches, for the trace diagram."""
        return entries(self.switches)

    @property
    def story(self) -> list[TraceEntry]:
        """Its switches as a failure shows them, up to the last thread that failed.

        Where no thread could go on, the last row of each says what it waits for.
        """
        rows = [
            entry._replace(**self.notes.get(row, {}))  # type: ignore[arg-type]
            for row, entry in enumerate(self.trace)
        ]
        failed = {entry.thread: row for row, entry in enumerate(rows) if entry.fails}
        if failed and not any(isinstance(each, SimulationError) for each in self.errors):
            del rows[max(failed.values()) + 1 :]
        return [each for row, each in enumerate(rows) if row <= failed.get(each.thread, row)]

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
        """Return the names of some numbers, in words."""
        return " or ".join(map(self.names.__getitem__, numbers))
