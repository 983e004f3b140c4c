"""Exhaustive search: every order that matters, each once.

With reduction, of all schedules that differ only in the order of steps that commute one is run:
dynamic partial-order reduction with source sets and sleep sets.

Sources: Flanagan and Godefroid, Dynamic Partial-Order Reduction for Model Checking Software, POPL
2005; Abdulla, Aronsson, Jonsson and Sagonas, Optimal Dynamic Partial Order Reduction, POPL 2014
(source sets: which thread has to come first); Godefroid, Partial-Order Methods for the Verification
of Concurrent Systems, 1996 (sleep sets); Coons, Musuvathi and McKinley, Bounded Partial-Order
Reduction, OOPSLA 2013 (the additional backtrack points under a preemption bound, where sleep sets
would lose outcomes).
"""

from bisect import bisect_left
from collections.abc import Hashable
from dataclasses import dataclass
from typing import ClassVar, NamedTuple

from threadsim.exploration.dependence import ALL, EXIT, Footprint, conflict, modes_conflict
from threadsim.exploration.execution import (
    MAIN,
    NOBODY,
    Cut,
    Execution,
    Step,
    SwitchPoints,
    is_thread,
    woken,
)
from threadsim.exploration.options import Options
from threadsim.exploration.schedule_string import ScheduleDiverged
from threadsim.exploration.strategies.arguments import check_bool, check_int
from threadsim.runtime.formatting import counted
from threadsim.runtime.hooks import RELEASE, WAITED, WRITE


@dataclass(frozen=True)
class Exhaustive:
    """Run every schedule.

    Args:
        max_preemptions: Leave out schedules that take the processor from a thread that could go on
            more often than this; ``None`` leaves out none.
        max_schedules: Give up after this many; ``None`` never does.
        reduction: Whether to run only one of all schedules that differ in the order of steps that
            commute. It takes for granted that shared data is read and written under locks or
            through the standard library's objects.

    Raises:
        TypeError: One is no whole number, or ``reduction`` neither true nor false.
        ValueError: A number is negative, or no schedule may run.
    """

    max_preemptions: int | None = None
    max_schedules: int | None = None
    reduction: bool = True

    complete: ClassVar[bool] = True
    schedules: ClassVar[None] = None

    def __post_init__(self) -> None:
        check_int("Exhaustive(max_preemptions", self.max_preemptions, 0, or_none="no bound")
        check_int("Exhaustive(max_schedules", self.max_schedules, 1, or_none="no limit")
        check_bool("Exhaustive(reduction", self.reduction)

    @property
    def switch_points(self) -> SwitchPoints:
        """Where it can switch threads: some outcomes need fewer preemptions with all points."""
        return SwitchPoints.NECESSARY if self.max_preemptions is None else SwitchPoints.ALL

    def search(self, steps: int = 1) -> "Search":  # noqa: ARG002
        """Return a new search; how long the program is does not matter."""
        return Search(self)

    def claim(self, options: Options) -> str:
        """Return in words what holds when no schedule has failed."""
        within = ""
        if self.max_preemptions is not None:
            within = f" within {counted(self.max_preemptions, 'preemption')}"
        if not self.reduction:
            where = "with switches between operations on locks and the like"
            if options.switch_in:
                where += " and in the functions of switch_in"
        elif options.switch_in:
            where = (
                "for data that is shared under locks or in the functions of switch_in, with "
                "switches between their statements and before each assignment writes"
            )
        else:
            where = "for data that is shared under locks"
        moves = options.early_timeouts or options.spurious_wakeups
        counts = ", which counts as a preemption of who could go on" if within and moves else ""
        return f"no schedule fails{within}, {where}; {options.time_and_wakeups}{counts}"


class Node:
    """A state in which somebody was chosen.

    Attributes:
        enabled: Who could run.
        current: Who ran before and could have gone on.
        preemptions: How many there were before.
        sleep: Who need not run first from here, because it did elsewhere, with its footprint.
        backtrack: Who shall run first from here.
        done: Who did, with its footprint.
        chosen: Who does in the current schedule.
    """

    __slots__ = ("backtrack", "chosen", "current", "done", "enabled", "preemptions", "sleep")

    def __init__(self, enabled: tuple[int, ...], current: int, thread: int) -> None:
        self.enabled = enabled
        self.current = current
        self.preemptions = 0
        self.sleep: dict[int, Footprint] = {}
        self.backtrack: set[int] = {thread}
        self.done: dict[int, Footprint] = {}
        self.chosen = thread

    def preemptions_with(self, thread: int) -> int:
        """Return how many preemptions there are when this one is chosen."""
        return self.preemptions + (self.current not in (NOBODY, thread))


class Access(NamedTuple):
    """What one step did to one object.

    Attributes:
        thread: The number of the thread that took the step.
        key: The object's name.
        mode: How it was touched.
        place: The step's place; behind the last for a step that was never taken.
        previous: The place of the last step of the same thread before it.
        before: The steps that had happened before it, a bit each, but for what it waited for.
        happens_before: The steps that had happened before the whole step, a bit each.
    """

    thread: int
    key: Hashable
    mode: int
    place: int
    previous: int
    before: int
    happens_before: int


class Search:
    """One exhaustive search: a chooser that is told each schedule's course.

    Args:
        options: What to search.
    """

    def __init__(self, options: Exhaustive) -> None:
        self.options = options
        self.sleeps = options.reduction and options.max_preemptions is None
        self.nodes: list[Node] = [Node((0,), NOBODY, 0)]
        self._seen: list[Step] = []
        self._prefix = 1  # How many nodes are replayed.
        # Which steps touched an object, up to the last schedule's end.
        self._accesses: dict[Hashable, list[int]] = {}

    def choose(self, enabled: tuple[int, ...], current: int, steps: list[Step]) -> int:
        """Return who goes on; see ``Chooser``."""
        index = len(steps)
        if index < self._prefix:
            node = self.nodes[index]
            self._compare(index, enabled, steps)
            return node.chosen
        before = self.nodes[index - 1]
        sleep = self._asleep(before, steps[-1].footprint) if self.sleeps else {}
        for thread in enabled:
            if thread not in sleep:
                break
        else:
            raise Cut("every order from here on has been explored")
        node = Node(enabled, current, thread)
        node.sleep = sleep
        node.preemptions = before.preemptions_with(before.chosen)
        if not self.options.reduction:
            node.backtrack.update(enabled)
        else:
            # Time and wake-ups: whether they happen is never forced by a race.
            node.backtrack.update(each for each in enabled if not is_thread(each))
        self.nodes.append(node)
        return thread

    def advance(self, execution: Execution) -> bool:
        """Take in the schedule that has run and return whether there is another."""
        steps = execution.steps
        if len(steps) < self._prefix:
            raise ScheduleDiverged(
                f"the program behaves differently under the same schedule: it ended after "
                f"{len(steps)} steps and had gone on before. {LOOK}"
            )
        if self.options.reduction:
            self._find_races(execution)
        while len(self.nodes) > 1:
            node = self.nodes[-1]
            node.done[node.chosen] = steps[len(self.nodes) - 1].footprint
            for thread in node.enabled:
                if (
                    thread in node.backtrack
                    and thread not in node.done
                    and thread not in node.sleep
                    and self._affordable(node, thread)
                ):
                    node.chosen = thread
                    self._prefix = len(self.nodes)
                    self._seen = steps
                    return True
            self.nodes.pop()
        return False

    def _affordable(self, node: Node, thread: int) -> bool:
        bound = self.options.max_preemptions
        return bound is None or node.preemptions_with(thread) <= bound

    def _compare(self, index: int, enabled: tuple[int, ...], steps: list[Step]) -> None:
        seen = self._seen[index - 1].footprint
        if self.nodes[index].enabled != enabled or steps[-1].footprint != seen:
            raise ScheduleDiverged(
                f"the program behaves differently under the same schedule: step {index - 1} did "
                f"something else than before. {LOOK}"
            )

    @staticmethod
    def _asleep(before: Node, footprint: Footprint) -> dict[int, Footprint]:
        # A thread that woke up by itself could not have done so after what the sleepers do. Time
        # that moved as nobody could run is asleep nowhere: beside it there are wake-ups alone.
        if ALL in footprint or before.chosen < 0:
            return {}
        return {
            thread: theirs
            for thread, theirs in (before.sleep | before.done).items()
            if thread != before.chosen and not conflict(theirs, footprint)
        }

    def _find_races(self, execution: Execution) -> None:
        """Add a backtrack point wherever two steps could have run in the other order."""
        steps = execution.steps
        last: dict[int, int] = {}
        barrier = 0
        # The steps before these are those of the schedule before, and have been looked at.
        new = self._prefix - 1
        for others in self._accesses.values():
            del others[bisect_left(others, new) :]
        for index, step in enumerate(steps):
            # A wake-up by itself comes after what the thread did before it and before what follows.
            whose = step.chosen if step.chosen >= NOBODY else woken(step.chosen)
            if index < new:
                step.happens_before = self._seen[index].happens_before
            else:
                step.happens_before = self._past_with_races(
                    steps, index, last.get(whose, -1), barrier
                )
            last[whose] = index
            for born in step.started:
                last[born] = index
            if ALL in step.footprint:
                barrier = step.happens_before | 1 << index
        for thread, op in execution.blocked:
            if op.key is not None:
                before = _until(steps, last[thread])
                others = self._accesses.get(op.key, [])
                past = before | _past(steps, others, op.key, op.mode)
                access = Access(thread, op.key, op.mode, len(steps), last[thread], before, past)
                self._race(steps, others, access)
        if steps[-1].chosen == MAIN and EXIT in steps[-1].footprint:
            # Whatever daemon threads have not done is never done.
            self.nodes[-1].backtrack.update(self.nodes[-1].enabled)
            if self.options.max_preemptions is not None:
                # There it costs a preemption; where main took over it may cost none.
                start = _start_of_run(steps, len(steps) - 1)
                self.nodes[start].backtrack.update(self.nodes[start].enabled)

    def _past_with_races(self, steps: list[Step], index: int, previous: int, barrier: int) -> int:
        """Return what happened before a step, having looked for what races with it."""
        step = steps[index]
        # Not what time waited for: before that it could have run, and could no longer.
        before = _until(steps, previous)
        past = before | barrier
        for key, mode in step.footprint.items():
            past |= _past(steps, self._accesses.setdefault(key, []), key, mode)
        for key, mode in step.footprint.items():
            others = self._accesses[key]
            self._race(steps, others, Access(step.chosen, key, mode, index, previous, before, past))
            others.append(index)
        # Time moved because nobody could run: all before it happened before it.
        return (1 << index) - 1 if ALL in step.footprint else past

    def _race(self, steps: list[Step], others: list[int], access: Access) -> None:
        """Find the steps on one object that could have come after an access instead."""
        bounded = self.options.max_preemptions is not None
        for other in reversed(others):
            theirs = steps[other].footprint[access.key]
            if not modes_conflict(theirs, access.mode):
                continue
            last = bool(theirs & WRITE)  # All that touched it before a write happened before that.
            if access.before >> other & 1:
                if last:
                    break
                continue
            if bounded:
                # What follows leaves points out because others lead to the same orders; within a
                # bound those may cost a preemption too many
                # (test_three_threads_that_try_locks_keep_every_outcome).
                self._backtrack(steps, other, access)
                continue
            if theirs & RELEASE and not theirs & WRITE and access.mode & WAITED:
                continue  # It could not have run before: what counts is who took it.
            enabled = self.nodes[other].enabled
            if (
                access.previous < other
                and is_thread(access.thread)
                and access.thread not in enabled
            ):
                continue  # It stood there and could not run. Time stands nowhere.
            self._backtrack(steps, other, access)
            if last:
                break

    def _backtrack(self, steps: list[Step], other: int, access: Access) -> None:
        """See to it that a step comes after an access."""
        node, thread = self.nodes[other], access.thread
        if self.options.max_preemptions is not None:
            self._add(node, thread)
            self._add(self.nodes[_start_of_run(steps, other)], thread)
            return
        # Of what did not happen after the step, whose first step could come before all the rest?
        # Others may be asleep, but only for what begins with them
        # (test_a_thread_has_to_come_first_only_if_it_can).
        first, rest = set(), 0
        for later in range(other + 1, access.place):
            past = steps[later].happens_before
            if not past >> other & 1:
                if not past & rest:
                    first.add(steps[later].chosen)
                rest |= 1 << later
        if not access.happens_before & rest:
            first.add(thread)
        if not first.isdisjoint(node.backtrack) or not first.isdisjoint(node.sleep):
            return
        first.intersection_update(node.enabled)
        if thread in first:
            node.backtrack.add(thread)
        elif first:
            node.backtrack.add(min(first))
        else:
            node.backtrack.update(node.enabled)

    @staticmethod
    def _add(node: Node, thread: int) -> None:
        if thread in node.enabled:
            node.backtrack.add(thread)
        else:
            node.backtrack.update(node.enabled)


def _start_of_run(steps: list[Step], index: int) -> int:
    """Return the first of the steps in a row that one thread took, up to a step of its.

    Where it gave way between them a new row begins: there a switch costs nothing.
    """
    while (
        index > 1
        and steps[index].current != NOBODY
        and steps[index - 1].chosen == steps[index].chosen
    ):
        index -= 1
    return index


def _until(steps: list[Step], index: int) -> int:
    """Return a step and all that happened before it, a bit each."""
    return steps[index].happens_before | 1 << index if index >= 0 else 0


def _past(steps: list[Step], others: list[int], key: Hashable, mode: int) -> int:
    """Return what happened before an access because it is one of the same object."""
    past = 0
    for other in reversed(others):
        theirs = steps[other].footprint[key]
        if modes_conflict(theirs, mode):
            past |= steps[other].happens_before | 1 << other
            if theirs & WRITE:
                break
    return past


LOOK = (
    "Look for its own random numbers, real time, objects ordered by their address, and what is "
    "kept from one run to the next."
)
