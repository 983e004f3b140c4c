"""Programs whose every outcome is known by trying every order: what reduction must not lose.

Each function is one program; what it returns tells what its threads could notice, a function when
the program is over. Those of ``WITH_FAULTS`` are known from the literature as bad, with the failure
that must be found.
"""

import contextlib
import queue
import threading
import time
import uuid
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor, as_completed, wait
from functools import partial
from typing import Any

Program = Callable[[], Any]

PROGRAMS: list[Program] = []
WITH_TIME: list[Program] = []
WITH_FAULTS: dict[str, str] = {}


def program(function: Program) -> Program:
    """Add a program."""
    PROGRAMS.append(function)
    return function


def timed(function: Program) -> Program:
    """Add a program in which time matters; it is also searched with early time-outs."""
    WITH_TIME.append(function)
    return program(function)


def faulty(failure: str) -> Callable[[Program], Program]:
    """Add a program with a fault that fails so."""

    def add(function: Program) -> Program:
        WITH_FAULTS[function.__name__] = failure
        return program(function)

    return add


def started(*functions: Callable[[], object], daemon: bool = False) -> list[threading.Thread]:
    """Start a thread for each function."""
    threads = [threading.Thread(target=each, daemon=daemon) for each in functions]
    for thread in threads:
        thread.start()
    return threads


def joined(*functions: Callable[[], object]) -> None:
    """Run each function in a thread, to the end of all."""
    for thread in started(*functions):
        thread.join()


# What a naive reduction, or one with too few places to switch, gets wrong.


@program
def three_threads_with_two_locks_and_no_try() -> object:
    first, second, order = threading.Lock(), threading.Lock(), []

    def sections(*locks: threading.Lock) -> Callable[[], None]:
        def run() -> None:
            for lock in locks:
                with lock:
                    order.append((lock is first, threading.current_thread().name))

        return run

    started(sections(first, second), sections(second, first), sections(first))
    return lambda: str(sorted(order, key=lambda each: each[0]))


@program
def a_lock_that_two_release() -> object:
    lock, told = threading.Lock(), threading.Event()
    lock.acquire()

    def hand_over() -> None:
        told.set()
        lock.release()

    started(hand_over)
    told.wait()
    with contextlib.suppress(RuntimeError):
        lock.release()
        return "freed"
    return "found free"


@program
def a_notification_under_a_lock_that_another_releases() -> object:
    lock, other = threading.Lock(), threading.Lock()
    condition, said = threading.Condition(lock), []

    def release(name: str) -> None:
        try:
            lock.release()
        except RuntimeError:
            said.append(f"{name} finds it free")

    def notify() -> None:
        lock.acquire()
        with other:
            pass
        try:
            condition.notify()
        except RuntimeError:
            said.append("it is not owned")
        release("who took it")

    joined(notify, lambda: release("the other"))
    return tuple(said)


@program
def a_try_of_ones_own_lock_that_another_releases() -> object:
    lock, told = threading.Lock(), threading.Lock()
    lock.acquire()
    told.acquire()

    def hand_over() -> None:
        told.release()
        lock.release()

    started(hand_over)
    told.acquire()
    return lock.acquire(blocking=False)


@program
def set_beside_is_set() -> object:
    event = threading.Event()
    started(event.set)
    return event.is_set()


@program
def a_flag_looked_at_inside_and_outside_a_lock() -> object:
    event, lock, seen = threading.Event(), threading.Lock(), []

    def look() -> None:
        if not event.is_set():
            with lock:
                seen.append(event.is_set())
                event.set()

    joined(look, look)
    return tuple(seen)


@program
def start_then_is_alive() -> object:
    (thread,) = started(lambda: None)
    return thread.is_alive()


@program
def is_alive_after_what_the_thread_did_last() -> object:
    event = threading.Event()
    (thread,) = started(event.set)
    event.wait()
    return thread.is_alive()


def attempt(function: Callable[[], object]) -> object:
    """Return what a call comes to: its value, or the error's text."""
    try:
        return function()
    except RuntimeError as error:
        return str(error)


@program
def join_beside_start() -> object:
    thread = threading.Thread(target=lambda: None)
    started(thread.start)
    return attempt(thread.join)


@program
def join_after_a_signal_and_beside_start() -> object:
    event, thread = threading.Event(), threading.Thread(target=lambda: None)

    def start() -> None:
        event.set()
        thread.start()

    started(start)
    event.wait()
    return attempt(thread.join)


@program
def join_of_a_thread_that_another_starts_and_that_never_ends() -> object:
    lock = threading.Lock()
    thread = threading.Thread(target=lock.acquire)
    lock.acquire()
    started(thread.start)
    end = attempt(thread.join)
    lock.release()
    return end


@program
def is_alive_twice_beside_start() -> object:
    event, thread = threading.Event(), threading.Thread(target=lambda: None)

    def start() -> None:
        event.set()
        thread.start()

    started(start)
    event.wait()
    return thread.is_alive(), thread.is_alive()


@program
def two_starts_of_one_thread() -> object:
    lock, thread, log = threading.Lock(), threading.Thread(target=lambda: None), dict[int, Any]()

    def start(number: int) -> None:
        with lock:
            log.setdefault(0, number)
        log[number] = attempt(thread.start)

    joined(lambda: start(1), lambda: start(2))
    return tuple(sorted(log.items()))


@program
def a_thread_that_another_started_and_told_of() -> object:
    threads = queue.SimpleQueue[threading.Thread]()
    started(lambda: threads.put(started(lambda: None)[0]))
    thread = threads.get()
    before = thread.is_alive()
    thread.join(1)
    return before, thread.is_alive()


@program
def main_ends_before_a_daemon_has_run() -> object:
    done: list[int] = []
    queue_ = queue.SimpleQueue[int]()
    started(lambda: queue_.put(1), daemon=True)
    return queue_.qsize(), tuple(done)


@timed
def two_sleepers_with_one_deadline() -> object:
    order, lock = [], threading.Lock()

    def sleep(number: int) -> None:
        time.sleep(1)
        with lock:
            order.append(number)

    joined(lambda: sleep(0), lambda: sleep(1))
    return tuple(order)


@program
def release_then_try_with_a_waiter() -> object:
    lock, got = threading.Lock(), []
    lock.acquire()

    def wait() -> None:
        with lock:
            pass

    (thread,) = started(wait)
    lock.release()
    got.append(lock.acquire(blocking=False))
    if got[0]:
        lock.release()
    thread.join()
    return tuple(got)


@program
def empty_then_get_nowait() -> object:
    items = queue.SimpleQueue[int]()
    items.put(1)
    got = []

    def take() -> None:
        if not items.empty():
            try:
                got.append(items.get_nowait())
            except queue.Empty:
                got.append(0)

    joined(take, take)
    return tuple(got)


@program
def locked_while_another_takes_two_locks() -> object:
    one, two = threading.Lock(), threading.Lock()

    def take() -> None:
        with one, two:
            pass

    started(take)
    return one.locked(), two.locked(), one.locked()


@program
def set_inside_a_lock_then_locked() -> object:
    event, lock = threading.Event(), threading.Lock()

    def work() -> None:
        with lock:
            event.set()

    started(work)
    event.wait()
    return lock.locked()


@program
def a_look_between_two_events() -> object:
    one, two = threading.Event(), threading.Event()

    def work() -> None:
        one.set()
        two.set()

    started(work)
    return two.is_set(), one.is_set()


@program
def store_buffers_of_events() -> object:
    one, two, seen = threading.Event(), threading.Event(), {}

    def first() -> None:
        one.set()
        seen["first"] = two.is_set()

    def second() -> None:
        two.set()
        seen["second"] = one.is_set()

    joined(first, second)
    return tuple(sorted(seen.items()))


# Conditions, events, semaphores, barriers, queues, futures: without faults.


@program
def condition_with_a_predicate() -> object:
    condition = threading.Condition()
    ready: list[int] = []

    def tell() -> None:
        with condition:
            ready.append(1)
            condition.notify()

    started(tell)
    with condition:
        while not ready:
            condition.wait()
    return len(ready)


@program
def two_waiters_one_notify_all() -> object:
    condition = threading.Condition()
    ready: list[int] = []
    order: list[int] = []

    def wait(number: int) -> None:
        with condition:
            condition.wait_for(lambda: ready)
            order.append(number)

    threads = started(lambda: wait(0), lambda: wait(1))
    with condition:
        ready.append(1)
        condition.notify_all()
    for thread in threads:
        thread.join()
    return tuple(order)


@program
def condition_on_a_plain_lock() -> object:
    condition = threading.Condition(threading.Lock())
    turns: list[int] = []

    def turn(number: int) -> None:
        with condition:
            condition.wait_for(lambda: len(turns) == number)
            turns.append(number)
            condition.notify_all()

    joined(lambda: turn(1), lambda: turn(0))
    return tuple(turns)


@program
def event_wait_and_clear() -> object:
    event, seen = threading.Event(), []

    def work() -> None:
        event.set()
        event.clear()

    started(work, daemon=True)
    seen.append(event.is_set())
    return tuple(seen)


@program
def semaphore_of_one() -> object:
    semaphore, order = threading.Semaphore(1), []

    def enter(number: int) -> None:
        with semaphore:
            order.append(number)

    joined(*(lambda number=number: enter(number) for number in range(2)))
    return tuple(order)


@program
def bounded_semaphore_released_too_often() -> object:
    semaphore, errors = threading.BoundedSemaphore(1), []

    def release() -> None:
        try:
            semaphore.release()
        except ValueError:
            errors.append(1)

    (thread,) = started(release)
    semaphore.acquire()
    thread.join()
    return len(errors)


@program
def semaphore_tried() -> object:
    semaphore, got = threading.Semaphore(1), {}

    def attempt(number: int) -> None:
        got[number] = semaphore.acquire(blocking=False)

    joined(lambda: attempt(0), lambda: attempt(1))
    return tuple(sorted(got.items()))


@program
def barrier_of_two() -> object:
    barrier, places = threading.Barrier(2), {}

    def arrive(number: int) -> None:
        places[number] = barrier.wait()

    joined(lambda: arrive(0), lambda: arrive(1))
    return tuple(sorted(places.items()))


@program
def barrier_counted_from_outside() -> object:
    barrier = threading.Barrier(2)
    started(barrier.wait, daemon=True)
    return barrier.n_waiting, barrier.broken


@program
def barrier_aborted() -> object:
    barrier, ends = threading.Barrier(2), []

    def arrive() -> None:
        try:
            barrier.wait()
        except threading.BrokenBarrierError:
            ends.append("broken")

    (thread,) = started(arrive)
    barrier.abort()
    thread.join()
    return tuple(ends), barrier.broken


@program
def queue_of_one_place() -> object:
    items, got = queue.Queue[int](1), []

    def put() -> None:
        items.put(1)

    started(put)
    got.append(items.get())
    return tuple(got)


@program
def simple_queue_two_producers() -> object:
    items = queue.SimpleQueue[int]()
    started(lambda: items.put(1), lambda: items.put(2))
    return items.get(), items.get()


@program
def simple_queue_two_consumers() -> object:
    items, got = queue.SimpleQueue[int](), {}

    def take(number: int) -> None:
        got[number] = items.get()

    threads = started(lambda: take(0), lambda: take(1))
    items.put(1)
    items.put(2)
    for thread in threads:
        thread.join()
    return tuple(sorted(got.items()))


@program
def queue_join() -> object:
    items, done = queue.Queue[int](), []

    def work() -> None:
        done.append(items.get())
        items.task_done()

    started(work)
    items.put(1)
    items.join()
    return tuple(done)


@program
def future_of_a_pool() -> object:
    with ThreadPoolExecutor(1) as pool:
        future = pool.submit(lambda: 1)
        return future.done(), future.result()


@program
def future_cancelled() -> object:
    with ThreadPoolExecutor(1) as pool:
        future = pool.submit(lambda: 1)
        return future.cancel(), future.cancelled()


@program
def rlock_taken_twice() -> object:
    lock, order = threading.RLock(), []

    def enter(number: int) -> None:
        with lock, lock:
            order.append(number)

    joined(lambda: enter(0), lambda: enter(1))
    return tuple(order)


@program
def rlock_tried() -> object:
    lock = threading.RLock()

    def enter() -> None:
        with lock:
            pass

    started(enter)
    got = lock.acquire(blocking=False)
    if got:
        lock.release()
    return got


@program
def lock_released_by_another() -> object:
    lock, order = threading.Lock(), []
    lock.acquire()

    def work() -> None:
        order.append("work")
        lock.release()

    started(work)
    lock.acquire()
    order.append("main")
    return tuple(order)


@program
def lock_released_that_another_may_have_taken() -> object:
    lock = threading.Lock()
    started(lock.acquire)
    end = attempt(lock.release)
    return end, lock.acquire(blocking=False)


@program
def three_threads_on_two_locks() -> object:
    one, two, order = threading.Lock(), threading.Lock(), []

    def take(number: int, *locks: threading.Lock) -> None:
        for lock in locks:
            with lock:
                order.append((number, lock is one))

    joined(lambda: take(0, one), lambda: take(1, one, two), lambda: take(2, two))
    return tuple(x for x in order if x[1]), tuple(x for x in order if not x[1])


@program
def a_section_between_two() -> object:
    # Stopped in the middle one, a thread goes on for nothing as soon as the other waits for it.
    outer, middle, order = threading.Lock(), threading.Lock(), []

    def take(name: str) -> None:
        with outer:
            order.append(name)
        with middle:
            pass
        with outer:
            order.append(name)

    joined(lambda: take("one"), lambda: take("other"))
    return tuple(order)


@program
def thread_that_starts_a_thread() -> object:
    lock, order = threading.Lock(), []

    def note(name: str) -> None:
        with lock:
            order.append(name)

    def outer() -> None:
        joined(lambda: note("inner"))
        note("outer")

    threads = started(outer)
    note("main")
    threads[0].join()
    return tuple(order)


@program
def barrier_looked_at_beside_its_action() -> object:
    lock = threading.Lock()

    def act() -> None:
        lock.acquire(blocking=False)

    barrier = threading.Barrier(1, act)
    started(barrier.wait)
    return barrier.n_waiting


@program
def barrier_looked_at_beside_an_action_that_fails() -> object:
    lock = threading.Lock()

    def act() -> None:
        with lock:
            pass
        raise ValueError

    barrier = threading.Barrier(2, act)

    def arrive() -> None:
        with contextlib.suppress(ValueError, threading.BrokenBarrierError):
            barrier.wait()

    started(arrive, arrive)
    return barrier.n_waiting, barrier.broken


@program
def threads_of_threads_beside_a_daemon() -> object:
    lock, order = threading.Lock(), list[int]()

    def note(number: int) -> None:
        with lock:
            order.append(number)

    started(partial(note, 0), daemon=True)
    started(*(partial(started, partial(note, number)) for number in (1, 2)))
    return lambda: tuple(order)


@program
def semaphore_released_for_two() -> object:
    semaphore, order = threading.Semaphore(0), list[int]()

    def enter(number: int) -> None:
        with semaphore:
            order.append(number)

    threads = started(lambda: enter(0), lambda: enter(1))
    semaphore.release(2)
    for thread in threads:
        thread.join()
    return tuple(order)


@program
def queue_of_one_place_and_two_producers() -> object:
    items = queue.Queue[int](1)
    started(lambda: items.put(1), lambda: items.put(2))
    return items.get(), items.get()


@program
def future_cancelled_beside_its_run() -> object:
    with ThreadPoolExecutor(1) as pool:
        gate = threading.Event()
        pool.submit(gate.wait)
        future = pool.submit(lambda: 1)
        gate.set()
        return future.cancel()


@program
def lock_handed_over_and_tried() -> object:
    handed, lock, got = threading.Lock(), threading.Lock(), list[bool]()
    handed.acquire()

    def hand_over() -> None:
        with lock:
            handed.release()

    def attempt_it() -> None:
        with lock:
            got.append(handed.acquire(blocking=False))

    joined(hand_over, attempt_it)
    return (*got, handed.locked())


@program
def rlock_freed_by_a_wait() -> object:
    lock = threading.RLock()
    condition, order = threading.Condition(lock), list[str]()

    def tell() -> None:
        with lock:
            order.append("told")
            condition.notify()

    started(tell)
    with condition, condition:
        order.append("waited")
        condition.wait(1)
    return (*order, lock.acquire(blocking=False))


# Time-outs and sleeps.


@timed
def semaphore_with_a_timeout() -> object:
    semaphore = threading.Semaphore(0)

    def free() -> None:
        time.sleep(1)
        semaphore.release()

    started(free)
    return semaphore.acquire(timeout=1)


@timed
def one_of_two_notified_in_time() -> object:
    condition, order = threading.Condition(), list[Any]()

    def wait(number: int) -> None:
        with condition:
            order.append((number, condition.wait(1)))

    threads = started(lambda: wait(0), lambda: wait(1))
    with condition:
        condition.notify()
    for thread in threads:
        thread.join()
    return tuple(order)


@timed
def full_queue_in_time() -> object:
    items, put = queue.Queue[int](1), dict[int, bool]()

    def add(number: int) -> None:
        with contextlib.suppress(queue.Full):
            items.put(number, timeout=1)
            put[number] = True

    threads = started(lambda: add(0), lambda: add(1))
    time.sleep(1)
    got = items.get_nowait()
    for thread in threads:
        thread.join()
    return got, tuple(sorted(put)), items.qsize()


@timed
def timer_cancelled_at_its_instant() -> object:
    ran = list[int]()
    timer = threading.Timer(1, ran.append, [1])
    timer.start()
    time.sleep(1)
    timer.cancel()
    timer.join()
    return tuple(ran)


@timed
def barrier_with_a_timeout() -> object:
    barrier, ends = threading.Barrier(2), dict[int, object]()

    def arrive(number: int) -> None:
        time.sleep(number)
        try:
            ends[number] = barrier.wait(1)
        except threading.BrokenBarrierError:
            ends[number] = "broken"

    joined(lambda: arrive(0), lambda: arrive(1))
    return tuple(sorted(ends.items())), barrier.broken


@timed
def two_that_join_each_other_in_time() -> object:
    threads, seen = list[threading.Thread](), dict[int, object]()

    def join(number: int) -> None:
        threads[number].join(1)
        seen[number] = threads[number].is_alive()

    threads.extend(threading.Thread(target=join, args=(1 - number,)) for number in (0, 1))
    for thread in threads:
        thread.start()
    return lambda: tuple(sorted(seen.items()))


@timed
def wait_with_a_timeout() -> object:
    event = threading.Event()

    def work() -> None:
        time.sleep(1)
        event.set()

    started(work)
    return event.wait(1)


@timed
def condition_with_a_timeout() -> object:
    condition = threading.Condition()
    ready: list[int] = []

    def tell() -> None:
        with condition:
            ready.append(1)
            condition.notify()

    started(tell)
    with condition:
        return condition.wait_for(lambda: bool(ready), timeout=1)


@timed
def lock_with_a_timeout() -> object:
    lock = threading.Lock()

    def hold() -> None:
        with lock:
            time.sleep(1)

    started(hold)
    got = lock.acquire(timeout=1)
    if got:
        lock.release()
    return got


@timed
def queue_with_a_timeout() -> object:
    items = queue.SimpleQueue[int]()

    def put() -> None:
        time.sleep(1)
        items.put(1)

    started(put)
    try:
        return items.get(timeout=1)
    except queue.Empty:
        return "empty"


@timed
def join_with_a_timeout() -> object:
    (thread,) = started(lambda: time.sleep(1))
    thread.join(1)
    return thread.is_alive()


@timed
def time_read_by_two() -> object:
    began = time.monotonic()
    lock = threading.Lock()

    def work() -> None:
        with lock:
            time.sleep(1)

    started(work)
    with lock:
        return time.monotonic() - began


# Known as bad.


@faulty("Deadlock")
def lost_wake_up() -> None:
    condition = threading.Condition()

    def tell() -> None:
        with condition:
            condition.notify()

    started(tell)
    with condition:
        condition.wait()


@faulty("Deadlock")
def check_then_wait() -> None:
    condition, ready = threading.Condition(), threading.Event()

    def tell() -> None:
        ready.set()
        with condition:
            condition.notify()

    started(tell)
    if not ready.is_set():
        with condition:
            condition.wait()


@faulty("Deadlock")
def wrong_notify() -> None:
    condition, items = threading.Condition(), []

    def wait(kind: int) -> None:
        with condition:
            while kind not in items:
                condition.wait()

    started(lambda: wait(1), lambda: wait(2))
    for kind in (1, 2):
        with condition:
            items.append(kind)
            condition.notify()


@faulty("Deadlock")
def missed_notify_all() -> None:
    condition = threading.Condition()
    ready: list[int] = []

    def wait() -> None:
        with condition:
            while not ready:
                condition.wait()

    started(wait, wait)
    with condition:
        ready.append(1)
        condition.notify()


@faulty("Deadlock")
def lock_order() -> None:
    one, two = threading.Lock(), threading.Lock()

    def take(first: threading.Lock, second: threading.Lock) -> None:
        with first, second:
            pass

    joined(lambda: take(one, two), lambda: take(two, one))


@faulty("Deadlock")
def dining_philosophers() -> None:
    forks = [threading.Lock() for _ in range(3)]

    def dine(number: int) -> None:
        with forks[number], forks[(number + 1) % 3]:
            pass

    joined(*(lambda number=number: dine(number) for number in range(3)))


@faulty("Deadlock")
def bounded_buffer_with_one_condition() -> None:
    condition = threading.Condition()
    buffer: list[int] = []

    def put() -> None:
        with condition:
            while buffer:
                condition.wait()
            buffer.append(1)
            condition.notify()

    def get() -> None:
        with condition:
            while not buffer:
                condition.wait()
            buffer.pop()
            condition.notify()

    joined(get, get, put, put)


@faulty("AssertionError")
def barrier_reuse() -> None:
    # A home-made barrier that is reset by the last to arrive: a fast thread passes it twice.
    lock, gate, arrived, rounds = threading.Lock(), threading.Event(), [0], []

    def cross(number: int) -> None:
        for turn in range(2):
            with lock:
                arrived[0] += 1
                last = arrived[0] == 2
                if last:
                    arrived[0] = 0
                    gate.set()
            gate.wait()
            with lock:
                rounds.append(turn)
                assert rounds.count(1) == 0 or rounds.count(0) == 2, "one thread is a round ahead"

    joined(lambda: cross(0), lambda: cross(1))


@faulty("AssertionError")
def double_checked_flag() -> None:
    made, lock, flag = [], threading.Lock(), threading.Event()

    def make() -> None:
        if not flag.is_set():
            with lock:
                made.append(1)
                flag.set()

    joined(make, make)
    assert len(made) == 1, "made twice"


def double_checked() -> object:
    """A flag that two threads look at without the lock under which it is set."""
    made: list[int] = []
    lock = threading.Lock()

    def make() -> None:
        if not made:
            with lock:
                made.append(1)

    joined(make, make)
    return len(made)


@timed
def a_sleep_that_begins_beside_a_sleeper() -> Any:
    lock, order = threading.Lock(), list[str]()

    def before() -> None:
        with lock:
            order.append("before")
        time.sleep(1)

    def after() -> None:
        time.sleep(1)
        with lock:
            order.append("after")

    joined(before, after)
    return tuple(order)


@timed
def a_sleep_that_begins_beside_the_end_of_another() -> Any:
    woke, began = list[float](), time.monotonic()

    def sleep() -> None:
        time.sleep(2)
        woke.append(round(time.monotonic() - began))

    threads = started(sleep, lambda: woke.append(-round(time.monotonic() - began)))
    time.sleep(2)
    for thread in threads:
        thread.join()
    return tuple(sorted(woke)), round(time.monotonic() - began)


@timed
def a_sleep_that_begins_when_a_lock_is_free() -> Any:
    lock, woke, began = threading.Lock(), list[float](), time.monotonic()

    def sleep() -> None:
        with lock:
            pass
        time.sleep(2)
        woke.append(round(time.monotonic() - began))

    with lock:
        (thread,) = started(sleep)
    time.sleep(2)
    end = round(time.monotonic() - began)
    thread.join()
    return woke[0], end


@timed
def a_wait_that_begins_with_a_lock_beside_a_sleeper() -> Any:
    lock, event, began = threading.Lock(), threading.Event(), time.monotonic()
    got: list[bool] = []

    def wait() -> None:
        with lock:
            event.wait(2)

    (thread,) = started(wait)
    got.append(lock.acquire(blocking=False))
    if got[0]:
        lock.release()
    time.sleep(1)
    thread.join()
    return got[0], round(time.monotonic() - began)


@timed
def two_sleepers_that_look_at_the_clock() -> Any:
    ends, began = dict[int, float](), time.monotonic()

    def sleep(number: int) -> None:
        time.sleep(1)
        ends[number] = round(time.monotonic() - began)

    joined(partial(sleep, 0), partial(sleep, 1))
    return tuple(sorted(ends.items()))


@timed
def a_look_at_the_clock_beside_a_wait_for_a_free_lock() -> Any:
    lock, began = threading.Lock(), time.monotonic()
    # However long it stands before it takes the lock: time may move meanwhile.
    started(lambda: lock.acquire(timeout=1))
    return round(time.monotonic() - began)


@program
def two_waits_with_a_lock_between() -> Any:
    condition, lock, log = threading.Condition(), threading.Lock(), list[Any]()

    def wait() -> None:
        with condition:
            log.append(condition.wait(1))
        with lock:
            log.append("between")
        with condition:
            log.append(condition.wait(1))

    def take() -> None:
        with lock:
            log.append("took")

    joined(wait, take)
    return tuple(log)


@program
def two_waits_beside_one_notification() -> Any:
    condition, log = threading.Condition(), list[Any]()

    def wait() -> None:
        for timeout in (1, None):
            with condition:
                log.append(condition.wait(timeout))

    def tell() -> None:
        with condition:
            log.append("told")
            condition.notify()

    joined(tell, wait)
    return tuple(log)


@program
def a_wait_beside_is_alive() -> Any:
    condition, seen = threading.Condition(), list[bool]()

    def wait() -> None:
        with condition:
            condition.wait()

    waiting = threading.Thread(target=wait)
    looking = threading.Thread(target=lambda: seen.append(waiting.is_alive()))
    for thread in (waiting, looking):
        thread.start()
    for thread in (waiting, looking):
        thread.join()
    return tuple(seen)


@program
def a_daemon_that_takes_a_lock_twice() -> Any:
    lock, log = threading.Lock(), list[int]()

    def take(number: int, times: int) -> None:
        for _ in range(times):
            with lock:
                log.append(number)

    threading.Thread(target=take, args=(0, 2), daemon=True).start()
    other = threading.Thread(target=take, args=(1, 1))
    other.start()
    other.join()
    with lock:
        return tuple(log)


# Where main is first, the daemon waits in vain when the program ends.


@program
def a_daemon_that_waits_in_time_for_a_lock_that_main_keeps() -> Any:
    lock, log = threading.Lock(), list[bool]()
    started(lambda: log.append(lock.acquire(timeout=1)), daemon=True)
    lock.acquire(timeout=1)
    return lambda: tuple(log)


@program
def a_daemon_that_waits_in_time_for_an_item_that_main_gets() -> Any:
    items, log = queue.SimpleQueue[int](), list[int]()
    items.put(1)
    started(lambda: log.append(items.get(timeout=1)), daemon=True)
    items.get(timeout=1)
    return lambda: tuple(log)


@program
def futures_that_two_make() -> object:
    lock, made, names = threading.Lock(), list[Future[None]](), dict[Future[None], str]()

    def make(name: str) -> None:
        future = Future[None]()
        names[future] = name
        future.set_result(None)
        with lock:
            made.append(future)

    joined(lambda: make("a"), lambda: make("b"))
    return tuple(
        tuple(map(names.__getitem__, each)) for each in (made, wait(made).done, as_completed(made))
    )


# Main holds a lock when it is told of a deadlock, and frees it as it ends.


def _in_another_order(*, look: bool) -> Any:
    first, second = threading.Lock(), threading.Lock()
    order, looks = list[str](), list[bool]()

    def other() -> None:
        with first, second:
            order.append("other")
        if look:
            looks.append(first.locked())

    started(other)
    with second, first:
        order.append("main")
    return lambda: (*order, *looks)


@program
def lock_order_with_main() -> Any:
    return _in_another_order(look=False)


@program
def lock_order_with_main_and_a_look() -> Any:
    return _in_another_order(look=True)


@faulty("AssertionError")
def readers_and_writers() -> None:
    # The writer looks at the number of readers and then takes the lock that new readers take.
    lock, readers, writing = threading.Lock(), threading.Semaphore(0), threading.Event()

    def read() -> None:
        with lock:
            readers.release()
        assert not writing.is_set(), "a reader reads what is being written"
        readers.acquire()

    def write() -> None:
        with lock:
            writing.set()
        writing.clear()

    joined(read, write)


@faulty("AssertionError")
def two_stage_lock_release() -> None:
    # The value is read under one lock and written back under another hold of it.
    lock, value = threading.Lock(), [0]

    def add() -> None:
        with lock:
            read = value[0]
        with lock:
            value[0] = read + 1

    joined(add, add)
    assert value[0] == 2, "an update is lost"


# Every order of these takes too long without a bound.


def futures_that_two_wait_for_in_time() -> object:
    lock, told = threading.Lock(), list[object]()
    done, never = Future[None](), Future[None]()
    done.set_result(None)

    def late(name: str, *before: Future[None]) -> None:
        try:
            for each in before:
                list(as_completed([each], timeout=1))
            list(as_completed([never], timeout=1))
        except TimeoutError:
            with lock:
                told.append((name, time.monotonic()))

    joined(lambda: late("a"), lambda: late("b", done))
    return tuple(told)


def a_switch_for_nothing_within_a_run() -> object:
    # Who gives way may be stopped there although its next steps are taken in a row.
    first, second = threading.Lock(), threading.Lock()
    orders: dict[threading.Lock, list[str]] = {first: [], second: []}

    def take(lock: threading.Lock, name: str) -> None:
        with lock:
            orders[lock].append(name)

    def give_way() -> None:
        take(first, "before")
        time.sleep(0)
        take(first, "after")
        take(second, "last")

    started(give_way, partial(take, second, "one"), partial(take, first, "other"))
    return lambda: str([*orders.values()])


# The schedule of defaults starts neither of two threads: they are known by who starts them, not by
# when any schedule did so first.


def _started_late(do: Callable[[str], object]) -> None:
    go = threading.Event()

    def start(name: str) -> None:
        if go.is_set():
            threading.Thread(target=do, args=(name,)).start()

    started(partial(start, "x"), partial(start, "y"), go.set)


def late_threads_that_draw_ids() -> None:
    lock, drawn = threading.Lock(), dict[str, uuid.UUID]()

    def draw(name: str) -> None:
        with lock:
            drawn[name] = uuid.uuid4()
            assert len(drawn) < 2, sorted(drawn, key=drawn.__getitem__)

    _started_late(draw)


def late_threads_that_make_futures() -> None:
    lock, made = threading.Lock(), list[Future[str]]()

    def make(name: str) -> None:
        with lock:
            made.append(Future())
            made[-1].set_result(name)
            assert len(made) < 2, [each.result() for each in wait(made).done]

    _started_late(make)


def late_threads_that_fail() -> None:
    both = threading.Barrier(2)

    def fail(name: str) -> None:
        with contextlib.suppress(threading.BrokenBarrierError):
            both.wait(1)
            raise {"x": ValueError, "y": KeyError}[name](name)

    _started_late(fail)


# A program's end ends the pools: from then on they refuse jobs.


def _handed_to(pool: ThreadPoolExecutor, told: list[object]) -> None:
    try:
        pool.submit(told.append, "ran")
    except RuntimeError:
        told.append("refused")


def a_pool_of_a_thread_beside_the_end() -> Any:
    told: list[object] = []
    started(lambda: _handed_to(ThreadPoolExecutor(1), told))
    return lambda: tuple(told)


def a_pool_of_a_daemon_beside_the_end() -> Any:
    told: list[object] = []
    started(lambda: _handed_to(ThreadPoolExecutor(1), told), daemon=True)
    return lambda: tuple(told)


def a_pool_handed_a_job_beside_the_end() -> Any:
    told: list[object] = []
    pool = ThreadPoolExecutor(1)
    pool.submit(told.append, "ran first")
    started(partial(_handed_to, pool, told))
    return lambda: tuple(told)
