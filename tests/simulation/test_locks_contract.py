"""Locks keep the standard library's promises, in a simulation and for real."""

import _thread
import copy
import pickle
import queue
import re
import sys
import threading
import time
from collections.abc import Callable
from threading import (
    Barrier,
    BoundedSemaphore,
    BrokenBarrierError,
    Condition,
    Event,
    Lock,
    RLock,
    Semaphore,
    Thread,
)
from typing import Any

import pytest

# A wait in these tests, in seconds: real threads really wait for it.
SHORT = 0.01

pytestmark = pytest.mark.usefixtures("kind")


class Keeper:
    """A class that keeps its lock's maker, as ``werkzeug.routing.Map`` does."""

    lock_class = Lock


# Kept where no simulation finds them.
KINDS = [type(threading.Lock()), type(threading.RLock()), queue.SimpleQueue]


def makers() -> list[Callable[[], Any]]:
    return [threading.Lock, Lock, Keeper().lock_class, threading.RLock, RLock]


def in_thread(function: Callable[[], object]) -> object:
    """Return what a function returns, or the error that it raises, in a thread of its own."""
    results: list[object] = []

    def run() -> None:
        try:
            results.append(function())
        except Exception as error:  # noqa: BLE001
            results.append(error)

    thread = Thread(target=run)
    thread.start()
    thread.join()
    return results[0]


def test_a_lock_takes_no_arguments() -> None:
    """Neither by place nor by name."""
    make: Any = threading.Lock
    with pytest.raises(TypeError):
        make(1)
    with pytest.raises(TypeError):
        make(a=1)


def text_of(function: Callable[[], object]) -> tuple[type, str]:
    error: Exception | None = None
    try:
        function()
    except Exception as caught:  # noqa: BLE001
        error = caught
    return type(error), str(error)


def test_however_it_is_made_a_lock_excludes_other_threads() -> None:
    """A lock that one thread holds is refused to another, wherever its maker's name was kept."""
    for make in makers():
        lock = make()
        assert lock.acquire() is True
        assert in_thread(lambda lock=lock: lock.acquire(blocking=False)) is False  # type: ignore[misc]
        assert lock.release() is None
        assert in_thread(lambda lock=lock: lock.acquire(False)) is True  # type: ignore[misc]


def test_a_lock_knows_whether_it_is_held() -> None:
    """``locked`` is true between ``acquire`` and ``release``, also by way of ``with``."""
    lock = Lock()
    seen = [lock.locked()]
    with lock as entered:
        seen += [entered, lock.locked()]
    seen.append(lock.locked())

    assert seen == [False, True, True, False]


def test_a_plain_lock_is_released_by_anyone() -> None:
    """A plain lock has no owner."""
    lock = Lock()
    lock.acquire()

    assert in_thread(lock.release) is None
    assert not lock.locked()


def test_a_plain_lock_is_not_re_entrant() -> None:
    """The holder of a plain lock is refused like anyone else."""
    lock = Lock()
    lock.acquire()

    assert lock.acquire(False) is False
    assert lock.acquire(timeout=0) is False
    assert lock.acquire(timeout=SHORT) is False


def test_a_wait_with_a_time_out_ends_early_when_the_lock_is_freed() -> None:
    """A timed wait gets a lock that is released before its end."""
    for make in makers():
        lock = make()
        taken, freed = Event(), Event()

        def hold(lock: Any = lock, taken: Event = taken, freed: Event = freed) -> None:
            with lock:
                taken.set()
                time.sleep(SHORT)
            freed.set()

        thread = Thread(target=hold)
        thread.start()
        taken.wait()
        assert lock.acquire(timeout=1000) is True
        thread.join()
        lock.release()
        assert lock.acquire(timeout=threading.TIMEOUT_MAX) is True


def test_a_lock_in_other_hands_is_refused_after_the_time_out() -> None:
    """A timed wait for a lock that stays taken returns false."""
    for make in (Lock, RLock):
        lock = make()
        lock.acquire()
        assert in_thread(lambda lock=lock: lock.acquire(timeout=SHORT)) is False  # type: ignore[misc]
        assert in_thread(lambda lock=lock: lock.acquire(timeout=0)) is False  # type: ignore[misc]


def test_an_rlock_is_re_entrant() -> None:
    """Its owner takes an RLock again, and others get it after as many releases."""
    lock = RLock()
    seen = [lock.acquire(), lock.acquire(), lock.acquire(timeout=SHORT), lock.__enter__()]
    for _ in range(3):
        lock.release()
        seen.append(bool(in_thread(lambda: lock.acquire(False))))
    lock.release()
    seen.append(bool(in_thread(lambda: lock.acquire(False))))

    assert seen == [True, True, True, True, False, False, False, True]


def test_an_rlock_is_released_by_its_owner_only() -> None:
    """Someone else's release is refused, and so is one too many."""
    lock = RLock()
    refusal = (RuntimeError, "cannot release un-acquired lock")
    assert text_of(lock.release) == refusal
    with lock:
        error = in_thread(lock.release)
        assert (type(error), str(error)) == refusal
    assert text_of(lock.release) == refusal


def test_a_condition_asks_its_rlock_the_right_questions() -> None:
    """An RLock tells its owner from others, and gives all its levels back at once."""
    lock: Any = RLock()
    seen = [lock._is_owned()]
    lock.acquire()
    lock.acquire()
    seen += [lock._is_owned(), in_thread(lock._is_owned)]
    state = lock._release_save()
    seen += [lock._is_owned(), in_thread(lambda: lock.acquire(False) and lock.release())]
    lock._acquire_restore(state)
    assert seen == [False, True, False, False, None]
    lock.release()
    lock.release()
    assert text_of(lock._release_save) == (RuntimeError, "cannot release un-acquired lock")


@pytest.mark.skipif(
    not hasattr(threading.RLock(), "_recursion_count"), reason="Python before 3.11.5 has none"
)
def test_an_rlock_counts_its_levels() -> None:
    """Its owner sees how often it has taken an RLock, another thread sees 0."""
    lock: Any = RLock()
    with lock, lock:
        seen = [lock._recursion_count(), in_thread(lock._recursion_count)]
    seen.append(lock._recursion_count())

    assert seen == [2, 0, 0]


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        ((False, 1), ValueError),
        ((False, 0), ValueError),
        ((True, -2), ValueError),
        ((True, float("nan")), ValueError),
        ((True, threading.TIMEOUT_MAX * 2), OverflowError),
        ((True, 1e30), OverflowError),
        ((True, None), TypeError),
        ((True, "1"), TypeError),
    ],
)
def test_a_wrong_time_out_is_refused_with_the_real_error(
    arguments: tuple[Any, ...], error: type[Exception]
) -> None:
    """``acquire`` checks its arguments before it looks at the lock; -1 means without end."""
    for make in (Lock, RLock):
        lock = make()
        with pytest.raises(error):
            lock.acquire(*arguments)
        assert lock.acquire(True, -1.0) is True
        assert lock.acquire(False, -1) in {True, False}


class Whole:
    """What counts as a whole number and is none."""

    def __index__(self) -> int:
        return 0


def test_what_counts_as_a_number_is_one() -> None:
    """A time-out need not be an ``int``, and ``blocking`` is what this Python takes for it."""
    held: Any = Lock()
    held.acquire()
    assert held.acquire(timeout=Whole()) is False
    for make in (Lock, RLock):
        lock: Any = make()
        if sys.version_info < (3, 12):
            with pytest.raises(TypeError, match="'str' object cannot be interpreted as an integer"):
                lock.acquire("yes")
        else:
            assert lock.acquire("yes") is True


def test_a_lock_is_freed_by_whatever_leaves_its_block() -> None:
    """``__exit__`` looks at none of its arguments; only Python 3.15 wants all three."""
    for make in (Lock, RLock):
        lock: Any = make()
        lock.acquire()
        lock.__exit__(1, 2, 3)
        with pytest.raises(RuntimeError, match="release un"):
            lock.__exit__(None, None, None)


def test_the_texts_of_errors_are_those_of_this_python(kind: str) -> None:
    """What a test matches for real it matches in a simulation."""
    real = threading.Lock if kind == "real" else threading._allocate_lock  # type: ignore[attr-defined]
    texts = [
        text_of(lambda: real().acquire(False, 1)),
        text_of(lambda: real().release()),
        text_of(lambda: pickle.dumps(Lock())),
        text_of(lambda: copy.copy(RLock())),
    ]

    assert texts == [
        (ValueError, "can't specify a timeout for a non-blocking call"),
        (RuntimeError, "release unlocked lock"),
        (TypeError, "cannot pickle '_thread.lock' object"),
        (TypeError, "cannot pickle '_thread.RLock' object"),
    ]
    with pytest.raises(TypeError):
        Lock(1)  # type: ignore[call-arg]


def test_a_type_check_knows_a_lock() -> None:
    """It may ask for the type by its name, or for one that was kept earlier."""

    class Derived(_thread.RLock):  # type: ignore[misc]
        pass

    made = [threading.Lock(), threading.RLock(), queue.SimpleQueue[None]()]

    assert isinstance(made[0], _thread.LockType)
    assert [isinstance(lock, kind) for lock in made for kind in KINDS] == [
        lock is made[n] for lock in made for n in range(3)
    ]
    assert Derived().__class__ is Derived


def test_a_lock_says_what_it_is_and_how() -> None:
    """A repr tells the state; an RLock's the owner and the level too."""
    lock, again = Lock(), RLock()
    free = [repr(lock), repr(again)]
    lock.acquire()
    again.acquire()
    again.acquire()

    assert [re.sub("0x[0-9a-f]+", "0x…", text) for text in [*free, repr(lock), repr(again)]] == [
        "<unlocked _thread.lock object at 0x…>",
        "<unlocked _thread.RLock object owner=0 count=0 at 0x…>",
        "<locked _thread.lock object at 0x…>",
        f"<locked _thread.RLock object owner={threading.get_ident()} count=2 at 0x…>",
    ]


def test_an_rlock_can_have_subclasses() -> None:
    """A subclass of RLock that a program makes works as a lock, with arguments of its own."""

    class Named(type(RLock())):  # type: ignore[misc]
        def __init__(self, name: str) -> None:
            super().__init__()
            self.name = name

    lock = Named("mine")
    with lock:
        assert in_thread(lambda: lock.acquire(False)) is False
    assert lock.name == "mine"
    assert " object owner=0 count=0 at 0x" in repr(lock)


def test_other_methods_of_a_subclass_stay_as_they_are() -> None:
    """Neither ``with`` nor a condition calls an ``acquire`` or ``release`` of the program's own."""
    called: list[str] = []

    class Counting(type(RLock())):  # type: ignore[misc]
        def acquire(self, *args: Any) -> bool:
            called.append("acquire")
            return bool(super().acquire(*args))

        def release(self) -> None:
            called.append("release")
            super().release()

    lock = Counting()
    condition = Condition(lock)
    with lock, condition:
        assert not condition.wait(SHORT)
    assert called == []
    lock.acquire()
    lock.release()
    assert called == ["acquire", "release"]


def test_a_notification_wakes_as_many_as_it_says() -> None:
    """``notify(n)`` wakes n waiters at most, ``notify_all`` the rest."""
    for lock in (None, Lock(), RLock()):
        condition = Condition(lock)
        ready = Semaphore(0)
        woken: list[int] = []

        def wait(
            number: int,
            condition: Condition = condition,
            ready: Semaphore = ready,
            woken: Any = woken,
        ) -> None:
            with condition:
                ready.release()
                condition.wait()
                woken.append(number)

        threads = [Thread(target=wait, args=(i,)) for i in range(5)]
        for thread in threads:
            thread.start()
            ready.acquire()
        with condition:
            condition.notify(0)
            condition.notify(2)
        for thread in threads[:2]:
            thread.join()
        assert sorted(woken) == [0, 1]
        with condition:
            condition.notify(100)
        for thread in threads:
            thread.join()
        assert sorted(woken) == [0, 1, 2, 3, 4]


def test_a_condition_wants_its_lock_held() -> None:
    """Waiting and notifying without the lock are refused."""
    for lock in (Lock(), RLock()):
        condition = Condition(lock)
        assert text_of(condition.wait) == (RuntimeError, "cannot wait on un-acquired lock")
        assert text_of(condition.notify) == (RuntimeError, "cannot notify on un-acquired lock")


def test_a_condition_wait_ends_at_its_time_out() -> None:
    """A wait that nobody notifies returns false, and the lock is held again."""
    condition = Condition()
    with condition:
        seen = [condition.wait(SHORT), condition.wait(0), condition.wait(-1)]
        seen += [condition.wait_for(lambda: False, SHORT), condition.wait_for(lambda: True)]
        assert in_thread(lambda: condition.acquire(False)) is False

    assert seen == [False, False, False, False, True]


def test_a_condition_gives_all_levels_of_its_rlock_back() -> None:
    """A wait inside two levels of the lock lets a notifier in, and both levels are back after."""
    condition = Condition()

    def notify() -> None:
        with condition:
            condition.notify()

    thread = Thread(target=notify)
    with condition, condition:
        thread.start()
        assert condition.wait(1000) is True
        condition.release()
        assert in_thread(lambda: condition.acquire(False)) is False
        condition.acquire()
    thread.join()


def test_a_condition_wait_frees_its_lock_for_who_waits_for_it() -> None:
    """One who was kept out by the lock goes on while its holder waits, and can notify it."""
    condition, order = Condition(), list[str]()

    def notify() -> None:
        with condition:
            order.append("notifies")
            condition.notify()

    thread = Thread(target=notify)
    with condition:
        thread.start()
        time.sleep(SHORT)
        assert condition.wait(1000)
        order.append("is notified")
    thread.join()
    assert order == ["notifies", "is notified"]


def test_a_semaphore_counts() -> None:
    """As many as its value get in; ``release(n)`` lets n more in; wrong numbers are refused."""
    semaphore = Semaphore(2)
    seen = [semaphore.acquire(), semaphore.acquire(blocking=False), semaphore.acquire(False)]
    seen.append(semaphore.acquire(timeout=SHORT))
    semaphore.release(2)
    with semaphore:
        seen.append(in_thread(lambda: semaphore.acquire(timeout=SHORT)) is True)

    assert seen == [True, True, False, False, True]
    with pytest.raises(ValueError, match="can't specify timeout for non-blocking acquire"):
        semaphore.acquire(blocking=False, timeout=1)
    with pytest.raises(ValueError, match="n must be one or more"):
        semaphore.release(0)
    with pytest.raises(ValueError, match="semaphore initial value must be >= 0"):
        Semaphore(-1)


def test_a_bounded_semaphore_is_not_released_too_often() -> None:
    """One release too many raises."""
    semaphore = BoundedSemaphore(1)
    with semaphore:
        pass
    with pytest.raises(ValueError, match="Semaphore released too many times"):
        semaphore.release()


def test_an_event_lets_everyone_through_once_set() -> None:
    """Waiters before and after ``set`` go on; ``clear`` makes them wait again."""
    event = Event()
    seen = [event.is_set(), event.wait(SHORT), event.wait(0)]
    threads = [Thread(target=event.wait) for _ in range(3)]
    for thread in threads:
        thread.start()
    event.set()
    for thread in threads:
        thread.join()
    seen += [event.wait(), event.is_set()]
    event.clear()
    seen.append(event.is_set())

    assert seen == [False, False, False, True, True, False]


def test_a_barrier_opens_for_all_at_once() -> None:
    """Each gets its own number, and one of them runs the action."""
    actions: list[str] = []
    barrier = Barrier(3, action=lambda: actions.append("open"))
    numbers: list[int] = []
    threads = [Thread(target=lambda: numbers.append(barrier.wait())) for _ in range(2)]
    for thread in threads:
        thread.start()
    numbers.append(barrier.wait())
    for thread in threads:
        thread.join()

    assert (sorted(numbers), actions, barrier.n_waiting, barrier.broken) == (
        [0, 1, 2],
        ["open"],
        0,
        False,
    )


def test_a_broken_barrier_breaks_for_everyone() -> None:
    """A time-out or an abort raises in each that waits and each that comes; reset mends it."""
    barrier = Barrier(3)
    results: list[object] = []
    thread = Thread(target=lambda: results.append(in_thread(barrier.wait)))
    thread.start()
    with pytest.raises(BrokenBarrierError):
        barrier.wait(SHORT)
    thread.join()
    assert [type(each) for each in results] == [BrokenBarrierError]
    assert barrier.broken
    with pytest.raises(BrokenBarrierError):
        barrier.wait()
    barrier.reset()
    assert not barrier.broken
    barrier.abort()
    assert barrier.broken
