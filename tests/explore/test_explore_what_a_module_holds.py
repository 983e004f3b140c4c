"""What a semaphore, event, barrier or queue from outside holds is the same in every schedule."""

import queue
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from types import ModuleType
from typing import Any
from weakref import WeakSet

import pytest
from searching import outcomes, world_of
from written_programs import joined, started

from threadsim import Random, ScheduleFailure, Simulation, explore, replay
from threadsim.exploration.execution import NECESSARY
from threadsim.exploration.schedule_string import Replay

MADE: dict[str, Any] = {}


class Jobs(queue.Queue[int]):
    """Is a queue, and remembers what has been put into it."""

    def _init(self, maxsize: int) -> None:
        super()._init(maxsize)
        self.seen: list[int] = []

    def _put(self, item: int) -> None:
        super()._put(item)
        self.seen.append(item)


class SetUpLate(queue.Queue[int]):
    """Is a queue with its items where nobody can copy them, and no queue before it is used."""

    def __init__(self) -> None:
        pass

    def set_up(self) -> None:
        """Become what it is."""
        super().__init__()

    def _init(self, _maxsize: int) -> None:
        self.queue: Any = threading.Lock()


class Connection:
    """Can be told to have gone."""


EVENT = threading.Event()
SEMAPHORE = threading.Semaphore(2)
BOUNDED = threading.BoundedSemaphore(2)
BARRIER = threading.Barrier(2)
QUEUES: list[Any] = [
    queue.Queue(),
    queue.LifoQueue(),
    queue.PriorityQueue(),
    queue.SimpleQueue(),
]
for each in QUEUES:
    each.put(5)


def take_for_good() -> object:
    """Take two semaphores."""
    seen = SEMAPHORE._value, BOUNDED._value
    SEMAPHORE.acquire()
    BOUNDED.acquire()
    return seen


def set_for_good() -> object:
    """Set an event."""
    seen = EVENT.is_set()
    EVENT.set()
    return seen


def break_for_good() -> object:
    """Break a barrier while somebody waits there."""
    seen = BARRIER.broken, BARRIER.n_waiting

    def wait() -> None:
        with suppress(threading.BrokenBarrierError):
            BARRIER.wait()

    started(wait)
    BARRIER.abort()
    return seen


def put_for_good() -> object:
    """Put another item into each queue than was there, and shut down one that can be."""
    seen = tuple((each.get(), getattr(each, "unfinished_tasks", 1)) for each in QUEUES)
    for each in QUEUES:
        each.put(3)
    getattr(QUEUES[0], "shutdown", list)()
    return seen


@pytest.mark.parametrize(
    ("program", "begins"),
    [
        (take_for_good, (2, 2)),
        (set_for_good, False),
        (break_for_good, (False, 0)),
        (put_for_good, ((5, 1),) * 4),
    ],
)
def test_each_schedule_finds_what_the_exploration_has_found(
    program: Callable[[], object], begins: object
) -> None:
    """What one schedule leaves is not there in the next, nor afterwards."""
    for _ in range(2):
        assert outcomes(program, Random(1)) == {begins: 1}  # Beside the one that warms up.


def test_what_a_class_holds_in_its_own_way_is_left_alone() -> None:
    """Nobody else knows what belongs together there, so that all of it stays: the page says so."""
    jobs, late, later = Jobs(), SetUpLate(), SetUpLate()
    late.set_up()

    def program() -> None:
        assert late
        assert later
        jobs.put(1)

    with world_of(program) as world:
        for _ in range(3):
            world.run(Replay([]), switch_points=NECESSARY)
    assert jobs.seen == list(jobs.queue) == [1, 1, 1]
    assert jobs.unfinished_tasks == 3


def test_a_lost_task_of_a_modules_queue_has_the_line_that_replays_it() -> None:
    """The first schedule that fails is the one that is told, not one that found its task."""
    tasks = queue.Queue[str]()

    def program() -> None:
        ready = threading.Event()

        def worker() -> None:
            tasks.get()
            if ready.is_set():
                tasks.task_done()

        started(worker)
        tasks.put("item")
        ready.set()
        tasks.join()

    with pytest.raises(ScheduleFailure) as caught:
        explore(program)
    assert caught.value.schedule == "a1"
    with pytest.raises(ScheduleFailure):
        replay(program, "a1")
    assert tasks.unfinished_tasks == 0


def test_two_semaphores_of_a_module_in_two_orders_are_found() -> None:
    """As two locks are: one deadlock is not there in all that follow."""
    one, other = threading.Semaphore(), threading.Semaphore()

    def both(first: threading.Semaphore, second: threading.Semaphore) -> None:
        first.acquire()
        second.acquire()
        second.release()
        first.release()

    def program() -> None:
        joined(lambda: both(one, other), lambda: both(other, one))

    with pytest.raises(ScheduleFailure) as caught:
        explore(program)
    assert caught.value.schedule == "b1"
    assert not hasattr(caught.value, "__notes__")
    assert (one._value, other._value) == (1, 1)


def test_a_semaphore_that_is_kept_hides_no_other_failure() -> None:
    """A program that takes one and fails does so in each schedule."""

    def program() -> None:
        BOUNDED.acquire()
        BOUNDED.acquire()
        raise ValueError("the fault")

    with pytest.raises(ScheduleFailure, match="ValueError: the fault") as caught:
        explore(program)
    assert not hasattr(caught.value, "__notes__")


@pytest.mark.parametrize("file", ["made_in_a_run.py", "site-packages/made_in_a_run.py"])
def test_what_is_made_in_the_first_run_alone_is_put_back_to_what_that_left(file: str) -> None:
    """Be it a global that is made when first asked for, or one of a module that is imported."""
    MADE.clear()

    def program() -> object:
        if not MADE:
            MADE["slots"] = threading.Semaphore(3)
            sys.modules["made_in_a_run"] = module = ModuleType("made_in_a_run")
            inside = {"__module__": "made_in_a_run", "event": threading.Event()}
            vars(module).update(
                __file__=file, event=threading.Event(), Service=type("Service", (), inside)
            )
        module = sys.modules["made_in_a_run"]
        events = module.event, module.Service.event
        seen = MADE["slots"]._value, *(each.is_set() for each in events)
        MADE["slots"].acquire()
        for each in events:
            (each.clear if each.is_set() else each.set)()
        return seen

    try:
        assert outcomes(program, Random(3)) == {(2, True, True): 3}
    finally:
        del sys.modules["made_in_a_run"]


def test_what_the_first_run_makes_lives_no_longer_than_without_an_exploration() -> None:
    """A program that counts what it has let go of counts right in each schedule."""
    living = WeakSet[Connection]()
    kept: list[queue.Queue[Connection]] = []

    def program() -> None:
        kept.clear()
        assert not living
        kept.append(queue.Queue())
        kept[0].put(Connection())
        living.update(kept[0].queue)

    assert explore(program, Random(2)).schedules == 2
    program()


def test_a_simulation_keeps_what_its_program_did() -> None:
    """It is one run, and what it leaves is what the program leaves."""
    with Simulation():
        take_for_good()
    assert (SEMAPHORE._value, BOUNDED._value) == (1, 1)
    SEMAPHORE.release()
    BOUNDED.release()
