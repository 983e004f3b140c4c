"""Exhaustive search: every order that matters, each once.

Schedules that differ only in the order of independent steps lead to the same outcome. With
reduction one of them runs: dynamic partial-order reduction with source sets and sleep sets.

Sources: Flanagan and Godefroid, Dynamic Partial-Order Reduction for Model Checking Software, POPL
2005; Abdulla, Aronsson, Jonsson and Sagonas, Optimal Dynamic Partial Order Reduction, POPL 2014
(source sets: which thread has to come first); Godefroid, Partial-Order Methods for the Verification
of Concurrent Systems, 1996 (sleep sets); Coons, Musuvathi and McKinley, Bounded Partial-Order
Reduction, OOPSLA 2013 (the additional backtrack points under a preemption bound, where sleep sets
would lose outcomes).
"""

from collections import defaultdict
from dataclasses import dataclass, field
from math import inf

from threadsim.exploration.dependence import ALL, EXIT, Footprint, conflict
from threadsim.exploration.execution import (
    ALL_POINTS,
    MAIN,
    NECESSARY,
    NOBODY,
    Cut,
    Execution,
    Step,
    SwitchPoints,
    is_thread,
)
from threadsim.exploration.schedule_string import diverged
from threadsim.exploration.strategies.arguments import check_bool, check_int
from threadsim.exploration.strategies.races import Access, races
from threadsim.exploration.strategies.strategy import Search, Strategy
from threadsim.runtime.formatting import counted


@dataclass(frozen=True)
class Exhaustive(Strategy):
    """Run as many schedules as it takes to see every outcome.

    Args:
        max_preemptions: The largest number of preemptions in a schedule: switches from a thread
            that could have continued. ``None`` for no bound.
        max_schedules: Give up after so many schedules; ``None`` for no limit.
        reduction: Whether to run only one of all schedules that differ in the order of independent
            steps. Shared data has to be read and written under locks or through the standard
            library's objects then.

    Raises:
        TypeError: An argument has a wrong type.
        ValueError: ``max_preemptions`` is negative, or ``max_schedules`` less than 1.
    """

    max_preemptions: int | None = None
    max_schedules: int | None = None
    reduction: bool = True

    def __post_init__(self) -> None:
        check_int("Exhaustive(max_preemptions", self.max_preemptions, 0, or_none="no bound")
        check_int("Exhaustive(max_schedules", self.max_schedules, 1, or_none="no limit")
        check_bool("Exhaustive(reduction", self.reduction)

    def search(self, steps: int = 1) -> "_Search":  # noqa: ARG002
        """Return a new search; how long the program is does not matter."""
        return _Search(self)


@dataclass(slots=True)
class Node:
    """A state in which a thread was chosen.

    Attributes:
        enabled: The threads that could run.
        current: The thread that ran before and could have gone on.
        preemptions: The number of preemptions before.
        sleep: The threads that need not run first from here, as they did in a schedule that covers
            this one; with the footprints of their steps.
        backtrack: The threads that have to run first from here, each in a schedule.
        done: Those that did, with the footprints of their steps.
        chosen: The one that does in the current schedule.
    """

    enabled: tuple[int, ...]
    current: int
    chosen: int
    preemptions: int = 0
    sleep: dict[int, Footprint] = field(default_factory=dict)
    backtrack: set[int] = field(default_factory=set)
    done: dict[int, Footprint] = field(default_factory=dict)

    def preemptions_with(self, thread: int) -> int:
        """Return the number of preemptions if a thread is chosen."""
        return self.preemptions + (self.current not in (NOBODY, thread))


class _Search(Search):
    """One exhaustive search: depth first, with a node for each step of the last schedule.

    Args:
        options: What to search.
    """

    def __init__(self, options: Exhaustive) -> None:
        self.options = options
        self._bound = inf if options.max_preemptions is None else options.max_preemptions
        self.sleeps = options.reduction and self._bound == inf
        # Some outcomes need fewer preemptions with all points.
        self.switch_points = NECESSARY if self._bound == inf else ALL_POINTS
        self._runs = 0
        self._begin()

    def _begin(self) -> None:
        self.nodes: list[Node] = [Node((MAIN,), NOBODY, MAIN)]
        self._seen: list[Step] = []
        self._prefix = 1  # How many nodes are replayed.
        self._orders: set[int] = set()
        self._exceeded = False  # Whether there are schedules beyond the bound.

    def choose(self, enabled: tuple[int, ...], current: int, steps: list[Step]) -> int:
        """Return the next thread; see ``Chooser``."""
        index = len(steps)
        if index < self._prefix:
            node = self.nodes[index]
            seen = self._seen[index - 1].footprint
            if node.enabled != enabled or steps[-1].footprint != seen:
                raise Cut("the program has gone another way")
            return node.chosen
        before = self.nodes[index - 1]
        sleep = self._asleep(before, steps[-1].footprint) if self.sleeps else {}
        thread = next((each for each in enabled if each not in sleep), None)
        if thread is None:
            raise Cut("every order from here on has been explored")
        preemptions = before.preemptions_with(before.chosen)
        # No race makes time move or a thread wake up by itself: both are always tried.
        reduced = self.options.reduction
        backtrack = {each for each in enabled if not (reduced and is_thread(each))} | {thread}
        self.nodes.append(Node(enabled, current, thread, preemptions, sleep, backtrack))
        return thread

    def add_points(self, points: SwitchPoints) -> None:
        """Begin again, with more points."""
        if not self.switch_points.cover(points):
            super().add_points(points)
            self._begin()

    def advance(self, execution: Execution) -> bool:
        """Learn from the schedule that has run, and choose the next; return whether there is one.

        It is the deepest node at which another thread has to run first.
        """
        steps = execution.steps
        self._runs += 1
        if not self.switch_points.cover(execution.needs):
            self.add_points(execution.needs)
            return self._may_go_on()
        if len(steps) < self._prefix:
            raise diverged(f"step {len(steps) - 1} did something else than before", execution.trace)
        if self.options.reduction:
            self._add_backtrack_points(execution)
        if not execution.cut:
            self._orders.add(_order(steps) if self.options.reduction else self._runs)
        self.schedules = len(self._orders)
        while len(self.nodes) > 1:
            node = self.nodes[-1]
            node.done[node.chosen] = steps[len(self.nodes) - 1].footprint
            for thread in node.enabled:
                wanted = thread in node.backtrack and thread not in node.done
                affordable = wanted and node.preemptions_with(thread) <= self._bound
                self._exceeded |= wanted and not affordable
                if affordable and thread not in node.sleep:
                    node.chosen = thread
                    self._prefix = len(self.nodes)
                    self._seen = steps
                    return self._may_go_on()
            self.nodes.pop()
        self.complete = True
        self.within = self.options.max_preemptions if self._exceeded else None
        return False

    def _may_go_on(self) -> bool:
        """Return whether the limit leaves another schedule."""
        if self._runs != self.options.max_schedules:
            return True
        self.shortfall = (
            f"{counted(self._runs, 'schedule')} ran, and there are more. Pass a larger "
            "max_schedules, a small Exhaustive(max_preemptions=…), Random or PCT; or make the "
            "program smaller."
        )
        return False

    def claim(self) -> str:
        """Return in words what holds when no schedule has failed."""
        if self.within is None:
            return "no schedule fails"
        return f"no schedule fails within {counted(self.within, 'preemption')}"

    @staticmethod
    def _asleep(before: Node, footprint: Footprint) -> dict[int, Footprint]:
        # A spurious wake-up may be impossible after the steps of sleeping threads. A forced clock
        # advance is never put to sleep: the only alternatives to it are spurious wake-ups.
        if ALL in footprint or before.chosen < 0:
            return {}
        return {
            thread: theirs
            for thread, theirs in (before.sleep | before.done).items()
            if thread != before.chosen and not conflict(theirs, footprint)
        }

    def _add_backtrack_points(self, execution: Execution) -> None:
        """See to it that another schedule runs the steps of each race in the other order."""
        steps = execution.steps
        # Within a bound the orders that a race leads to may cost fewer preemptions than those of
        # other races (test_three_threads_that_try_locks_keep_every_outcome).
        bounded = self._bound < inf
        for other, access in races(execution, self._seen, self._prefix - 1, all_races=bounded):
            self._backtrack(steps, other, access)
        if steps[-1].chosen == MAIN and EXIT in steps[-1].footprint:
            # The end of the program cuts off daemon threads: each may go on before it.
            self.nodes[-1].backtrack.update(self.nodes[-1].enabled)
            if bounded:
                # A switch there costs a preemption; one where main took over may cost none.
                start = _start_of_run(steps, len(steps) - 1)
                self.nodes[start].backtrack.update(self.nodes[start].enabled)

    def _backtrack(self, steps: list[Step], other: int, access: Access) -> None:
        """Add the thread to run first instead of a step, so that the access comes before it."""
        node, thread = self.nodes[other], access.thread
        if self._bound < inf:
            for each in (node, self.nodes[_start_of_run(steps, other)]):
                each.backtrack.update([thread] if thread in each.enabled else each.enabled)
            return
        # The source set: of the steps that did not happen after the step, the first ones of threads
        # with no other of them before (test_a_thread_has_to_come_first_only_if_it_can).
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
        able = first.intersection(node.enabled)
        node.backtrack.update({thread} & able or sorted(able)[:1] or node.enabled)


def _order(steps: list[Step]) -> int:
    """Return the same number for all schedules that differ in the order of independent steps."""
    places: defaultdict[int, int] = defaultdict(int)
    names: list[tuple[int, int]] = []
    order = set()
    for step in steps:
        past = [name for at, name in enumerate(names) if step.happens_before >> at & 1]
        names.append((step.chosen, places[step.chosen]))
        order.add((names[-1], frozenset(past)))
        places[step.chosen] += 1
    return hash(frozenset(order))


def _start_of_run(steps: list[Step], index: int) -> int:
    """Return the first step of a thread's run that a step belongs to.

    Where the thread gave way a new run begins: a switch costs no preemption there.
    """
    while (
        index > 1
        and steps[index].current != NOBODY
        and steps[index - 1].chosen == steps[index].chosen
    ):
        index -= 1
    return index
