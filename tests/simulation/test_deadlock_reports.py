"""When nothing can run any more, the main thread is told at once, with every thread's place."""

import _thread
import contextlib
import inspect
import io
import logging
import re
import sys
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from queue import Queue
from typing import Any

import pytest
from apscheduler.schedulers.background import BackgroundScheduler
from apscheduler.schedulers.blocking import BlockingScheduler
from flask import Flask, request

import threadsim
from apscheduler_fakes import FakeScheduler
from beside import beside
from threadsim import (
    Deadlock,
    NotModelled,
    OutsideThread,
    ScheduleFailure,
    Simulation,
    StepLimit,
    TimeLimit,
    explore,
)
from threadsim.reporting.trace_diagram import draw

OWN = str(Path(inspect.getfile(threadsim)).parent)
BOUND = 10  # seconds for what takes a real thread microseconds


def line_of(text: str) -> int:
    """Return the number of the line of this file that ends with a text."""
    lines = Path(__file__).read_text("utf-8").splitlines()
    [number] = [number for number, line in enumerate(lines, 1) if line.endswith(text)]
    return number


def frames_of(error: BaseException) -> list[traceback.FrameSummary]:
    return list(traceback.extract_tb(error.__traceback__))


def test_a_report_lists_every_thread() -> None:
    """Name, daemon, what it waits for and who holds it, since when, and its own stack."""
    lock: Any = None

    def hold() -> None:
        with lock:
            threading.Event().wait()  # held

    def want() -> None:
        time.sleep(2)
        lock.acquire()  # wanted

    with pytest.raises(Deadlock) as caught, Simulation():
        lock = threading.Lock()
        holder = threading.Thread(target=hold, name="holder")
        holder.start()
        threading.Thread(target=want, name="wanter", daemon=True).start()
        holder.join()  # joined

    file = f'    File "{__file__}", line '
    shown = re.sub(r'    File ".*(threading|python)\.py".*\n.*\n', "", str(caught.value) + "\n")
    function = "test_a_report_lists_every_thread"
    assert shown.startswith(
        "nothing can run any more at 2.000000 s of virtual time: every thread waits, and no wait "
        "has a deadline.\n"
        "  MainThread waits for the end of holder since 0.000000 s\n"
    )
    assert shown.endswith(
        f"{file}{line_of('# joined')}, in {function}\n"
        "      holder.join()  # joined\n"
        "  holder waits in Event.wait since 0.000000 s\n"
        f"{file}{line_of('# held')}, in {function}.<locals>.hold\n"
        "      threading.Event().wait()  # held\n"
        "  wanter (daemon) waits for Lock lock, held by holder, since 2.000000 s\n"
        f"{file}{line_of('# wanted')}, in {function}.<locals>.want\n"
        "      lock.acquire()  # wanted\n"
    )
    assert OWN not in shown
    assert not re.search("0x[0-9a-f]{6,}", shown)


def test_a_report_says_which_threads_an_exception_has_ended(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The commonest reason why nobody comes to a queue's end is a worker that has died."""
    monkeypatch.setattr(threading, "excepthook", lambda _: None)

    def work() -> None:
        items.get().run()  # dies

    with pytest.raises(Deadlock) as caught, Simulation():
        items = Queue[Any]()
        for number in range(7):
            threading.Thread(target=work, name=f"worker {number}", daemon=True).start()
            items.put(number)
        threading.Thread(target=sys.exit, args=("no error",)).start()
        time.sleep(1)
        items.join()

    where = f"test_deadlock_reports.py:{line_of('# dies')}"
    assert str(caught.value).splitlines()[-5:] == [
        f"  worker {number} (daemon) ended at 0.000000 s with AttributeError at {where}"
        for number in range(2, 7)
    ]


def test_threads_that_do_the_same_share_an_entry() -> None:
    """A pool's idle workers take one entry, and outer frames of deep stacks are counted."""

    def deep(depth: int) -> None:
        if depth:
            deep(depth - 1)
        else:
            threading.Event().wait()

    with pytest.raises(Deadlock) as caught, Simulation():
        pool = ThreadPoolExecutor(2)
        list(pool.map(lambda _: time.sleep(1), range(2)))
        deep(20)

    assert "  ThreadPoolExecutor-0_0, ThreadPoolExecutor-0_1: each waits for an item of" in str(
        caught.value
    )
    assert " outer frames\n" in str(caught.value)


def test_a_stack_is_shown_as_far_as_its_lines_are_known() -> None:
    """Code without a file is named; of a bare thread's call its only frame is shown."""
    program: dict[str, Any] = {}
    source = "def waits(event): event.wait()"
    exec(compile(source, "<made up>", "exec"), program)  # noqa: S102
    with pytest.raises(Deadlock) as caught, Simulation():
        event = threading.Event()
        _thread.start_new_thread(event.wait, ())
        threading.Thread(target=program["waits"], args=(event,)).start()
        event.wait()

    text = str(caught.value)
    assert "  Event.wait (daemon) waits in Event.wait since 0.000000 s\n" in text
    assert '    File "<made up>", line 1, in waits' in text
    assert re.search(r"Event\.wait since 0\.000000 s\n    File \".*threading", text)


def test_a_thread_that_has_not_run_yet_can_run() -> None:
    """A report that is made while others are ready says so."""
    with pytest.raises(threadsim.StepLimit) as caught, Simulation(max_steps=10):
        threading.Thread(target=print, name="patient").start()
        while True:
            time.time()

    assert "\n  patient can run" in str(caught.value)


def test_the_traceback_ends_at_the_blocked_line() -> None:
    """It ends in the program: no frame in it is the simulation's, or the standard library's."""
    for block in (
        lambda: threading.Event().wait(),
        lambda: time.sleep(threading.TIMEOUT_MAX),
    ):
        try:
            with Simulation():
                block()
        except Deadlock as error:
            names = [frame.name for frame in frames_of(error)]
            files = {frame.filename for frame in frames_of(error)}
            shown = traceback.format_exc()
        assert names[0] == "test_the_traceback_ends_at_the_blocked_line"
        assert names[-1] == "<lambda>"
        assert not [file for file in files if file.startswith(OWN)]
        assert f'File "{OWN}' not in shown


def test_a_main_thread_that_waits_for_its_own_lock_is_told() -> None:
    """A lock taken twice is a deadlock of one."""
    text = "MainThread waits for Lock lock, held by MainThread, since 0"
    with pytest.raises(Deadlock, match=text), Simulation():
        lock = threading.Lock()
        with lock:
            lock.acquire()


def test_finally_clauses_run_and_wait_for_nothing() -> None:
    """While the failure unwinds, the main thread's waits give up at once."""
    done: list[object] = []

    with pytest.raises(Deadlock), Simulation() as sim:
        lock, other = threading.Lock(), threading.RLock()

        def hold() -> None:
            with other:
                threading.Event().wait()

        threading.Thread(target=hold).start()
        lock.acquire()
        try:
            lock.acquire()
        finally:
            done.append(lock.acquire())
            time.sleep(5)
            lock.release()
            lock.release()
            threading.Condition(lock).acquire(False)
            done.append(other.acquire())
            other.release()
            sim.settle()
            done.append(sim.clock.elapsed)

    assert done == [False, False, 0.0]


def test_what_replaces_a_deadlock_becomes_its_context() -> None:
    """A wait on a condition that another thread holds comes out as itself."""

    def hold(condition: threading.Condition) -> None:
        with condition:
            threading.Event().wait()

    def replace() -> None:
        condition = threading.Condition()
        with condition:
            threading.Thread(target=hold, args=(condition,), name="holder").start()
            condition.wait()

    def other() -> None:
        try:
            threading.Event().wait()
        finally:
            raise ValueError("instead")

    with pytest.raises(Deadlock, match="holder waits in Event"), Simulation():
        replace()
    with pytest.raises(Deadlock) as caught, Simulation():
        other()
    assert isinstance(caught.value.__context__, ValueError)


def start(run: Callable[[], object]) -> threading.Thread:
    thread = threading.Thread(target=run)
    thread.start()
    return thread


def be_busy() -> None:
    while True:
        time.time()


def let_others_go_first() -> None:
    while True:
        time.sleep(0)


@pytest.mark.parametrize(
    ("error", "hang"),
    [
        (Deadlock, lambda: threading.Event().wait()),
        (TimeLimit, lambda: time.sleep(1e6)),
        (StepLimit, let_others_go_first),
        (StepLimit, lambda: start(be_busy).join()),
        (KeyboardInterrupt, lambda: start(_thread.interrupt_main).join()),
    ],
    ids=["deadlock", "time", "steps", "steps of another thread", "ctrl-c"],
)
def test_what_was_raised_before_a_hang_is_its_context(
    error: type[BaseException], hang: Callable[[], object]
) -> None:
    """A failed assertion is not lost when what cleans up after it waits for ever."""
    lost = AssertionError("what the test is about")
    with pytest.raises(error) as caught, Simulation(max_steps=100):
        try:
            raise lost
        finally:
            hang()
    assert caught.value.__context__ is lost
    assert not [each for each in frames_of(caught.value) if each.filename.startswith(OWN)]


def test_a_swallowed_deadlock_is_raised_when_the_block_ends() -> None:
    """Whoever catches everything only delays the report."""
    with pytest.raises(Deadlock) as caught, Simulation(), contextlib.suppress(BaseException):
        threading.Event().wait()
    assert frames_of(caught.value)[-1].line == "threading.Event().wait()"

    with pytest.raises(Deadlock), Simulation():
        while True:
            with contextlib.suppress(Exception):
                threading.Event().wait()


def test_one_who_waits_on_after_a_deadlock_meets_it_again() -> None:
    """A loop that takes every wait for a spurious one comes to its end, after a hundred."""
    waits = 0
    with pytest.raises(Deadlock), Simulation(stall_timeout=None):
        try:
            threading.Event().wait()
        except Deadlock:
            while True:
                assert waits < 1000
                time.sleep(1)
                waits += 1
    assert waits == 100


def test_a_real_thread_that_takes_part_is_named() -> None:
    """A thread from before the block that touches a lock from inside is told to begin inside."""
    box: list[threading.Lock] = []
    go, done = threading.Lock(), threading.Lock()
    go.acquire()
    done.acquire()
    errors: list[BaseException] = []

    def outside() -> None:
        go.acquire(timeout=BOUND)
        try:
            box[0].acquire()
        except BaseException as error:  # noqa: BLE001
            errors.append(error)
        done.release()

    thread = threading.Thread(target=outside, name="outsider")
    thread.start()
    with pytest.raises(OutsideThread) as caught, Simulation():
        box.append(threading.Lock())
        go.release()
        done.acquire(timeout=BOUND)  # For real: it was made before.
        threading.Event().wait()
    thread.join()

    assert errors == [caught.value]
    assert str(caught.value) == (
        "thread 'outsider' uses a Lock of the simulation, but was started outside it, so virtual "
        "time does not reach it. Create the app (and whatever starts that thread) inside the "
        "`with Simulation()` block, or the explored program. Make a logging handler outside the "
        "block, or anew in each block."
    )


@pytest.mark.usefixtures("bare_threads_forgotten")
def test_a_real_thread_that_takes_part_after_a_deadlock_was_told_is_named() -> None:
    """What was refused is the reason; the report of the deadlock stands above it."""

    def outside_in_a_bare_thread() -> None:
        with contextlib.suppress(OutsideThread):
            event.set()

    with pytest.raises(OutsideThread, match="of the simulation") as caught, Simulation():
        event = threading.Event()
        try:
            event.wait()
        finally:
            beside(outside_in_a_bare_thread)
    assert isinstance(caught.value.__context__, Deadlock)


@pytest.mark.usefixtures("bare_threads_forgotten")
def test_a_real_thread_that_logs_with_a_handler_from_inside_does_so_between_blocks() -> None:
    """Its lock knows virtual threads only while a block runs."""
    logger, text = logging.getLogger("shared"), io.StringIO()
    logger.propagate = False
    errors: list[BaseException] = []

    def log_in_a_bare_thread() -> None:
        try:
            logger.warning("real")
        except OutsideThread as error:
            errors.append(error)

    with Simulation():
        logger.addHandler(logging.StreamHandler(text))
        logger.warning("virtual")
    beside(log_in_a_bare_thread)
    with Simulation():
        logger.warning("virtual")
    with pytest.raises(OutsideThread, match="uses a RLock of the simulation"), Simulation():
        logger.warning("virtual")
        beside(log_in_a_bare_thread)
    logger.handlers.clear()
    assert text.getvalue().split() == ["virtual", "real", "virtual", "virtual"]
    assert len(errors) == 1


def test_a_deadlock_names_the_threads_outside() -> None:
    """A real thread that might have been meant to help is mentioned."""
    stop = threading.Event()
    thread = threading.Thread(target=stop.wait, name="outsider")
    thread.start()
    with (
        pytest.raises(Deadlock, match=r"Outside the simulation: .*outsider") as caught,
        Simulation(),
    ):
        threading.Event().wait()
    stop.set()
    thread.join()

    [note] = caught.value.__notes__
    assert "create it inside" in note


def test_a_scheduler_of_another_test_hides_no_deadlock() -> None:
    """Where the simulation has a scheduler of its own, one from outside is mentioned only."""
    other = BackgroundScheduler()
    other.start()
    try:
        with pytest.raises(Deadlock, match=r"Outside the simulation: .*APScheduler"), Simulation():
            BackgroundScheduler().start()
            threading.Event().wait()
    finally:
        other.shutdown()


@pytest.fixture
def started_outside() -> Iterator[BackgroundScheduler]:
    """A scheduler that another test has left running."""
    scheduler = BackgroundScheduler()
    scheduler.start()
    yield scheduler
    scheduler.shutdown()


@pytest.mark.usefixtures("started_outside")
def test_a_deadlock_of_locks_and_joins_is_one_whatever_runs_outside() -> None:
    """Each thread waits for another: nobody outside could help."""
    with pytest.raises(Deadlock) as caught, Simulation():
        locks = threading.Lock(), threading.Lock()

        def take(first: threading.Lock, second: threading.Lock) -> None:
            with first:
                time.sleep(1)
                second.acquire()

        threads = [threading.Thread(target=take, args=each) for each in (locks, locks[::-1])]
        for each in threads:
            each.start()
        threads[0].join()
    assert not hasattr(caught.value, "__notes__")


@pytest.mark.usefixtures("started_outside")
def test_an_explored_deadlock_beside_a_scheduler_outside_can_be_replayed() -> None:
    """It has its schedule; the hint is a note of its cause."""

    def program() -> None:
        threading.Event().wait()

    with pytest.raises(ScheduleFailure) as caught:
        explore(program)
    assert caught.value.schedule == "0"
    cause = caught.value.__cause__
    assert isinstance(cause, Deadlock)
    assert "Outside the simulation: APScheduler" in cause.__notes__[0]


def test_a_scheduler_from_before_the_block_is_given_nothing_to_do() -> None:
    """A job for it is refused where it is added: its thread would run it in real time."""
    scheduler = BackgroundScheduler()
    text = "the BackgroundScheduler was started outside the simulation"
    with scheduler._jobstores_lock:  # Its thread looks for jobs when there are none any more.
        scheduler.start()
        with pytest.raises(OutsideThread, match=text), Simulation():
            scheduler.add_job(print)
        scheduler.remove_all_jobs()
    scheduler.wakeup()
    scheduler.shutdown()
    assert capable_inside() == ["ran"]


PASS: list[Callable[[Simulation], object]] = [
    lambda sim: sim.clock.tick(3600),
    lambda sim: sim.clock.move_to("2026-01-02T00:00:00Z"),
    lambda sim: sim.settle(),
]


@pytest.fixture
def outside() -> Iterator[BackgroundScheduler]:
    """A scheduler that was started before the block and has a job."""
    scheduler = BackgroundScheduler()
    scheduler.start()
    scheduler.add_job(print, "interval", minutes=1, id="prints")
    yield scheduler
    scheduler.shutdown()


@pytest.mark.parametrize("inside", PASS, ids=["tick", "move_to", "settle"])
def test_a_blocking_scheduler_from_before_the_block_is_one_too(
    inside: Callable[[Simulation], object],
) -> None:
    """It is known by what its thread was made to run; beside the block that goes on."""
    scheduler = BlockingScheduler()
    thread = threading.Thread(target=scheduler.start, name="scheduler")
    begun, again = threading.Event(), threading.Event()
    scheduler.add_job(begun.set)
    scheduler.add_job(print, "interval", minutes=1)
    thread.start()
    begun.wait()
    try:
        with pytest.raises(OutsideThread, match="thread 'scheduler'"), Simulation() as sim:
            inside(sim)
        assert scheduler.running
        scheduler.add_job(again.set)
        again.wait()
    finally:
        scheduler.shutdown()
        thread.join()


@pytest.mark.parametrize("let_time_pass", PASS, ids=["tick", "move_to", "settle"])
def test_time_does_not_pass_without_the_scheduler_from_before_the_block(
    outside: BackgroundScheduler, let_time_pass: Callable[[Simulation], object]
) -> None:
    """An app made before the block would do nothing, and a test that expects nothing would pass."""
    text = r"^(Clock|Simulation)\..*: the scheduler of thread 'APScheduler' was started outside"
    with pytest.raises(OutsideThread, match=text) as caught, Simulation() as sim:
        let_time_pass(sim)
    assert "let the fixture that makes it ask for sim: def app(sim)" in str(caught.value)


@pytest.mark.parametrize(
    "idle",
    [
        lambda scheduler: scheduler.remove_all_jobs(),
        lambda scheduler: scheduler.pause_job("prints"),
        lambda scheduler: scheduler.pause(),
    ],
    ids=["no job", "a paused job", "paused"],
)
def test_time_passes_beside_a_scheduler_that_has_nothing_to_do(
    outside: BackgroundScheduler, idle: Callable[[BackgroundScheduler], object]
) -> None:
    """It may be another test's; nothing is missed without it."""
    idle(outside)
    with Simulation() as sim:
        sim.settle()
        sim.clock.tick(3600)
        assert sim.clock.elapsed == 3600.0


@pytest.mark.parametrize("kind", [BackgroundScheduler, FakeScheduler])
def test_time_passes_for_a_scheduler_inside_whatever_is_outside(
    outside: BackgroundScheduler, kind: Callable[[], Any]
) -> None:
    """Where the simulation has a scheduler of its own, one from outside is another test's."""
    ran: list[int] = []
    with Simulation() as sim:
        scheduler = kind()
        scheduler.start()
        scheduler.add_job(ran.append, "interval", args=[1], minutes=1)
        sim.clock.tick(180)
        scheduler.shutdown()
    assert ran == [1, 1, 1]


def capable_inside() -> list[str]:
    """Return what a job of a scheduler of its own left, in a simulation."""
    ran: list[str] = []
    with Simulation() as sim:
        scheduler = BackgroundScheduler()
        scheduler.start()
        scheduler.add_job(ran.append, args=["ran"])
        sim.settle()
        scheduler.shutdown()
    return ran


@pytest.mark.parametrize("used", [False, True], ids=["fresh", "used"])
def test_a_pool_from_before_the_block_takes_no_work(used: bool) -> None:
    """Work for it is refused at once, also when something swallows that."""
    with ThreadPoolExecutor(1) as pool:
        if used:
            pool.submit(int).result()
        with pytest.raises(OutsideThread, match="a ThreadPoolExecutor made outside"), Simulation():
            try:
                pool.submit(int)
            except OutsideThread:
                threading.Event().wait()
        assert pool.submit(int).result() == 0


@pytest.mark.parametrize("bare", [False, True])
def test_a_refusal_in_a_thread_reaches_the_test(bare: bool) -> None:
    """What ends a thread because it has no model is raised in the main thread."""

    def nested() -> None:
        Simulation().__enter__()

    with pytest.raises(NotModelled), Simulation() as sim:
        if bare:
            _thread.start_new_thread(nested, ())
        else:
            threading.Thread(target=nested).start()
        time.sleep(1)
    assert sim.trace[-1].then == "fails with NotModelled"


def test_no_error_of_a_simulation_is_an_exception() -> None:
    """``except Exception``, as Flask and APScheduler have it, lets all of them through."""
    names = (
        "Deadlock",
        "NotModelled",
        "OutsideThread",
        "SimulationError",
        "StepLimit",
        "TimeLimit",
    )
    for name in names:
        error = getattr(threadsim, name)
        assert issubclass(error, threadsim.SimulationError)
        assert not issubclass(error, Exception)


def test_a_lock_whose_holder_has_ended_is_said_to_be_one() -> None:
    """Who could free it is in no list of living threads."""
    with pytest.raises(Deadlock) as caught, Simulation():
        lock = threading.Lock()
        thread = threading.Thread(target=lock.acquire, name="grabber")
        thread.start()
        thread.join()
        lock.acquire()

    text = "MainThread waits for Lock lock, held by grabber, which has ended, since 0.000000 s\n"
    assert text in str(caught.value)


class Starting(threading.Thread):
    """One that starts another when a report asks for its name, as a loop may that goes on."""

    reported = False

    @property
    def name(self) -> str:  # type: ignore[override]
        """Start it."""
        if self.reported:
            self.reported = False
            threading.Thread(target=threading.Event().wait, name="another").start()
        return "starting"


def test_a_report_is_made_while_threads_start() -> None:
    """A loop in another OS thread goes on meanwhile, and is ended all the same."""
    with pytest.raises(Deadlock, match=r"starting waits in Event\.wait"), Simulation() as sim:
        thread = Starting(target=threading.Event().wait)
        thread.start()
        sim.settle()
        thread.reported = True
        threading.Event().wait()


# What a report names


class Account:
    """Has a lock, and waits for it twice."""

    def __init__(self) -> None:
        self.guard = threading.Lock()

    def wait(self) -> None:
        """Wait for ever."""
        self.guard.acquire()
        self.guard.acquire()


GLOBAL = None


def wait_for_a_global() -> None:
    """Wait for the lock that a module has."""
    globals()["GLOBAL"] = threading.RLock()
    threading.Thread(target=hold_it).start()
    time.sleep(1)
    GLOBAL.acquire()  # type: ignore[attr-defined]


def hold_it() -> None:
    """Take it, and never let go."""
    GLOBAL.acquire()  # type: ignore[attr-defined]


def wait_for_a_nameless() -> None:
    """Wait for a lock that no variable has."""
    locks = [threading.Lock()]
    locks[0].acquire()
    locks[0].acquire()


# The line that makes its lock.
HERE = f"{Path(__file__).name}:{wait_for_a_nameless.__code__.co_firstlineno + 2}"


def wait_for_a_queue() -> None:
    """Wait for a lock that the standard library made."""
    queues: list[Queue[int]] = [Queue()]
    queues[0].mutex.acquire()
    queues[0].mutex.acquire()


def wait_for_another_one(_proxy: object = request) -> None:
    """Wait for the lock of an object that a variable has, beside a proxy without an object."""
    account = Account()
    list(map(account.guard.acquire, [True, True]))


@pytest.mark.parametrize(
    ("wait", "text"),
    [
        (wait_for_another_one, "MainThread waits for Lock account.guard, held by MainThread"),
        (lambda: Account().wait(), "MainThread waits for Lock Account.guard, held by MainThread"),
        (wait_for_a_global, "MainThread waits for RLock GLOBAL, held by Thread-1 (hold_it), which"),
        (wait_for_a_nameless, f"MainThread waits for Lock {HERE}, held by MainThread"),
        (wait_for_a_queue, "MainThread waits for a Lock, held by MainThread"),
    ],
)
def test_a_lock_is_named_by_its_variable(wait: Callable[[], None], text: str) -> None:
    """In the trace, too: a local, an attribute, or a global; else by the line that made it."""
    with pytest.raises(Deadlock) as caught, Simulation() as sim:
        wait()
    assert text in str(caught.value)
    assert text.rpartition(",")[0] in str(sim.trace[-1].words)


def test_frames_of_libraries_fold_to_one_line() -> None:
    """What the reader looks for are the lines of the program."""
    app = Flask(__name__)
    app.get("/")(lambda: str(threading.Event().wait()))
    with pytest.raises(Deadlock) as caught, Simulation():
        app.test_client().get("/")

    text = str(caught.value)
    assert re.search(r"get\(\"/\"\)\n    … \d+ frames in werkzeug, flask\n    File", text)
    assert "site-packages" not in text


def test_the_trace_says_what_ended_a_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its last row has the error and the line that raised it."""
    monkeypatch.setattr(threading, "excepthook", lambda _: None)

    def divide() -> None:
        _ = 1 / 0  # divided

    with Simulation() as sim:
        threading.Thread(target=divide, name="worker").start()
        time.sleep(1)

    line = line_of("# divided")
    ended = [str(step) for step in sim.trace if step.ends]
    assert ended == [f"0.000000  worker  ended: ZeroDivisionError at {Path(__file__).name}:{line}"]
    shown = re.sub(r"[\s│]+", " ", draw(sim.trace))
    assert f"worker ended: ZeroDivisionError at {Path(__file__).name}" in shown


def test_a_thread_that_never_had_a_turn_is_listed() -> None:
    """It may be the one that everybody waits for."""
    with pytest.raises(ValueError, match="now"), Simulation() as sim:
        threading.Thread(target=time.sleep, args=(1,), name="sleeper").start()
        time.sleep(0)
        threading.Thread(target=print, name="late").start()
        legend = draw(sim.trace, None, sim.threads).splitlines()[0]
        raise ValueError("now")

    assert legend == "0 MainThread, 1 sleeper, never ran: late"


def test_many_threads_fold_to_those_of_the_failure() -> None:
    """A pool's idle workers say nothing of two locks in two orders."""
    with pytest.raises(Deadlock) as caught, Simulation():
        one, other = threading.Lock(), threading.Lock()

        def take(first: Any, second: Any) -> None:
            with first:
                time.sleep(1)
                second.acquire()

        for _ in range(10):
            threading.Thread(target=threading.Event().wait, name="idle", daemon=True).start()
        threading.Thread(target=take, args=(one, other), name="forwards").start()
        threading.Thread(target=take, args=(other, one), name="backwards").start()
        threading.Event().wait()

    simulation: Any = caught.value.simulation
    shown = " ".join(draw(simulation.trace).split())
    legend = "0 MainThread, 11 forwards, 12 backwards, and 10 threads that the failure does not"
    assert shown.startswith(legend)
    assert "idle" not in shown
