"""What was there before an exploration, and what comes from outside, while it runs."""

import _thread
import logging
import queue
import signal
import threading
import time
import types
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any

import pytest
from greenlet import greenlet
from searching import outcomes, world_of
from written_programs import joined, started

from threadsim import (
    Deadlock,
    Exhaustive,
    NotModelled,
    OutsideThread,
    Random,
    ScheduleFailure,
    Simulation,
    SimulationError,
    StallLimit,
    explore,
    replay,
)
from threadsim.exploration.execution import NECESSARY, Step
from threadsim.simulation import watchdog
from threadsim.simulation.watchdog import watched

LOCK = threading.Lock()
OTHER = threading.Lock()
RLOCK = threading.RLock()
CONDITION = threading.Condition()
EVENT = threading.Event()
SEMAPHORE = threading.Semaphore()
BARRIER = threading.Barrier(2)
ITEMS = queue.Queue[int]()
LOCAL = threading.local()

KEPT: dict[str, Any] = {}


def two_locks_in_two_orders() -> None:
    def one() -> None:
        with LOCK, OTHER:
            pass

    def two() -> None:
        with OTHER, LOCK:
            pass

    joined(one, two)


def test_a_lock_of_a_module_takes_part() -> None:
    """Locks made before the exploration are locks of it, and real ones again afterwards."""
    real = LOCK

    with pytest.raises(ScheduleFailure) as caught:
        explore(two_locks_in_two_orders)

    assert isinstance(caught.value.__cause__, Deadlock)
    with pytest.raises(ScheduleFailure):
        replay(two_locks_in_two_orders, caught.value.schedule)
    assert LOCK is real
    assert not LOCK.locked()


def held_after_a_deadlock() -> object:
    """Take a module's locks and never free them."""
    LOCK.acquire()
    RLOCK.acquire()
    started(lambda: (RLOCK.acquire(), OTHER.acquire()))
    return RLOCK.acquire(blocking=False)


def test_each_schedule_finds_the_locks_of_modules_free() -> None:
    """What one schedule has taken for good is free in the next and after the last."""
    assert outcomes(held_after_a_deadlock, Exhaustive()).keys() == {"Deadlock"}
    assert not LOCK.locked()
    assert not OTHER.locked()
    assert RLOCK.acquire(blocking=False)
    RLOCK.release()


def counted_under_held_locks() -> object:
    seen: list[int] = []

    def add(number: int) -> None:
        with LOCK, RLOCK, RLOCK:
            seen.append(number)

    joined(lambda: add(0), lambda: add(1))
    return tuple(seen)


def told_by_a_condition_of_a_module() -> object:
    done: list[int] = []

    def tell() -> None:
        with CONDITION:
            done.append(1)
            CONDITION.notify()

    started(tell)
    with CONDITION:
        return bool(CONDITION.wait_for(lambda: done, timeout=1)), len(done)


def event_of_a_module_looked_at() -> object:
    EVENT.clear()
    (thread,) = started(EVENT.set)
    seen = EVENT.is_set()
    thread.join()
    return seen


def barrier_of_a_module_looked_at() -> object:
    threads = started(BARRIER.wait, BARRIER.wait)
    seen = BARRIER.n_waiting
    for thread in threads:
        thread.join()
    return seen


def semaphore_and_queue_of_a_module() -> object:
    def enter(number: int) -> None:
        with SEMAPHORE:
            ITEMS.put(number)

    joined(lambda: enter(1), lambda: enter(2))
    return ITEMS.get(), ITEMS.get(), ITEMS.qsize()


def lock_that_was_kept() -> object:
    """Use a lock and a queue that an earlier schedule made beside those of this one."""
    kept = KEPT.setdefault("lock", threading.Lock())
    items = KEPT.setdefault("items", queue.SimpleQueue())
    mine, order = threading.Lock(), []

    def add(number: int) -> None:
        with kept:
            order.append(number)
            with mine:
                order.append(-number)
        items.put(number)

    joined(lambda: add(1), lambda: add(2))
    return (*order, items.get(), items.get(), items.qsize())


@pytest.mark.parametrize("bound", [None, 1])
@pytest.mark.parametrize(
    ("program", "ends"),
    [
        (counted_under_held_locks, 2),
        (told_by_a_condition_of_a_module, 1),
        (event_of_a_module_looked_at, 2),
        (barrier_of_a_module_looked_at, 2),
        (semaphore_and_queue_of_a_module, 2),
        (lock_that_was_kept, 4),
    ],
)
def test_what_no_schedule_makes_anew_keeps_every_outcome(
    program: Callable[[], object], ends: int, bound: int | None
) -> None:
    """Reduction loses nothing where locks are older than the schedule, nor do switches."""
    every = outcomes(program, Exhaustive(bound, reduction=False))
    assert outcomes(program, Exhaustive(bound)).keys() == every.keys()
    assert len(every) == ends


def test_what_a_schedule_kept_has_a_name_of_its_own() -> None:
    """A lock from an earlier schedule is not taken for one that this schedule makes."""
    KEPT.clear()
    assert explore(lock_that_was_kept, Exhaustive(0)).complete
    assert KEPT["lock"].key == "the lock (0, 1) from an earlier run"
    assert KEPT["items"].key == "the SimpleQueue (0, 2) from an earlier run"


def test_nobody_waits_on_a_condition_of_a_module_in_the_next_schedule() -> None:
    """A daemon that waits when its schedule ends is forgotten with it."""

    def program() -> None:
        def wait() -> None:
            with CONDITION:
                CONDITION.wait()

        started(wait, daemon=True)
        time.sleep(1)
        assert len(CONDITION._waiters) == 1  # type: ignore[attr-defined]

    assert explore(program, Exhaustive(0)).complete
    assert not CONDITION._waiters  # type: ignore[attr-defined]


@pytest.mark.parametrize("anew", [True, False])
def test_what_a_thread_has_for_itself_has_no_order(anew: bool) -> None:
    """A ``threading.local``, made in the program or outside, is no place to switch."""

    def program() -> None:
        local = threading.local() if anew else LOCAL

        def work() -> None:
            local.name = threading.current_thread().name
            assert local.name == threading.current_thread().name

        joined(work, work, work)

    assert explore(program).schedules == 1


def test_a_local_of_a_module_begins_each_schedule_as_it_was() -> None:
    """What one schedule has written is not read in the next, nor afterwards."""
    LOCAL.value = "before"

    def program() -> object:
        seen = [getattr(LOCAL, "value", None)]
        LOCAL.value = LOCAL.more = "changed"
        joined(lambda: seen.append(getattr(LOCAL, "value", None)))
        return tuple(seen)

    assert outcomes(program, Random(3)) == {("before", None): 3}
    assert vars(LOCAL) == {"value": "before"}


def test_a_thread_that_outlives_its_schedule_leaves_a_local_in_silence() -> None:
    """A module may keep it: when it goes, nothing looks for what it had in a local."""

    def program() -> None:
        [KEPT["thread"]] = started(lambda: setattr(LOCAL, "name", "service"))
        KEPT["thread"].join()

    assert explore(program, Random(3)).schedules == 3


def test_a_pool_that_outlives_its_schedule_goes_without_a_step() -> None:
    """A module keeps it, and the next schedule lets it go: a deadlock of its jobs stays one."""

    def program() -> None:
        KEPT["pool"] = ThreadPoolExecutor(1)
        KEPT["pool"].submit(lambda: KEPT["pool"].submit(int, "1").result()).result()

    with pytest.raises(ScheduleFailure) as caught:
        explore(program)
    assert isinstance(caught.value.__cause__, Deadlock)


def test_a_thread_draws_the_same_ids_whoever_was_first() -> None:
    """Default ids of jobs order them: that must not be another order where a lock's is."""

    def program() -> object:
        lock, drawn = threading.Lock(), dict[str, uuid.UUID]()

        def draw(name: str) -> None:
            with lock:
                drawn[name] = uuid.uuid4()

        joined(lambda: draw("a"), lambda: draw("b"))
        assert drawn["a"] != drawn["b"]
        return tuple(sorted(drawn.items()))

    assert list(outcomes(program, Exhaustive()).values()) == [2]


def test_a_logger_remembers_nothing_from_one_schedule_to_the_next(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """It keeps what it was asked first under a lock, which no other schedule would take."""
    log = logging.getLogger("explored")
    monkeypatch.setattr(log, "_cache", {})
    log.setLevel(logging.INFO)
    levels = (logging.DEBUG, logging.INFO, logging.ERROR)

    def asked() -> tuple[bool, ...]:
        return tuple(map(log.isEnabledFor, levels))

    def program() -> object:
        first = asked()
        monkeypatch.setattr(log, "disabled", True)
        second = asked()
        monkeypatch.setattr(log, "disabled", False)
        monkeypatch.setattr(log.manager, "disable", logging.INFO)
        third = asked()
        monkeypatch.setattr(log.manager, "disable", 0)
        return first, second, third

    assert outcomes(program, Random(3)) == {
        ((False, True, True), (False, False, False), (False, False, True)): 3
    }
    assert log._cache == {}  # type: ignore[attr-defined]


def test_a_logger_has_the_same_handlers_in_every_schedule() -> None:
    """An app that gives one a handler does so in each, under logging's lock."""
    known = logging.getLogger("known to the program")
    own = logging.NullHandler()
    known.addHandler(own)

    def program() -> object:
        made, before = logging.getLogger("made by the program"), len(known.handlers)

        def log() -> None:
            if len(known.handlers) == 1:  # Flask looks so, without a lock.
                known.addHandler(logging.NullHandler())
            made.addHandler(logging.NullHandler())

        joined(log, log)
        return before, len(known.handlers), len(made.handlers)

    try:
        assert outcomes(program, Exhaustive()).keys() == {(1, 2, 2), (1, 3, 2)}
        assert known.handlers == [own]
    finally:
        known.removeHandler(own)


@pytest.fixture
def earlier(monkeypatch: pytest.MonkeyPatch) -> types.SimpleNamespace:
    """What a module keeps that was imported inside a simulation."""
    with Simulation():
        made = types.SimpleNamespace(
            lock=threading.Lock(),
            other=threading.RLock(),
            held=threading.Lock(),
            condition=threading.Condition(),
            items=queue.Queue[int](),
            simple=queue.SimpleQueue[int](),
        )
        made.held.acquire()
        made.simple.put(0)
    monkeypatch.setitem(globals(), "EARLIER", made.condition)  # Found there, as in any module.
    return made


def test_a_deadlock_on_locks_of_an_earlier_simulation_is_found(
    earlier: types.SimpleNamespace,
) -> None:
    """They have places to switch like any other, and each schedule finds them as the first did."""

    def program() -> None:
        def take() -> None:
            with earlier.lock, earlier.other:
                pass

        started(take)
        with earlier.other, earlier.lock:
            pass

    with pytest.raises(ScheduleFailure) as caught:
        explore(program)
    assert isinstance(caught.value.__cause__, Deadlock)
    with pytest.raises(ScheduleFailure):
        replay(program, caught.value.schedule)
    assert not earlier.lock.locked()


def test_what_an_earlier_simulation_made_keeps_every_outcome(
    earlier: types.SimpleNamespace,
) -> None:
    """Reduction loses nothing on its locks, conditions and queues."""

    def program() -> object:
        order: list[int] = []

        def work() -> None:
            earlier.simple.put(1)
            with earlier.condition:
                order.append(1)
                earlier.condition.notify()
            earlier.items.put(1)

        started(work)
        first = earlier.simple.get(), earlier.simple.qsize()
        with earlier.condition:
            order.append(0)
            while len(order) == 1:
                earlier.condition.wait()
        return first, tuple(order), earlier.items.get()

    every = outcomes(program, Exhaustive(reduction=False)).keys()
    assert every == {((0, size), order, 1) for size in (0, 1) for order in ((0, 1), (1, 0))}
    assert outcomes(program, Exhaustive()).keys() == every


def test_a_lock_that_is_held_since_an_earlier_simulation_may_be_freed(
    earlier: types.SimpleNamespace,
) -> None:
    """Whoever waits for it waits for that, in each schedule anew."""
    with pytest.raises(ScheduleFailure) as caught:
        explore(earlier.held.acquire, data="off")
    assert isinstance(caught.value.__cause__, Deadlock)

    def program() -> object:
        order: list[str] = []

        def free() -> None:
            order.append("freed")
            earlier.held.release()

        started(free)
        earlier.held.acquire()
        return (*order, "taken")

    assert outcomes(program, Exhaustive(reduction=False)).keys() == {("freed", "taken")}


def test_a_thread_of_an_earlier_simulation_has_ended() -> None:
    """It can be joined, and is not alive."""
    with Simulation():
        (ended,) = started(lambda: None)
        ended.join()

    def program() -> object:
        ended.join()
        return ended.is_alive()

    assert outcomes(program, Exhaustive()).keys() == {False}


def test_locks_of_two_explorations_are_told_apart() -> None:
    """One that the first has made is known to all threads of the second."""
    kept: list[threading.Lock] = []

    def make() -> None:
        kept.extend(threading.Lock() for _ in range(3))

    def program() -> object:
        order: list[int] = []

        def take(number: int) -> None:
            with kept[-1]:
                order.append(number)

        joined(lambda: take(1), lambda: take(2))
        return tuple(order)

    assert explore(make).complete
    assert outcomes(program, Exhaustive()).keys() == {(1, 2), (2, 1)}


def interrupted(*, busy: bool) -> Callable[[], None]:
    """Return a program whose thread is told to stop while main waits, or works, for ever."""

    def program() -> None:
        def interrupt() -> None:
            signal.raise_signal(signal.SIGINT)

        started(interrupt)
        lock = threading.Lock()
        lock.acquire()
        while busy:
            time.sleep(0)
        lock.acquire()

    return program


@pytest.mark.parametrize("busy", [True, False])
def test_ctrl_c_in_a_thread_ends_an_exploration(busy: bool) -> None:
    """An interrupt is neither the thread's failure nor a deadlock."""
    with pytest.raises(KeyboardInterrupt):
        explore(interrupted(busy=busy))


class Pressed(Exhaustive):
    """Somebody presses Ctrl-C when the first schedule has run."""

    number = signal.SIGINT

    def search(self, steps: int = 1) -> Any:
        """Return a search that hears it."""
        search: Any = super().search(steps)
        search.advance = lambda _ran: signal.raise_signal(self.number)
        return search


class Alarmed(Pressed):
    """The time is over when the first schedule has run."""

    number = signal.SIGALRM


class TimedOut(Exception):
    """A test has taken too long."""


def give_up(_number: int, _frame: object) -> None:
    raise TimedOut


@pytest.fixture
def alarm() -> Iterator[None]:
    """Handle an alarm as pytest-timeout does."""
    before = signal.signal(signal.SIGALRM, give_up)
    yield
    assert signal.getsignal(signal.SIGALRM) is give_up
    signal.signal(signal.SIGALRM, before)


@pytest.mark.usefixtures("alarm")
@pytest.mark.parametrize("in_main", [True, False])
def test_an_alarm_ends_an_exploration(in_main: bool) -> None:
    """A time-out of the whole test is no failure of one schedule, whatever it cuts short."""

    def ring() -> None:
        with suppress(Exception):
            signal.raise_signal(signal.SIGALRM)

    def program() -> None:
        lock = threading.Lock()
        lock.acquire()
        if in_main:
            ring()
        else:
            started(ring)
        lock.acquire()

    with pytest.raises(TimedOut):
        explore(program)


@pytest.mark.usefixtures("alarm")
def test_an_alarm_between_two_schedules_ends_an_exploration() -> None:
    """No program runs then that could take it for its own."""
    with pytest.raises(TimedOut):
        explore(lambda: None, Alarmed())


def test_ctrl_c_between_two_schedules_ends_an_exploration() -> None:
    """No program runs then that could be told."""
    with pytest.raises(KeyboardInterrupt):
        explore(lambda: None, Pressed())


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Call it a stall after 20 ms."""
    monkeypatch.setattr("threadsim.exploration.runner.STALL_TIMEOUT", 0.02)


@pytest.mark.usefixtures("impatient")
def test_what_waits_for_something_real_ends_in_a_stall() -> None:
    """A real lock that is held is named at once and not tried in every order."""
    inside = types.SimpleNamespace(lock=_thread.allocate_lock())
    inside.lock.acquire()

    def program() -> None:
        joined(inside.lock.acquire)

    with pytest.raises(StallLimit, match="make it inside\\."):
        explore(program)


def test_nothing_stalls_between_two_schedules(monkeypatch: pytest.MonkeyPatch) -> None:
    """While it is thought of what to run next, nobody can be waiting."""
    killed: list[object] = []
    monkeypatch.setattr(watchdog, "_kill", lambda *args: killed.append(args))
    lock = _thread.allocate_lock()
    lock.acquire()
    with watched(0.001):
        assert not lock.acquire(timeout=0.25)
    assert killed == []


@pytest.fixture(params=["used", "unused"])
def pool(request: pytest.FixtureRequest) -> Iterator[ThreadPoolExecutor]:
    """A pool with a real thread, or one that has none yet."""
    with ThreadPoolExecutor(1) as pool:
        if request.param == "used":
            pool.submit(int).result()
        yield pool


def test_a_pool_from_before_is_refused(pool: ThreadPoolExecutor) -> None:
    """Real threads run in no order that could be chosen, and others would wait at a real queue."""
    with pytest.raises(OutsideThread, match="made outside the simulation, or used there since"):
        explore(lambda: pool.submit(int).result())


def test_a_thread_that_will_not_end_is_named() -> None:
    """A thread that catches its end again and again would run on in the next schedule."""

    def program() -> None:
        def stay() -> None:
            while True:
                try:
                    time.sleep(1)
                except BaseException:  # noqa: BLE001, S112  # What is tried.
                    continue

        started(stay, daemon=True)
        time.sleep(0.5)

    with pytest.raises(SimulationError, match="could not end Thread-1"):
        explore(program)


def impolite(_enabled: tuple[int, ...], _current: int, _steps: list[Step]) -> int:
    """Wait while the next thread is chosen, as a finalizer might."""
    return int(threading.Event().wait(1))


def test_nobody_can_wait_while_it_is_decided_who_goes_on() -> None:
    """A finalizer that waits there is told so."""
    with (
        world_of(lambda: time.sleep(1)) as world,
        pytest.raises(NotModelled, match="a finalizer or a greenlet of the program"),
    ):
        world.run(impolite, switch_points=NECESSARY)


def test_a_greenlet_of_the_programs_own_cannot_be_switched_away_from() -> None:
    """Its thread would go on without it; one that takes what nobody else does works."""

    def program() -> None:
        lock = threading.Lock()

        def use() -> None:
            with lock:
                pass

        thread = threading.Thread(target=use)
        thread.start()
        greenlet(use).switch()
        thread.join()

    with pytest.raises(NotModelled, match="a greenlet of the program's own waits in thread 'Main"):
        explore(program)
    assert explore(lambda: greenlet(threading.Lock().acquire).switch()).complete


def test_a_condition_from_before_may_wake_up_by_itself() -> None:
    """Its lock is real and nobody's in the exploration."""
    before = types.SimpleNamespace(condition=threading.Condition())

    def program() -> object:
        with before.condition:
            return before.condition.wait(1)

    assert outcomes(program, Exhaustive(), spurious_wakeups=True).keys() == {True, False}
