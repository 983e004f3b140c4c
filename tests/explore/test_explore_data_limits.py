"""What of the program's data is not seen, and how to write it so that it is."""

import random
import tempfile
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from werkzeug.local import LocalProxy
from written_programs import joined

from threadsim import ScheduleFailure, explore

Body = Callable[[], object]
Program = Callable[[], None]


class Counter:
    """Its values change together."""

    def __init__(self) -> None:
        self.n = 0
        self.values = {"one": 1, "other": 1}
        self.things: list[int] = []

    def change(self) -> None:
        """Change both values."""
        self.values["one"] = 2
        self.values["other"] = 2

    def add(self) -> None:
        """Add one."""
        self.n += 1


def _operand(read: Callable[[dict[str, int]], dict[str, int]]) -> Program:
    def program() -> None:
        counter = Counter()

        def look() -> None:
            found = read(counter.values)
            assert found["one"] == found["other"]

        joined(look, counter.change)

    return program


def _append(appending: Callable[[list[int]], Callable[[int], object]]) -> Program:
    def program() -> None:
        things: list[int] = []
        thread = threading.Thread(target=appending(things), args=(1,))
        thread.start()
        assert not things
        thread.join()

    return program


def _counts(owner: Callable[[Counter], Any]) -> Program:
    def program() -> None:
        counter = Counter()
        counting = owner(counter)

        def add() -> None:
            counting.n += 1

        joined(add, add)
        assert counter.n == 2

    return program


def _chooses(choose: Callable[[list[int]], int]) -> Program:
    def program() -> None:
        things = [1]

        def take() -> None:
            if things:
                choose(things)

        def clear() -> None:
            things.clear()

        joined(take, clear)

    return program


EXEC = """
def program():
    counter = Counter()

    def add():
        counter.n += 1

    joined(add, add)
    assert counter.n == 2
"""


def _made_by_exec() -> None:
    names: dict[str, Any] = {"Counter": Counter, "joined": joined}
    exec(EXEC, names)  # noqa: S102  # It is what is tried.
    names["program"]()


def _in_a_file() -> None:
    counter = Counter()
    joined(counter.add, counter.add)
    assert counter.n == 2


@dataclass
class Pair:
    """Two numbers that belong together."""

    one: int = 1
    other: int = 1


def _compares(is_even: Callable[[Pair], bool]) -> Program:
    def program() -> None:
        pair = Pair()

        def change() -> None:
            pair.one = 2
            pair.other = 2

        def look() -> None:
            assert is_even(pair)

        joined(change, look)

    return program


def _yields(each_of: Callable[[list[int]], Iterator[int]]) -> Program:
    def program() -> None:
        things = [1, 1]

        def change() -> None:
            things[0] = 2
            things[1] = 2

        def look() -> None:
            assert len(set(each_of(things))) == 1

        joined(change, look)

    return program


def _from(things: list[int]) -> Iterator[int]:
    yield from things


def _one_by_one(things: list[int]) -> Iterator[int]:
    for each in things:  # noqa: UP028  # It is what is tried.
        yield each


class Keyed:
    """It adds by a function without a name."""

    add = lambda self: setattr(self, "n", self.n + 1)  # noqa: E731  # It is what is tried.

    def __init__(self) -> None:
        self.n = 0

    def add_by_name(self) -> None:
        """Add one."""
        self.n += 1


def _keyed(adding: Callable[[Keyed], Body]) -> Program:
    def program() -> None:
        keyed = Keyed()
        joined(adding(keyed), adding(keyed))
        assert keyed.n == 2

    return program


def _joined_copy(values: dict[str, int]) -> dict[str, int]:
    return values | {}


def _copy(values: dict[str, int]) -> dict[str, int]:
    return {**values}


def _method(things: list[int]) -> Callable[[int], object]:
    return things.append


def _function(things: list[int]) -> Callable[[int], object]:
    return lambda number: things.append(number)  # noqa: PLW0108  # It is what is tried.


def _proxy(counter: Counter) -> Any:
    return LocalProxy(lambda: counter)


def _behind_a_proxy(counter: Counter) -> Any:
    return LocalProxy(lambda: counter)._get_current_object()


def _first(things: list[int]) -> int:
    return things[0]


def _equal(pair: Pair) -> bool:
    return pair in (Pair(), Pair(2, 2))


def _equal_fields(pair: Pair) -> bool:
    return pair.one == pair.other


def _without_a_name(keyed: Keyed) -> Body:
    return keyed.add


def _with_a_name(keyed: Keyed) -> Body:
    return keyed.add_by_name


class Maker:
    """It makes one lock for a name, at first use."""

    def __init__(self) -> None:
        self.locks: defaultdict[str, object] = defaultdict(self.make)

    def make(self) -> object:
        """Make one."""
        return object()

    def missing(self) -> object:
        """Let the dictionary make it."""
        return self.locks["one"]

    def looked_up(self) -> object:
        """Look, and make it."""
        if "one" not in self.locks:
            self.locks["one"] = self.make()
        return self.locks["one"]


def _makes(first_use: Callable[[Maker], object]) -> Program:
    def program() -> None:
        maker = Maker()
        made: list[object] = []

        def use() -> None:
            made.append(first_use(maker))

        joined(use, use)
        assert made[0] is made[1]

    return program


def _by_dict(pair: Pair) -> bool:
    return len(set(vars(pair).values())) == 1


def _bound_by_a_loop() -> None:
    current = 0
    found: list[int] = []

    def change() -> None:
        nonlocal current
        for current in (1, 2):  # noqa: B007  # It is what is tried.
            pass

    def look() -> None:
        found.extend((current, current))

    joined(change, look)
    assert found[0] == found[1]


def _assigned_in_a_loop() -> None:
    current = 0
    found: list[int] = []

    def change() -> None:
        nonlocal current
        for each in (1, 2):
            current = each

    def look() -> None:
        found.extend((current, current))

    joined(change, look)
    assert found[0] == found[1]


def _in_a_file_of_its_own(pause: Body) -> Program:
    def program() -> None:
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder, "count")
            file.write_text("0", encoding="utf-8")

            def add() -> None:
                count = int(file.read_text(encoding="utf-8"))
                pause()
                file.write_text(str(count + 1), encoding="utf-8")

            joined(add, add)
            assert file.read_text(encoding="utf-8") == "2"

    return program


@pytest.mark.parametrize(
    ("unseen", "seen"),
    [
        pytest.param(_operand(_joined_copy), _operand(_copy), id="operand"),
        pytest.param(_append(_method), _append(_function), id="method_handed_over"),
        pytest.param(_counts(_proxy), _counts(_behind_a_proxy), id="proxy"),
        pytest.param(_chooses(random.choice), _chooses(_first), id="library"),
        pytest.param(_made_by_exec, _in_a_file, id="exec"),
        pytest.param(_compares(_equal), _compares(_equal_fields), id="dataclass"),
        pytest.param(_yields(_from), _yields(_one_by_one), id="yield_from"),
        pytest.param(_keyed(_without_a_name), _keyed(_with_a_name), id="lambda"),
        pytest.param(_makes(Maker.missing), _makes(Maker.looked_up), id="defaultdict"),
        pytest.param(_bound_by_a_loop, _assigned_in_a_loop, id="bound_by_for"),
        pytest.param(_compares(_by_dict), _compares(_equal_fields), id="vars"),
        pytest.param(
            _in_a_file_of_its_own(lambda: None),
            _in_a_file_of_its_own(lambda: time.sleep(0)),
            id="file",
        ),
    ],
)
def test_what_is_not_seen_can_be_written_so_that_it_is(unseen: Program, seen: Program) -> None:
    """A race is missed that another way to write the same shows."""
    assert explore(unseen).complete
    with pytest.raises(ScheduleFailure):
        explore(seen)


def test_a_library_that_is_named_is_seen() -> None:
    """What its functions read."""
    with pytest.raises(ScheduleFailure, match="IndexError"):
        explore(_chooses(random.choice), switch_in=[random])
