"""Shrinks a failing schedule to one that a person can read.

A bounded search looks for the same failure with 0 preemptions, then 1, 2 and so on. Then each
choice that differs from the default becomes the default, where that makes a simpler schedule.
"""

from dataclasses import replace
from itertools import product

from threadsim.exploration.execution import Chooser, Execution, Step
from threadsim.exploration.reports.nondeterminism import failure_signature
from threadsim.exploration.runner import ScheduleRunner
from threadsim.exploration.schedule_string import choices_of, write
from threadsim.exploration.strategies.exhaustive import Exhaustive
from threadsim.reporting.progress import Progress
from threadsim.runtime.formatting import counted

# About how many steps may run to shrink a failing schedule.
MINIMISE = 10_000


def follow(order: list[int]) -> Chooser:
    """Return the chooser that takes steps in an order of threads, as far as they can run."""

    def choose(enabled: tuple[int, ...], _current: int, _steps: list[Step]) -> int:
        chosen = next((each for each in order if each in enabled), enabled[0])
        if chosen in order:
            order.remove(chosen)
        return chosen

    return choose


def shrink(
    runner: ScheduleRunner, best: Execution, signature: object, progress: Progress
) -> tuple[Execution, bool]:
    """Return a simple schedule with the same failure, and whether none has fewer preemptions.

    Args:
        runner: Runs schedules, half of them for the search.
        best: The schedule that failed.
        signature: The signature of the failure that has to come again.
        progress: Is told how many have run.
    """
    number = max(1, MINIMISE // len(best.steps))
    of_all = f"of {counted(number, 'schedule')}"
    left, fewest = number, False
    # Fewer switch points first: such a schedule is easier to read.
    fewer = [replace(best.switch_points, every=every) for every in (False, True)]
    for bound, switch_points in product(range(best.preemptions + 1), fewer):
        search, more = Exhaustive(bound).search(), not fewest
        search.switch_points = switch_points
        while more and left > number // 2:
            left -= 1
            progress.tell(f"a failure, made simpler in {number - left:,} {of_all}")
            tried = runner.run(search.choose, switch_points=switch_points)
            if fewest := signature in map(failure_signature, tried.errors):
                best = tried
            more = not fewest and switch_points.cover(tried.needs) and search.advance(tried)
    fewest |= left > number // 2  # The search came to its end.
    index = 1
    while left and index < len(best.steps):
        default = best.steps[index].enabled[0]
        if best.steps[index].chosen != default:
            order = [step.chosen for step in best.steps]
            order[index:index] = [default] * len(order)
            left -= 1
            progress.tell(f"a failure, made simpler in {number - left:,} {of_all}")
            tried = runner.run(follow(order[1:]), switch_points=best.switch_points)
            if signature in map(failure_signature, tried.errors) and _size(tried) < _size(best):
                best = tried
        index += 1
    return best, fewest


def _size(execution: Execution) -> tuple[int, int]:
    return execution.preemptions, len(write(choices_of(execution.steps), execution.switch_points))
