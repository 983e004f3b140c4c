"""Locks, queues and threads in an exploration do what they do outside one."""

import _thread
import gc
import logging
import queue
import sys
import threading
import time
import weakref
from collections.abc import Callable

import pytest
from searching import outcomes, world_of
from written_programs import joined, started

from threadsim import Deadlock, Exhaustive, ScheduleFailure, explore
from threadsim.exploration.execution import NECESSARY
from threadsim.exploration.schedule_string import Replay


def raises(program: Callable[[], object], kind: type[BaseException], text: str) -> None:
    """Check that a program fails with an error, whatever the schedule."""
    with pytest.raises(ScheduleFailure) as caught:
        explore(program)
    assert type(caught.value.__cause__) is kind
    assert text in str(caught.value.__cause__)


def test_the_main_thread_never_ends() -> None:
    """The documentation says so: who joins it waits for ever."""
    raises(lambda: started(threading.main_thread().join), Deadlock, "join MainThread")


def test_an_rlock_works_with_a_condition_and_with_tries() -> None:
    """A Condition frees an RLock wholly, and a try of a held one fails."""

    def program() -> object:
        lock = threading.RLock()
        condition = threading.Condition(lock)
        seen: list[bool] = []

        def tell() -> None:
            with condition, lock:
                seen.append(True)
                condition.notify()

        started(tell)
        with condition, lock:
            condition.wait_for(lambda: seen)
        got = lock.acquire(blocking=False)
        lock.release()
        return got

    assert outcomes(program, Exhaustive()).keys() == {True}


def test_an_rlock_held_elsewhere_is_not_taken() -> None:
    """Whoever tries a held RLock is refused, at once or in time."""

    def program() -> object:
        lock = threading.RLock()
        lock.acquire()
        got: list[bool] = []
        joined(lambda: got.append(lock.acquire(timeout=1)))
        lock.release()
        return tuple(got)

    assert outcomes(program, Exhaustive()).keys() == {(False,)}


@pytest.mark.parametrize("make", [threading.Lock, threading.RLock])
def test_a_release_without_an_acquire_is_refused(make: Callable[[], threading.Lock]) -> None:
    """As with a real lock."""
    name = make.__name__

    def program() -> None:
        getattr(threading, "RLock" if name == "RLock" else "Lock")().release()

    raises(program, RuntimeError, "release")


def test_a_condition_notified_without_its_lock_is_refused() -> None:
    """As with a real Condition."""
    raises(lambda: threading.Condition(threading.Lock()).notify(), RuntimeError, "un-acquired")
    raises(lambda: threading.Condition().wait(), RuntimeError, "un-acquired")


def test_a_lock_taken_twice_by_one_thread_is_a_deadlock() -> None:
    """Nobody else can free it."""

    def program() -> None:
        lock = threading.Lock()
        lock.acquire()
        lock.acquire()

    raises(program, Deadlock, "nothing can run any more")


def test_a_simple_queue_refuses_a_negative_timeout() -> None:
    """As the real one."""
    raises(lambda: queue.SimpleQueue[int]().get(timeout=-1), ValueError, "non-negative")


def test_a_queue_that_stays_empty_is_empty_at_once_and_in_time() -> None:
    """Waiting and not waiting end alike."""

    def program() -> object:
        items = queue.SimpleQueue[int]()
        ends = []
        for timeout in (0, 1):
            try:
                items.get(timeout=timeout)
            except queue.Empty:
                ends.append(time.monotonic())
        return tuple(ends)

    assert outcomes(program, Exhaustive()).keys() == {(1_000_000.0, 1_000_001.0)}


def test_a_thread_that_is_joined_by_itself_or_twice_or_too_early() -> None:
    """The errors of join are the real ones; a second join is none."""
    raises(lambda: threading.current_thread().join(), RuntimeError, "cannot join current thread")
    raises(lambda: threading.Thread().join(), RuntimeError, "before it is started")

    def program() -> None:
        (thread,) = started(lambda: None)
        thread.join()
        thread.join(0)
        assert not thread.is_alive()

    assert explore(program).complete


@pytest.mark.parametrize("name", ["start", "join", "is_alive"])
def test_a_thread_that_was_never_made_whole_is_refused(name: str) -> None:
    """Whoever forgets to call Thread.__init__ is told so, as outside."""

    class Half(threading.Thread):
        def __init__(self) -> None:
            pass

    with pytest.raises(ScheduleFailure, match=r"__init__\(\) not called"):
        explore(getattr(Half(), name))


def test_a_thread_that_two_start_is_started_once() -> None:
    """The other one is told so, whichever it is."""

    def program() -> object:
        thread, told = threading.Thread(), []

        def start(name: str) -> None:
            try:
                thread.start()
            except RuntimeError as error:
                told.append((name, str(error)))

        joined(lambda: start("first"), lambda: start("second"))
        return tuple(told)

    text = "threads can only be started once"
    assert outcomes(program, Exhaustive()).keys() == {(("first", text),), (("second", text),)}


def test_a_thread_that_is_not_started_yet_cannot_be_joined() -> None:
    """Beside its start it can or cannot, and nothing else happens."""

    def program() -> object:
        thread = threading.Thread()
        started(thread.start)
        alive = thread.is_alive()
        try:
            thread.join()
        except RuntimeError as error:
            return alive, str(error)
        return alive, "joined"

    text = "cannot join thread before it is started"
    ends = {(False, text), (False, "joined"), (True, "joined")}
    assert outcomes(program, Exhaustive()).keys() == ends


def test_a_thread_of_an_earlier_schedule_has_ended() -> None:
    """It can be joined, and is not alive."""
    threads: list[threading.Thread] = []

    def program() -> object:
        threads.extend(started(lambda: None))
        threads[0].join()
        return threads[0].is_alive()

    assert outcomes(program, Exhaustive(0)).keys() == {False}


def test_a_thread_that_exits_fails_nothing() -> None:
    """sys.exit ends a thread and no more."""
    assert explore(lambda: joined(sys.exit)).complete


def test_what_a_schedule_leaves_behind_works_outside_and_in_the_next_one() -> None:
    """A logger's handler made by the program is used between schedules."""
    kept: list[threading.Lock] = []
    items: list[queue.SimpleQueue[int]] = []

    def program() -> None:
        kept.append(threading.Lock())
        items.append(queue.SimpleQueue[int]())
        lock = kept[0]
        with lock:
            items[0].put(1)
            assert items[0].get() == 1

    assert explore(program).complete
    with kept[0]:
        assert kept[0].locked()
    items[0].put(2)
    assert items[0].get() == 2
    thread = threading.Thread(target=kept[0].locked)
    thread.start()
    thread.join()
    assert not thread.is_alive()
    assert explore(program).complete


def test_what_ends_waits_no_longer() -> None:
    """Daemon threads unwind at the end: what they wait for then is not waited for."""
    ended: list[str] = []

    def program() -> None:
        lock, event, condition = threading.Lock(), threading.Event(), threading.Condition()
        lock.acquire()

        def daemon() -> None:
            try:
                event.wait()
            finally:
                ended.append("daemon")
                try:
                    time.sleep(0)
                finally:
                    try:
                        time.sleep(1)
                    finally:
                        with condition:
                            condition.wait()

        def other() -> None:
            try:
                event.wait()
            finally:
                started(lambda: None)

        started(daemon, other, daemon=True)
        time.sleep(1)

    assert explore(program, Exhaustive(0)).complete
    assert set(ended) == {"daemon"}


def test_a_daemon_may_sleep_at_the_end() -> None:
    """A program does not wait for what a daemon thread waits for."""

    def program() -> None:
        started(lambda: time.sleep(5), daemon=True)

    assert explore(program).complete


def test_a_sleep_of_nothing_lets_the_others_go_first() -> None:
    """By default whoever gives way comes last."""

    def program() -> object:
        order: list[str] = []
        started(lambda: order.append("thread"))
        time.sleep(0)
        order.append("main")
        return tuple(order)

    with world_of(program) as world:
        assert world.run(Replay([]), switch_points=NECESSARY).value == (
            "thread",
            "main",
        )


def test_a_deadlock_ends_what_the_program_still_wants_to_do() -> None:
    """A program that swallows the report of its deadlock fails all the same."""

    def program() -> None:
        event = threading.Event()
        try:
            event.wait()
        except BaseException:  # noqa: BLE001  # What is tried.
            logging.getLogger(__name__).debug("swallowed")
        raise ValueError("something else")

    raises(program, Deadlock, "nothing can run any more")


def test_what_a_deadlock_unwinds_may_start_threads_and_wait() -> None:
    """A clean-up that starts a thread, gives way and sleeps does not hang the report."""

    def program() -> None:
        event, bare = threading.Event(), _thread.allocate_lock()
        bare.acquire()
        _thread.start_new_thread(bare.acquire, ())  # It waits for ever, and has no key to wait by.
        try:
            event.wait()
        finally:
            (thread,) = started(lambda: None)
            time.sleep(0)
            time.sleep(1)
            thread.join()
            assert thread.is_alive()  # It never has its turn.
            barrier = threading.Barrier(1)
            assert barrier.wait() == barrier.n_waiting == 0

    raises(program, Deadlock, "nothing can run any more")


def test_an_event_is_waited_for_while_wake_ups_may_be_spurious() -> None:
    """Only the program's own waits wake up by themselves, never those of the library."""

    def program() -> object:
        event, condition = threading.Event(), threading.Condition()
        started(event.set)
        with condition:
            condition.wait(1)
        return event.wait()

    assert outcomes(program, Exhaustive(), spurious_wakeups=True).keys() == {True}


def test_where_only_a_spurious_wake_up_helps_none_may_come() -> None:
    """A thread that nobody notifies wakes up by itself or never: both are found."""

    def program() -> object:
        condition = threading.Condition()
        with condition:
            return condition.wait()

    assert outcomes(program, Exhaustive()).keys() == {"Deadlock"}
    assert outcomes(program, Exhaustive(), spurious_wakeups=True).keys() == {"Deadlock", True}
    with pytest.raises(ScheduleFailure) as caught:
        explore(program, spurious_wakeups=True)
    assert caught.value.schedule == "0"


def test_a_sleeper_at_the_deadlock_of_the_others_is_waited_for() -> None:
    """Time passes for a daemon that sleeps before the rest is called a deadlock."""

    def program() -> None:
        lock = threading.Lock()
        lock.acquire()
        time.sleep(1)
        started(lambda: time.sleep(2), daemon=True)
        lock.acquire()

    raises(program, Deadlock, "nothing can run any more at 3.000000 s")


def test_threads_started_by_hand_take_part() -> None:
    """A bare thread has its turns, and a program may look at locks beside it."""

    def program() -> object:
        lock = threading.Lock()
        lock.acquire()
        _thread.start_new_thread(lock.release, ())
        return lock.locked()

    assert outcomes(program, Exhaustive()).keys() == {True, False}


def test_other_unraisable_errors_go_where_they_went(monkeypatch: pytest.MonkeyPatch) -> None:
    """An exception in a finalizer is not the exploration's."""
    seen: list[object] = []
    monkeypatch.setattr(sys, "unraisablehook", lambda args: seen.append(args.exc_value))

    class Failing:
        def __del__(self) -> None:
            raise ValueError("in a finalizer")

    def program() -> None:
        Failing()

    assert explore(program).complete
    assert {str(each) for each in seen} == {"in a finalizer"}


def test_a_thread_that_is_cut_off_in_a_finalizer_tells_nobody(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A daemon that waits in a finalizer when its program ends is ended like any other."""
    seen: list[object] = []
    monkeypatch.setattr(sys, "unraisablehook", lambda args: seen.append(args.exc_value))

    class Waiting:
        def __del__(self) -> None:
            threading.Event().wait()

    def program() -> None:
        threading.Thread(target=Waiting, daemon=True).start()

    assert explore(program).complete
    assert seen == []


def test_a_program_may_run_without_a_collector() -> None:
    """An exploration leaves the garbage collector as it found it."""
    import gc  # noqa: PLC0415

    gc.disable()
    try:
        assert explore(lambda: None).complete
        assert not gc.isenabled()
    finally:
        gc.enable()


def test_a_failed_schedule_keeps_no_earlier_one() -> None:
    """A search through many schedules that fail takes no more memory than one that finds none."""

    def program() -> None:
        threading.Event().wait()

    with world_of(program) as runner:
        runs = [
            weakref.ref(runner.run(Replay([]), switch_points=NECESSARY).errors[0]) for _ in range(5)
        ]
        last = runner.run(Replay([]), switch_points=NECESSARY)
        gc.collect()
        # The watchdog may have seen one of them.
        assert sum(error() is not None for error in runs) <= 1
        assert len(last.errors) == 1
