"""Programs whose threads share data without a lock, and twins that are right."""

import heapq
import json
import pickle
import threading
from collections import UserDict, defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache, cached_property, lru_cache, partial
from typing import Any

from written_programs import joined


class Service:
    """Its flag is set beside the lock."""

    def __init__(self) -> None:
        self.changed = threading.Condition()
        self.ready = False

    def wait(self) -> None:
        """Wait for the flag."""
        with self.changed:
            while not self.ready:
                self.changed.wait()


def flag_beside_the_lock() -> None:
    """The notification may come between the look at the flag and the wait."""
    service = Service()
    threads = [threading.Thread(target=service.wait) for _ in range(2)]
    for thread in threads:
        thread.start()
    service.ready = True
    with service.changed:
        service.changed.notify()
    for thread in threads:
        thread.join()


def flag_under_the_lock() -> None:
    """Nobody misses the notification."""
    service = Service()
    threads = [threading.Thread(target=service.wait) for _ in range(2)]
    for thread in threads:
        thread.start()
    with service.changed:
        service.ready = True
        service.changed.notify_all()
    for thread in threads:
        thread.join()


class Worker:
    """It is started before it is set up."""

    config: dict[str, int]

    def __init__(self) -> None:
        self.seen = 0
        self.thread = threading.Thread(target=self.run)
        self.thread.start()
        self.config = {"n": 1}

    def run(self) -> None:
        """Use what is set up."""
        self.seen = self.config["n"]


def started_before_it_is_set_up() -> None:
    """The thread may come to the attribute first."""
    worker = Worker()
    worker.thread.join()
    assert worker.seen == 1


class Counter:
    """A count."""

    def __init__(self) -> None:
        self.n = 0

    def add(self) -> None:
        """Add one."""
        self.n += 1


class Slotted:
    """A count in a slot."""

    __slots__ = ("n",)

    def __init__(self) -> None:
        self.n = 0

    def add(self) -> None:
        """Add one."""
        self.n += 1


@dataclass
class Data:
    """A count in a dataclass."""

    n: int = 0

    def add(self) -> None:
        """Add one."""
        self.n += 1


def _count(counter: Any) -> None:
    joined(counter.add, counter.add)
    assert counter.n == 2


def count_in_an_attribute() -> None:
    """An addition may be lost."""
    _count(Counter())


def count_in_a_slot() -> None:
    """An addition may be lost."""
    _count(Slotted())


def count_in_a_dataclass() -> None:
    """An addition may be lost."""
    _count(Data())


TOTAL = 0


def add_to_the_total() -> None:
    """Add one to a global."""
    global TOTAL  # noqa: PLW0603  # It is what is tried.
    TOTAL += 1


def count_in_a_global() -> None:
    """An addition may be lost."""
    global TOTAL  # noqa: PLW0603  # It is what is tried.
    TOTAL = 0
    joined(add_to_the_total, add_to_the_total)
    assert TOTAL == 2


def count_in_a_closure() -> None:
    """An addition may be lost."""
    n = 0

    def add() -> None:
        nonlocal n
        n += 1

    joined(add, add)
    assert n == 2


def count_in_three_threads() -> None:
    """An addition may be lost."""
    counter = Counter()
    joined(counter.add, counter.add, counter.add)
    assert counter.n == 3


def count_under_a_lock() -> None:
    """No addition is lost."""
    counter, lock = Counter(), threading.Lock()

    def add() -> None:
        with lock:
            counter.add()

    joined(add, add)
    assert counter.n == 2


def sells_twice() -> None:
    """Two look, then both sell."""
    stock = {"n": 1}
    sold = []

    def sell() -> None:
        if stock["n"]:
            stock["n"] -= 1
            sold.append(1)

    joined(sell, sell)
    assert len(sold) == 1


def made_twice() -> None:
    """A check, and then an act."""
    cache: dict[str, object] = {}
    made = []

    def get() -> None:
        if "x" not in cache:
            made.append(1)
            cache["x"] = object()

    joined(get, get)
    assert len(made) == 1


def set_default() -> None:
    """One call is one step."""
    cache: dict[str, object] = {}
    seen = []

    def get() -> None:
        seen.append(cache.setdefault("x", object()))

    joined(get, get)
    assert seen[0] is seen[1]


def cache_with_a_time() -> None:
    """An entry is deleted between the check and the read."""
    cache = {"x": 1}

    def get() -> None:
        if "x" in cache:
            assert cache["x"]

    def expire() -> None:
        cache.pop("x", None)

    joined(get, expire)


def by_an_alias() -> None:
    """The dictionary has another name."""
    counter: Any = Counter()
    counter.counts = {"n": 0}

    def add() -> None:
        counts = counter.counts
        value = counts["n"]
        counts["n"] = value + 1

    joined(add, add)
    assert counter.counts["n"] == 2


def generator_of_two_threads() -> None:
    """A generator is already executing."""
    gate = threading.Lock()

    def slow() -> Iterator[int]:
        n = 0
        while True:
            with gate:
                n += 1
            yield n

    source = slow()
    joined(lambda: next(source), lambda: next(source))


def iterated_while_it_grows() -> None:
    """A dictionary changes its size."""
    things = {"a": 1, "b": 2}

    def read() -> None:
        for _key, _value in things.items():
            pass

    def add() -> None:
        things["c"] = 3

    joined(read, add)


def dumped_half_changed() -> None:
    """JSON has one of two changes."""
    state = {"one": {"n": 0}, "two": {"n": 0}}
    seen: list[str] = []

    def change() -> None:
        state["one"]["n"] = 1
        state["two"]["n"] = 1

    def dump() -> None:
        seen.append(json.dumps(state))

    joined(change, dump)
    found = json.loads(seen[0])
    assert found["one"] == found["two"]


class Box:
    """What threads hand over."""

    ready = False
    value = 0


def published_too_early() -> None:
    """The flag is set before the data."""
    box = Box()

    def read() -> None:
        if box.ready:
            assert box.value == 1

    def write() -> None:
        box.ready = True
        box.value = 1

    joined(read, write)


def published() -> None:
    """The flag is set after the data."""
    box = Box()

    def read() -> None:
        if box.ready:
            assert box.value == 1

    def write() -> None:
        box.value = 1
        box.ready = True

    joined(read, write)


def published_by_an_event() -> None:
    """An Event orders the two."""
    box, event = Box(), threading.Event()

    def read() -> None:
        event.wait()
        assert box.value == 1

    def write() -> None:
        box.value = 1
        event.set()

    joined(read, write)


class Lazy:
    """Double-checked locking."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.thing: dict[str, int] | None = None

    def too_early(self) -> dict[str, int]:
        """Publish the object before it is set up."""
        if self.thing is None:
            with self.lock:
                self.thing = {}
                self.thing["n"] = 1
        return self.thing

    def right(self) -> dict[str, int]:
        """Set the object up, and then publish it."""
        if self.thing is None:
            with self.lock:
                if self.thing is None:
                    thing = {}
                    thing["n"] = 1
                    self.thing = thing
        return self.thing


def double_checked_too_early() -> None:
    """The second thread finds an empty dictionary."""
    lazy = Lazy()

    def use() -> None:
        assert lazy.too_early()["n"] == 1

    joined(use, use)


def double_checked() -> None:
    """The second thread finds all."""
    lazy = Lazy()

    def use() -> None:
        assert lazy.right()["n"] == 1

    joined(use, use)


def own_items() -> None:
    """Each thread has an item of its own."""
    results = [0, 0, 0]

    def put(index: int) -> Callable[[], None]:
        def body() -> None:
            results[index] = index

        return body

    joined(*(put(index) for index in range(3)))
    assert results == [0, 1, 2]


class Typed:
    """Counts with annotations and by other names."""

    def __init__(self) -> None:
        self.n: int = 0
        self.counts: defaultdict[tuple[str, int], int] = defaultdict(int)
        self.things: list[int] = [1]
        self.keys: set[object] = {0, self}

    def add(self) -> None:
        """Add one."""
        added: int
        added = getattr(self, "n")  # noqa: B009  # By its name is what is tried.
        setattr(self, "n", added + 1)  # noqa: B010


def count_by_name() -> None:
    """An addition may be lost."""
    _count(Typed())


def count_by_default() -> None:
    """A defaultdict makes the item that is read."""
    typed = Typed()

    def add() -> None:
        typed.counts["a", 1] += 1

    joined(add, add)
    assert typed.counts["a", 1] == 2


def takes_the_last() -> None:
    """A list is empty when its last item is to be deleted."""
    things = [1]

    def take() -> None:
        if len(things) > 0:
            del things[0]

    joined(take, take)


def takes_by_pop() -> None:
    """Between the test and the act of one expression another thread runs."""
    things = [1]
    take = lambda: things.pop() if things else None  # noqa: E731  # A lambda is what is tried.
    joined(take, take)


def removes_twice() -> None:
    """A set has no such item any more."""
    typed = Typed()

    def remove() -> None:
        if typed in typed.keys:
            typed.keys.remove(typed)

    joined(remove, remove)


def changed_by_an_operator() -> None:
    """A slice is read between two changes."""
    things = [1, 2]

    def change() -> None:
        things[:1] = []
        things[:0] = []
        things[:0] += [3]

    def read() -> None:
        assert things[:] in ([1, 2], [3, 2])

    joined(change, read)


def walrus_in_a_closure() -> None:
    """An assignment expression writes a variable that functions share."""
    n = 0

    def add() -> None:
        nonlocal n
        assert (n := n + 1) < 3

    joined(add, add)
    assert n == 2


def unpacked_half_changed() -> None:
    """Two items are read in one statement, and written in two."""
    pair = [1, 1]

    def read() -> None:
        one, other = pair
        assert one == other

    def write() -> None:
        pair[0] = 2
        pair[1] = 2

    joined(read, write)


def taken_from_a_heap() -> None:
    """The heap is empty when its last item is taken again."""
    heap = [3]

    def take() -> None:
        if heap:
            heapq.heappop(heap)

    joined(take, take)


def discards() -> None:
    """To remove what is not there changes nothing; and many items share a place."""
    typed, many = Typed(), dict.fromkeys(range(201), 0)

    def use(number: int) -> Callable[[], None]:
        def body() -> None:
            typed.keys.discard(-1)
            many.pop(-1, None)
            many[number] += 1

        return body

    joined(use(1), use(2))
    assert sum(each for each in many.values()) == 2


class Client:
    """It connects when it is used first."""

    @cached_property
    def connection(self) -> object:
        """A new object."""
        return object()


def connects_twice() -> None:
    """A ``cached_property`` may be computed in two threads."""
    client = Client()
    found: list[object] = [None, None]
    joined(*(partial(_put_connection, client, found, at) for at in range(2)))
    assert found[0] is found[1]


def _put_connection(client: Client, found: list[object], at: int) -> None:
    found[at] = client.connection


@lru_cache
def settings() -> object:
    """Return what is made once."""
    return object()


def caches_twice() -> None:
    """``lru_cache`` runs a function in two threads that both find nothing."""
    settings.cache_clear()
    found: list[object] = [None, None]

    def find(at: int) -> None:
        found[at] = settings()

    joined(partial(find, 0), partial(find, 1))
    assert found[0] is found[1]


class Connector:
    """It connects once."""

    def __init__(self) -> None:
        self.made = 0

    @cache  # noqa: B019  # It is what is tried.
    def connect(self) -> int:
        """Return how many connections were made."""
        self.made += 1
        return self.made


def connects_twice_by_a_method() -> None:
    """A method with a cache runs in two threads that both find nothing."""
    connector = Connector()

    def connect() -> None:
        connector.connect()

    joined(connect, connect)
    assert connector.made == 1


def pickled_half_changed() -> None:
    """A pickle has one of two changes of a list in a dictionary."""
    state: dict[str, list[int]] = {"rows": []}
    seen: list[bytes] = []

    def change() -> None:
        state["rows"].append(1)
        state["rows"].append(2)

    joined(change, lambda: seen.append(pickle.dumps(state)))
    assert len(pickle.loads(seen[0])["rows"]) != 1  # noqa: S301  # Our own.


class Registry(UserDict[str, int]):
    """A dictionary with a class of its own."""


def counted_in_a_user_dict() -> None:
    """An addition may be lost."""
    registry = Registry({"n": 0})

    def add() -> None:
        registry["n"] += 1

    joined(add, add)
    assert registry["n"] == 2


@dataclass
class Pair:
    """Two numbers that belong together."""

    one: int = 1
    other: int = 1


def matched_half_changed() -> None:
    """A class pattern looks at attributes."""
    pair = Pair()

    def change() -> None:
        pair.one = 2
        pair.other = 2

    def look() -> None:
        match pair:
            case Pair(one=1, other=1) | Pair(one=2, other=2):
                return
        raise AssertionError(pair)

    joined(change, look)


def passed_half_changed() -> None:
    """A dictionary of arguments is read whole."""
    options = {"one": 1, "other": 1}

    def change() -> None:
        options["one"] = 2
        options["other"] = 2

    def look() -> None:
        pair, again = Pair(**options), {**options, "more": 0}
        assert pair.one == pair.other
        assert again["one"] == again["other"]

    joined(change, look)


def shares_a_slice() -> None:
    """A list that grows in place is read before, and written after the value is computed."""
    holder = Typed()

    def grow() -> None:
        holder.things += [2] if len(holder.things) < 2 else []

    joined(grow, grow)
    assert holder.things == [1, 2]


def chosen_by_a_condition() -> None:
    """A comprehension asks whether a list is empty."""
    things: list[int] = []

    def look() -> None:
        found = [1 for _ in range(1) if things]
        assert not found

    joined(look, lambda: things.append(1))


def guarded() -> None:
    """The guard of a pattern asks whether a list is empty."""
    things: list[int] = []

    def look() -> None:
        match 1:
            case 1 if things:
                raise AssertionError

    joined(look, lambda: things.append(1))


def asserted() -> None:
    """An ``assert`` reads a list."""
    things: list[int] = []

    def look() -> None:
        assert things

    joined(look, lambda: things.append(1))


def compared_while_it_changes() -> None:
    """An iterator over a list reads it at each step."""
    one, other = [1, 1], [1, 1]

    def look() -> None:
        for left, right in zip(map(int, one), reversed(other), strict=False):
            assert left == right

    def change() -> None:
        one[1] = 2
        other[0] = 2

    joined(look, change)


def expires_between() -> None:
    """A value is made anew between the look that removes it and the next one."""
    cache: dict[str, int] = {}

    def fill() -> None:
        cache["x"] = 1
        cache.setdefault("x", 2)

    def expire() -> None:
        old = cache.pop("x", None)
        assert (old, cache.get("x")) != (1, 2)

    joined(fill, expire)


def configured_late() -> None:
    """An ``update`` adds a key that a reader looks for."""
    config = {"DEBUG": False}

    def read() -> None:
        assert config.get("SECRET") is not None

    joined(lambda: config.update(SECRET=True), read)


RACY = [
    connects_twice_by_a_method,
    pickled_half_changed,
    expires_between,
    configured_late,
    chosen_by_a_condition,
    guarded,
    asserted,
    compared_while_it_changes,
    connects_twice,
    caches_twice,
    counted_in_a_user_dict,
    matched_half_changed,
    passed_half_changed,
    shares_a_slice,
    unpacked_half_changed,
    taken_from_a_heap,
    count_by_name,
    count_by_default,
    takes_the_last,
    takes_by_pop,
    removes_twice,
    changed_by_an_operator,
    walrus_in_a_closure,
    flag_beside_the_lock,
    started_before_it_is_set_up,
    count_in_an_attribute,
    count_in_a_slot,
    count_in_a_dataclass,
    count_in_a_global,
    count_in_a_closure,
    count_in_three_threads,
    sells_twice,
    made_twice,
    cache_with_a_time,
    by_an_alias,
    generator_of_two_threads,
    iterated_while_it_grows,
    dumped_half_changed,
    published_too_early,
    double_checked_too_early,
]
"""Each fails in some order."""

RIGHT = {
    flag_under_the_lock: 20,
    count_under_a_lock: 2,
    set_default: 10,
    published: 2,
    published_by_an_event: 2,
    double_checked: 6,
    own_items: 1,
    discards: 30,
}
"""These never fail; and how many orders they may have."""
