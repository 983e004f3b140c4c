"""switch_in: every statement of some functions is a place to switch."""

import operator
import threading
from collections.abc import Iterator
from types import ModuleType
from typing import Any

import pytest
import written_programs
from searching import outcomes

from apscheduler_fakes import Exhaustive, ScheduleFailure, Simulation, explore, replay
from apscheduler_fakes.rewriting import rewritten
from jobs_synchronizer import documented


class Counter:
    """Counts without a lock."""

    made = 0

    def __init__(self) -> None:
        self.value = 0
        self.__hidden = [0]

    def add(self) -> None:
        """Add one."""
        self.value += 1

    def add_to_item(self) -> None:
        """Add one to a list's item."""
        self.__hidden[0] += 1
        self.value = self.__hidden[0]

    @classmethod
    def count(cls) -> int:
        """Count the class's own."""
        cls.made += 1
        return cls.made

    @staticmethod
    def twice(number: int, by: int = 2) -> int:
        """Double."""
        number *= by
        return number

    @property
    def doubled(self) -> int:
        """The value twice."""
        return self.twice(self.value)


class Child(Counter):
    """Calls its parent."""

    def add(self) -> None:
        """Add two."""
        super().add()
        super().add()


def two_add(counter: Any, method: str = "add") -> None:
    call = operator.methodcaller(method)
    written_programs.joined(lambda: call(counter), lambda: call(counter))
    assert counter.value == 2, "an update is lost"


def program() -> None:
    two_add(Counter())


def program_with_items() -> None:
    two_add(Counter(), "add_to_item")


def numbers(until: int) -> Iterator[int]:
    """Count up."""
    number = 0
    while number < until:
        yield number
        number += 1


def of_all_kinds(things: list[int]) -> list[int]:
    """Do a little of everything."""
    total = 0
    for thing in things:
        try:
            if thing == 0:
                continue
            elif thing == 1:  # noqa: RET507  # An elif is what is tried.
                total += 10 // (thing - 1)
            else:
                total -= thing
        except ZeroDivisionError:
            total += 100
        finally:
            total |= 1

    def inner() -> None:
        nonlocal total
        total += 1

    inner()
    return [total]


def test_a_lost_update_is_found_in_a_function_that_is_named() -> None:
    """Two threads that add to one number lose an update, and the schedule replays."""
    with pytest.raises(ScheduleFailure) as caught:
        explore(program, switch_in=[Counter.add])

    assert str(caught.value.__cause__).startswith("an update is lost")
    assert str(caught.value).endswith("switch_in=[Counter.add])")
    with pytest.raises(ScheduleFailure):
        replay(program, caught.value.schedule, switch_in=[Counter.add])


def test_a_lost_update_is_not_seen_in_a_function_that_is_not_named() -> None:
    """Without switch_in no switch falls into a statement: the documentation says so."""
    assert explore(program).schedules == 1


@pytest.mark.parametrize("where", [Counter, Counter.add_to_item])
def test_a_lost_update_of_an_item_is_found(where: Any) -> None:
    """An item of a list is read, and written later."""
    with pytest.raises(ScheduleFailure, match="an update is lost"):
        explore(program_with_items, switch_in=[where])


def test_names_of_a_child_class_still_reach_its_parent() -> None:
    """Rewritten methods call super as before."""

    def both() -> None:
        counter = Child()
        counter.add()
        assert counter.value == 2

    assert explore(both, switch_in=[Child, Counter]).complete


def test_what_is_rewritten_does_what_it_did() -> None:
    """Loops, branches, handlers, closures, generators, defaults and docstrings stay."""
    before = numbers.__code__, of_all_kinds([0, 1, 2]), Counter.count()
    with Simulation(), rewritten([numbers, of_all_kinds, Counter, Counter().add]):
        assert numbers.__code__ is not before[0]
        assert list(numbers(3)) == [0, 1, 2]
        assert of_all_kinds([0, 1, 2]) == before[1]
        assert Counter.count() == before[2] + 1
        assert Counter.twice(4) == 8
        assert Counter().doubled == 0
        assert numbers.__doc__ == "Count up."
        assert of_all_kinds.__code__.co_firstlineno == before_line()
    assert numbers.__code__ is before[0]


def before_line() -> int:
    return of_all_kinds.__code__.co_firstlineno


def test_a_line_keeps_its_number() -> None:
    """A traceback out of rewritten code names the line that stands in the file."""
    with rewritten([failing]), pytest.raises(ZeroDivisionError) as caught:
        failing()
    assert caught.traceback[-1].lineno + 1 == failing.__code__.co_firstlineno + 2


def failing() -> float:
    """Fail in the second line."""
    return 1 / 0


def test_a_module_stands_for_all_its_functions() -> None:
    """Naming a module rewrites the functions and methods that are its own."""
    module = ModuleType("a_module")
    codes = documented.JobsSynchronizer.get_status_list.__code__, documented.create_app.__code__
    assert rewritten([module]).__enter__() is None
    with rewritten([documented]):
        assert documented.JobsSynchronizer.get_status_list.__code__ is not codes[0]
        assert documented.create_app.__code__ is not codes[1]
    assert documented.JobsSynchronizer.get_status_list.__code__ is codes[0]


@pytest.mark.parametrize(
    ("target", "message"),
    [
        (len, "is no function, method, class or module written in Python"),
        (lambda: None, "there is no source of .*lambda.* that could be rewritten"),
        (eval("lambda: 1"), "there is no source"),  # noqa: S307  # What has no file.
    ],
    ids=["builtin", "lambda", "eval"],
)
def test_what_cannot_be_rewritten_is_refused(target: Any, message: str) -> None:
    """A function without a source is named."""
    with pytest.raises(TypeError, match=message):
        explore(program, switch_in=[target])


def published_list() -> object:
    """The published status list, handed out while a job may still report."""
    synchronizer = documented.JobsSynchronizer(1)
    threading.Thread(target=synchronizer.notify_task_completion, args=("late",)).start()
    return len(synchronizer.get_status_list())


def double_checked() -> object:
    """A flag that two threads look at without the lock under which it is set."""
    made: list[int] = []
    lock = threading.Lock()

    def make() -> None:
        if not made:
            with lock:
                made.append(1)

    written_programs.joined(make, make)
    return len(made)


@pytest.mark.parametrize(
    "bound", [0, 1, *(pytest.param(each, marks=pytest.mark.soundness) for each in (None, 2))]
)
@pytest.mark.parametrize(
    ("unlocked", "where"),
    [(published_list, documented.JobsSynchronizer), (double_checked, double_checked)],
    ids=["published", "double-checked"],
)
def test_unlocked_accesses_keep_every_outcome(unlocked: Any, where: Any, bound: int | None) -> None:
    """In named functions reduction loses no outcome of data that no lock guards."""
    with rewritten([where]):
        every = outcomes(unlocked, Exhaustive(bound, reduction=False))
        assert outcomes(unlocked, Exhaustive(bound)).keys() == every.keys()
