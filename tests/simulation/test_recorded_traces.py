"""Whole traces and reports are as recorded in ``tests/recorded/traces.json``.

To write the file anew on purpose: ``RECORD=1 pytest tests/simulation/test_recorded_traces.py``.
"""

import inspect
import re
import threading
import time
from collections.abc import Callable, Iterable
from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, as_completed, wait
from contextlib import suppress
from pathlib import Path
from queue import Queue
from types import ModuleType

import pytest

import threadsim
from apscheduler_fakes import FakeScheduler
from jobs_synchronizer import corrected, documented
from recording import compare, compare_names
from threadsim import (
    PCT,
    Deadlock,
    Exhaustive,
    Random,
    ScheduleFailure,
    Simulation,
    SimulationError,
    StepLimit,
    TimeLimit,
    explore,
)

FILE = "traces.json"

OWN = str(Path(inspect.getfile(threadsim)).parent)

# What a scenario notes.
Log = list[str]

STRATEGIES: list[Exhaustive | Random | PCT] = [Exhaustive(), Random(100), PCT(3, 100)]


def run_all(*functions: Callable[[], object]) -> None:
    """Run each function in a thread, to the end of all."""
    threads = [threading.Thread(target=each) for each in functions]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def noted(log: Log, *words: object) -> None:
    """Note what happens, and when."""
    log.append(" ".join(map(str, (f"{time.monotonic():.6f}", *words))))


def a_queue(log: Log) -> None:
    items: Queue[int | None] = Queue(maxsize=2)

    def produce() -> None:
        for item in range(5):
            items.put(item)
            time.sleep(0.5)
        items.put(None)
        items.join()
        noted(log, "all is done")

    def consume() -> None:
        while (item := items.get()) is not None:
            noted(log, "took", item, "and left", items.qsize())
            time.sleep(0.75)
            items.task_done()
        items.task_done()

    run_all(produce, consume)


def a_pool(log: Log) -> None:
    def work(number: int) -> int:
        time.sleep(3 - number)
        if number == 1:
            raise ValueError(number)
        return number * number

    with ThreadPoolExecutor(2, thread_name_prefix="worker") as pool:
        futures = [pool.submit(work, number) for number in range(3)]
        done, rest = wait(futures, timeout=10, return_when=FIRST_COMPLETED)
        noted(log, len(done), "done,", len(rest), "not")
        for each in as_completed(futures):
            noted(log, futures.index(each), "came to", each.exception() or each.result())
        noted(log, *pool.map(abs, (-1, -2)))


def a_condition(log: Log) -> None:
    condition, items = threading.Condition(), list[int]()

    def take() -> None:
        with condition:
            noted(log, "in time:", condition.wait(0.25))
            condition.wait_for(lambda: items)
            noted(log, "took", items.pop())

    def give() -> None:
        for item in (1, 2):
            time.sleep(1)
            with condition:
                items.append(item)
                condition.notify()

    run_all(take, take, give)


def events_and_semaphores(log: Log) -> None:
    go, places = threading.Event(), threading.BoundedSemaphore(2)

    def enter(number: int) -> None:
        noted(log, number, "is told:", go.wait(2 + number))
        with places:
            noted(log, number, "enters")
            time.sleep(1)

    def tell() -> None:
        time.sleep(3)
        go.set()

    run_all(*(lambda number=each: enter(number) for each in range(4)), tell)


def a_barrier(log: Log) -> None:
    barrier = threading.Barrier(3, action=lambda: noted(log, "all are here"))

    def come(number: int) -> None:
        time.sleep(number)
        noted(log, number, "comes", barrier.wait())
        with suppress(threading.BrokenBarrierError):
            time.sleep(number)
            barrier.wait(1.5)
        noted(log, number, "finds it broken:", barrier.broken)

    run_all(*(lambda number=each: come(number) for each in range(3)))


def timers(log: Log) -> None:
    fires = threading.Timer(2, noted, (log, "fires"))
    cancelled = threading.Timer(3, noted, (log, "never"))
    for each in (fires, cancelled):
        each.start()
    time.sleep(1)
    cancelled.cancel()
    for each in (fires, cancelled):
        each.join()
    noted(log, "both end")


def sleepers(log: Log) -> None:
    lock = threading.RLock()

    def tick(name: str, seconds: float) -> None:
        for _ in range(3):
            time.sleep(seconds)
            with lock, lock:
                noted(log, name)
                time.sleep(0.1)

    def give_way() -> None:
        for _ in range(3):
            time.sleep(0)
        with lock:
            noted(log, "gave way")

    run_all(lambda: tick("third", 1 / 3), lambda: tick("half", 0.5), give_way)


def ten_jobs(module: ModuleType) -> Callable[[Log], None]:
    """Return the run of an app that is asked for its ten jobs."""

    def ask(log: Log) -> None:
        response = module.create_app().test_client().get("/run-tasks")
        noted(log, response.status_code, response.get_json(force=True))

    return ask


SCENARIOS: dict[str, Callable[[Log], None]] = {
    "ten jobs of documented": ten_jobs(documented),
    "ten jobs of corrected": ten_jobs(corrected),
    **{
        each.__name__.replace("_", " "): each
        for each in (
            a_queue,
            a_pool,
            a_condition,
            events_and_semaphores,
            a_barrier,
            timers,
            sleepers,
        )
    },
}


@pytest.mark.parametrize("name", SCENARIOS)
def test_a_trace_is_as_recorded(name: str) -> None:
    """The same threads run in the same steps at the same instants, and see the same."""
    log: Log = []
    with Simulation() as sim:
        began = time.monotonic()
        SCENARIOS[name](log)
        took = time.monotonic() - began

    compare(
        FILE,
        name,
        {"trace": [str(each) for each in sim.trace], "log": log, "seconds": f"{took:.6f}"},
    )


def deadlock() -> None:
    first, second = threading.Lock(), threading.Lock()

    def take(one: threading.Lock, other: threading.Lock) -> None:
        with one:
            time.sleep(1)
            other.acquire()

    threading.Thread(target=take, args=(first, second), name="forwards").start()
    threading.Thread(target=take, args=(second, first), name="backwards", daemon=True).start()
    threading.Event().wait()


def endless_wait() -> None:
    def beat() -> None:
        while True:
            time.sleep(2)

    threading.Thread(target=beat, name="heart", daemon=True).start()
    threading.Event().wait()


def endless_work() -> None:
    def turn() -> None:
        while True:
            time.sleep(0)

    run_all(turn, turn)


def own_words(text: str) -> list[str]:
    """Return a report without the frames of other files, which differ between Pythons.

    It shows no frame of the package that makes it.
    """
    assert OWN not in text
    name = re.escape(Path(__file__).name)
    text = re.sub(rf'(?m)^ *File "(?!.*{name}").*\n(?: {{5,}}.*\n?)?', "", text + "\n")
    text = re.sub(rf'File ".*{name}", line \d+', "File, line", text)
    return re.sub(rf"\S*{name}(:\d+)?", "File", text).rstrip().split("\n")


@pytest.mark.parametrize(
    ("program", "kind"),
    [(deadlock, Deadlock), (endless_wait, TimeLimit), (endless_work, StepLimit)],
)
def test_a_report_is_as_recorded(program: Callable[[], None], kind: type[SimulationError]) -> None:
    """What hangs or never ends is told in the same words, after the same steps."""
    with pytest.raises(kind) as caught, Simulation(max_elapsed=5, max_steps=50) as sim:
        program()

    found = {"text": own_words(str(caught.value)), "trace": [str(each) for each in sim.trace]}
    compare(FILE, kind.__name__, found)


def a_scheduler_of_ones_own(log: Log) -> Simulation:
    """Let a FakeScheduler's jobs run as a test's clock passes."""
    with Simulation("2026-03-29T00:59:58+00:00") as sim:
        scheduler = FakeScheduler()
        scheduler.start()
        scheduler.add_job(noted, "interval", (log, "ticks"), seconds=2)
        sim.clock.tick(5)
        noted(log, sim.clock.now())
    return sim


def test_a_clock_is_as_recorded() -> None:
    """A fake scheduler's jobs run at the same instants, as its clock ticks."""
    log: Log = []
    sim = a_scheduler_of_ones_own(log)

    compare(FILE, "a clock", {"log": log, "trace": [str(each) for each in sim.trace]})


def loses_an_update() -> None:
    lock, value = threading.Lock(), [0]

    def add() -> None:
        with lock:
            read = value[0]
        with lock:
            value[0] = read + 1

    run_all(add, add)
    assert value[0] == 2, "an update is lost"


def locks_in_two_orders() -> None:
    first, second = threading.Lock(), threading.Lock()

    def take(*locks: threading.Lock) -> None:
        with locks[0], locks[1]:
            pass

    run_all(lambda: take(first, second), lambda: take(second, first))


@pytest.mark.parametrize("program", [loses_an_update, locks_in_two_orders])
@pytest.mark.parametrize("strategy", STRATEGIES)
def test_a_failure_is_as_recorded(
    program: Callable[[], None], strategy: Exhaustive | Random | PCT
) -> None:
    """Its lanes, its schedule and the line that replays it are the same."""
    with pytest.raises(ScheduleFailure) as caught:
        explore(program, strategy)

    failure = caught.value
    found = {
        "text": own_words(str(failure)),
        "cause": own_words(f"{type(failure.__cause__).__name__}: {failure.__cause__}"),
        "notes": own_words("\n".join(getattr(failure, "__notes__", []))),
        "schedule": failure.schedule,
        "preemptions": failure.preemptions,
    }
    compare(FILE, f"{program.__name__} under {type(strategy).__name__}", found)


def names() -> Iterable[str]:
    """Return the names of all that is recorded here."""
    yield from (*SCENARIOS, "Deadlock", "TimeLimit", "StepLimit", "a clock")
    for program in (loses_an_update, locks_in_two_orders):
        for strategy in STRATEGIES:
            yield f"{program.__name__} under {type(strategy).__name__}"


def test_every_trace_is_recorded() -> None:
    """No trace is lost, and none is new."""
    compare_names(FILE, names())
