"""How time passes in a simulation."""

import concurrent.futures as futures  # noqa: PLR0402  # As it is called.
import math
import queue
import re
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

import pytest
from apscheduler.schedulers.background import BackgroundScheduler

from apscheduler_fakes import FakeScheduler
from threadsim import Deadlock, Simulation, TimeLimit, explore


def test_ten_sleeps_of_a_tenth_end_after_exactly_one_second() -> None:
    """Virtual instants are whole microseconds, without the dust of floats."""
    with Simulation() as sim:
        for _ in range(10):
            time.sleep(0.1)
        assert sim.clock.elapsed == 1.0


@pytest.mark.parametrize(
    ("seconds", "nanoseconds"),
    [
        (5e-324, 1),
        (1e-9, 1),
        (1.2e-9, 2),
        (0.1, 100_000_000),
        (1 / 3, 333_333_334),
        (2, 2_000_000_000),
        (True, 1_000_000_000),
    ],
)
def test_a_sleep_is_rounded_up(seconds: float, nanoseconds: int) -> None:
    """A part of a nanosecond is a whole one."""
    with Simulation():
        begun = time.monotonic_ns()
        time.sleep(seconds)
        assert time.monotonic_ns() - begun == nanoseconds


def sleep(seconds: float) -> None:
    time.sleep(seconds)


def held() -> threading.Lock:
    lock = threading.Lock()
    lock.acquire()
    return lock


def get_in_vain(seconds: float) -> None:
    with pytest.raises(queue.Empty):
        queue.SimpleQueue[int]().get(timeout=seconds)


def get_none(seconds: float) -> None:
    with pytest.raises(queue.Empty):
        queue.Queue[int]().get(timeout=seconds)


def wait_at_a_barrier(seconds: float) -> None:
    with pytest.raises(threading.BrokenBarrierError):
        threading.Barrier(2).wait(seconds)


def wait_for_what_never_comes(seconds: float) -> None:
    condition = threading.Condition()
    with condition:
        condition.wait_for(lambda: False, seconds)


def see_none_complete(seconds: float) -> None:
    with pytest.raises(TimeoutError):
        list(futures.as_completed([futures.Future[int]()], seconds))


def sleep_until(clock: Callable[[], float], seconds: float) -> None:
    end = clock() + seconds
    while (left := end - clock()) > 0:
        time.sleep(left)


TIME_OUTS = pytest.mark.parametrize(
    "wait",
    [
        lambda seconds: threading.Event().wait(seconds),
        lambda seconds: held().acquire(timeout=seconds),
        lambda seconds: threading.Semaphore(0).acquire(timeout=seconds),
        lambda seconds: futures.wait([futures.Future[int]()], seconds),
        get_in_vain,
        get_none,
        wait_at_a_barrier,
        wait_for_what_never_comes,
        see_none_complete,
        lambda seconds: sleep_until(time.monotonic, seconds),
        lambda seconds: sleep_until(time.time, seconds),
    ],
    ids=[
        *("Event", "Lock", "Semaphore", "wait", "SimpleQueue", "Queue", "Barrier", "wait_for"),
        *("as_completed", "monotonic", "time"),
    ],
)


@TIME_OUTS
def test_a_time_out_is_rounded_up(wait: Callable[[float], object]) -> None:
    """No wait is shorter than its length; clocks and reports show whole microseconds."""
    with Simulation() as sim:
        wait(0.0000028)
        assert sim.clock.elapsed == 0.000003


@pytest.mark.parametrize("rounds", [3, 7, 30, 256])
@pytest.mark.parametrize(
    "wait", [sleep, lambda seconds: threading.Event().wait(seconds)], ids=["sleep", "Event"]
)
@pytest.mark.parametrize("clock", ["monotonic", "time"])
def test_a_loop_that_runs_for_a_second_waits_no_more_often_than_for_real(
    wait: Callable[[float], object], clock: str, rounds: int
) -> None:
    """No wait is over before its time, so that those of a third of a second are three."""
    waits = 0
    with Simulation():
        read = getattr(time, clock)
        end = read() + 1
        while read() < end:
            wait(1 / rounds)
            waits += 1
    assert waits == rounds


def until(now: Callable[[], Any], length: Any) -> Callable[[], Any]:
    """Return a function that tells how much of a length is left."""
    end = now() + length
    return lambda: end - now()


@pytest.mark.parametrize("year", [1980, 2000, 2026, 2100])
@pytest.mark.parametrize(
    ("now", "late"),
    [
        (lambda: time.monotonic(), 1),  # noqa: PLW0108  # The virtual one, as below.
        (lambda: time.perf_counter(), 1),  # noqa: PLW0108
        (lambda: time.time(), 480),  # noqa: PLW0108
        (lambda: datetime.now(UTC), 1),
    ],
    ids=["monotonic", "perf_counter", "time", "datetime"],
)
def test_a_loop_that_waits_for_the_rest_of_a_length_waits_once(
    year: int, now: Callable[[], Any], late: int
) -> None:
    """Reading a float clock may move its end by the distance of two floats, in nanoseconds."""
    random = Random(year)  # noqa: S311  # The same in every run.
    with Simulation(start=datetime(year, 1, 1, tzinfo=UTC), max_elapsed=1e9):
        for _ in range(300):
            time.sleep(random.choice([0.1, 1e-9, 1.7e-8, 1e-6, 4.9e-7, 1 / 3]))
            length = random.choice([2e-6, 0.001, 0.1, 0.3, 0.5, 1.0, 1.234567, 60.0, 86_400.1])
            whole = timedelta(seconds=length) if isinstance(now(), datetime) else length
            rest, waits, begun = until(now, whole), 0, time.monotonic_ns()
            while (left := rest() / (whole / length)) > 0:
                time.sleep(left)
                waits += 1
            passed = time.monotonic_ns() - begun
            assert waits == 1
            assert abs(passed - length * 1e9) <= late


@pytest.mark.parametrize("late", [2**-29, 2**-23])
def test_timers_due_in_one_microsecond_are_due_together(late: float) -> None:
    """They wake in the order in which they began to wait, also if the first is the latest."""
    woken: list[tuple[str, int]] = []

    def wait(name: str, length: float) -> None:
        time.sleep(length)
        woken.append((name, time.monotonic_ns() - begun))

    with Simulation():
        begun = time.monotonic_ns()
        for name, length in (("a", 1 + late), ("b", 1), ("c", 1.000001)):
            threading.Thread(target=wait, args=(name, length)).start()
        time.sleep(2)
    together = 1_000_000_000 + math.ceil(late * 1e9)
    assert woken == [("a", together), ("b", together), ("c", 1_000_001_000)]


def test_timers_due_in_one_microsecond_are_due_together_in_an_exploration() -> None:
    """No schedule lets time pass between them."""
    woken: set[tuple[int, ...]] = set()

    def program() -> None:
        begun, ends = time.monotonic_ns(), list[int]()

        def wait(length: float) -> None:
            time.sleep(length)
            ends.append(time.monotonic_ns() - begun)

        threads = [threading.Thread(target=wait, args=(each,)) for each in (0.3, 0.1 + 0.2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        woken.add(tuple(ends))

    assert explore(program).complete
    assert woken == {(300_000_001, 300_000_001)}


@TIME_OUTS
def test_the_rest_of_a_time_out_ends_at_its_instant_whatever_waits(
    wait: Callable[[float], object],
) -> None:
    """Also where what waits computes a rest of its own, and where two wait until one instant."""
    with Simulation() as sim:
        deadline = time.time() + 1
        ends: list[float] = []

        def work(used: float) -> None:
            time.sleep(used)
            wait(deadline - time.time())
            ends.append(sim.clock.elapsed)

        for used in (0.05, 0.1, 0.017):
            threading.Thread(target=work, args=(used,)).start()
        time.sleep(2)
    assert ends == [1.0] * 3


def test_the_rest_of_a_time_out_ends_at_its_instant_also_if_it_is_waited_in_parts() -> None:
    """Here the item that wakes the waiter has been taken by somebody else."""
    with Simulation() as sim:
        items = queue.Queue[int]()
        deadline = time.time() + 1
        time.sleep(0.1)

        def put_and_take() -> None:
            time.sleep(0.2)
            items.put(1)
            items.get()

        threading.Thread(target=put_and_take).start()
        with pytest.raises(queue.Empty):
            items.get(timeout=deadline - time.time())
        assert sim.clock.elapsed == 1.0


@TIME_OUTS
def test_ten_time_outs_of_a_tenth_end_after_one_second(wait: Callable[[float], object]) -> None:
    """A loop over ``time.time()`` is right to the microsecond: its floats lie 0.24 of one apart."""
    with Simulation() as sim:
        ends = [(wait(0.1), sim.clock.elapsed)[1] for _ in range(10)]
    assert ends == pytest.approx([0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0], abs=1.1e-6)


def test_threads_whose_time_outs_end_at_one_instant_end_at_one() -> None:
    """Whichever way they came there."""
    with Simulation() as sim:
        ends: list[float] = []

        def work(seconds: float, times: int) -> None:
            for _ in range(times):
                get_none(seconds)
            ends.append(sim.clock.elapsed)

        for seconds, times in ((0.1, 6), (0.2, 3), (0.3, 2), (0.6, 1)):
            threading.Thread(target=work, args=(seconds, times)).start()
        sim.clock.tick(0.6)
        assert ends == [0.6] * 4


def test_a_poll_that_waits_for_next_to_nothing_comes_to_an_end() -> None:
    """The least that passes is a nanosecond, on every clock that can show it."""
    with Simulation() as sim:
        begun, begun_ns, polls = time.monotonic(), time.monotonic_ns(), 0
        while time.monotonic() < begun + 1e-6:
            time.sleep(1e-300)
            polls += 1
        assert (time.monotonic_ns() - begun_ns, polls) == (1_000, 1_000)
        assert sim.clock.elapsed == 0.000001


@pytest.mark.parametrize("hundredths", [0, 10, 29, 30, 57])
def test_a_cron_job_runs_at_the_whole_minute(hundredths: int) -> None:
    """Whatever fraction of a second it was added at, a move to that minute runs it."""
    with Simulation() as sim:
        scheduler = BackgroundScheduler(timezone="UTC")
        scheduler.start()
        time.sleep(hundredths / 100)
        ran: list[float] = []
        scheduler.add_job(lambda: ran.append(sim.clock.elapsed), "cron", minute="*")
        sim.clock.move_to("2026-01-01T00:02:00Z")
        assert ran[-2:] == [60.0, 120.0]


def test_a_thread_runs_until_it_waits_and_the_first_that_became_ready_goes_on() -> None:
    """Nobody is interrupted; whoever has been ready longest is next."""
    ran: list[str] = []

    def work(name: str, wait: float) -> None:
        ran.extend(f"{name} {does}" for does in ("begins", "goes on", "waits"))
        time.sleep(wait)
        ran.append(f"{name} ends")

    with Simulation():
        for name, wait in (("a", 0), ("b", 1), ("c", 0)):
            threading.Thread(target=work, args=(name, wait)).start()
        ran.append("main waits")
        time.sleep(2)
    assert ran == [
        "main waits",
        *("a begins", "a goes on", "a waits"),
        *("b begins", "b goes on", "b waits"),
        *("c begins", "c goes on", "c waits"),
        *("a ends", "c ends", "b ends"),
    ]


def test_a_program_has_a_day_and_ten_real_seconds() -> None:
    """These are the limits of a simulation that is told no others."""
    with pytest.raises(TimeLimit), Simulation() as sim:
        time.sleep(86_400)
        assert (sim.clock.elapsed, sim._stall_timeout) == (86_400.0, 10.0)
        time.sleep(0.000001)


def test_equal_deadlines_come_in_the_order_in_which_the_waits_began() -> None:
    """Threads that wake at one instant run in the order in which they went to sleep."""
    order: list[str] = []

    def wake(name: str, first: float, second: float) -> None:
        time.sleep(first)
        time.sleep(second)
        order.append(name)

    with Simulation():
        threads = [
            threading.Thread(target=wake, args=each)
            for each in (("a", 2, 1), ("b", 1, 2), ("c", 0.5, 2.5), ("d", 3, 0))
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    # "d" reached the instant with its first wait, and then let the others go first.
    assert order == ["c", "b", "a", "d"]


def test_a_lock_that_is_free_when_the_time_out_ends_is_taken() -> None:
    """It was freed at the same instant, by a thread that began to wait earlier."""
    with Simulation() as sim:
        lock = threading.Lock()
        lock.acquire()

        def free() -> None:
            time.sleep(1)
            lock.release()

        threading.Thread(target=free).start()
        time.sleep(0)
        assert (lock.acquire(timeout=1), sim.clock.elapsed) == (True, 1.0)


def test_a_wait_that_ended_early_is_no_deadline() -> None:
    """A thread that was woken before its time is not woken again when that comes."""
    seen: list[float] = []

    def wait(event: threading.Event, sim: Simulation) -> None:
        event.wait(5)
        time.sleep(2)
        seen.append(sim.clock.elapsed)
        event.wait()

    with Simulation() as sim:
        event = threading.Event()
        threading.Thread(target=time.sleep, args=(5,)).start()
        threading.Thread(target=wait, args=(event, sim)).start()
        time.sleep(1)
        event.set()
        time.sleep(10)
        assert repr(sim.threads) == "[<VirtualThread 0 'MainThread'>]"

    assert seen == [3.0]


def test_time_stands_still_while_anyone_can_run() -> None:
    """Work takes no virtual time, however much there is."""
    with Simulation() as sim:
        for _ in range(1000):
            thread = threading.Thread(target=sum, args=(range(100),))
            thread.start()
            thread.join()
        assert sim.clock.elapsed == 0.0


def test_the_longest_wait_has_no_deadline() -> None:
    """Whoever waits for ``TIMEOUT_MAX`` means for ever."""
    for wait in (
        lambda: threading.Event().wait(threading.TIMEOUT_MAX),
        lambda: time.sleep(threading.TIMEOUT_MAX),
    ):
        with pytest.raises(Deadlock), Simulation():
            wait()


def test_settle_runs_what_can_run_now() -> None:
    """``settle`` lets everything happen that happens at this instant, and nothing later."""
    events: list[str] = []

    def chain(depth: int) -> None:
        events.append(f"now {depth}")
        if depth:
            threading.Thread(target=chain, args=(depth - 1,)).start()
        time.sleep(0)
        events.append(f"{time.sleep(1)}")  # type: ignore[func-returns-value]

    with Simulation() as sim:
        threading.Thread(target=chain, args=(2,)).start()
        sim.settle()
        assert (events, sim.clock.elapsed) == (["now 2", "now 1", "now 0"], 0.0)
        sim.settle()
        assert events == ["now 2", "now 1", "now 0"]


def test_a_tick_lets_time_pass_for_everyone() -> None:
    """``tick`` runs what happens on the way and at its end, each at its own instant."""
    seen: list[tuple[int, float]] = []

    def beat(sim: Simulation) -> None:
        while True:
            seen.append((len(seen), sim.clock.elapsed))
            time.sleep(1)

    with Simulation() as sim:
        threading.Thread(target=beat, args=(sim,)).start()
        sim.clock.tick(2)
        assert seen == [(0, 0.0), (1, 1.0), (2, 2.0)]
        sim.clock.tick(0.5)
        assert (len(seen), sim.clock.elapsed) == (3, 2.5)
        sim.clock.move_to("2026-01-01T00:00:04Z")
        assert seen[3:] == [(3, 3.0), (4, 4.0)]
        sim.clock.tick(0)
        assert sim.clock.now() == datetime(2026, 1, 1, 0, 0, 4, tzinfo=UTC)


def test_a_tick_is_no_sign_of_a_hang() -> None:
    """What a test lets pass does not count towards the limit of virtual time."""
    with Simulation(max_elapsed=10) as sim:
        sim.clock.tick(1_000_000)
        time.sleep(10)
        assert sim.clock.elapsed == 1_000_010.0


def test_time_ends_with_the_year_9999() -> None:
    """No wait leads past the last date."""
    with pytest.raises(TimeLimit), Simulation("9999-12-31T23:59:00Z"):
        time.sleep(59)
        assert datetime.now(UTC).year == 9999
        time.sleep(2)


def test_a_clock_works_inside_its_block_only() -> None:
    """Outside its block a simulation stands still and says so."""
    sim = Simulation()
    assert (sim.threads, sim.trace, sim.clock.elapsed) == ([], [], 0.0)
    with pytest.raises(RuntimeError, match=r"Clock.tick\(1\): outside its block"):
        sim.clock.tick(1)
    with sim:
        pass
    with pytest.raises(RuntimeError, match=r"Simulation.settle\(\): outside its block"):
        sim.settle()
    with pytest.raises(RuntimeError, match="it was entered before"):
        sim.__enter__()


@pytest.mark.parametrize(
    "limits",
    [{"max_elapsed": 0}, {"max_steps": -1}, {"stall_timeout": math.nan}, {"max_elapsed": "1"}],
)
def test_a_wrong_limit_is_refused(limits: dict[str, Any]) -> None:
    """It would end every simulation at once, or none."""
    [(name, limit)] = limits.items()
    text = f"Simulation({name}={limit!r}): a limit is a number above zero."
    with pytest.raises(ValueError, match=re.escape(text)):
        Simulation(**limits)


def test_a_limit_may_be_for_ever() -> None:
    """Infinity is no limit, in virtual and in real time."""
    with Simulation(max_elapsed=math.inf, max_steps=10**9, stall_timeout=math.inf) as sim:
        time.sleep(10**9)
    assert sim.clock.elapsed == 10.0**9


def test_a_fake_scheduler_runs_its_jobs_on_the_way_of_a_tick() -> None:
    """A job added by a virtual thread during a tick runs at its own instant in the same tick."""
    ran: list[tuple[str, float]] = []

    def later(sim: Simulation, scheduler: FakeScheduler) -> None:
        time.sleep(3)
        scheduler.add_job(
            lambda: ran.append(("second", sim.clock.elapsed)),
            "date",
            run_date=datetime.now(UTC) + timedelta(seconds=2),
        )

    with Simulation() as sim:
        scheduler = FakeScheduler()
        scheduler.start()
        scheduler.add_job(
            lambda: ran.append(("first", sim.clock.elapsed)),
            "date",
            run_date=datetime.now(UTC) + timedelta(seconds=1),
        )
        threading.Thread(target=later, args=(sim, scheduler)).start()
        sim.clock.tick(10)
        scheduler.shutdown()

    assert ran == [("first", 1.0), ("second", 5.0)]


def test_many_waits_that_end_early_leave_nothing_behind() -> None:
    """Timers of waits that are over, and places in queues, do not pile up."""
    with Simulation() as sim:
        kernel = sim._kernel
        assert kernel is not None
        lock, event = threading.Lock(), threading.Event()
        lock.acquire()

        def release() -> None:
            for _ in range(500):
                time.sleep(0.001)
                event.set()

        threads = [
            threading.Thread(target=release),
            threading.Thread(target=lock.acquire, daemon=True),
        ]
        for thread in threads:
            thread.start()
        for _ in range(500):
            event.wait(1000)
            event.clear()
            lock.acquire(timeout=0.0001)
        assert kernel.deadlines == {}
        assert len(lock.waiters) == 1  # type: ignore[attr-defined]


def test_two_that_poll_in_turn_leave_nothing_behind() -> None:
    """Each makes room when it leaves, though the other and one in between still wait."""
    with Simulation() as sim:
        lock = threading.Lock()
        lock.acquire()

        def poll() -> None:
            for _ in range(8):
                lock.acquire(timeout=1)

        for target in (poll, lock.acquire, poll):
            threading.Thread(target=target).start()
            sim.clock.tick(0.5)
        sim.clock.tick(5)
        assert len(lock.waiters) == 3  # type: ignore[attr-defined]
        sim.clock.tick(5)
        assert len(lock.waiters) == 1  # type: ignore[attr-defined]


def test_a_released_lock_is_free_for_everyone() -> None:
    """The first waiter becomes ready and competes; whoever runs before it may take the lock."""
    had = []
    with Simulation():
        lock = threading.Lock()
        lock.acquire()

        def take() -> None:
            with lock:
                had.append(threading.current_thread().name)

        waiter = threading.Thread(target=take, name="waiter")
        waiter.start()
        time.sleep(1)
        lock.release()
        take()
        waiter.join()
    assert had == ["MainThread", "waiter"]


def test_as_completed_times_out_at_its_instant_however_many_results_came() -> None:
    """Each result is a look at the clock, and none of them brings the end nearer."""

    def finish() -> None:
        for future in jobs[:-1]:
            time.sleep(0.001)
            future.set_result(None)

    with Simulation() as sim:
        jobs: list[futures.Future[None]] = [futures.Future() for _ in range(1_200)]
        threading.Thread(target=finish).start()
        with pytest.raises(TimeoutError):
            list(futures.as_completed(jobs, timeout=10))
        assert sim.clock.elapsed == 10.0
