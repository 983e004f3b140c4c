"""Bugs of real libraries are found by ``explore(program)``, with no option."""

import pytest
from known_bugs import KNOWN_BUGS, KnownBug

from threadsim import IterativeBound, ScheduleFailure, explore, replay


@pytest.mark.parametrize("bug", KNOWN_BUGS, ids=lambda each: each.name)
def test_a_known_bug_is_found(bug: KnownBug) -> None:
    """By the default strategy, within 30 schedules; its line replays."""
    with pytest.raises(ScheduleFailure) as caught:
        explore(bug.program, IterativeBound(max_schedules=30))
    with pytest.raises(ScheduleFailure) as again:
        replay(bug.program, caught.value.schedule)
    assert type(again.value.__cause__) is type(caught.value.__cause__)


@pytest.mark.parametrize("bug", KNOWN_BUGS, ids=lambda each: each.name)
def test_the_twin_of_a_known_bug_is_right(bug: KnownBug) -> None:
    """In every order."""
    assert explore(bug.twin).complete
