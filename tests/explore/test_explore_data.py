"""Data that threads share without a lock is a place to switch."""

import gc
import importlib
import os
import re
import time
import weakref
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from racy_programs import RACY, RIGHT, count_in_an_attribute, published
from searching import world_of
from written_programs import joined

from threadsim import DataRace, Exhaustive, ScheduleFailure, explore, replay
from threadsim.exploration.execution import NECESSARY
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


def test_races_can_be_reported_only() -> None:
    """Then threads are not switched at them."""
    done = explore(count_in_an_attribute, data="report")
    assert [each.partition(" is ")[0] for each in done.races] == ["Counter.n"]
    assert done.schedules == 1
    assert "; races are reported of reads and writes in racy_programs, " in done.claim


def test_races_can_fail() -> None:
    """A benign one, too; the failure replays, and says how to allow it."""
    with pytest.raises(ScheduleFailure) as caught:
        explore(published, races="fail")
    assert isinstance(caught.value.__cause__, DataRace)
    assert "pass allowed_races=['racy_programs.Box.ready']" in str(caught.value)
    assert str(caught.value).endswith("races='fail')")
    with pytest.raises(ScheduleFailure, match="DataRace"):
        replay(published, caught.value.schedule, races="fail")


def test_a_race_can_be_allowed() -> None:
    """By its kind; a replay has the same list."""
    done = explore(published, races="fail", allowed_races=["racy_programs.Box.ready"])
    assert done.complete
    with pytest.raises(ScheduleFailure) as caught:
        explore(count_in_an_attribute, races="fail", allowed_races=["racy_programs.Counter.n"])
    assert str(caught.value).endswith("races='fail', allowed_races=['racy_programs.Counter.n'])")


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"data": "all"}, r"explore\(data='all'\): pass 'switch' or 'report' or 'off'"),
        ({"races": "list"}, r"explore\(races='list'\): pass 'allow' or 'fail'"),
        ({"races": "fail", "data": "off"}, r"explore\(races='fail'\): data='off' finds no races"),
    ],
)
def test_an_unknown_word_is_refused(options: dict[str, Any], text: str) -> None:
    """And two that do not fit."""
    with pytest.raises(ValueError, match=text):
        explore(published, **options)


def test_a_program_without_a_file_is_warned_of() -> None:
    """Nothing of it can be watched."""
    names: dict[str, Any] = {"__name__": "nowhere"}
    exec("def program(): pass", names)  # noqa: S102  # Our own.
    with pytest.warns(UserWarning, match="no module of your own was found"):
        assert explore(names["program"]).modules == ()
    assert explore(names["program"], data="off").modules == ()


class Service:
    """It polls a plain flag."""

    def __init__(self) -> None:
        self.stops = False
        self.turns = 0

    def run(self) -> None:
        """Go round until the flag is set."""
        while not self.stops:
            self.turns += 1


KEPT = """
class Command:
    def __init__(self, function):
        self.function = function


def unnamed():
    def add(service):
        service.turns += 1

    return add


closure = Command(unnamed())


@Command
def function(service):
    service.turns += 1
"""


@pytest.mark.parametrize("name", ["closure", "function"])
def test_a_function_that_an_object_keeps_is_watched(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Although no name leads to it: as the commands and tasks of some libraries keep theirs."""
    (tmp_path / f"kept_{name}.py").write_text(KEPT)
    monkeypatch.syspath_prepend(tmp_path)
    command = getattr(importlib.import_module(f"kept_{name}"), name)

    def program() -> None:
        service = Service()
        joined(*(lambda: command.function(service) for _ in range(2)))
        assert service.turns == 2

    with pytest.raises(ScheduleFailure):
        explore(program)


def test_a_module_that_is_imported_in_a_function_is_watched(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whether it is imported in the first schedule or was before."""
    (tmp_path / "late.py").write_text(
        "class Stock:\n    n = 0\n\n    def add(self):\n        self.n += 1\n"
    )
    monkeypatch.syspath_prepend(tmp_path)

    def program() -> None:
        from late import Stock  # type: ignore[import-not-found]  # noqa: PLC0415

        stock = Stock()
        joined(stock.add, stock.add)
        assert stock.n == 2

    for _ in range(2):
        with pytest.raises(ScheduleFailure):
            explore(program)


def test_a_class_of_a_schedule_lives_no_longer() -> None:
    """Nothing keeps it."""
    seen = list[weakref.ref[type]]()

    def program() -> None:
        class Local:
            def __init__(self) -> None:
                self.n = 0

        Local().n += 1
        seen.append(weakref.ref(Local))

    explore(program)
    gc.collect()
    assert {each() for each in seen} == {None}


def test_a_claim_names_a_few_modules(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """And counts the others."""
    monkeypatch.syspath_prepend(tmp_path)
    for number in range(8):
        text = f"import some_{number + 1}" if number < 7 else "def program(): pass"
        (tmp_path / f"some_{number}.py").write_text(text)
    first = importlib.import_module("some_0")
    done = explore(lambda: first)
    assert re.search(r", some_\d, \d more; time", done.claim)
    assert {f"some_{number}" for number in range(8)} < set(done.modules)


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

    with world_of(program, data="switch") as runner:
        run = runner.run(Replay([]), switch_points=NECESSARY)
        assert [list(each) for each in run.value] == [[1, 2], [0, 1]]


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

    with world_of(program, data="switch") as runner:
        run = runner.run(Replay([]), switch_points=NECESSARY)
    assert run.errors == []
    assert seen == [1000]


SEEN: dict[str, int] = {"n": 0}


class Shelf:
    """All of its kind share the books."""

    books: list[int] = []  # noqa: RUF012  # It is what is tried.


def count_in_a_module() -> None:
    """Count twice in a dictionary that the module keeps."""
    SEEN["n"] = 0

    def add() -> None:
        SEEN["n"] += 1

    joined(add, add)
    assert SEEN["n"] == 2


def add_to_a_class() -> None:
    """Add twice to a list that the class keeps, if it is empty."""
    Shelf.books.clear()

    def add() -> None:
        if not Shelf.books:
            Shelf.books.append(1)

    joined(add, add)
    assert len(Shelf.books) == 1


@pytest.mark.parametrize(
    ("program", "name"),
    [
        (count_in_a_module, "test_explore_data.SEEN"),
        (add_to_a_class, "test_explore_data.Shelf.books"),
    ],
)
def test_what_a_module_keeps_has_its_name(program: Callable[[], None], name: str) -> None:
    """A dictionary of a module, and a list of a class, can be allowed to race by their names."""
    with pytest.raises(ScheduleFailure, match=f"needs: {re.escape(name)} is read by"):
        explore(program)
    explore(program, data="report", races="fail", allowed_races=[name])
