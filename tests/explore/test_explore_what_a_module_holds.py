"""What a semaphore, event, barrier or queue from outside holds is the same in every schedule."""

import _thread
import queue
import sys
import threading
from collections import deque
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from types import FunctionType, ModuleType
from typing import Any
from weakref import WeakSet

import pytest
from searching import outcomes
from written_programs import joined, started

from threadsim import Random, ScheduleFailure, Simulation, explore, replay
from threadsim.exploration.execution import SwitchPoints
from threadsim.exploration.runner import ScheduleRunner
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

    with ScheduleRunner(program) as world:
        for _ in range(3):
            world.run(Replay([]), switch_points=SwitchPoints.NECESSARY)
    assert jobs.seen == list(jobs.queue) == [1, 1, 1]
    assert jobs.unfinished_tasks == 3


def test_a_second_name_for_what_is_in_a_queue_stays_one() -> None:
    """Who looks into a queue by it sees what is there, in each schedule and afterwards."""
    jobs = queue.Queue[int]()
    inside = jobs.queue

    def program() -> None:
        assert not inside
        jobs.put(1)
        assert list(inside) == [1]

    assert explore(program, Random(2)).schedules == 2
    assert jobs.queue is inside
    assert not inside


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


def test_what_real_threads_wait_for_is_left_to_them() -> None:
    """An event that somebody outside waits for stays set, and a pool outside has its jobs."""
    event, begun = threading.Event(), threading.Event()
    inside: Any = event._cond  # type: ignore[attr-defined]

    def wait() -> None:
        with inside:
            begun.set()
            inside.wait()

    with ThreadPoolExecutor(1) as pool:
        waits = pool.submit(wait)
        after = pool.submit(int, "1")
        assert begun.wait()
        with inside:  # It waits: it has let go of this.
            pass

        def program() -> None:
            assert pool
            event.set()

        assert explore(program, Random(1)).schedules == 1
        assert event.is_set()
        assert waits.result() is None
        assert after.result() == 1


def in_a_thread(work: Callable[[], object]) -> Callable[[], object]:
    """Begin to run a function, and return what waits for its end."""
    thread = threading.Thread(target=work)
    thread.start()
    return thread.join


def in_a_bare_thread(work: Callable[[], object]) -> Callable[[], object]:
    """Do the same in one that threading does not list."""
    ident = _thread.start_new_thread(work, ())
    return lambda: deque(iter(lambda: ident in sys._current_frames(), False), 0)


@pytest.mark.parametrize(
    ("kind", "run"),
    [(queue.Queue, in_a_thread), (queue.SimpleQueue, in_a_bare_thread)],
)
def test_a_real_worker_gets_each_job_once(
    kind: Callable[[], Any], run: Callable[[Callable[[], object]], Callable[[], object]]
) -> None:
    """What it finds in its queue when it comes back to it are the jobs that have been put there."""
    jobs, begun, end = kind(), threading.Event(), threading.Event()
    put: list[int] = []
    done: list[int] = []

    def work() -> None:
        begun.set()
        end.wait()
        for job in iter(jobs.get, None):
            job()

    def program() -> None:
        put.append(len(put))
        jobs.put(partial(done.append, put[-1]))

    program()
    join = run(work)
    assert begun.wait()
    assert explore(program, Random(2)).schedules == 2
    end.set()
    jobs.put(None)
    join()
    assert done == put


def assert_each_schedule_finds_it_clear(flag: threading.Event) -> None:
    def program() -> None:
        assert not flag.is_set()
        flag.set()

    assert explore(program, Random(2)).schedules == 2


@pytest.mark.parametrize("run", [in_a_thread, in_a_bare_thread])
def test_a_thread_of_the_test_runner_uses_nothing_of_the_program(
    run: Callable[[Callable[[], object]], Callable[[], object]],
) -> None:
    """Beside one each schedule finds what the exploration has found."""
    begun, end, flag = threading.Event(), threading.Event(), threading.Event()

    def work() -> None:
        begun.set()
        end.wait()

    def of_the_runner(calls: Callable[[], None]) -> None:
        calls()

    names = {"__name__": "execnet.gateway_base"}
    join = run(FunctionType(of_the_runner.__code__, names, argdefs=(work,)))
    assert begun.wait()
    try:
        assert_each_schedule_finds_it_clear(flag)
    finally:
        end.set()
        join()
    assert not flag.is_set()


def test_a_thread_that_has_ended_uses_nothing_of_the_program() -> None:
    """One that is still listed, as Python lists some, keeps nothing from being put back."""
    flag = threading.Event()
    thread = threading.Thread()
    thread.start()
    thread.join()
    listed: dict[int | None, Any] = threading._active  # type: ignore[attr-defined]
    listed[thread.ident] = thread
    try:
        assert_each_schedule_finds_it_clear(flag)
    finally:
        del listed[thread.ident]


def test_a_failure_says_that_nothing_was_put_back_beside_other_real_threads() -> None:
    """Who reads it knows why the line may pass elsewhere, and what to do."""
    begun, end, flag = queue.Queue[None](), threading.Event(), threading.Event()
    jobs = queue.SimpleQueue[int]()

    def wait() -> None:
        begun.put(None)
        end.wait()

    def program() -> None:
        jobs.put(1)
        flag.set()
        raise ValueError("the fault")

    uploader = threading.Thread(target=wait, name="uploader")
    uploader.start()
    join = in_a_bare_thread(wait)
    try:
        begun.get()
        begun.get()
        with pytest.raises(ScheduleFailure) as caught:
            explore(program)
    finally:
        end.set()
        uploader.join()
        join()
    (note,) = caught.value.__notes__
    assert note == (
        "Semaphores, events, barriers and queues from outside were not put back between schedules, "
        "as other real threads live that may use them: the failure may need what an earlier "
        "schedule has left. End these threads before, or make these objects inside the program."
    )


def test_a_simulation_keeps_what_its_program_did() -> None:
    """It is one run, and what it leaves is what the program leaves."""
    with Simulation():
        take_for_good()
    assert (SEMAPHORE._value, BOUNDED._value) == (1, 1)
    SEMAPHORE.release()
    BOUNDED.release()
