"""Real locks made before the block, and what blocks for real all the same."""

import _thread
import inspect
import queue
import select
import signal
import socket
import subprocess
import sys
import threading
import time
import weakref
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from types import ModuleType
from typing import Any

import pytest
from apscheduler.schedulers.background import BackgroundScheduler

import threadsim.simulation.watchdog as stall
from beside import beside, until
from threadsim import Random, Simulation, StallLimit, explore
from threadsim.runtime.kernel import active
from threadsim.runtime.own_code import critical

BOUND = 10  # seconds for what takes a real thread microseconds


class Holder:
    """A class that holds a lock, as werkzeug's Map does."""

    lock = threading.Lock()
    rlock = threading.RLock()


@pytest.fixture
def module() -> Iterator[Any]:
    """A module with locks, made before the block; two of its names are one lock."""
    module: Any = ModuleType("with_locks")
    module.lock = module.the_same = threading.Lock()
    module.rlock = threading.RLock()
    module.condition = threading.Condition(module.rlock)
    module.alone = threading.Condition()
    module.barrier = threading.Barrier(1, lambda: time.sleep(1))
    module.queue = queue.Queue()
    sys.modules["with_locks"] = module
    yield module
    del sys.modules["with_locks"]


class Connection:
    """An object with a lock."""

    def __init__(self) -> None:
        self.lock = threading.RLock()


class Pool:
    """An object with connections, as a program keeps one in a module."""

    def __init__(self, size: int = 1) -> None:
        self.connections = [Connection() for _ in range(size)]
        self.by_name = {"first": self.connections[0]}
        self.locks: dict[str, Any] = defaultdict(threading.Lock)


def near_a_module(module: Any) -> dict[str, tuple[Any, str]]:
    """Return the locks of a module's scheduler and pool: the owner, and the attribute."""
    scheduler = module.scheduler
    return {
        "scheduler": (scheduler, "_jobstores_lock"),
        "its pool of threads": (scheduler._executors["default"]._pool, "_shutdown_lock"),
        "connection": (module.pool.connections[0], "lock"),
    }


@pytest.fixture
def program(module: Any) -> Any:
    """A module of a program with a pool and a scheduler."""
    module.pool = module.also = Pool()
    module.pool.locks["a"] = threading.Lock()
    module.pool.locks["held"] = threading.Lock()
    module.scheduler = BackgroundScheduler()
    module.scheduler.add_executor("threadpool")
    module.data = [[threading.Lock()] for _ in range(2_000)]
    module.table = dict(enumerate(module.data))
    return module


@pytest.mark.parametrize("which", ["scheduler", "its pool of threads", "connection"])
def test_a_lock_of_an_instance_that_a_module_holds_keeps_virtual_threads_apart(
    program: Any, which: str
) -> None:
    """It lets one virtual thread in at a time, a re-entrant one too."""
    owner, name = near_a_module(program)[which]
    real = getattr(owner, name)
    seen: list[str] = []

    def use(who: str) -> None:
        with getattr(owner, name):
            seen.append(f"{who} in")
            time.sleep(1)
            seen.append(f"{who} out")

    with Simulation():
        threads = [threading.Thread(target=use, args=(who,)) for who in "ab"]
        for each in threads:
            each.start()
        for each in threads:
            each.join()
        assert getattr(owner, name) is not real
    assert seen == ["a in", "a out", "b in", "b out"]
    assert getattr(owner, name) is real


def one_at_a_time(function: Callable[[], object]) -> Callable[[], object]:
    """Decorate a function, with a lock that only its closure has."""
    lock = threading.Lock()

    def locked() -> object:
        with lock:
            return function()

    return locked


def test_a_lock_in_the_closure_of_a_decorated_function_is_replaced(program: Any) -> None:
    """A thread that waits for it lets the others run."""
    program.pause = one_at_a_time(lambda: time.sleep(1))

    for _ in range(2):
        with Simulation() as sim:
            for _ in range(3):
                threading.Thread(target=program.pause).start()
            sim.settle()
            program.pause()
            assert sim.clock.elapsed == 4.0


def test_a_simple_queue_of_a_module_is_virtual_in_the_block(program: Any) -> None:
    """Who waits for its items lets the others run; the items stay, inside and after the block."""
    program.jobs = real = queue.SimpleQueue[str]()
    real.put("from before")
    got: list[str] = []

    with Simulation() as sim:
        worker = threading.Thread(target=lambda: got.extend(program.jobs.get() for _ in range(2)))
        worker.start()
        sim.settle()
        assert got == ["from before"]
        program.jobs.put("inside")
        worker.join()
        program.jobs.put("left")

    assert got == ["from before", "inside"]
    assert program.jobs is real
    assert real.get_nowait() == "left"


def test_a_lock_in_a_dict_or_list_of_an_instance_is_replaced_for_the_block(program: Any) -> None:
    """It is the real one again afterwards, unless the program has put another one there."""
    program.pool.listed = [threading.Lock(), threading.Lock()]
    locks, listed = dict(program.pool.locks), list(program.pool.listed)
    with program.pool.locks["held"], Simulation():
        assert program.pool.locks["a"] is not locks["a"]
        assert program.pool.locks["held"] is locks["held"]
        assert program.pool.listed != listed
        assert type(program.data[0][0]).__module__ == "_thread"
        assert type(program.table[0][0]).__module__ == "_thread"
        other = program.pool.locks["a"] = threading.Lock()
        program.pool.listed[0] = other
    assert program.pool.locks == locks | {"a": other}
    assert program.pool.listed == [other, listed[1]]


def test_a_list_of_locks_that_is_emptied_in_the_block_stays_empty(program: Any) -> None:
    """Nothing is put back where nothing is any more."""
    program.pool.listed = [threading.Lock()]
    with Simulation():
        program.pool.listed.clear()
    assert program.pool.listed == []


@pytest.mark.parametrize("name", ["lock", "rlock"])
def test_a_modules_lock_starts_afresh_after_a_fork(module: Any, name: str) -> None:
    """As logging's does in a child that ``subprocess`` makes with a ``preexec_fn``."""
    with Simulation():
        lock = getattr(module, name)
        lock.acquire()
        lock._at_fork_reinit()
        assert lock.acquire(blocking=False)
        lock.release()
    got: list[bool] = []
    beside(lambda: got.append(getattr(module, name).acquire(blocking=False)))
    assert got == [True]


def exclusion(lock: Any) -> list[float]:
    """Return when each of two virtual threads had the lock for a second."""
    had = []

    def hold() -> None:
        with lock:
            had.append(time.monotonic() - begun)
            time.sleep(1)

    begun = time.monotonic()
    threads = [threading.Thread(target=hold) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return had


@pytest.mark.parametrize(
    "get",
    [
        lambda module: module.lock,
        lambda module: module.rlock,
        lambda module: module.condition,
        lambda module: module.alone,
        lambda _module: Holder.lock,
        lambda _module: Holder.rlock,
    ],
    ids=["Lock", "RLock", "Condition on it", "Condition", "Lock of a class", "RLock of a class"],
)
def test_a_real_lock_that_a_module_or_class_holds_keeps_virtual_threads_apart(
    module: Any, get: Callable[[Any], Any]
) -> None:
    """A lock made at import excludes virtual threads, and is the real one again afterwards."""
    real = get(module)
    with Simulation():
        assert exclusion(get(module)) == [0.0, 1.0]
    assert get(module) is real
    with real:
        assert "unlocked" not in repr(real)


def test_names_of_one_lock_stay_names_of_one_lock(module: Any) -> None:
    """What was the same lock under two names, or inside a condition, still is."""
    with Simulation():
        assert module.lock is module.the_same
        assert isinstance(module.lock, _thread.LockType)
        assert isinstance(module.rlock, _thread.RLock)
        assert module.condition._lock is module.rlock
        kept = module.rlock
    condition = threading.Condition(kept)
    with condition:
        assert not condition.wait(timeout=0)


def test_a_condition_from_before_the_block_notifies(module: Any) -> None:
    """Waiting gives the lock back, all levels of it, and takes it again."""
    with Simulation() as sim:

        def notify() -> None:
            time.sleep(2)
            with module.condition:
                module.condition.notify()

        threading.Thread(target=notify).start()
        with module.condition, module.rlock:
            assert module.condition.wait(timeout=5)
        assert sim.clock.elapsed == 2.0


def test_a_condition_of_an_earlier_simulation_keeps_its_lock(module: Any) -> None:
    """That is virtual already, and as re-entrant as it was."""
    with Simulation():
        module.condition = threading.Condition(made := threading.Lock())
    with Simulation():
        assert module.condition._lock is made
        with module.condition:
            assert not made.acquire(blocking=False)


@pytest.mark.e2e
def test_what_has_a_condition_inside_is_the_real_one_again_afterwards(module: Any) -> None:
    """The second thread waits until the barrier's action has slept for the first."""
    barrier, items = module.barrier, module.queue
    real = barrier._cond._lock, items.mutex, items.not_empty._lock
    with Simulation() as sim:
        threads = [threading.Thread(target=barrier.wait) for _ in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert sim.clock.elapsed == 2.0
        assert items.mutex is items.not_empty._lock is items.not_full._lock is not real[1]
        items.put(1)
    assert (barrier._cond._lock, items.mutex, items.not_empty._lock) == real
    assert module.barrier is barrier
    assert items.get() == 1


def test_real_threads_go_on_using_the_real_lock(module: Any) -> None:
    """A real thread beside the simulation has the real lock, whoever has the virtual one."""
    tried: list[bool] = []

    def use_in_a_bare_thread() -> None:
        for lock in (module.lock, module.rlock):
            with lock:
                tried.append(True)

    with Simulation(), module.lock, module.rlock:
        beside(use_in_a_bare_thread)
    assert tried == [True, True]


def test_a_real_thread_that_begins_to_wait_beside_the_block_is_woken_after_it(module: Any) -> None:
    """Whoever waits for the item of a module's queue gets it, whenever the wait began."""
    go, over = threading.Lock(), threading.Lock()
    go.acquire()
    over.acquire()
    got: list[str] = []

    def consume_in_a_bare_thread() -> None:
        go.acquire()
        got.append(module.queue.get())
        over.release()

    _thread.start_new_thread(consume_in_a_bare_thread, ())
    with Simulation():
        go.release()
        until(lambda: bool(module.queue.not_empty._waiters))
    module.queue.put("item")
    assert over.acquire(timeout=BOUND)
    assert got == ["item"]


def test_a_queue_that_a_real_thread_waits_on_stays_real(module: Any) -> None:
    """What is put inside reaches that thread, as with the listener of a log."""
    over = threading.Lock()
    over.acquire()
    got: list[str] = []

    def consume_in_a_bare_thread() -> None:
        got.append(module.queue.get())
        over.release()

    _thread.start_new_thread(consume_in_a_bare_thread, ())
    until(lambda: bool(module.queue.not_empty._waiters))
    mutex = module.queue.mutex
    with Simulation():
        assert module.queue.mutex is mutex
        module.queue.put("item")
    assert over.acquire(timeout=BOUND)
    assert got == ["item"]


class Lasting(dict[str, Any]):
    """What is never empty."""

    clear = None  # type: ignore[assignment]


def test_a_condition_is_whole_while_it_is_replaced_and_put_back(module: Any) -> None:
    """A real thread may use it at any moment."""
    before = vars(module.alone)
    module.alone.__dict__ = Lasting(before)
    with Simulation():
        assert module.alone._lock is not before["_lock"]
    assert vars(module.alone) == before


def test_a_lock_that_is_held_when_the_block_begins_stays(module: Any) -> None:
    """The owner of a held lock is out of reach, so the lock is left to it."""
    real = module.lock, module.rlock
    with module.lock, module.rlock, Simulation():
        assert (module.lock, module.rlock) == real
    assert not module.lock.locked()


def test_a_release_too_many_is_refused_as_for_real(module: Any) -> None:
    """A replaced lock has its error too, and the real one stays free."""
    with Simulation():
        for lock in (module.lock, module.rlock):
            with pytest.raises(RuntimeError, match="release"):
                lock.release()
    assert not module.lock.locked()


@pytest.fixture
def look_meanwhile() -> Callable[[], object]:
    """Let the watch look from a real thread until it tells, while its caller waits or is busy."""
    main = threading.get_ident()

    def look_in_a_bare_thread() -> None:
        [watch] = stall.current
        while watch.stalled is None:
            watch.look()
        # A signal ends no wait that begins just then, but the next look does.
        until(
            lambda: watch.stalled is None,
            pause=lambda: signal.pthread_kill(main, stall.SIGNAL),
        )

    return partial(_thread.start_new_thread, look_in_a_bare_thread, ())


def stalled(block: Callable[[], object]) -> pytest.ExceptionInfo[StallLimit]:
    with pytest.raises(StallLimit) as caught, Simulation(stall_timeout=1000):
        block()
    return caught


@pytest.mark.e2e
def test_a_real_lock_from_before_the_block_ends_in_a_stall(
    look: Callable[[], None], look_meanwhile: Callable[[], object]
) -> None:
    """A held lock that nobody can find stops the process; the report says who waits, and where."""
    locks = [threading.Lock()]

    def first() -> None:
        with locks[0]:
            time.sleep(1)

    def second() -> None:
        look()
        look_meanwhile()
        locks[0].acquire()

    def block() -> None:
        for each in (first, second):
            threading.Thread(target=each, name=each.__name__).start()
        time.sleep(5)

    caught = stalled(block)
    text = str(caught.value)
    assert text.startswith(
        "no switch for 1000 s of real time: second waits for something real, or is busy"
    )
    assert "\n  second waits for something real, or is busy without a virtual wait\n" in text
    assert "first sleeps" in text
    assert caught.traceback[-1].name == "block"


@dataclass
class Kept:
    """What the factories were when the class was made is kept where nobody looks."""

    real: Any = field(default_factory=threading.Lock)
    found: Any = field(default_factory=lambda: threading.Lock())  # noqa: PLW0108  # The cure.


@pytest.mark.e2e
def test_a_lock_of_a_dataclass_from_before_the_block_ends_in_a_stall(
    look: Callable[[], None], look_meanwhile: Callable[[], object]
) -> None:
    """Its factory makes real locks inside the block too, and the report says so."""

    def block() -> None:
        kept = Kept()

        def hold(lock: Any) -> None:
            with lock:
                time.sleep(1)

        def compete(lock: Any) -> None:
            threading.Thread(target=hold, args=(lock,)).start()
            time.sleep(0.5)
            look()
            if lock is kept.real:
                look_meanwhile()
            with lock:
                taken.append(lock)

        compete(kept.found)
        compete(kept.real)

    taken: list[Any] = []
    caught = stalled(block)
    assert "or by what has kept threading.Lock since then" in str(caught.value)
    assert len(taken) == 1


@pytest.mark.e2e
def test_a_socket_ends_in_a_stall_at_its_line(look_meanwhile: Callable[[], object]) -> None:
    """A main thread that waits for the network is told at the line where it waits."""

    def block() -> None:
        look_meanwhile()
        here.recv(1)

    here, there = socket.socketpair()
    with here, there:
        caught = stalled(block)
    assert "MainThread waits for something real" in str(caught.value)
    assert caught.traceback[-1].name == "block"


def test_a_loop_that_touches_nothing_virtual_is_a_stall(
    look_meanwhile: Callable[[], object],
) -> None:
    """A loop around nothing never lets anybody else run, and is said to wait or to be busy."""

    def block() -> None:
        look_meanwhile()
        while True:
            pass

    with pytest.raises(StallLimit) as caught, Simulation(stall_timeout=1000) as sim:
        block()
    doing = "MainThread waits for something real, or is busy without a virtual wait"
    text = str(caught.value)
    assert text.startswith(f"no switch for 1000 s of real time: {doing}. A socket")
    assert f"\n  {doing}\n" in text
    assert sim.trace[-1].words == doing


def poll(look_meanwhile: Callable[[], object]) -> None:
    """Ask a socket again and again until a virtual deadline that cannot come."""
    here, there = socket.socketpair()
    with here, there:
        end = time.monotonic() + 1
        look_meanwhile()
        while True:
            select.select([here], [], [], min(end - time.monotonic(), 0.001))


@pytest.mark.e2e
def test_a_loop_that_waits_for_something_real_until_a_virtual_deadline_is_a_stall(
    look_meanwhile: Callable[[], object],
) -> None:
    """Its looks at the clock do not hide that nothing else has a turn and no time passes."""
    caught = stalled(lambda: poll(look_meanwhile))
    assert "no switch for 1000 s of real time: MainThread waits for" in str(caught.value)
    assert caught.traceback[-1].name == "poll"


def looks(count: int, look: Callable[[], None]) -> None:
    while True:
        for _ in range(count):
            time.monotonic()
        look()


def test_a_look_at_the_clock_that_others_may_come_before_is_no_switch(
    look: Callable[[], None],
) -> None:
    """Where an exploration stops at each look, a loop of them alone is a stall all the same."""
    with pytest.raises(StallLimit):
        explore(lambda: looks(10, look), early_timeouts=True)


@pytest.mark.e2e
def test_a_finally_clause_that_blocks_for_real_is_stopped_too(
    look_meanwhile: Callable[[], object],
) -> None:
    """After a stall, the next real wait of the main thread meets the same report."""
    lock = threading.Lock()
    lock.acquire()

    def block() -> None:
        try:
            look_meanwhile()
            lock.acquire()
        finally:
            look_meanwhile()
            lock.acquire()

    stalled(block)


@pytest.mark.e2e
def test_leftovers_that_block_for_real_are_stopped_too(
    look: Callable[[], None], look_meanwhile: Callable[[], object]
) -> None:
    """The block is left all the same, each has its end, and the first is named."""
    locks = [threading.Lock()]
    locks[0].acquire()
    ended: list[str] = []

    def leftover() -> None:
        try:
            time.sleep(1000)
        finally:
            try:
                if not ended:  # For the second, nothing has gone on since then.
                    look()
                look_meanwhile()
                locks[0].acquire()
            finally:
                ended.append(threading.current_thread().name)

    def block() -> None:
        for name in ("first", "second"):
            threading.Thread(target=leftover, name=name).start()
        time.sleep(1)

    assert "first waits for something real" in str(stalled(block).value)
    assert ended == ["first", "second"]


@pytest.fixture
def think(look: Callable[[], None]) -> Callable[[], None]:
    """Stand in the debugger from one look of the watch to the next."""
    debugger: Any = ModuleType("pdb")
    exec("def interaction(look): look(); look()", vars(debugger))  # noqa: S102  # For its name.
    return partial(debugger.interaction, look)


@critical
def handled_while_a_block_begins(watch: stall.Watch) -> None:
    watch.handle(0, inspect.currentframe())


def test_a_signal_that_comes_late_or_while_a_block_begins_is_no_stall() -> None:
    """The watch has been told of progress meanwhile, or the block is not complete."""
    with Simulation() as sim:
        [watch] = stall.current
        watch.handle(0, None)
        kernel = active()
        assert kernel is not None
        watch.stalled = (kernel, kernel.now, kernel.steps)
        handled_while_a_block_begins(watch)
        assert watch.stalled is None
    assert sim.trace == []


def test_a_breakpoint_is_no_stall(think: Callable[[], None]) -> None:
    """Somebody who stands in the debugger may think."""
    with Simulation(stall_timeout=1000):
        think()


def test_a_simulation_may_stall_for_ever() -> None:
    """Without a limit nothing watches, and a limit of zero is refused."""
    with Simulation(stall_timeout=None) as sim:
        time.sleep(1)
    assert sim.clock.elapsed == 1.0
    with pytest.raises(ValueError, match="stall_timeout=0"):
        Simulation(stall_timeout=0)


def test_a_lock_that_was_kept_from_inside_is_the_modules_outside(module: Any) -> None:
    """The replacement of a lock takes the real lock after the block."""
    with Simulation():
        kept = module.lock
    assert kept is not module.lock
    with kept:
        assert module.lock.locked()
    assert not module.lock.locked()


def test_a_block_outside_the_main_thread_has_no_stall_limit() -> None:
    """Python calls handlers of signals in the main thread only."""
    watched: list[object] = []

    def simulate() -> None:
        with Simulation():
            watched.extend(stall.current)

    thread = threading.Thread(target=simulate)
    thread.start()
    thread.join()
    assert watched == []


@pytest.mark.e2e
def test_a_stall_is_told_when_its_time_has_passed() -> None:
    """The watch looks ten times a second."""
    lock = _thread.allocate_lock()
    lock.acquire()
    begun = time.monotonic()
    with pytest.raises(StallLimit, match=r"no switch for 0\.5 s"), Simulation(stall_timeout=0.5):
        lock.acquire()
    assert 0.5 <= time.monotonic() - begun < BOUND


def test_a_fork_waits_for_the_end_of_the_watchdogs_thread() -> None:
    """That ends soon after a block; where it does not run nothing is waited for."""
    with Simulation():
        pass
    for _ in range(2):
        stall.end_before_fork()
        assert not stall._running.locked()


FORKS = """
import os
import threading
from threadsim import Simulation, StallLimit

def stall():
    lock = [threading.Lock()]
    lock[0].acquire()
    try:
        with Simulation(stall_timeout=0.01):
            lock[0].acquire()
    except StallLimit:
        print("stalls", flush=True)

stall()
with Simulation():
    print(threading.active_count(), flush=True)
if not os.fork():
    stall()
    os._exit(0)
os.wait()
stall()
"""


@pytest.mark.e2e
def test_a_program_may_fork_between_two_blocks(
    run_program: Callable[..., subprocess.CompletedProcess[str]],
) -> None:
    """The watchdog's thread is in no list and ends before a fork; the child starts its own."""
    # The system may count a thread that has ended a moment ago.
    ran = run_program(FORKS, "-W", "ignore::DeprecationWarning")
    assert (ran.returncode, ran.stdout, ran.stderr) == (0, "stalls\n1\nstalls\nstalls\n", "")


def test_a_local_that_a_module_holds_is_each_threads_own(module: Any) -> None:
    """The main thread takes its values in and out; others begin with none, as real ones do."""
    module.local = real = threading.local()
    real.name = "main"
    real.gone = True
    seen: list[object] = []

    def look() -> None:
        seen.append(dict(module.local.__dict__))
        module.local.name = "virtual"
        time.sleep(1)
        seen.append(module.local.name)

    with Simulation():
        threads = [threading.Thread(target=look) for _ in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert module.local.name == "main"
        module.local.name = "main, later"
        del module.local.gone
        assert weakref.ref(module.local)() is module.local
        assert repr(module.local).startswith("<_thread._local object at 0x")

    assert seen == [{}, {}, "virtual", "virtual"]
    assert module.local is real
    assert real.__dict__ == {"name": "main, later"}


@pytest.mark.e2e
def test_a_real_thread_has_its_own_values_in_a_modules_local(module: Any) -> None:
    """What it sets is not seen inside."""
    module.local = threading.local()
    seen: list[object] = []

    def look_in_a_bare_thread() -> None:
        seen.append(getattr(module.local, "name", None))
        module.local.name = "real"
        seen.append(module.local.name)
        active.pop(get_ident(), None)  # Python 3.11 and 3.12 keep a bare thread that has a local.

    active: Any = vars(threading)["_active"]
    get_ident = _thread.get_ident
    with Simulation():
        module.local.name = "virtual"
        beside(look_in_a_bare_thread)
        assert module.local.name == "virtual"

    assert (seen, module.local.name) == ([None, "real"], "virtual")


@pytest.mark.parametrize("explores", [False, True])
def test_a_stall_is_told_after_its_limit(explores: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ten looks a second: 10 s are a hundred looks without a switch, also in an exploration."""
    told: list[None] = []
    looks: list[int] = []
    monkeypatch.setattr(stall, "_kill", lambda *_: told.append(None))

    def program() -> None:
        watch = stall.Watch(10.0)
        looks.append(-1)  # The first look only sees where the block is.
        told.clear()
        while not told:
            watch.look()
            looks[-1] += 1

    if explores:
        explore(program, Random(1))
    else:
        with Simulation():
            program()
    assert set(looks) == {100}


def test_the_watchdog_keeps_no_block_alive(monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither between two looks, nor until the next block."""
    watches = [stall.Watch(1.0)]
    watch = weakref.ref(watches[0])
    alive: list[bool] = []

    def sleep(_: float) -> None:
        if alive:
            watches.clear()
            stall._leaves.append(True)
        alive.append(watch() is not None)

    stall.end_before_fork()  # The real thread would take part.
    monkeypatch.setattr(stall, "current", watches)
    monkeypatch.setattr(stall, "_leaves", [])
    monkeypatch.setattr(stall, "_running", threading.Lock())
    monkeypatch.setattr(stall, "_sleep", sleep)
    with stall._running:
        stall._look_in_a_bare_thread()
        stall._running.acquire()
    assert alive == [True, False]
