"""A program that behaves differently under the same schedule is found out, and told where.

What it does the first time only, as an import, is no such difference: a schedule holds in a process
that has not run the program before.
"""

import itertools
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, field, replace
from typing import Any

import pytest
import written_programs
from searching import world_of

from threadsim import PCT, Exhaustive, Random, ScheduleDiverged, ScheduleFailure, explore, replay
from threadsim.exploration.execution import ALL_POINTS
from threadsim.exploration.explore import begin, schedules

LOCK = threading.Lock()
OTHER = threading.Lock()


# Each of these is given a number that is another one in each run, as a random one is.


def takes_one_of_two_locks(number: int) -> None:
    locks = [threading.Lock(), threading.Lock()]

    def take() -> None:
        with locks[number % 2]:
            pass

    written_programs.joined(take, take)


# Where those locks are made.
LINE = f"test_explore_differences.py:{takes_one_of_two_locks.__code__.co_firstlineno + 1}"


@dataclass
class Guarded:
    """Has a lock that an ``__init__`` makes which stands in no file."""

    lock: Any = field(default_factory=threading.Lock)


def takes_the_lock_of_one_of_two_things(number: int) -> None:
    things = [Guarded(), Guarded()]

    def take() -> None:
        with things[number % 2].lock:
            pass

    written_programs.joined(take, take)


def looks_at_one_of_two_events(number: int) -> None:
    events = [threading.Event(), threading.Event()]

    def look() -> None:
        events[number % 2].is_set()

    written_programs.joined(look, look)


def looks_at_one_of_two_futures(number: int) -> None:
    futures = [Future[None](), Future[None]()]

    def look() -> None:
        futures[number % 2].done()

    written_programs.joined(look, look)


def looks_at_one_of_two_threads(number: int) -> None:
    threads = [threading.Thread(target=str), threading.Thread(target=str)]

    def look() -> None:
        threads[number % 2].is_alive()

    written_programs.joined(look, look)


def takes_a_lock_from_before(number: int) -> None:
    def take() -> None:
        with LOCK if number % 2 else OTHER:
            pass

    written_programs.joined(take, take)


def takes_a_lock_at_times(number: int) -> None:
    lock = threading.Lock()

    def take() -> None:
        for _ in range(number % 2):
            with lock:
                pass

    written_programs.joined(take, take)


def sleeps_for_some_time(number: int) -> None:
    threading.Thread(target=time.sleep, args=(number,)).start()


def starts_some_threads(number: int) -> None:
    for _ in range(number % 2 + 1):
        threading.Thread(target=time.sleep, args=(1,)).start()


def starts_a_daemon_at_times(number: int) -> None:
    thread = threading.Thread(target=str, daemon=number % 2 == 0)
    thread.start()
    thread.join()


def hangs_at_times(number: int) -> None:
    threading.Thread(target=str).start()
    threading.Event().wait(None if number % 2 else 1)


def fails_at_times(number: int) -> None:
    threading.Thread(target=str).start()
    assert number % 2, "now"


def has_a_text_of_its_own(number: int) -> None:
    threading.Thread(target=str).start()
    raise ValueError(f"number {number}")


@pytest.mark.parametrize("strategy", [Exhaustive(), Random(60), PCT(3, 60)], ids=str)
@pytest.mark.parametrize(
    ("what", "where"),
    [
        (
            takes_one_of_two_locks,
            rf"using the Lock made at {LINE}",
        ),
        (
            takes_the_lock_of_one_of_two_things,
            r"using the Lock made at \S+py:\d+",
        ),
        (
            looks_at_one_of_two_events,
            r"using the Event made at \S+py:\d+",
        ),
        (
            looks_at_one_of_two_futures,
            r"using the Future made at \S+differences.py:\d+",
        ),
        (
            looks_at_one_of_two_threads,
            r"using the Thread made at \S+py:\d+",
        ),
        (
            takes_a_lock_from_before,
            r"using the lock from outside \(\d+\).* then by .*, using the lock from outside",
        ),
        (
            takes_a_lock_at_times,
            r"by Thread-\d \(take\), .*the end of Thread-\d \(take\)",
        ),
        (
            sleeps_for_some_time,
            r"after \d+ steps at \d.0+ s, and then ended .* after \d+ steps at \d.0+ s",
        ),
        (
            starts_some_threads,
            r"step \d was taken by MainThread",
        ),
        (
            starts_a_daemon_at_times,
            "using .*the program's end",
        ),
        (hangs_at_times, r"it ended with .* after \d+ steps .*, and then ended with "),
        (fails_at_times, "AssertionError: now"),
        (
            has_a_text_of_its_own,
            r"with ValueError: number \d after .*, and then ended with Value",
        ),
    ],
)
def test_what_differs_from_run_to_run_is_found_out(
    what: Callable[[int], object], where: str, strategy: Any
) -> None:
    """Every search runs some schedules twice, and says where the two runs part."""
    numbers = itertools.count()

    with pytest.raises(ScheduleDiverged, match=f"under the same schedule: .*{where}"):
        explore(lambda: what(next(numbers)), strategy)


def test_a_short_search_runs_its_few_schedules_again_and_again() -> None:
    """What one run in five does otherwise is found out where there is one schedule."""
    numbers = itertools.count()

    def program() -> None:
        threading.Thread(target=str).start()
        for _ in range(next(numbers) % 5 // 4):
            threading.Thread(target=str).start()

    with pytest.raises(ScheduleDiverged, match="behaves differently under the same schedule"):
        explore(program)


def test_a_program_that_keeps_something_between_runs_is_found_out() -> None:
    """A program that does something else under the same schedule is refused."""
    runs: list[int] = []

    def program() -> None:
        runs.append(1)
        locks = [threading.Lock() for _ in range(3)]

        def take() -> None:
            for lock in locks[: len(runs) % 3 + 1]:
                with lock:
                    pass

        written_programs.joined(take, take)

    with pytest.raises(ScheduleDiverged, match="behaves differently under the same schedule"):
        explore(program)


def test_a_program_that_ends_earlier_than_before_is_found_out() -> None:
    """A program that stops short under the same schedule is refused."""
    runs: list[int] = []

    def program() -> None:
        runs.append(1)
        lock = threading.Lock()
        if len(runs) < 7:
            written_programs.joined(
                lambda: lock.acquire(timeout=1), lambda: lock.acquire(timeout=1)
            )

    with pytest.raises(
        ScheduleDiverged,
        match="step 1 did something else than before",
    ):
        explore(program)


def test_a_program_that_fails_earlier_than_before_is_found_out() -> None:
    """Where it ends before any other choice, the search itself sees it."""
    runs: list[int] = []

    def take(lock: threading.Lock) -> None:
        with lock:
            pass

    def program() -> None:
        runs.append(1)
        lock = threading.Lock()
        if len(runs) <= alike:
            written_programs.joined(lambda: take(lock), lambda: take(lock))
        raise ValueError

    alike = 10
    with world_of(program) as runner:
        every = schedules(runner, begin(runner, Exhaustive()))
        first = next(every)
        alike = len(runs) + 40 // len(first.steps)  # It is repeated so often.
        with pytest.raises(ScheduleDiverged, match="step 0 did something else than before"):
            list(every)


def test_a_program_that_goes_on_in_another_order_is_found_out() -> None:
    """A sleeper that wakes up later under the same schedule is found by the search itself."""
    numbers = itertools.count()

    def program() -> None:
        late = 1 if next(numbers) < 3 else 2
        lock = threading.Lock()

        def sleep(seconds: float) -> None:
            time.sleep(seconds)
            with lock:
                pass

        for seconds in (1, late):
            threading.Thread(target=sleep, args=(seconds,)).start()

    with pytest.raises(ScheduleDiverged, match=r"step \d did something else than before") as caught:
        explore(program)

    assert str(caught.value).count(" waits to go on after a sleep") == 2


def made_once(cache: dict[str, Any]) -> threading.Lock:
    """Return what the program makes the first time that it needs it, with a lock of its own."""
    made = threading.Lock()
    with made:
        threading.Thread(target=str).start()
    lock: threading.Lock = cache.setdefault("made", made)
    return lock


@pytest.mark.parametrize("always", [True, False])
def test_a_schedule_holds_where_nothing_has_run_before(always: bool) -> None:
    """What is made once is made before, on the default way or on that of the schedule."""
    cache: dict[str, Any] = {}

    def program() -> None:
        event = threading.Event()
        threading.Thread(target=event.set).start()
        if (always or event.is_set()) and not cache:
            made_once(cache)
        assert not event.is_set()

    with pytest.raises(ScheduleFailure) as caught:
        explore(program)
    cache.clear()
    with pytest.raises(ScheduleFailure) as again:
        replay(program, caught.value.schedule)

    assert str(again.value) == str(caught.value)


def test_a_failure_that_does_not_come_again_is_found_out() -> None:
    """A failure that is seen once under a schedule, and then not, is no failure of the schedule."""
    numbers = itertools.count()

    def program() -> None:
        event = threading.Event()
        threading.Thread(target=event.set).start()
        assert not event.is_set() or next(numbers)

    with pytest.raises(ScheduleDiverged, match="it fails, and then in another way or not at all"):
        explore(program)


def test_an_address_makes_no_failure_another() -> None:
    """A text with an object's address is one kind of failure, wherever that object is."""
    kept: list[object] = []

    def program() -> None:
        event = threading.Event()
        threading.Thread(target=event.set).start()
        event.is_set()
        kept.append(object())
        raise ValueError(f"{kept[-1]} is wrong")

    with pytest.raises(ScheduleFailure, match=r"ValueError: <object object at 0x.*> is wrong"):
        explore(program, keep_going=True)


def test_a_replay_prints_and_stops_once(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """What warms up says nothing, so that one who looks on sees the schedule alone."""
    seen: list[str] = []
    monkeypatch.setattr("sys.breakpointhook", lambda: seen.append("stopped"))

    def program() -> None:
        sys.stdout.write("begins\n")
        breakpoint()  # noqa: T100
        threading.Thread(target=print, args=("runs",)).start()

    replay(program, "0")

    assert capsys.readouterr().out == "begins\nruns\n"
    assert seen == ["stopped"]


INSTANCES: dict[str, object] = {}


def uses_what_is_made_once() -> None:
    def use() -> None:
        if "it" not in INSTANCES:
            with LOCK:
                INSTANCES["it"] = object()
        seen.append(INSTANCES["it"])

    seen: list[object] = []
    written_programs.joined(use, use)
    assert seen[0] is seen[1], "there are two"


def makes_it_anew() -> None:
    INSTANCES.clear()
    uses_what_is_made_once()


def test_what_is_made_once_is_explored_where_the_program_sets_it_back() -> None:
    """How a global is made that is there from the first run on, no schedule shows."""
    assert explore(uses_what_is_made_once, Exhaustive(1, reduction=False)).complete
    with pytest.raises(ScheduleFailure, match="there are two"):
        explore(makes_it_anew, Exhaustive(1, reduction=False))


STRINGS = """
import gc, itertools, sys, threading
from concurrent.futures import ThreadPoolExecutor, as_completed, wait

from threadsim import Exhaustive
from threadsim.exploration.explore import begin, schedules
from threadsim.exploration.schedule_string import choices_of, write
from threadsim.exploration.options import Options
from threadsim.exploration.runner import ScheduleRunner

kept = [bytearray(number) for number in range(int(sys.argv[1]))]  # Other addresses.
gc.set_threshold(int(sys.argv[1]))  # With 0 it is off.


def program():
    circle = threading.Condition(), threading.Event(), []
    circle[2].append(circle)
    with ThreadPoolExecutor(2) as pool:
        futures = [pool.submit(each.set) for each in (circle[1], threading.Event())]
        assert [each.result() for each in wait(futures).done] == [None, None]
        assert [each.result() for each in as_completed(futures)] == [None, None]


with ScheduleRunner(Options(program, data="off")) as world:
    for ran in itertools.islice(schedules(world, begin(world, Exhaustive(max_preemptions=1))), 30):
        print(write(choices_of(ran.steps), ran.switch_points), len(ran.steps))
"""


def test_neither_hashes_nor_addresses_nor_the_collector_reach_a_schedule() -> None:
    """Two processes that differ in these run the same schedules, in the same order."""
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", STRINGS, threshold],
            env=os.environ | {"PYTHONHASHSEED": seed},
            stdout=subprocess.PIPE,
            text=True,
        )
        for seed, threshold in (("1", "0"), ("2", "7"))
    ]

    one, other = [process.communicate(timeout=60)[0].splitlines() for process in processes]

    assert len(set(one)) == 30
    assert one == other


def two_threads_at_a_lock() -> None:
    lock = threading.Lock()
    for _ in range(2):
        threading.Thread(target=lock.acquire, kwargs={"timeout": 0}).start()


def test_a_schedule_that_ends_before_its_prefix_diverges() -> None:
    """The search was told to try another choice at a step that the program does not reach."""
    with world_of(two_threads_at_a_lock) as runner:
        search = Exhaustive(1).search()
        execution = runner.run(search.choose, switch_points=ALL_POINTS)
        assert search.advance(execution)
        with pytest.raises(ScheduleDiverged, match="step 0 did something else than before"):
            search.advance(replace(execution, steps=execution.steps[:1]))
