"""Finds the races of a schedule: pairs of steps that could have run in the other order.

Two steps race if both touch one object, one of them changes it, and no other steps between them
put them in this order. Sets of steps are ints here, with a bit for each step.
"""

from collections import defaultdict
from collections.abc import Hashable, Iterator
from typing import NamedTuple

from threadsim.exploration.dependence import ALL, modes_conflict
from threadsim.exploration.execution import NOBODY, Execution, Step, is_thread, woken
from threadsim.runtime.hooks import RELEASE, WAITED, WRITE


class Access(NamedTuple):
    """An access of a step to one object.

    Attributes:
        thread: The number of the thread that took the step.
        key: The object's name.
        mode: How the object was touched.
        place: The step's place; behind the last one for a step that was never taken.
        previous: The place of the same thread's step before it.
        before: The steps that happened before it, without those that it waited for.
        happens_before: The steps that happened before the whole step.
    """

    thread: int
    key: Hashable
    mode: int
    place: int
    previous: int
    before: int
    happens_before: int


def races(
    execution: Execution, seen: list[Step], new: int, *, all_races: bool
) -> Iterator[tuple[int, Access]]:
    """Note what happened before each step, and return the new races.

    Args:
        execution: The schedule that has run.
        seen: The steps of the schedule before.
        new: The first step that is new. Those before it were in that schedule, too.
        all_races: Whether to find each race. Otherwise a race is left out if the orders that it
            leads to are found by other races.

    Returns:
        For each race the place of the first step, and the access that could come before it.
    """
    steps = execution.steps
    # The places of the steps that touched an object.
    accesses: defaultdict[Hashable, list[int]] = defaultdict(list)
    last: dict[int, int] = {}
    barrier = 0
    for index, step in enumerate(steps):
        # A spurious wake-up is a step of its thread here.
        thread = step.chosen if step.chosen >= NOBODY else woken(step.chosen)
        if index < new:
            step.happens_before = seen[index].happens_before
        else:
            previous = last.get(thread, -1)
            # Without the barrier: a step that a forced clock advance waited for could run before.
            before = _until(steps, previous)
            past = before | barrier
            for key, mode in step.footprint.items():
                past |= _past(steps, accesses[key], key, mode)
            for key, mode in step.footprint.items():
                access = Access(step.chosen, key, mode, index, previous, before, past)
                yield from _races_of(steps, accesses[key], access, all_races=all_races)
            # Time moved because no thread could run: all steps happened before that.
            step.happens_before = (1 << index) - 1 if ALL in step.footprint else past
        for key in step.footprint:
            accesses[key].append(index)
        last[thread] = index
        for started in step.started:
            last[started] = index
        if ALL in step.footprint:
            barrier = step.happens_before | 1 << index
    for thread, point in execution.blocked:
        if point.key is not None:
            before, others = _until(steps, last[thread]), accesses[point.key]
            past = before | _past(steps, others, point.key, point.mode)
            access = Access(thread, point.key, point.mode, len(steps), last[thread], before, past)
            yield from _races_of(steps, others, access, all_races=all_races)


def _races_of(
    steps: list[Step], others: list[int], access: Access, *, all_races: bool
) -> Iterator[tuple[int, Access]]:
    """Find the steps on one object that could have come after an access instead."""
    for other in reversed(others):
        theirs = steps[other].footprint[access.key]
        if not modes_conflict(theirs, access.mode):
            continue
        last = bool(theirs & WRITE)  # All accesses before a write happened before the write.
        if access.before >> other & 1:
            if last:
                break
            continue
        if not all_races:
            if theirs & RELEASE and not theirs & WRITE and access.mode & WAITED:
                continue  # It waited for the release: what counts is the acquire before that.
            stopped = access.previous < other and is_thread(access.thread)
            if stopped and access.thread not in steps[other].enabled:
                continue  # The thread stopped before the access and could not run.
        yield other, access
        if last and not all_races:
            break


def _until(steps: list[Step], index: int) -> int:
    """Return a step and all steps that happened before it."""
    return steps[index].happens_before | 1 << index if index >= 0 else 0


def _past(steps: list[Step], others: list[int], key: Hashable, mode: int) -> int:
    """Return the steps that happened before an access because they touched the same object."""
    past = 0
    for other in reversed(others):
        theirs = steps[other].footprint[key]
        if modes_conflict(theirs, mode):
            past |= steps[other].happens_before | 1 << other
            if theirs & WRITE:
                break
    return past
