"""Shrinks a failing schedule to one that a person can read.

Steps that a thread took in two parts are joined first. Then a bounded search looks for the same
failure with 0 preemptions, then 1, 2 and so on. Last, each choice that differs from the default
becomes the default, where the schedule still fails.
"""

from collections.abc import Callable, Iterator
from itertools import pairwise, takewhile

from threadsim.exploration.execution import Chooser, Execution, Step, SwitchPoints
from threadsim.exploration.reports.nondeterminism import fails_with
from threadsim.exploration.runner import ScheduleRunner
from threadsim.exploration.schedule_string import Replay, choices_of
from threadsim.exploration.strategies.exhaustive import Exhaustive


class _Budget:
    """The schedules that may run to shrink one failure.

    Args:
        runner: Runs them.
        signature: The signature of the failure that has to come again.
        left: How many may run.
        tell: Is called before each of them with how many there have been.
    """

    def __init__(
        self, runner: ScheduleRunner, signature: object, left: int, tell: Callable[[int], object]
    ) -> None:
        self._runner = runner
        self._signature = signature
        self._tell = tell
        self.left = left
        self.used = 0

    def run(self, chooser: Chooser, switch_points: SwitchPoints) -> tuple[Execution, bool]:
        """Run one schedule and return it, and whether it fails in the same way."""
        self.left -= 1
        self.used += 1
        self._tell(self.used)
        tried = self._runner.run(chooser, switch_points=switch_points)
        return tried, fails_with(tried, self._signature)


class Follow:
    """The chooser that takes steps in an order of threads, as far as they can run.

    Args:
        order: The number of the thread of each step.
    """

    def __init__(self, order: list[int]) -> None:
        self._order = order

    def choose(self, enabled: tuple[int, ...], current: int, steps: list[Step]) -> int:  # noqa: ARG002
        """Return the first thread of the order that can run, or else the default."""
        chosen = next((each for each in self._order if each in enabled), enabled[0])
        if chosen in self._order:
            self._order.remove(chosen)
        return chosen


def shrink(
    runner: ScheduleRunner,
    execution: Execution,
    signature: object,
    number: int,
    tell: Callable[[int], object],
) -> tuple[Execution, int | None]:
    """Return a simple schedule with the same failure.

    Args:
        runner: Runs the schedules.
        execution: The schedule that failed.
        signature: The signature of the failure that has to come again.
        number: How many schedules may run: half of them to join steps, a quarter to shorten.
        tell: Is called before each of them with how many there have been.

    Returns:
        The schedule, and after how many others the search for fewer preemptions was given up;
        ``None`` if it was not: then no schedule has fewer.
    """
    budget = _Budget(runner, signature, number, tell)
    execution = _joined(budget, execution, number // 2)
    for bound in range(execution.preemptions + 1):
        for switch_points in SwitchPoints:  # Fewer points first: such a schedule is easier to read.
            search, more = Exhaustive(bound).search(), True
            while more:
                if budget.left <= number // 4:
                    used = budget.used
                    return _shortened(budget, execution), used
                tried, fails = budget.run(search, switch_points)
                if fails:
                    return _shortened(budget, tried), None
                more = tried.needs <= switch_points and search.advance(tried)
    return _shortened(budget, execution), None


def _joined(budget: _Budget, best: Execution, left: int) -> Execution:
    """Return a schedule with the same failure and fewer preemptions, while some budget is left."""
    orders = _orders_with_one_less(best.steps)
    while budget.left > left and (order := next(orders, None)) is not None:
        tried, fails = budget.run(Follow(order), best.switch_points)
        if fails and tried.preemptions < best.preemptions:
            best, orders = tried, _orders_with_one_less(tried.steps)
    return best


def _orders_with_one_less(steps: list[Step]) -> Iterator[list[int]]:
    """Return orders of threads that may have one preemption less.

    The stopped thread either goes on at once, or its last steps come later: it may have to wait
    then.
    """
    order = [step.chosen for step in steps]
    for index, step in enumerate(steps):
        if not step.preempts:
            continue
        stopped = list(takewhile(step.current.__eq__, order[index - 1 : 0 : -1]))
        before, rest = order[1 : index - len(stopped)], order[index:]
        if step.current in rest:
            rerun = rest.index(step.current)
            goes_on = list(takewhile(step.current.__eq__, rest[rerun:]))
            yield before + stopped + goes_on + rest[:rerun] + rest[rerun + len(goes_on) :]
        for later, (one, other) in enumerate(pairwise([*rest, None]), 1):
            if one != other:
                yield before + rest[:later] + stopped + rest[later:]


def _shortened(budget: _Budget, best: Execution) -> Execution:
    """Return a schedule with the same failure, and with defaults wherever they will do."""
    choices = choices_of(best.steps)
    for index in [place for place, choice in enumerate(choices) if choice]:
        for shorter in (choices[:index], [*choices[:index], 0, *choices[index + 1 :]]):
            if budget.left <= 0:
                return best
            tried, fails = budget.run(Replay(shorter), best.switch_points)
            if fails and tried.preemptions <= best.preemptions:
                best, choices = tried, choices_of(tried.steps)
                break
        if not any(choices[index + 1 :]):
            break
    return best
