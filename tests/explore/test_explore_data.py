"""Data that threads share without a lock is a place to switch."""

import os
import re
import time
import weakref
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from racy_programs import RACY, RIGHT, count_in_an_attribute, published
from written_programs import joined

from threadsim import Exhaustive, ScheduleFailure, explore, replay
from threadsim.exploration.execution import NECESSARY
from threadsim.exploration.runner import ScheduleRunner
from threadsim.exploration.schedule_string import Replay


@pytest.mark.parametrize("program", RACY, ids=lambda each: each.__qualname__)
def test_a_race_is_found(program: Callable[[], None]) -> None:
    """Within few schedules, with nothing named; its line replays."""
    with pytest.raises(ScheduleFailure) as caught:
        explore(program, Exhaustive(max_schedules=30))
    with pytest.raises(ScheduleFailure) as again:
        replay(program, caught.value.schedule)
    assert type(again.value.__cause__) is type(caught.value.__cause__)


@pytest.mark.parametrize("program", RIGHT, ids=lambda each: each.__qualname__)
def test_a_right_program_is_complete(program: Callable[[], None]) -> None:
    """Also where its data races, in every order."""
    done = explore(program)
    assert done.complete
    assert done.within is None
    assert done.schedules <= RIGHT[program]


def test_a_failure_names_the_accesses_that_it_needs() -> None:
    """In the order in which the schedule has them."""
    with pytest.raises(ScheduleFailure) as caught:
        explore(count_in_an_attribute)
    needs = (
        r"needs: Counter\.n is read by Thread-1 \(add\) at racy_programs\.py:\d+ before Thread-2 "
        r"\(add\) writes it at racy_programs\.py:\d+; no lock orders the two\n"
    )
    assert re.search(needs, str(caught.value))
    assert caught.value.schedule.endswith("@racy_programs.Counter.n")


def test_a_result_lists_benign_races() -> None:
    """They make no test fail."""
    done = explore(published)
    assert sorted(each.partition(" is ")[0] for each in done.races) == ["Box.ready"]
    assert explore(published, data="off").races == ()


def test_data_is_one_of_two_words() -> None:
    """Another value is refused."""
    with pytest.raises(ValueError, match=r"explore\(data='all'\): pass 'switch' or 'off'"):
        explore(published, data="all")


class Thing:
    """An object that can be watched."""


def test_what_a_program_lets_go_lives_no_longer_than_the_step() -> None:
    """A list is kept for its accesses, as it can have no weak reference; but not after its end."""
    seen = []

    def program() -> None:
        things = [Thing()]
        thing = weakref.ref(things[0])
        things = []
        time.sleep(1)
        seen.append(thing() is None)

    assert explore(program).complete
    assert set(seen) == {True}


def test_a_file_that_has_changed_is_read_again(tmp_path: Path) -> None:
    """A function runs its own code, and not that of another one in the same place."""
    file, values = tmp_path / "changing.py", list[int]()
    for value in (1, 2):
        file.write_text(f"def program():\n    values.append({value})\n")
        os.utime(file, (value, value))
        names: dict[str, Any] = {"values": values, "__file__": str(file), "__name__": "changing"}
        exec(compile(file.read_text(), str(file), "exec"), names)  # noqa: S102  # Our own.
        explore(names["program"], data="off", switch_in=[names["program"]])
    assert values == sorted(values)
    assert set(values) == {1, 2}


def test_an_iterator_may_outlive_its_schedule() -> None:
    """Then it notes nothing."""
    things = [1, 2]

    def program() -> list[Iterator[int]]:
        return [(each for each in things), (number for number in range(2))]

    with ScheduleRunner(program, data=True) as runner:
        run = runner.run(Replay([]), switch_points=NECESSARY)
        assert [list(each) for each in run.value] == [[1, 2], [0, 1]]


class Service:
    """It polls a plain flag."""

    def __init__(self) -> None:
        self.stops = False
        self.turns = 0

    def run(self) -> None:
        """Go round until the flag is set."""
        while not self.stops:
            self.turns += 1


def test_a_loop_that_polls_a_plain_flag_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """A schedule may keep the other thread from setting it for ever."""
    monkeypatch.setattr("threadsim.exploration.runner.MAX_STEPS", 300)

    def program() -> None:
        service = Service()
        joined(service.run, lambda: setattr(service, "stops", True))

    with pytest.raises(ScheduleFailure, match="StepLimit") as caught:
        explore(program)
    assert re.search(r"about to read Service\.stops\s.*at\s.*test_explore_data", str(caught.value))


def test_a_long_list_costs_as_much_as_a_short_one() -> None:
    """An access looks at a few places, and not at all items."""
    seen = []

    def program() -> None:
        rows: list[int] = []
        for i in range(1000):
            rows.append(i)
            rows[i] += len(rows)
        seen.append(len(rows))

    with ScheduleRunner(program, data=True) as runner:
        run = runner.run(Replay([]), switch_points=NECESSARY)
    assert run.errors == []
    assert seen == [1000]
