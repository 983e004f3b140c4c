"""The same failure with fewer preemptions: a schedule that one can read.

First the steps that a thread took in two parts are put together, one preemption after the other;
then schedules with as few preemptions, or fewer, are searched for the failure.
"""

from collections.abc import Callable, Iterator
from itertools import pairwise, takewhile

from apscheduler_fakes.exhaustive import Exhaustive
from apscheduler_fakes.repeats import has
from apscheduler_fakes.schedules import Replay, choices_of
from apscheduler_fakes.stepping import Policy, Ran, Stops, Taken
from apscheduler_fakes.world import World


class Follow:
    """The policy that takes steps in an order, as far as that can be, and then the defaults.

    Args:
        order: Who takes each step, by number.
    """

    def __init__(self, order: list[int]) -> None:
        self._order = order

    def choose(self, could: tuple[int, ...], running: int, taken: list[Taken]) -> int:  # noqa: ARG002
        """Return who goes on: the first in the order that can."""
        for place, who in enumerate(self._order):
            if who in could:
                del self._order[place]
                return who
        return could[0]


def simplest(
    world: World, ran: Ran, fault: object, tries: int, tell: Callable[[int], object]
) -> tuple[Ran, bool]:
    """Return a schedule with the same failure, and whether none has fewer preemptions.

    Args:
        world: The world to run it in.
        ran: The schedule that failed.
        fault: The kind of the error that is to be found again.
        tries: How many schedules may be spent, a quarter of them on the search alone.
        tell: Called before each of them with how many there have been.
    """
    left = tries

    def attempt(policy: Policy, stops: Stops) -> Ran:
        nonlocal left
        left -= 1
        tell(tries - left)
        return world.run(policy, stops=stops)

    best: Ran | None = ran
    while best is not None:
        ran, best = best, None
        for order in _put_together(ran.taken):
            if left <= tries // 4:
                break
            tried = attempt(Follow(order), ran.stops)
            if has(tried, fault) and tried.preemptions < ran.preemptions:
                best = tried
                break
    # A search needs no stop before a start, and finds the first of those with as many, too.
    stops = Stops.FEW if ran.stops is Stops.STARTS else ran.stops
    for bound in range(ran.preemptions + 1):
        search = Exhaustive(max_preemptions=bound).search()
        more = True
        while more and left > 0:
            tried = attempt(search, stops)
            if has(tried, fault):
                return _shortened(world, tried, fault), True
            more = search.advance(tried)
    return _shortened(world, ran, fault), left > 0


def _put_together(taken: list[Taken]) -> Iterator[list[int]]:
    """Return orders in which one preemption less might do.

    The thread that was stopped goes on at once, or has run later: then it may have to wait.
    """
    who = [step.who for step in taken]
    for index, step in enumerate(taken):
        if not step.preempts:
            continue
        begins = index - len(list(takewhile(step.running.__eq__, who[index - 1 : 0 : -1])))
        # The first step is main's, and never chosen.
        before, stopped, rest = who[1:begins], who[begins:index], who[index:]
        if step.running in rest:
            again = rest.index(step.running)
            goes_on = list(takewhile(step.running.__eq__, rest[again:]))
            yield before + stopped + goes_on + rest[:again] + rest[again + len(goes_on) :]
        for later, (one, other) in enumerate(pairwise([*rest, None]), 1):
            if one != other:
                yield before + rest[:later] + stopped + rest[later:]


def _shortened(world: World, ran: Ran, fault: object) -> Ran:
    """Return a schedule with the same failure, each choice made the default where that will do."""
    best = ran
    choices = choices_of(ran.taken)
    for index in [place for place, choice in enumerate(choices) if choice]:
        for shorter in (choices[:index], [*choices[:index], 0, *choices[index + 1 :]]):
            tried = world.run(Replay(shorter), stops=ran.stops)
            if has(tried, fault) and tried.preemptions <= best.preemptions:
                best, choices = tried, choices_of(tried.taken)
                break
        if not any(choices[index + 1 :]):
            break
    return best
