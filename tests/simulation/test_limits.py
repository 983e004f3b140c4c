"""What never ends is ended, each kind with its own error."""

import contextlib
import copy
import pickle
import queue
import re
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import datetime
from statistics import median
from types import FrameType

import pytest

from threadsim import Deadlock, Simulation, StepLimit, TimeLimit


def test_a_heartbeat_does_not_hide_that_the_main_thread_waits_for_ever() -> None:
    """Virtual time has an end while some thread goes on and on."""
    with pytest.raises(TimeLimit) as caught, Simulation(max_elapsed=5) as sim:
        threading.Thread(target=beat, name="heart", daemon=True).start()
        threading.Event().wait()

    assert sim.clock.elapsed == 5.0
    text = str(caught.value)
    assert text.startswith(
        "virtual time stands at 5.000000 s and would pass the limit of 5.000000 s. A loop or a "
        "job that recurs goes on for ever. Look below for a thread that waits in vain meanwhile; "
        "or let the program end the loop, or make its thread a daemon. A Simulation takes "
        "max_elapsed=….\n"
        "  MainThread waits in Event.wait since 0.000000 s\n"
    )
    assert "\n  heart (daemon) sleeps since 5.000000 s\n" in text


BUSY: dict[str, Callable[[threading.Lock], object]] = {
    "sleep": lambda _: time.sleep(0),
    "clock": lambda _: time.time(),
    "date": lambda _: datetime.now(),  # noqa: DTZ005  # As people write it.
    "lock": lambda lock: lock.acquire(False),
    "locked": lambda lock: lock.locked(),
    "flag": lambda _: threading.Event().is_set(),
    "items": lambda _: queue.SimpleQueue[int]().empty(),
    "alive": lambda _: threading.current_thread().is_alive(),
    "join": lambda _: threading.main_thread().join(0),
    "free lock": lambda _: threading.Lock().acquire(),
    "free RLock": lambda _: threading.RLock().acquire(),
    "Queue": lambda _: queue.Queue[int]().empty(),
    "Queue.get": lambda _: get_nothing(),
    "Future": lambda _: Future[int]().done(),
    "Semaphore": lambda _: threading.Semaphore(0).acquire(blocking=False),
    "threads": lambda _: threading.active_count(),
}


def get_nothing() -> None:
    with contextlib.suppress(queue.Empty):
        queue.Queue[int]().get_nowait()


@pytest.mark.parametrize(
    ("name", "where"),
    [
        *((name, where) for name in ("sleep", "clock", "lock") for where in ("main", "other")),
        *((name, "other") for name in BUSY if name not in {"sleep", "clock", "lock"}),
    ],
)
def test_a_loop_that_lets_no_time_pass_is_ended(name: str, where: str) -> None:
    """A busy loop is told from one that waits, in any thread."""

    def loop(lock: threading.Lock) -> None:
        while True:
            BUSY[name](lock)

    with pytest.raises(StepLimit) as caught, Simulation(max_steps=100) as sim:
        lock = threading.Lock()
        lock.acquire()
        if where == "main":
            loop(lock)
        threading.Thread(target=loop, args=(lock,), name="busy").start()
        time.sleep(1)

    text = str(caught.value)
    assert re.match(
        "100 steps and still running at 0.000000 s of virtual time. A loop that polls or never "
        "ends is the usual reason: let it wait, as Event.wait",
        text,
    )
    assert re.search("in (test_a_loop.*loop|get_nothing)\n", text)
    busy = "MainThread" if where == "main" else "busy"
    doing = "lets the others go first" if name == "sleep" else "is still running"
    assert f"\n  {busy} {doing}" in text
    assert sim.trace[-1].words == f"{busy} {doing}"


def beat() -> None:
    while True:
        time.sleep(1)


def test_a_heartbeat_while_the_main_thread_waits_is_ended_by_the_steps_too() -> None:
    """Before the end of the day, if it beats often."""
    with pytest.raises(StepLimit) as caught, Simulation(max_steps=100):
        threading.Thread(target=beat).start()
        threading.Event().wait()

    assert str(caught.value).startswith(
        "100 steps and still running at 100.000000 s of virtual time. A loop that polls or never "
        "ends is the usual reason: let it wait, as Event.wait and Queue.get do. A Simulation takes "
        "max_steps=….\n"
    )


def test_a_tick_takes_as_many_steps_as_it_needs() -> None:
    """While time passes because the test says so, only steps without any of it count."""
    text = "100 steps and still running at 1000.000000 s of virtual time. A loop that polls"
    with pytest.raises(StepLimit, match=text), Simulation(max_steps=100) as sim:
        threading.Thread(target=beat).start()
        sim.clock.tick(1000)
        assert sim.clock.elapsed == 1000.0

        threading.Thread(target=lambda: list(iter(time.time, None))).start()
        sim.clock.tick(1000)


def test_a_program_may_take_as_many_locks_as_it_likes_between_two_waits_each() -> None:
    """Taking a free lock counts towards the limit only until somebody waits."""
    with Simulation(max_steps=100):
        lock = threading.Lock()
        for _ in range(30):
            for _ in range(30):
                with lock:
                    pass
            time.sleep(1)


@pytest.mark.parametrize("name", BUSY)
def test_a_thread_that_polls_lets_the_others_go_first(name: str) -> None:
    """A loop without a wait ends where another thread can end it, as it does for real."""
    ready: list[bool] = []

    def poll() -> None:
        while not ready:
            BUSY[name](lock)

    with Simulation():
        lock = threading.Lock()
        lock.acquire()
        poller = threading.Thread(target=poll)
        poller.start()
        threading.Thread(target=ready.append, args=(True,)).start()
        poller.join()


def test_many_threads_can_wait() -> None:
    """More of them than Python allows calls inside each other, started by each other too."""
    ended: list[int] = []

    def wait(number: int) -> None:
        if number:
            threading.Thread(target=wait, args=(number - 1,)).start()
        go.wait()
        ended.append(number)

    with Simulation():
        go = threading.Event()
        for _ in range(500):
            threading.Thread(target=wait, args=(1,)).start()
        threading.Thread(target=wait, args=(500,)).start()
        time.sleep(1)
        go.set()
    assert len(ended) == 1501


def test_threads_that_poll_each_other_for_ever_are_ended() -> None:
    """That each gives way to the others does not hide that none gets on."""
    with pytest.raises(StepLimit, match="A loop that polls or never ends"), Simulation():
        lock = threading.Lock()
        for _ in range(2):
            threading.Thread(target=lambda: list(iter(lock.locked, None))).start()
        time.sleep(1)


@pytest.mark.parametrize("takes", [8, 9, 10])
def test_what_a_program_has_left_of_its_locks_is_enough_to_leave_the_block(takes: int) -> None:
    """Leaving it takes locks of its own, and what is left is ended whatever main has taken."""
    done: list[str] = []

    def leftover() -> None:
        try:
            time.sleep(10)
        finally:
            with lock:
                done.append("cleaned")

    with Simulation(max_steps=10):
        lock = threading.Lock()
        threading.Thread(target=leftover).start()
        time.sleep(1)
        for _ in range(takes):
            with lock:
                pass
    assert done == ["cleaned"]


def test_a_limit_of_one_step_is_told_whatever_leaving_the_block_takes() -> None:
    """The report is what comes out of the block."""
    with pytest.raises(StepLimit, match=r"^1 steps"), Simulation(max_steps=1):
        time.time()
        time.time()


def test_a_notification_takes_no_step() -> None:
    """A condition asks its lock, of either kind, who holds it, and does not try to take it."""
    with Simulation(max_steps=10):
        for lock in (threading.Lock(), threading.RLock()):
            condition = threading.Condition(lock)
            with condition:
                for _ in range(20):
                    condition.notify()


def test_a_report_that_has_left_its_block_knows_what_ran_last() -> None:
    """So that it can be shown below it."""
    with pytest.raises(TimeLimit) as caught, Simulation(max_elapsed=5) as sim:
        threading.Thread(target=time.sleep, args=(20,), name="sleeper").start()
        time.sleep(10)
    assert caught.value.simulation is sim
    assert sim.trace[-1].words == "sleeper sleeps"


@pytest.mark.parametrize(
    "copied",
    [copy.deepcopy, lambda error: pickle.loads(pickle.dumps(error))],  # noqa: S301  # Our own.
    ids=["deepcopy", "pickle"],
)
def test_a_report_can_be_sent_to_another_process(
    copied: Callable[[BaseException], BaseException],
) -> None:
    """A pool of processes does so with what a job has raised; its simulation stays behind."""
    with pytest.raises(Deadlock) as caught, Simulation():
        threading.Event().wait()
    again = copied(caught.value)
    assert (type(again), str(again)) == (Deadlock, str(caught.value))
    assert not hasattr(again, "simulation")


def test_one_who_swallows_a_limit_meets_it_again() -> None:
    """A loop around a busy loop comes to its end too."""
    with pytest.raises(StepLimit) as caught, Simulation(max_steps=10):
        try:
            while True:
                time.time()
        except StepLimit:
            for _ in range(15):
                try:
                    time.time()
                except StepLimit as again:
                    seen = again

    assert caught.value is seen


def test_a_report_that_is_caught_again_and_again_stands_on_the_standard_error(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """A loop that catches everything meets the report at each wait, and is named once."""
    caught = 0
    with pytest.raises(Deadlock), Simulation():
        for _ in range(300):
            try:
                threading.Event().wait()
            except BaseException:  # noqa: BLE001  # As people write it.
                caught += 1
    assert caught == 200  # The waits of a ``finally`` clause give up first.
    shown = capsys.readouterr().err
    assert shown.count("Deadlock: nothing can run any more") == 1
    assert shown.endswith("`except BaseException:` does that: catch `Exception` instead.\n")


def test_a_busy_leftover_is_ended() -> None:
    """A ``finally`` clause that is busy without end does not keep the simulation from ending."""

    def busy() -> None:
        try:
            time.sleep(10)
        finally:
            while True:
                time.time()

    with Simulation(max_steps=100) as sim:
        threading.Thread(target=busy).start()
        sim.settle()
    assert sim.threads == []


def test_a_job_costs_the_same_however_many_workers_a_pool_has() -> None:
    """Nothing looks at all of them; Python's own pool would look at none."""
    calls: list[int] = []

    def count_untraced(_frame: FrameType, event: str, _argument: object) -> None:
        calls[-1] += event.endswith("call")

    with Simulation():
        pool = ThreadPoolExecutor(60)
        for _ in range(50):
            calls.append(0)
            sys.setprofile(count_untraced)
            pool.submit(time.sleep, 1)
            sys.setprofile(None)
    # The median: a finalizer may run meanwhile.
    assert median(calls) == min(calls[1:])
