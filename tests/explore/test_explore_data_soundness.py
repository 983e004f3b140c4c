"""Watching data finds every outcome that a switch before each access finds."""

from collections.abc import Iterator
from typing import Any

import pytest
from data_programs import Program, programs, runnable
from searching import counted, outcomes

from threadsim import Exhaustive
from threadsim.exploration.execution import Execution, SwitchPoints
from threadsim.exploration.explore import warm_up
from threadsim.exploration.runner import ScheduleRunner

TWO = list(programs(2, 2))
THREE = list(programs(3, 1))


class AllData(frozenset[str]):
    """All kinds of data."""

    __slots__ = ()

    def __contains__(self, _: object) -> bool:
        return True


class Everywhere(SwitchPoints):
    """All points, and those before each access."""

    __slots__ = ()

    def cover(self, _: SwitchPoints) -> bool:
        """Return true."""
        return True


def at_each_access(program: Program, bound: int) -> dict[Any, int]:
    """Return the outcomes of every order of all accesses, without reduction."""

    def schedules(runner: ScheduleRunner) -> Iterator[Execution]:
        warm_up(runner)
        search = Exhaustive(bound, reduction=False).search()
        search.switch_points = Everywhere(every=True, data=AllData())
        more = True
        while more:
            execution = runner.run(search.choose, switch_points=search.switch_points)
            yield execution
            more = search.advance(execution)

    with ScheduleRunner(runnable(program), data=True) as runner:
        return counted(schedules(runner))


def check(some: list[Program], bound: int) -> None:
    """Compare the outcomes of some programs within a bound."""
    lost = {
        program: (found.keys(), every.keys())
        for program in some
        if (found := outcomes(runnable(program), Exhaustive(bound), data=True)).keys()
        != (every := at_each_access(program, bound)).keys()
    }
    assert lost == {}


@pytest.mark.parametrize("bound", [0, 1])
def test_some_programs_keep_every_outcome(bound: int) -> None:
    """Within a bound the search without reduction ends soon."""
    check(TWO[:: len(TWO) // 12], bound)


@pytest.mark.soundness
@pytest.mark.parametrize(("bound", "number"), [(0, 200), (1, 100), (2, 8)])
@pytest.mark.parametrize("share", range(4))
def test_programs_keep_every_outcome(bound: int, number: int, share: int) -> None:
    """The same for more of them."""
    check(TWO[share :: len(TWO) // number], bound)


@pytest.mark.soundness
@pytest.mark.parametrize("share", range(4))
def test_programs_of_three_threads_keep_every_outcome(share: int) -> None:
    """Within a bound."""
    check(THREE[share :: len(THREE) // 50], 1)


def test_a_search_that_watches_no_data_loses_outcomes() -> None:
    """A control: the comparison can fail."""
    program = ((2,), (2,))
    every = at_each_access(program, 1)
    assert outcomes(runnable(program), Exhaustive(1)).keys() < every.keys()
