"""The program's own data is watched in threads that libraries start, and what they hand over."""

import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from queue import PriorityQueue, Queue, SimpleQueue

import pytest
from apscheduler.schedulers.background import BackgroundScheduler
from flask import Flask, current_app
from written_programs import joined, started

from threadsim import Exhaustive, ScheduleFailure, explore, replay


class Counter:
    """Counts without a lock."""

    def __init__(self) -> None:
        self.n = 0

    def add(self, *_: object) -> None:
        """Add one."""
        self.n += 1


def in_a_pool() -> None:
    """An addition may be lost in the pool's threads."""
    counter = Counter()
    with ThreadPoolExecutor(2) as pool:
        pool.submit(counter.add)
        pool.submit(counter.add)
    assert counter.n == 2


def in_a_map() -> None:
    """An addition may be lost in the pool's threads."""
    counter = Counter()
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(counter.add, range(2)))
    assert counter.n == 2


def in_callbacks() -> None:
    """The threads that end two futures call back at once."""
    counter, futures = Counter(), [Future[int](), Future[int]()]
    for future in futures:
        future.add_done_callback(counter.add)
    joined(lambda: futures[0].set_result(1), lambda: futures[1].set_result(2))
    assert counter.n == 2


def after_a_result() -> None:
    """A result is there before its callback has run."""
    counter = Counter()
    with ThreadPoolExecutor(1) as pool:
        future = pool.submit(str)
        future.add_done_callback(counter.add)
        future.result()
        assert counter.n == 1


def in_a_timer() -> None:
    """A timer fires while the main thread counts, too."""
    counter = Counter()
    timer = threading.Timer(1, counter.add)
    timer.start()
    time.sleep(1)
    counter.add()
    timer.join()
    assert counter.n == 2


def in_a_view() -> None:
    """Two requests count at once."""
    counter, app = Counter(), Flask(__name__)

    @app.get("/")
    def view() -> str:
        counter.add()
        return ""

    joined(lambda: app.test_client().get("/"), lambda: app.test_client().get("/"))
    assert counter.n == 2


def in_a_config() -> None:
    """Two requests write what the app holds."""
    app = Flask(__name__)
    app.config["HITS"] = 0

    @app.get("/")
    def view() -> str:
        current_app.config["HITS"] += 1
        return ""

    joined(lambda: app.test_client().get("/"), lambda: app.test_client().get("/"))
    assert app.config["HITS"] == 2


def in_jobs() -> None:
    """Two jobs of a real scheduler count at once."""
    counter, scheduler = Counter(), BackgroundScheduler()
    scheduler.start()
    scheduler.add_job(counter.add)
    scheduler.add_job(counter.add)
    time.sleep(1)
    scheduler.shutdown()
    assert counter.n == 2


@pytest.mark.parametrize(
    "program",
    [
        in_a_pool,
        in_a_map,
        in_callbacks,
        after_a_result,
        in_a_timer,
        in_a_view,
        in_a_config,
        in_jobs,
    ],
    ids=lambda each: each.__name__,
)
def test_a_race_is_found_in_threads_of_libraries(program: Callable[[], None]) -> None:
    """With no option; its line replays."""
    with pytest.raises(ScheduleFailure) as caught:
        explore(program)
    with pytest.raises(ScheduleFailure):
        replay(program, caught.value.schedule)


def by_queues() -> None:
    """Whoever gets an object may change it."""
    queues: list[Queue[Counter] | SimpleQueue[Counter]] = [Queue(), SimpleQueue()]
    ordered: PriorityQueue[tuple[int, Counter]] = PriorityQueue()

    def put() -> None:
        for each in queues:
            counter = Counter()
            counter.add()
            each.put(counter)
        ordered.put((1, Counter()))

    def get() -> None:
        for each in queues:
            counter = each.get()
            counter.add()
            assert counter.n == 2
        ordered.get()[1].add()

    joined(put, get)


def by_an_event() -> None:
    """What is there before it is set may be read by those who wait, or find it set."""
    event, counter = threading.Event(), Counter()

    def add() -> None:
        counter.add()
        event.set()

    def wait() -> None:
        event.wait()
        assert counter.n == 1

    def look() -> None:
        assert not event.is_set() or counter.n == 1

    joined(add, wait, look)


def by_semaphores() -> None:
    """One that is full is a lock; one that is empty hands over."""
    full, empty, counter = threading.Semaphore(1), threading.Semaphore(0), Counter()

    def add() -> None:
        with full:
            counter.add()
        empty.release()

    threads = started(add, add)
    empty.acquire()
    empty.acquire()
    assert counter.n == 2
    for thread in threads:
        thread.join()


def by_a_barrier() -> None:
    """What is there before it may be read after it."""
    barrier, counters = threading.Barrier(2), [Counter(), Counter()]

    def add(index: int) -> None:
        counters[index].add()
        barrier.wait()
        assert counters[1 - index].n == 1

    joined(lambda: add(0), lambda: add(1))


def by_a_condition() -> None:
    """What waits has the lock again afterwards."""
    condition, counter = threading.Condition(), Counter()

    def add() -> None:
        with condition:
            counter.add()
            condition.notify()

    def wait() -> None:
        with condition:
            condition.wait_for(lambda: counter.n)

    joined(add, wait)


def by_start_and_join() -> None:
    """A thread has what was there before its start, and leaves what it did when it is joined."""
    counter = Counter()
    counter.add()
    joined(counter.add)
    counter.add()
    assert counter.n == 3


@pytest.mark.parametrize(
    "program",
    [by_queues, by_an_event, by_semaphores, by_a_barrier, by_a_condition, by_start_and_join],
    ids=lambda each: each.__name__,
)
def test_no_race_is_seen_in_what_is_handed_over(program: Callable[[], None]) -> None:
    """Nothing fails, and there are as many schedules as without data."""
    watched = explore(program, Exhaustive(1))
    assert watched.races == ()
    assert watched.runs == explore(program, Exhaustive(1), data="off").runs
