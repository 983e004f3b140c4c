"""Watching data finds every outcome that a switch before each access finds."""

from collections.abc import Iterator
from typing import Any

import pytest
from data_programs import OPERATIONS, Program, programs, runnable
from searching import counted, outcomes, world_of

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

    def __bool__(self) -> bool:
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

    with world_of(runnable(program), data="switch") as runner:
        return counted(schedules(runner))


def check(some: list[Program], bound: int) -> None:
    """Compare the outcomes of some programs within a bound."""
    lost = {
        program: (found.keys(), every.keys())
        for program in some
        if (found := outcomes(runnable(program), Exhaustive(bound), data="switch")).keys()
        != (every := at_each_access(program, bound)).keys()
    }
    assert lost == {}


def share(some: list[Program], number: int, bound: int) -> list[Any]:
    """Return four shares of some programs, for the long run."""
    every = len(some) // number
    return [pytest.param(some[at::every], bound, marks=pytest.mark.soundness) for at in range(4)]


@pytest.mark.parametrize(
    ("some", "bound"),
    [
        # What makes an outcome of its own beside itself, or beside its counterpart.
        ([((each,), (each,)) for each in (2, 3, 14)], 1),
        ([((9,), (10,)), ((15,), (16,)), ((17,), (18,))], 1),
        ([(tuple(range(len(OPERATIONS))), ())], 0),  # Each operation runs.
        # What a method of a dictionary touches depends on what is in it.
        ([((3, 20), (19, 4)), ((20, 4), (19, 22)), ((21,), (4, 22))], 1),
        (TWO[:: len(TWO) // 9], 0),
        (TWO[:: len(TWO) // 3], 1),
        pytest.param(
            [((each,), (each,)) for each in range(len(OPERATIONS))],
            1,
            marks=pytest.mark.soundness,
        ),
        *share(TWO, 200, 0),
        *share(TWO, 100, 1),
        *share(TWO, 8, 2),
        *share(THREE, 50, 1),
    ],
)
def test_programs_keep_every_outcome(some: list[Program], bound: int) -> None:
    """Within a bound the search without reduction ends soon."""
    check(some, bound)


@pytest.mark.parametrize("data", ["off", "report"])
def test_a_search_that_switches_at_no_data_loses_outcomes(data: str) -> None:
    """A control: the comparison can fail."""
    program = ((2,), (2,))
    every = at_each_access(program, 1)
    assert outcomes(runnable(program), Exhaustive(1), data=data).keys() < every.keys()
