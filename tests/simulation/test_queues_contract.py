"""Queues keep the standard library's promises, in a simulation and for real."""

import pickle
import queue
import time
from collections.abc import Callable
from queue import Empty, Full, LifoQueue, PriorityQueue, Queue, SimpleQueue
from threading import Thread
from typing import Any

import pytest

# A wait in these tests, in seconds: real threads really wait for it.
SHORT = 0.01

pytestmark = pytest.mark.usefixtures("kind")

# Each looks its name up when it is called: in the module, or where it was imported before.
ALL: dict[str, Callable[[], Any]] = {
    "queue.Queue": lambda: queue.Queue(),  # noqa: PLW0108  # As said above.
    "Queue": lambda: Queue(),  # noqa: PLW0108
    "LifoQueue": lambda: LifoQueue(),  # noqa: PLW0108
    "PriorityQueue": lambda: PriorityQueue(),  # noqa: PLW0108
    "queue.SimpleQueue": lambda: queue.SimpleQueue(),  # noqa: PLW0108
    "SimpleQueue": lambda: SimpleQueue(),  # noqa: PLW0108
}
every_queue = pytest.mark.parametrize("make", list(ALL.values()), ids=list(ALL))


@pytest.mark.parametrize(
    ("make", "expected"),
    [
        (ALL["queue.Queue"], [2, 1, 3]),
        (ALL["Queue"], [2, 1, 3]),
        (ALL["LifoQueue"], [3, 1, 2]),
        (ALL["PriorityQueue"], [1, 2, 3]),
        (ALL["queue.SimpleQueue"], [2, 1, 3]),
        (ALL["SimpleQueue"], [2, 1, 3]),
    ],
    ids=list(ALL),
)
def test_items_come_in_the_order_of_the_queue(make: Callable[[], Any], expected: list[int]) -> None:
    """First in, last in or smallest comes first."""
    items = make()
    assert items.empty()
    for item in (2, 1, 3):
        items.put(item)

    assert (items.qsize(), items.empty()) == (3, False)
    assert [items.get(), items.get(False), items.get_nowait()] == expected


@every_queue
def test_an_empty_queue_says_so_at_its_time_out(make: Callable[[], Any]) -> None:
    """``get`` raises Empty at once, or when its time is over."""
    items = make()
    for arguments in ((False,), (True, 0), (True, SHORT), (False, -1), (False, "ignored")):
        with pytest.raises(Empty):
            items.get(*arguments)
    with pytest.raises(Empty):
        items.get_nowait()
    with pytest.raises(ValueError, match="'timeout' must be a non-negative number"):
        items.get(timeout=-1)


@every_queue
def test_one_who_waits_gets_what_is_put(make: Callable[[], Any]) -> None:
    """A waiting ``get`` ends with the item, whether it waits without end or for some time."""
    items = make()
    got: list[object] = []
    threads = [
        Thread(target=lambda: got.append(items.get())),
        Thread(target=lambda: got.append(items.get(timeout=1000))),
        Thread(target=lambda: got.append(items.get(True, None))),
    ]
    for thread in threads:
        thread.start()
    time.sleep(SHORT)
    for item in range(3):
        items.put(item)
    for thread in threads:
        thread.join()

    assert sorted(map(str, got)) == ["0", "1", "2"]


def test_a_full_queue_makes_the_giver_wait() -> None:
    """``put`` waits for room, or raises Full."""
    items: Queue[int] = Queue(maxsize=1)
    items.put(1)
    assert items.full()
    with pytest.raises(Full):
        items.put_nowait(2)
    with pytest.raises(Full):
        items.put(2, timeout=SHORT)
    thread = Thread(target=items.put, args=(3,))
    thread.start()
    assert [items.get(), items.get()] == [1, 3]
    thread.join()


def test_a_queue_is_joined_when_all_is_done() -> None:
    """``join`` returns after as many ``task_done`` as there were items."""
    items: Queue[int] = Queue()
    done: list[int] = []

    def work() -> None:
        for _ in range(3):
            done.append(items.get())
            items.task_done()

    for item in range(3):
        items.put(item)
    thread = Thread(target=work)
    thread.start()
    items.join()
    assert done == [0, 1, 2]
    thread.join()
    with pytest.raises(ValueError, match=r"task_done\(\) called too many times"):
        items.task_done()


def test_a_simple_queue_takes_and_ignores_the_arguments_of_a_queue() -> None:
    """``put`` never waits, whatever it is told; ``put_nowait`` is the same."""
    items: SimpleQueue[int] = SimpleQueue()
    items.put(1, False, -5)
    items.put(2, block=True, timeout=None)
    items.put_nowait(3)

    assert [items.get(), items.get(timeout=0), items.get(block=True, timeout=SHORT)] == [1, 2, 3]


@pytest.mark.parametrize(
    ("timeout", "error"),
    [(float("nan"), ValueError), (1e12, OverflowError), ("1", TypeError)],
)
def test_a_simple_queue_refuses_a_wrong_time_out(timeout: Any, error: type[Exception]) -> None:
    """What is no time to wait is refused with the real error."""
    with pytest.raises(error):
        SimpleQueue().get(timeout=timeout)


def test_a_time_out_of_a_simple_queue_need_not_be_an_int() -> None:
    """What counts as a whole number will do."""

    class Whole:
        def __index__(self) -> int:
            return 0

    whole: Any = Whole()
    with pytest.raises(Empty):
        SimpleQueue().get(timeout=whole)


def test_other_methods_of_a_derived_simple_queue_stay_as_they_are() -> None:
    """Methods of the program's own are called where the program calls them, and nowhere else."""

    class Refusing(SimpleQueue):  # type: ignore[type-arg]
        put = get = qsize = None  # type: ignore[assignment]

    items = Refusing()
    items.put_nowait(1)

    assert not items.empty()
    assert items.get_nowait() == 1


def test_a_simple_queue_is_no_value() -> None:
    """It takes no arguments, can be parametrised, and cannot be pickled."""
    with pytest.raises(TypeError, match=r"cannot pickle '_queue\.SimpleQueue' object"):
        pickle.dumps(SimpleQueue())
    with pytest.raises(TypeError):
        SimpleQueue(1)  # type: ignore[call-arg]
    assert repr(SimpleQueue()).startswith("<_queue.SimpleQueue object at 0x")

    class Named(SimpleQueue):  # type: ignore[type-arg]
        """A queue that a program derives."""

    assert repr(Named()).startswith(f"<{__name__}.{Named.__qualname__} object at 0x")
    assert SimpleQueue[int].__args__ == (int,)  # type: ignore[attr-defined]
