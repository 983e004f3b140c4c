"""switch_in: the data of some functions is watched, and they do what they did."""

import operator
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property, lru_cache
from types import ModuleType
from typing import Any, ClassVar, NamedTuple

import pytest
import searching
import written_programs
from searching import outcomes

import jobs_synchronizer
from jobs_synchronizer import documented
from threadsim import Exhaustive, ScheduleFailure, Simulation, explore, replay
from threadsim.exploration.data.instrumented import instrumented


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


class Assigning:
    """Counts without a lock, each method in another way."""

    def __init__(self) -> None:
        self.value = 0
        self.values = {"n": 0}

    def add(self) -> None:
        """Add one to an attribute."""
        self.value = self.value + 1  # Not += is what is tried.

    def add_to_item(self) -> None:
        """Add one to an item."""
        self.values["n"] = self.values["n"] + 1
        self.value = self.values["n"]

    def add_with_a_type(self) -> None:
        """Add one, with an annotation."""
        counted: int
        self.counted: int = getattr(self, "counted", 0) + 1
        counted = self.counted
        self.value = counted


total = 0


def counting_in_a_global() -> None:
    """Add to a module's variable in two threads."""
    global total  # noqa: PLW0603  # It is what is tried.
    total = 0

    def add() -> None:
        global total  # noqa: PLW0603
        total = total + 1

    written_programs.joined(add, add)
    assert total == 2, "an update is lost"


def counting_in_a_closure() -> None:
    """Add to a function's variable in two threads."""
    number = 0

    def add() -> None:
        nonlocal number
        number = number + 1

    written_programs.joined(add, add)
    assert number == 2, "an update is lost"


class Heir(Counter):
    """Has nothing of its own."""


@dataclass
class Point:
    """Is made by a library, mostly."""

    x: int = 0
    by_name = lambda self: self.x  # noqa: E731

    class Inner:
        """A class in it."""

        def number(self) -> int:
            """Return one."""
            return 1

    outer: ClassVar[Any] = Counter
    length: ClassVar[Any] = len

    def move(self) -> None:
        """Go on."""
        self.x += 1

    @cached_property
    def kept(self) -> int:
        """Its place, kept."""
        return self.x

    @staticmethod
    @lru_cache
    def remembered() -> int:
        """Return two, remembered."""
        return 2


class Pair(NamedTuple):
    """Is made by a library."""

    one: int

    def twice(self) -> int:
        """Double."""
        return self.one * 2


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
        explore(program, switch_in=[Counter.add], data="off")

    assert str(caught.value.__cause__).startswith("an update is lost")
    assert str(caught.value).endswith("data='off', switch_in=[Counter.add])")
    with pytest.raises(ScheduleFailure):
        replay(program, caught.value.schedule, switch_in=[Counter.add], data="off")


@pytest.mark.parametrize("method", ["add", "add_to_item", "add_with_a_type"])
def test_an_assignment_reads_before_others_and_writes_after_them(method: str) -> None:
    """An update of an attribute or an item is lost in one statement, too."""
    with pytest.raises(ScheduleFailure, match="an update is lost"):
        explore(lambda: two_add(Assigning(), method), Exhaustive(1), switch_in=[Assigning])


@pytest.mark.parametrize("counting", [counting_in_a_global, counting_in_a_closure])
def test_a_variable_that_threads_share_is_written_after_others(counting: Any) -> None:
    """So is one of a variable of a module, or of an outer function."""
    with pytest.raises(ScheduleFailure, match="an update is lost"):
        explore(counting, Exhaustive(1), switch_in=[counting])


def test_what_a_class_has_of_others_is_left_out() -> None:
    """What a library makes for a class has no source; what stands in its file is rewritten."""
    own = [
        Point.move,
        Point.Inner.number,
        vars(Point)["kept"].func,
        Point.remembered.__wrapped__,
        Pair.twice,
    ]
    others = [Point.__init__, Point.by_name, Counter.add]
    before = [each.__code__ for each in [*own, *others]]

    with instrumented({}, targets=[Point, Pair]):
        after = [each.__code__ for each in [*own, *others]]
        point = Point(1)
        point.move()
        assert (
            point.x,
            point.kept,
            point.Inner().number(),
            point.remembered(),
            Pair(2).twice(),
        ) == (2, 2, 1, 2, 4)
    same = [one is other for one, other in zip(before, after, strict=True)]
    assert same == [False] * len(own) + [True] * len(others)


def test_a_class_that_a_function_makes_has_no_attribute_more() -> None:
    """Statements in the body of a class get switch points, too, and no name for them."""

    def make() -> Any:
        class Made:
            values: ClassVar[dict[str, int]] = {"a": 1}
            values["a"] += 1

            class Inner:
                pass

            def value(self) -> int:
                return self.values["a"]

        return Made

    plain = make()
    with instrumented({}, targets=[make]):
        made = make()
        names = set(vars(made))
        assert made.value.__code__ != plain.value.__code__
        assert made().value() == 2
    assert names == set(vars(plain))


def made_inside() -> Any:
    """Return a function that has no name but here."""

    def inside() -> None:
        """Do nothing."""

    return inside


def gone() -> ModuleType:
    """Return a module that is not loaded."""
    module = ModuleType("gone")
    module.inside = made_inside()  # type: ignore[attr-defined]
    module.inside.__module__ = "gone"
    return module


@pytest.mark.parametrize(
    ("others", "named"),
    [
        ([], "[Counter.add]"),
        ([searching], "switch_in"),
        ([made_inside()], "switch_in"),
        ([gone()], "switch_in"),
    ],
    ids=["function", "module", "nested", "gone"],
)
def test_what_an_iterator_named_stands_in_the_line_that_replays(
    others: list[Any], named: str
) -> None:
    """The line has the names of the functions in ``switch_in``, if each has one."""
    with pytest.raises(ScheduleFailure) as caught:
        explore(program, switch_in=iter([Counter.add, *others]))  # type: ignore[arg-type]

    printed = str(caught.value).splitlines()[-1]
    assert printed == f"replay(program, {caught.value.schedule!r}, switch_in={named})"
    with pytest.raises(ScheduleFailure) as again:
        eval(printed, globals() | {"switch_in": [Counter.add, *others]})  # noqa: S307
    assert again.value.schedule == caught.value.schedule


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
    with Simulation(), instrumented({}, targets=[numbers, of_all_kinds, Counter, Counter().add]):
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
    with instrumented({}, targets=[failing]), pytest.raises(ZeroDivisionError) as caught:
        failing()
    assert caught.traceback[-1].lineno + 1 == failing.__code__.co_firstlineno + 2


def failing() -> float:
    """Fail in the second line."""
    return 1 / 0


def test_a_module_stands_for_all_its_functions() -> None:
    """Naming a module rewrites the functions and methods that are its own."""
    codes = documented.JobsSynchronizer.get_status_list.__code__, documented.create_app.__code__
    with instrumented({}, targets=[documented]):
        assert documented.JobsSynchronizer.get_status_list.__code__ is not codes[0]
        assert documented.create_app.__code__ is not codes[1]
    assert documented.JobsSynchronizer.get_status_list.__code__ is codes[0]


@pytest.mark.parametrize(
    ("target", "name"),
    [
        (len, "len"),
        (3, "3"),
        (lambda: None, ".*<lambda>"),
        (eval("lambda: 1"), "<lambda>"),  # noqa: S307  # What has no file.
        (Heir, "Heir"),
        (list, "list"),
        (jobs_synchronizer, "jobs_synchronizer"),
    ],
    ids=["builtin", "number", "lambda", "eval", "class", "class in C", "package"],
)
def test_what_cannot_be_rewritten_is_refused(target: Any, name: str) -> None:
    """A target without a function in its file is named, with the remedy."""
    text = (
        rf"switch_in: {name} has no function of its own that stands in a file with def\. Name the "
    )
    with pytest.raises(TypeError, match=text):
        explore(program, switch_in=[Counter, target])


def published_list() -> object:
    """The published status list, handed out while a job may still report."""
    synchronizer = documented.JobsSynchronizer(1)
    threading.Thread(target=synchronizer.notify_task_completion, args=("late",)).start()
    return len(synchronizer.get_status_list())


@pytest.mark.parametrize(
    "bound", [0, 1, *(pytest.param(each, marks=pytest.mark.soundness) for each in (None, 2))]
)
@pytest.mark.parametrize(
    ("unlocked", "where"),
    [
        (published_list, documented.JobsSynchronizer),
        (written_programs.double_checked, written_programs.double_checked),
    ],
    ids=["published", "double-checked"],
)
def test_unlocked_accesses_keep_every_outcome(unlocked: Any, where: Any, bound: int | None) -> None:
    """In named functions reduction loses no outcome of data that no lock guards."""
    found = outcomes(unlocked, Exhaustive(bound), switch_in=[where])
    every = outcomes(unlocked, Exhaustive(bound, reduction=False), switch_in=[where])
    assert found.keys() == every.keys()
