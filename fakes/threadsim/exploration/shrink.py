"""The same failure with fewer preemptions: a schedule that one can read.

First the steps that a thread took in two parts are put together, one preemption after the other;
then schedules with as few preemptions, or fewer, are searched for the failure.
"""

from collections.abc import Callable, Iterator
from itertools import pairwise, takewhile

from threadsim.exploration.execution import Chooser, Execution, Step, Stops
from threadsim.exploration.reports.nondeterminism import has
from threadsim.exploration.runner import ScheduleRunner
from threadsim.exploration.schedule_string import Replay, choices_of
from threadsim.exploration.strategies.exhaustive import Exhaustive


class Follow:
    """The chooser that takes steps in an order, as far as that can be, and then the defaults.

    Args:
        order: Who takes each step, by number.
    """

    def __init__(self, order: list[int]) -> None:
        self._order = order

    def choose(self, enabled: tuple[int, ...], current: int, steps: list[Step]) -> int:  # noqa: ARG002
        """Return who goes on: the first in the order that can."""
        for place, who in enumerate(self._order):
            if who in enabled:
                del self._order[place]
                return who
        return enabled[0]


class _Tries:
    """The schedules that may be spent on one failure.

    Args:
        world: The world to run them in.
        number: How many.
        tell: Called before each of them with how many there have been.
    """

    def __init__(self, world: ScheduleRunner, number: int, tell: Callable[[int], object]) -> None:
        self._world = world
        self._tell = tell
        self.left = number
        self.made = 0

    def run(self, chooser: Chooser, stops: Stops) -> Execution:
        """Spend one."""
        self.left -= 1
        self.made += 1
        self._tell(self.made)
        return self._world.run(chooser, stops=stops)


def simplest(
    world: ScheduleRunner, ran: Execution, fault: object, number: int, tell: Callable[[int], object]
) -> tuple[Execution, int | None]:
    """Return a schedule with the same failure, and how many were tried to have fewer preemptions.

    Args:
        world: The world to run it in.
        ran: The schedule that failed.
        fault: The kind of the error that is to be found again.
        number: How many schedules may be spent: half of them on putting steps together, and the
            last quarter on what comes after the search alone.
        tell: Called before each of them with how many there have been.

    Returns:
        Both; ``None`` for the second when it is certain that no schedule has fewer.
    """
    tries = _Tries(world, number, tell)
    best: Execution | None = ran
    while best is not None:
        ran, best = best, None
        for order in _put_together(ran.steps):
            if tries.left <= number // 2:
                break
            tried = tries.run(Follow(order), ran.stops)
            if has(tried, fault) and tried.preemptions < ran.preemptions:
                best = tried
                break
    for bound in range(ran.preemptions + 1):
        # With few stops first, which are easier to read. A search needs none before a start.
        more = max(ran.needs, Stops.FEW if ran.stops is Stops.STARTS else ran.stops)
        for stops in sorted({ran.needs, max(more, Exhaustive(bound).stops)}):
            found = _search(tries, bound, stops, fault, number // 4)
            if found is not None:
                return _shortened(tries, found, fault), None
    made = None if tries.left > number // 4 else tries.made
    return _shortened(tries, ran, fault), made


def _search(tries: _Tries, bound: int, stops: Stops, fault: object, left: int) -> Execution | None:
    """Return a schedule with a failure within a bound, unless there is none or too few are left."""
    search = Exhaustive(bound).search()
    more = True
    while more and tries.left > left:
        tried = tries.run(search, stops)
        if has(tried, fault):
            return tried
        if tried.needs > stops:  # As any search: there are more places to stop.
            stops, search = tried.needs, Exhaustive(bound).search()
        else:
            more = search.advance(tried)
    return None


def _put_together(steps: list[Step]) -> Iterator[list[int]]:
    """Return orders in which one preemption less might do.

    The thread that was stopped goes on at once, or has run later: then it may have to wait.
    """
    who = [step.chosen for step in steps]
    for index, step in enumerate(steps):
        if not step.preempts:
            continue
        begins = index - len(list(takewhile(step.current.__eq__, who[index - 1 : 0 : -1])))
        # The first step is main's, and never chosen.
        before, stopped, rest = who[1:begins], who[begins:index], who[index:]
        if step.current in rest:
            again = rest.index(step.current)
            goes_on = list(takewhile(step.current.__eq__, rest[again:]))
            yield before + stopped + goes_on + rest[:again] + rest[again + len(goes_on) :]
        for later, (one, other) in enumerate(pairwise([*rest, None]), 1):
            if one != other:
                yield before + rest[:later] + stopped + rest[later:]


def _shortened(tries: _Tries, ran: Execution, fault: object) -> Execution:
    """Return a schedule with the same failure, each choice made the default where that will do."""
    best = ran
    choices = choices_of(ran.steps)
    for index in [place for place, choice in enumerate(choices) if choice]:
        for shorter in (choices[:index], [*choices[:index], 0, *choices[index + 1 :]]):
            if tries.left <= 0:
                return best
            tried = tries.run(Replay(shorter), ran.stops)
            if has(tried, fault) and tried.preemptions <= best.preemptions:
                best, choices = tried, choices_of(tried.steps)
                break
        if not any(choices[index + 1 :]):
            break
    return best
