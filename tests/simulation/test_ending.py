"""A simulation ends cleanly: nothing goes on, nothing waits, nothing is printed."""

import _thread
import contextlib
import gc
import logging
import os
import signal
import subprocess
import sys
import threading
import time
import weakref
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from queue import Empty, Queue, SimpleQueue
from types import FrameType
from typing import Any

import flask
import greenlet
import pytest
from apscheduler.events import EVENT_JOB_ERROR, EVENT_JOB_EXECUTED, EVENT_SCHEDULER_SHUTDOWN
from apscheduler.schedulers import SchedulerNotRunningError
from apscheduler.schedulers.background import BackgroundScheduler
from apscheduler.schedulers.blocking import BlockingScheduler

from threadsim import Deadlock, OutsideThread, Simulation, SimulationError, StepLimit
from threadsim.primitives.trace_functions import traces_apart
from threadsim.runtime.errors import NotModelled

Run = Callable[..., subprocess.CompletedProcess[str]]
BOUND = 10  # seconds for what takes a real thread microseconds


def waited(seconds: float) -> str:
    return f"waited {time.sleep(seconds)}"  # type: ignore[func-returns-value]


def test_leftover_threads_end_silently(capfd: pytest.CaptureFixture[str]) -> None:
    """Their ``finally`` clauses run, nothing in them waits, and nothing after a wait runs.

    A thread that has just started has its turn before that.
    """
    done: list[str] = []

    def leftover() -> None:
        try:
            done.append(waited(1000))
        finally:
            done.append("cleaned")
            time.time()
            for seconds in (0, 1):
                with contextlib.suppress(BaseException):
                    done.append(waited(seconds))

    with Simulation() as sim:
        threads = [threading.Thread(target=leftover) for _ in range(2)]
        for thread in threads:
            thread.start()
        late = threading.Thread(target=done.append, args=("late",))
        sim.settle()
        late.start()
        living = len(sim.threads)

    assert (living, sim.threads, done) == (4, [], ["late", "cleaned", "cleaned"])
    assert not any(thread.is_alive() for thread in [*threads, late])
    for thread in [*threads, late]:
        thread.join()
    assert capfd.readouterr() == ("", "")


def test_a_leftover_with_loggings_lock_ends_silently() -> None:
    """No time passes for it, nothing waits for it, and logging is as before."""
    done: list[str] = []

    def configure() -> None:
        with logging._lock:  # type: ignore[attr-defined]  # As dictConfig, while it makes handlers.
            try:
                done.append(waited(5))
            finally:
                done.append("cleaned")

    with Simulation() as sim:
        thread = threading.Thread(target=configure)
        thread.start()
        sim.clock.tick(1)

    assert (done, sim.clock.elapsed, thread.is_alive()) == (["cleaned"], 1.0, False)
    assert logging.root.isEnabledFor(logging.CRITICAL)


@pytest.mark.parametrize("steps", [199, 200])
def test_leaving_a_block_takes_no_steps(steps: int) -> None:
    """Whoever has taken as many locks as there may be steps has as many again to clean up."""
    cleaned: list[int] = []

    def leftover() -> None:
        try:
            time.sleep(1000)
        finally:
            for each in range(200):
                with lock:
                    cleaned.append(each)

    with Simulation(max_steps=200) as sim:
        lock, pool = threading.Lock(), ThreadPoolExecutor(1)
        threads = [threading.Thread(target=leftover) for _ in range(2)]
        for thread in threads:
            thread.start()
        for _ in range(20):
            pool.submit(leftover)
        sim.settle()
        for _ in range(steps):
            with lock:
                pass

    assert cleaned == [*range(200)] * 3
    assert not any(thread.is_alive() for thread in threads)


def test_a_leftover_that_fails_while_it_ends_is_silent(capfd: pytest.CaptureFixture[str]) -> None:
    """An exception on the way out goes nowhere, and no new thread begins."""

    def leftover() -> None:
        try:
            time.sleep(1000)
        finally:
            threading.Thread(target=print).start()

    with Simulation() as sim:
        threading.Thread(target=leftover).start()
        _thread.start_new_thread(leftover, ())
        sim.settle()

    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("start", ["bare", "Thread"])
def test_a_hook_that_waits_when_the_block_ends_is_silent(
    start: str, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """What tells of a thread's failure ends as the thread itself would."""

    def wait(_: object) -> None:
        time.sleep(1000)

    def fail() -> None:
        raise ValueError

    monkeypatch.setattr(threading, "excepthook", wait)
    monkeypatch.setattr("sys.unraisablehook", wait)
    with Simulation() as sim:
        if start == "bare":
            _thread.start_new_thread(fail, ())
        else:
            threading.Thread(target=fail).start()
        sim.settle()
        assert len(sim.threads) == 2
    assert capfd.readouterr() == ("", "")


def test_what_a_pool_has_queued_never_starts(capfd: pytest.CaptureFixture[str]) -> None:
    """A pool that is left ends without its queued work, and without a word."""
    ran: list[int] = []
    with Simulation() as sim:
        pool = ThreadPoolExecutor(1)
        pool.submit(time.sleep, 1000)
        waiting = pool.submit(ran.append, 1)
        sim.settle()

    assert ran == []
    assert not waiting.done()
    assert capfd.readouterr() == ("", "")


def test_a_job_that_the_end_cuts_short_has_no_outcome() -> None:
    """Nobody is told that it failed: no callback or listener runs, and no job is tried again."""
    told: list[object] = []
    runs: list[int] = []

    def work() -> None:
        runs.append(1)
        try:
            time.sleep(1000)
        finally:
            pool.submit(runs.append, 2)

    with Simulation() as sim:
        pool = ThreadPoolExecutor(1)
        future = pool.submit(work)
        future.add_done_callback(lambda _: told.append(pool.submit(work)))
        scheduler = BackgroundScheduler()
        scheduler.start()
        scheduler.add_listener(told.append, EVENT_JOB_ERROR | EVENT_JOB_EXECUTED)
        scheduler.add_job(time.sleep, args=[1000])
        sim.settle()

    assert (told, runs, future.done()) == ([], [1], False)


def test_a_thread_that_catches_everything_is_abandoned_and_named() -> None:
    """A thread that cannot be ended is reported, and forgotten."""

    def stubborn() -> None:
        while True:
            with contextlib.suppress(BaseException):
                time.sleep(1)

    text = "could not end stubborn: it caught every exception"
    with pytest.raises(SimulationError, match=text), Simulation() as sim:
        thread = threading.Thread(target=stubborn, name="stubborn")
        thread.start()
        sim.settle()
    assert not thread.is_alive()
    assert thread not in threading.enumerate()


def test_no_greenlet_is_left() -> None:
    """After the block every greenlet that it made has ended."""

    def alive() -> int:
        gc.collect()
        return sum(isinstance(each, greenlet.greenlet) and bool(each) for each in gc.get_objects())

    greenlet.getcurrent()
    before = alive()
    with Simulation() as sim:
        for target in (threading.Event().wait, time.time):
            threading.Thread(target=target).start()
        sim.settle()
    assert (alive(), len(sim.trace)) == (before, 3)


def test_an_exception_that_leaves_the_block_is_the_programs() -> None:
    """Whatever ends the block ends it cleanly and comes out unchanged."""
    for error in (ValueError("boom"), KeyboardInterrupt(), SystemExit(3)):
        with pytest.raises(type(error)) as caught, Simulation():
            threading.Thread(target=threading.Event().wait).start()
            raise error
        assert caught.value is error


def in_real_thread(function: Callable[[], Any]) -> Any:
    results: list[Any] = []
    thread = threading.Thread(target=lambda: results.append(function()))
    thread.start()
    thread.join(BOUND)
    return results[0]


def test_objects_made_inside_work_outside() -> None:
    """Queues, conditions and events keep their state, for real threads too; locks are free."""
    with Simulation() as sim:
        free, held, again = threading.Lock(), threading.Lock(), threading.RLock()
        held.acquire()
        threading.Thread(target=again.acquire).start()
        items: SimpleQueue[int] = SimpleQueue()
        items.put(1)
        condition, event = threading.Condition(), threading.Event()
        thread_local = threading.local()
        sim.settle()

    assert not held.locked()
    assert repr(held).startswith("<unlocked _thread.lock")
    with free, held, again, again:
        assert not in_real_thread(lambda: held.acquire(False))
        assert not in_real_thread(lambda: again.acquire(timeout=0))
        assert again._is_owned()  # type: ignore[attr-defined]
        assert "count=2" in repr(again)
        state = again._release_save()  # type: ignore[attr-defined]
        again._acquire_restore(state)  # type: ignore[attr-defined]
    assert (items.qsize(), items.get(), items.empty()) == (1, 1, True)
    thread = threading.Thread(target=lambda: items.put(items.get() + 1))
    thread.start()
    items.put_nowait(1)
    thread.join(BOUND)
    assert items.get(timeout=BOUND) == 2

    def notify() -> None:
        with condition:
            condition.notify()

    with condition:
        thread = threading.Thread(target=notify)
        thread.start()
        assert condition.wait(BOUND)
    thread.join(BOUND)
    assert not event.wait(0)
    event.set()
    assert in_real_thread(event.wait)
    thread_local.x = 1
    assert in_real_thread(lambda: hasattr(thread_local, "x")) is False


def test_objects_made_inside_work_in_the_next_simulation() -> None:
    """A lock goes from one simulation to the next, used in between or not."""
    with Simulation() as sim:
        lock, again, items = threading.Lock(), threading.RLock(), SimpleQueue[int]()
        lock.acquire()
        waiters = [threading.Thread(target=each) for each in (lock.acquire, items.get)]
        for thread in waiters:
            thread.start()
        sim.settle()
    with Simulation() as sim:
        lock.release()
        items.put(1)
        with again, again:
            time.sleep(1)
        assert (items.get(), sim.clock.elapsed, len(sim.threads)) == (1, 1.0, 1)


def test_what_is_put_outside_is_there_in_the_next_simulation() -> None:
    """A queue has one content, inside and outside."""
    with Simulation():
        items = SimpleQueue[int]()
    items.put(5)
    with Simulation():
        items.put(6)
        assert (items.qsize(), items.get()) == (2, 5)
    assert items.get() == 6


def test_an_abandoned_thread_may_still_end() -> None:
    """When its stack is unwound after all, nothing more happens."""
    going = [True]

    def stubborn() -> None:
        while going:
            with contextlib.suppress(BaseException):
                time.sleep(1)

    sim = Simulation()
    with pytest.raises(SimulationError), sim:
        threading.Thread(target=stubborn).start()
        sim.settle()
    going.clear()
    assert sim._kernel is not None
    [thread] = sim._kernel.abandoned
    unwind(thread.greenlet)
    assert not thread.greenlet


def unwind(thread: greenlet.greenlet) -> None:
    with traces_apart():  # Outside a simulation nobody else does.
        thread.throw()


def test_a_main_thread_that_failed_is_not_woken_by_the_next_simulation() -> None:
    """What the main thread waited for when a simulation failed wakes nobody afterwards."""
    items: Any = None
    with pytest.raises(Deadlock), Simulation():
        items = SimpleQueue()
        items.get()
    with Simulation() as sim:
        threading.Timer(1, items.put, [1]).start()
        time.sleep(5)
        assert sim.clock.elapsed == 5.0


def test_a_subclass_made_inside_keeps_what_it_adds_outside() -> None:
    """An object of a subclass is one outside too."""
    with Simulation():

        class Named(SimpleQueue):  # type: ignore[type-arg]
            name = "mine"

        kept = Named
        lock_class, queue_class = threading.Lock, SimpleQueue
    items = kept()
    items.put(5)

    assert (items.name, items.get()) == ("mine", 5)
    # What kept the names gets the real things.
    assert type(lock_class()) is type(threading.Lock())
    assert type(queue_class()) is SimpleQueue


def test_a_thread_made_inside_can_be_started_outside() -> None:
    """It is a real one then."""
    with Simulation():
        seen: list[bool] = []
        thread = threading.Thread(target=lambda: seen.append(time.time() > 0))
        over = threading.Thread(target=time.sleep, args=(5,))
        over.start()
        is_alive = threading.Thread.is_alive
    assert not over.is_alive()
    assert not is_alive(over)
    thread.start()
    thread.join(BOUND)
    assert (seen, thread.is_alive()) == ([True], False)


def test_handlers_and_apps_made_inside_work_outside() -> None:
    """A logging handler and a Flask app serve real threads after the block."""
    records: list[str] = []
    with Simulation():

        class Keep(logging.Handler):
            def emit(self, record: logging.LogRecord) -> None:
                records.append(record.getMessage())

        handler = Keep()
        app = flask.Flask("app")
        app.add_url_rule("/", view_func=lambda: "hello")
        assert app.test_client().get("/").text == "hello"
    assert in_real_thread(lambda: app.test_client().get("/").text) == "hello"
    in_real_thread(lambda: handler.handle(logging.makeLogRecord({"msg": "hello"})))
    handler.close()

    assert records == ["hello"]


def test_a_pool_left_with_workers_acts_like_one_that_was_shut_down() -> None:
    """Its workers ended with the block, so it takes no more work, in the next block neither."""
    with Simulation() as sim:
        pool = ThreadPoolExecutor(2)
        assert list(pool.map(abs, [-1, -2])) == [1, 2]
        begun, _, queued = [pool.submit(time.sleep, 9) for _ in range(3)]
        sim.settle()
    with pytest.raises(RuntimeError, match="cannot schedule new futures after shutdown"):
        pool.submit(abs, -3)
    with Simulation(), pytest.raises(RuntimeError, match="after shutdown"):
        pool.submit(abs, -3)
    pool.shutdown(cancel_futures=True)
    assert (begun.cancelled(), queued.cancelled()) == (False, True)


def test_a_worker_whose_pool_is_gone_ends_with_the_block() -> None:
    """It knows its pool by a weak reference."""
    with Simulation() as sim:
        pool = ThreadPoolExecutor(1)
        pool.submit(time.sleep, 1000)
        sim.settle()
        del pool
        gc.collect()
        assert len(sim.threads) == 2
    assert sim.threads == []


def test_a_pool_used_outside_is_refused_in_the_next_simulation() -> None:
    """Its worker is a real thread then, which virtual time does not reach."""
    with Simulation():
        pool = ThreadPoolExecutor(1)
    assert pool.submit(abs, -1).result(BOUND) == 1
    with pytest.raises(OutsideThread, match="or used there since"), Simulation():
        pool.submit(abs, -2)
    assert pool.submit(abs, -3).result(BOUND) == 3
    pool.shutdown()


def test_a_pool_whose_queue_is_locked_is_left_at_once() -> None:
    """What is queued there cannot be taken out, and nobody waits for it."""

    class Own(ThreadPoolExecutor):
        def __init__(self) -> None:
            super().__init__(1)
            self._work_queue: Any = Queue()

    with Simulation() as sim:
        pool = Own()
        pool.submit(time.sleep, 1000)
        pool.submit(int)
        sim.settle()
        pool._work_queue.mutex.acquire()

    assert (sim.clock.elapsed, sim.threads) == (0.0, [])


def test_a_pool_with_a_queue_of_its_own_is_a_pool_made_inside() -> None:
    """Where a pool was made does not show in what it queues its work in."""

    class Bounded(ThreadPoolExecutor):
        def __init__(self, workers: int, size: int) -> None:
            super().__init__(workers)
            self._work_queue: Any = Queue(size)

    with Simulation(), Bounded(2, 3) as pool:
        assert list(pool.map(abs, [-1, -2, -3, -4])) == [1, 2, 3, 4]


def test_a_scheduler_left_running_can_be_shut_down_after_the_block() -> None:
    """As a fixture does that began before the block: its threads have ended, so nothing waits."""
    with Simulation() as sim:
        scheduler = BackgroundScheduler()
        scheduler.start()
        scheduler.add_job(time.sleep, args=[1000])
        sim.settle()
    scheduler.shutdown()
    assert not scheduler.running


AT_EXIT = """
import atexit
from apscheduler.schedulers.background import BackgroundScheduler
from threadsim import Simulation

with Simulation():
    scheduler = BackgroundScheduler()
    scheduler.start()
    atexit.register(lambda: scheduler.shutdown())
    atexit.register(print, "registered", end="!")
"""


def test_a_shutdown_that_a_block_registers_for_the_exit_prints_nothing(
    run_program: Callable[..., subprocess.CompletedProcess[str]],
) -> None:
    """Apps give ``scheduler.shutdown`` to ``atexit``: the scheduler has ended with the block."""
    ran = run_program(AT_EXIT)
    assert (ran.returncode, ran.stdout, ran.stderr) == (0, "registered!", "")


def test_a_scheduler_shut_down_at_the_end_of_a_block_is_not_shut_down_again() -> None:
    """Its thread may not have ended yet."""
    events: list[int] = []
    with Simulation() as sim:
        scheduler = BlockingScheduler()
        scheduler.add_listener(lambda event: events.append(event.code), EVENT_SCHEDULER_SHUTDOWN)
        threading.Thread(target=scheduler.start).start()
        sim.settle()
        scheduler.shutdown()
    with pytest.raises(SchedulerNotRunningError):
        scheduler.shutdown()
    assert events == [EVENT_SCHEDULER_SHUTDOWN]


def test_a_locks_state_starts_afresh_after_a_fork() -> None:
    """``_at_fork_reinit`` frees a lock, as it does for real."""
    with Simulation():
        locks: list[Any] = [threading.Lock(), threading.RLock()]
        for lock in locks:
            lock.acquire()
            lock._at_fork_reinit()
            assert lock.acquire(False)


def test_a_finalizer_may_put_into_a_queue() -> None:
    """A pool that is dropped tells its workers to end, whenever it is collected."""
    with Simulation() as sim:
        pool = ThreadPoolExecutor(2)
        pool.submit(int).result()
        gone = weakref.ref(pool)
        del pool
        gc.collect()
        sim.settle()
        assert (gone(), len(sim.threads)) == (None, 1)


def lock_held_untraced() -> tuple[Callable[[], object], Callable[[], object]]:
    """Return what waits for a second, and what ends that wait."""
    lock = threading.Lock()
    lock.acquire()
    return lambda: lock.acquire(timeout=1), lock.release


def queue_empty_untraced() -> tuple[Callable[[], object], Callable[[], object]]:
    queue = SimpleQueue[int]()

    def get_untraced() -> bool:
        try:
            queue.get(timeout=1)
        except Empty:
            return False
        return True

    return get_untraced, lambda: queue.put(1)


@pytest.mark.parametrize("make", [lock_held_untraced, queue_empty_untraced])
def test_a_finalizer_may_end_a_wait_wherever_that_begins(
    make: Callable[[], tuple[Callable[[], object], Callable[[], object]]],
) -> None:
    """Its thread goes on at once, and later waits last as long as they may.

    A trace function stands for the finalizer: the interpreter calls either between two lines.
    """
    left: int = 0
    finish: Callable[[], object] = print
    traced = (
        "threadsim.primitives.lock",
        "threadsim.primitives.simple_queue",
        "threadsim.runtime.kernel",
    )

    def trace_untraced(frame: FrameType, event: str, _argument: object) -> Any:
        nonlocal left
        if event == "call":
            return trace_untraced if frame.f_globals["__name__"] in traced else None
        left -= 1
        if not left:
            finish()
        return trace_untraced

    def try_everywhere_untraced() -> list[tuple[object, float, float]]:
        nonlocal left, finish
        seen: list[tuple[object, float, float]] = []
        with Simulation() as sim:
            while left <= 0:
                wait, finish = make()
                later = threading.Thread(target=lambda: time.sleep(2))
                later.start()
                begun, left = sim.clock.elapsed, len(seen) + 1
                woken = wait()
                waited = sim.clock.elapsed - begun
                if left <= 0:
                    later.join()
                    seen.append((woken, waited, sim.clock.elapsed - begun))
        return seen

    before = sys.gettrace()
    sys.settrace(trace_untraced)
    try:
        seen = try_everywhere_untraced()
    finally:
        sys.settrace(before)

    # First the lines at which it can still be ended, then those behind it: the last look may be
    # after them.
    assert set(seen) == {(True, 0.0, 2.0), (True, 1.0, 2.0), (False, 1.0, 2.0)}
    assert seen == sorted(seen, key=lambda row: (row[1], not row[0]))


def test_what_is_freed_while_its_waiter_queues_up_is_free() -> None:
    """Nobody stood in the queue yet who could be woken, so who does looks once more."""

    class FreesLock(list[Any]):
        def append(self, thread: Any) -> None:
            lock.release()
            super().append(thread)

    with Simulation() as sim:
        lock: Any = threading.Lock()
        lock.acquire()
        lock.waiters = FreesLock()
        assert (lock.acquire(timeout=1), sim.clock.elapsed) == (True, 0.0)


def test_a_finalizer_between_two_threads_cannot_wait() -> None:
    """One that tries is told so instead of waking the wrong thread."""
    caught: list[str] = []

    class Waits:
        def __init__(self, wait: Callable[[], object]) -> None:
            self.wait = wait

        def __del__(self) -> None:
            try:
                self.wait()
            except NotModelled as error:
                caught.append(str(error))

    with pytest.raises(NotModelled, match="a finalizer or a greenlet"), Simulation() as sim:
        lock = threading.Lock()
        lock.acquire()
        things = [Waits(lock.acquire), Waits(sim.settle)]
        kernel: Any = sim._kernel
        jump = kernel._jump

        def drop() -> Any:
            things.clear()
            return jump()

        kernel._jump = drop
        time.sleep(1)

    assert [text.split(" or")[0] for text in caught] == ["a finalizer"] * 2


QUIET = """
import faulthandler, logging, threading, time
from concurrent.futures import Future, ThreadPoolExecutor
from apscheduler.schedulers.background import BackgroundScheduler
from threadsim import Simulation

faulthandler.dump_traceback_later(30, exit=True)
with Simulation() as sim:
    pool = ThreadPoolExecutor(3, initializer=time.time)
    for _ in range(9):
        pool.submit(time.sleep, 5)
    scheduler = BackgroundScheduler()
    scheduler.start()
    scheduler.add_job(time.sleep, args=[100])
    for daemon in (True, False):
        threading.Thread(target=threading.Event().wait, daemon=daemon).start()
    threading.Timer(50, print).start()
    log = logging.getLogger("x")
    sim.clock.tick(7)
threading.Thread(target=pool._work_queue.qsize).start()
"""

STUBBORN = """
import threading, time
from threadsim import Simulation, SimulationError, StepLimit

def stubborn(lock):
    while True:
        try:
            lock.acquire()
        except BaseException:
            pass

try:
    with Simulation() as sim:
        lock = threading.Lock()
        lock.acquire()
        threading.Thread(target=stubborn, args=(lock,)).start()
        sim.settle()
except SimulationError:
    pass
"""


@pytest.mark.e2e
def test_nothing_is_printed_also_not_at_the_interpreters_exit(run_program: Run) -> None:
    """A program that leaves everything running ends silently, with every warning an error."""
    result = run_program(QUIET + STUBBORN, **os.environ)

    assert (result.returncode, result.stdout, result.stderr) == (0, "", "")


def interrupt() -> None:
    signal.raise_signal(signal.SIGINT)


def test_ctrl_c_reaches_the_main_thread_wherever_it_comes() -> None:
    """Pressed while another thread runs, it is raised where the main thread waits."""
    went_on: list[str] = []

    def busy() -> None:
        interrupt()
        went_on.append("the other thread goes on afterwards")

    with Simulation() as sim:
        threading.Thread(target=busy).start()
        with pytest.raises(KeyboardInterrupt):
            threading.Event().wait(1000)
        sim.settle()
        with pytest.raises(KeyboardInterrupt):
            interrupt()
        lock = threading.Lock()
        lock.acquire()
        threading.Thread(target=busy).start()
        with pytest.raises(KeyboardInterrupt):
            lock.acquire(timeout=5)
        time.sleep(10)
        assert sim.clock.elapsed == 10.0

    assert len(went_on) == 2
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_ctrl_c_between_two_threads_is_not_lost() -> None:
    """Pressed while the kernel works, it waits for the main thread, or for the block's end."""
    with pytest.raises(KeyboardInterrupt), Simulation() as sim:
        kernel: Any = sim._kernel
        jump = kernel._jump

        def press() -> Any:
            interrupt()
            return jump()

        kernel._jump = press
        threading.Thread(target=int).start()  # At its end the kernel looks for who is next.
        time.sleep(1)


class Presses:
    """A number of seconds; whoever asks for it presses Ctrl-C while the kernel is at work."""

    __index__ = staticmethod(partial(signal.raise_signal, signal.SIGINT))


def press_in_the_kernel() -> None:
    seconds: Any = Presses()
    with pytest.raises(TypeError):
        time.sleep(seconds)


POLLS: dict[str, Callable[[], object]] = {
    "lets others go first": lambda: time.sleep(0),
    "looks at a clock": lambda: time.time(),  # noqa: PLW0108  # Of inside.
    "looks at an event": lambda: threading.Event().is_set(),
    "takes free locks": lambda: threading.Lock().acquire(),
    "takes free re-entrant locks": lambda: threading.RLock().acquire(),
}


def poll_for_ever(poll: Callable[[], object]) -> None:
    while True:
        poll()


@pytest.mark.parametrize("poll", [*POLLS, "lets others settle"])
@pytest.mark.parametrize("pressed_in", ["the kernel", "another thread"])
def test_ctrl_c_ends_a_main_thread_that_polls(pressed_in: str, poll: str) -> None:
    """One that never waits is told of a signal that came in a bad moment when it polls again."""

    def work() -> None:
        lock.release()
        interrupt()

    with pytest.raises(KeyboardInterrupt), Simulation(max_steps=100) as sim:
        lock = threading.Lock()
        lock.acquire()
        if pressed_in == "the kernel":
            press_in_the_kernel()
        else:
            threading.Thread(target=work).start()
            assert lock.acquire()
        poll_for_ever(POLLS.get(poll, sim.settle))


@pytest.mark.parametrize("settles", [False, True])
def test_a_main_thread_that_has_caught_ctrl_c_waits_as_before(settles: bool) -> None:
    """It has left the line in which it stood while it let the others go first."""

    def work() -> None:
        for _ in range(3):
            time.sleep(0)
        interrupt()
        for _ in range(3):
            time.sleep(0)

    with Simulation() as sim:
        threading.Thread(target=work).start()
        with pytest.raises(KeyboardInterrupt):
            poll_for_ever(sim.settle if settles else lambda: time.sleep(0))
        done = threading.Event()
        threading.Timer(5, done.set).start()
        assert done.wait()
        assert sim.clock.elapsed == 5.0


def test_ctrl_c_in_a_bad_moment_is_raised_when_the_block_ends() -> None:
    """If the main thread neither waits nor looks any more."""
    with pytest.raises(KeyboardInterrupt), Simulation() as sim:
        press_in_the_kernel()
    assert sim.threads == []


def test_ctrl_c_that_waits_for_the_end_of_a_block_leaves_the_clean_up_alone() -> None:
    """A leftover that looks at a clock in its ``finally`` clause is no main thread that polls."""
    done: list[str] = []

    def leftover() -> None:
        try:
            time.sleep(10)
        finally:
            time.time()
            done.append("cleaned")

    with pytest.raises(KeyboardInterrupt), Simulation():
        threading.Thread(target=leftover).start()
        time.sleep(1)
        press_in_the_kernel()
    assert done == ["cleaned"]


@pytest.mark.parametrize("poll", POLLS)
def test_ctrl_c_while_another_thread_polls_reaches_the_main_thread(poll: str) -> None:
    """The main thread is told where the other one polls again, which goes on to the end."""

    def work() -> None:
        press_in_the_kernel()
        poll_for_ever(POLLS[poll])

    with pytest.raises(StepLimit), Simulation(max_steps=100):
        threading.Thread(target=work).start()
        with pytest.raises(KeyboardInterrupt):
            threading.Event().wait()


def test_ctrl_c_while_a_failure_unwinds_becomes_its_context() -> None:
    """Where only ``finally`` clauses run it is raised on the spot; the failure is still told."""
    with pytest.raises(Deadlock) as caught, Simulation():
        try:
            threading.Event().wait()
        finally:
            interrupt()
    assert isinstance(caught.value.__context__, KeyboardInterrupt)


def test_ctrl_c_while_leftovers_end_is_raised_when_the_block_ends() -> None:
    """It ends the ``finally`` clause of the thread that runs, and is not lost with that thread."""
    done: list[str] = []

    def leftover() -> None:
        try:
            time.sleep(1000)
        finally:
            done.append("begins")
            done.append(f"goes on: {interrupt()}")  # type: ignore[func-returns-value]

    with pytest.raises(KeyboardInterrupt), Simulation() as sim:
        threading.Thread(target=leftover).start()
        sim.settle()

    assert (done, sim.threads) == (["begins"], [])


def test_a_program_that_handles_ctrl_c_keeps_its_handler() -> None:
    """A handler set before or inside the block is called."""
    pressed: list[int] = []
    before = signal.signal(signal.SIGINT, lambda number, _: pressed.append(number))
    try:
        with Simulation():
            interrupt()
        signal.signal(signal.SIGINT, signal.default_int_handler)
        with Simulation():
            signal.signal(signal.SIGINT, lambda number, _: pressed.append(number))
            interrupt()
        interrupt()
    finally:
        signal.signal(signal.SIGINT, before)

    assert pressed == [signal.SIGINT] * 3


def stop(*_: object) -> None:
    raise SystemExit("terminated")


@pytest.mark.parametrize("inside", [False, True])
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGALRM])
def test_what_a_handler_raises_reaches_the_main_thread(inside: bool, number: int) -> None:
    """Whichever thread runs when the signal comes."""
    before = signal.getsignal(number)
    if not inside:
        signal.signal(number, stop)
    with Simulation() as sim:
        if inside:
            assert signal.signal(number, stop) is before
        threading.Timer(1, signal.raise_signal, (number,)).start()
        with pytest.raises(SystemExit, match="terminated"):
            time.sleep(5)
        assert sim.clock.elapsed == 1.0
        with pytest.raises(SystemExit, match="terminated"):
            signal.raise_signal(number)
        signal.signal(number, signal.SIG_IGN)
        signal.raise_signal(number)
        assert signal.signal(number, stop) is signal.SIG_IGN
    assert signal.signal(number, before) is stop


def test_a_simulation_runs_in_any_one_thread() -> None:
    """It need not be the main one."""

    def simulate() -> float:
        with Simulation() as sim:
            thread = threading.Thread(target=time.sleep, args=(5,))
            thread.start()
            thread.join()
            return sim.clock.elapsed

    assert in_real_thread(simulate) == 5.0
