"""What is known as bad is found, shown, and fails again from its string."""

import ast
import os
import pickle
import re
import threading
import time
import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from inspect import getsourcelines
from pathlib import Path
from typing import Any

import pytest
import written_programs
from generated_sets import MOST, SETS
from jinja2 import Template
from searching import outcome_of, world_of

from threadsim import (
    PCT,
    Deadlock,
    Exhaustive,
    ExplorationIncomplete,
    NotModelled,
    Random,
    ScheduleDiverged,
    ScheduleFailure,
    Simulation,
    explore,
    replay,
)
from threadsim.exploration.execution import NECESSARY
from threadsim.exploration.explore import begin, schedules, warm_up
from threadsim.exploration.schedule_string import Replay, choices_of, read, write


def failure_of(program: Callable[[], object], *arguments: Any, **options: Any) -> ScheduleFailure:
    with pytest.raises(ScheduleFailure) as caught:
        explore(program, *arguments, **options)
    return caught.value


def fails_again(program: Callable[[], object], failure: ScheduleFailure, **options: Any) -> bool:
    with pytest.raises(ScheduleFailure) as caught:
        replay(program, failure.schedule, **options)
    return str(caught.value) == str(failure)


@pytest.mark.parametrize(
    "name",
    [
        "check_then_wait",
        *(
            pytest.param(each, marks=pytest.mark.soundness)
            for each in written_programs.WITH_FAULTS
            if each != "check_then_wait"
        ),
    ],
)
@pytest.mark.parametrize("strategy", [Exhaustive(), Random(300), PCT(3, 300)])
def test_a_program_known_as_bad_fails_and_fails_again(name: str, strategy: Any) -> None:
    """Every search finds the fault, and its schedule shows it again, word for word."""
    program = getattr(written_programs, name)

    failure = failure_of(program, strategy)

    assert type(failure.__cause__).__name__ == written_programs.WITH_FAULTS[name]
    assert fails_again(program, failure)


@pytest.mark.parametrize("strategy", [Exhaustive(), Random(100), Random(100, 5)])
@pytest.mark.parametrize(
    ("program", "texts"),
    [
        (written_programs.late_threads_that_draw_ids, ["AssertionError: ['x', 'y']"]),
        (written_programs.late_threads_that_make_futures, ["AssertionError: ['x', 'y']"]),
        (
            written_programs.late_threads_that_fail,
            ["ValueError: x", "It also fails with KeyError: 'y'"],
        ),
    ],
)
def test_what_a_thread_is_known_by_does_not_depend_on_other_schedules(
    program: Callable[[], object], texts: list[str], strategy: Any
) -> None:
    """The ids that it draws, the order of its futures and that of its errors are its own."""
    failure = failure_of(program, strategy)

    assert str(failure).splitlines()[: len(texts)] == texts
    assert fails_again(program, failure)


@pytest.mark.parametrize(
    "name",
    [
        "check_then_wait",
        "lock_order",
        "double_checked_flag",
        "late_threads_that_draw_ids",
        "late_threads_that_make_futures",
        "late_threads_that_fail",
        *(
            pytest.param(each, marks=pytest.mark.soundness)
            for each in written_programs.WITH_FAULTS
            if each not in {"check_then_wait", "lock_order", "double_checked_flag"}
        ),
    ],
)
def test_a_schedule_of_one_world_has_the_same_outcome_in_another(name: str) -> None:
    """What fails in one of many schedules fails so where no other has run."""
    program = getattr(written_programs, name)
    with world_of(program) as world:
        ran = next(each for each in schedules(world, begin(world, Random(300))) if each.errors)
    choices, points = read(write(choices_of(ran.steps), ran.switch_points))

    with world_of(program) as world:
        warm_up(world)
        again = world.run(Replay(choices), switch_points=points)

    assert outcome_of(*again.errors) == outcome_of(*ran.errors)
    assert repr(again.errors[0].__cause__) == repr(ran.errors[0].__cause__)


def test_the_strings_of_schedules_are_the_same_on_every_python() -> None:
    """A string from one Python replays on another: these hold on all that are supported."""
    faulty = [getattr(written_programs, name) for name in written_programs.WITH_FAULTS]

    assert {each.__name__: failure_of(each).schedule for each in faulty} == {
        "lost_wake_up": "1",
        "check_then_wait": "a1",
        "wrong_notify": "2c1",
        "missed_notify_all": "1",
        "lock_order": "b1",
        "dining_philosophers": "b2",
        "bounded_buffer_with_one_condition": "0",
        "barrier_reuse": "0",
        "double_checked_flag": "c1",
        "readers_and_writers": "1b1",
        "two_stage_lock_release": "b1",
    }


def test_a_failure_shows_the_lanes_and_the_line_that_replays_it() -> None:
    """The report of a lost wake-up is a picture and a line to copy."""
    failure = failure_of(written_programs.lost_wake_up)
    line = written_programs.lost_wake_up.__code__.co_firstlineno + 9

    assert isinstance(failure.__cause__, Deadlock)
    assert failure.preemptions == 1
    assert str(failure) == (
        "Deadlock: nothing can run any more at 0.000000 s of virtual time: every thread waits, and "
        "no wait has a deadline.\n"
        "\n"
        "0 MainThread, 1 Thread-1 (tell)\n"
        "   seconds  0 1\n"
        f"  0.000000  ●    MainThread is about to acquire an RLock at written_programs.py:{line}\n"
        "  0.000000  │ ●  Thread-1 (tell) ends\n"
        "  0.000000  ●    MainThread waits for ever in Condition.wait\n"
        "\n"
        "replay(lost_wake_up, '1')"
    )


def takes_one() -> None:
    """Take one of what may be the last."""
    left = STOCK["left"]
    STOCK["left"] = left - 1


STOCK: dict[str, int] = {}


def two_take_one() -> None:
    STOCK["left"] = 2
    written_programs.joined(takes_one, takes_one)
    assert not STOCK["left"]


def test_the_lanes_say_at_which_line_a_thread_could_go_on() -> None:
    """There the switch was that matters; at a program's end there is no line of it."""
    line = takes_one.__code__.co_firstlineno + 3
    text = rf"about to write test_explore_failures.STOCK at test_explore_failures.py:{line}\n"
    assert re.search(text, str(failure_of(two_take_one)))

    with pytest.raises(ScheduleFailure) as caught:
        replay(lambda: threading.Thread(target={1: 1}.pop, args=(2,), daemon=True).start(), "1")
    assert "MainThread is about to end the program\n" in str(caught.value)


class Case:
    """Fails, in whichever way it is called."""

    @classmethod
    def of_the_class(cls) -> None:
        """Fail."""
        raise ValueError(cls.__name__)

    @staticmethod
    def of_none() -> None:
        """Fail."""
        raise ValueError

    def bound(self) -> None:
        """Fail."""
        raise ValueError

    __call__ = bound


def made_inside() -> Callable[[], None]:
    """Return a function that has no name but here."""

    def program() -> None:
        raise ValueError

    return program


@pytest.mark.parametrize(
    ("program", "line"),
    [
        (Case.of_none, "replay(Case.of_none, '0')"),
        (Case.of_the_class, "replay(Case.of_the_class, '0')"),
        (Case().bound, "replay(program, '0')"),
        (Case(), "replay(program, '0')"),
        (
            made_inside(),
            "replay(program, '0')",
        ),
        (lambda: Case().bound(), "replay(program, '0')"),
        (partial(Case.bound, Case()), "replay(program, '0')"),
    ],
    ids=["static", "of a class", "bound", "callable", "nested", "lambda", "partial"],
)
def test_the_line_that_replays_can_be_pasted(program: Any, line: str) -> None:
    """It runs where the program has its name; one without a name is called program."""
    failure = failure_of(program)

    assert str(failure).splitlines()[-1] == line
    with pytest.raises(ScheduleFailure) as again:
        eval(line, {**globals(), "program": program})  # noqa: S307  # As one would paste it.
    assert str(again.value) == str(failure)


def test_a_stack_begins_with_the_program() -> None:
    """What calls ``explore`` is no part of a deadlock's stacks: they are the same when replayed."""
    cause = failure_of(written_programs.lost_wake_up).__cause__

    assert [line.strip() for line in str(cause).splitlines()[1:] if "File" not in line] == [
        "MainThread waits in Condition.wait since 0.000000 s",
        "condition.wait()",
    ]


def hangs_on_a_lock() -> None:
    lock = threading.Lock()

    def take() -> None:
        time.sleep(5)
        lock.acquire()

    lock.acquire()
    late = threading.Thread(target=take, name="late")
    late.start()
    late.join()


def hangs_on_an_event() -> None:
    def wait() -> None:
        time.sleep(5)
        threading.Event().wait()

    late = threading.Thread(target=wait, name="late")
    late.start()
    late.join()


@pytest.mark.parametrize(
    ("program", "late"),
    [
        (hangs_on_a_lock, "late waits for Lock lock, held by MainThread, since 5.000000 s"),
        (hangs_on_an_event, "late waits in Event.wait since 5.000000 s"),
    ],
)
def test_a_deadlock_says_of_each_thread_what_a_simulation_does(
    program: Callable[[], None], late: str
) -> None:
    """Of who was the last to wait, too: who holds the lock, in which call, and since when."""
    with pytest.raises(Deadlock) as simulated, Simulation():
        program()
    explored = str(failure_of(program).__cause__)
    for said, otherwise in (("to acquire", "for"), ("to join", "for the end of")):
        explored = explored.replace(f"waits {said} ", f"waits {otherwise} ")

    told, expected = (
        re.findall(r"^  (\w+ waits .*)$", text, re.MULTILINE)
        for text in (explored, str(simulated.value))
    )
    assert told == expected
    assert told[1] == late


def three_fail() -> None:
    """Fail in two of three threads, after the third."""
    lock, came = threading.Lock(), []

    def come(number: int) -> None:
        with lock:
            came.append(number)
        if came[0] == 2 and number != 1:
            raise ValueError

    for number in range(3):
        threading.Thread(target=come, args=(number,), name=f"worker {number}").start()


def wakes_up_too_early() -> None:
    """Take a wake-up for a notification."""
    condition, seen = threading.Condition(), []

    def tell() -> None:
        with condition:
            seen.append(1)
            condition.notify()

    written_programs.started(tell)
    with condition:
        condition.wait(5)
        assert seen


def finds_no_directory() -> None:
    threading.Thread(target=threading.Lock, name="other").start()
    os.makedirs(Path(__file__) / "no")  # noqa: PTH103  # A part of Python that has no file.


@pytest.mark.parametrize(
    ("program", "options", "rows"),
    [
        (
            finds_no_directory,
            {},
            """
  0.000000  ●  MainThread fails with NotADirectoryError at HERE
""",
        ),
        (
            three_fail,
            {},
            """
  0.000000  ●      MainThread waits to join worker 0
  0.000000  │   ●  worker 2 fails with ValueError at HERE
  0.000000  │ ●    worker 0 fails with ValueError at HERE
""",
        ),
        (
            wakes_up_too_early,
            {"spurious_wakeups": True},
            """
  0.000000  ●  MainThread wakes up by itself and fails with AssertionError at HERE
""",
        ),
        (
            wakes_up_too_early,
            {"early_timeouts": True},
            """
  5.000000  ●  MainThread comes to its deadline and fails with AssertionError at HERE
""",
        ),
    ],
    ids=["in os", "threads", "wake-up", "time-out"],
)
def test_the_lanes_show_who_fails_and_end_there(
    program: Callable[[], object],
    options: dict[str, Any],
    rows: str,
) -> None:
    """A row says who fails, and where; and whether a wake-up or an early time-out led to it."""
    lines, first = getsourcelines(program)
    line = next(
        number for number, each in enumerate(lines, first) if re.search("assert|raise|os", each)
    )
    rows = rows.replace("HERE", f"test_explore_failures.py:{line}")
    failure = failure_of(program, **options)

    assert rows in str(failure)


def test_the_lanes_of_a_deadlock_show_who_waits_for_what() -> None:
    """The last row of each thread that hangs says so."""
    failure = failure_of(written_programs.lock_order)

    one, two = "Thread-1 (<lambda>)", "Thread-2 (<lambda>)"
    assert str(failure).split("\n\n")[1].splitlines()[2:] == [
        f"  0.000000  ●      MainThread waits for ever to join {one}",
        f"  0.000000  │ ●    {one} waits for ever to acquire Lock second, held by {two}",
        f"  0.000000  │ │ ●  {two} waits for ever to acquire Lock second, held by {one}",
    ]


def test_a_failure_comes_whole_from_another_process() -> None:
    """A failure that is pickled, as a process pool does, keeps its text, notes and schedule."""
    failure = failure_of(written_programs.lost_wake_up)
    failure.add_note("In a process of its own.")
    deadlock = failure.__cause__

    again, cause = pickle.loads(pickle.dumps((failure, deadlock)))  # noqa: S301  # Our own.

    for one, other in ((failure, again), (deadlock, cause)):
        assert (type(one), str(one), vars(one)) == (type(other), str(other), vars(other))


def test_long_names_stand_in_a_legend() -> None:
    """They stand there whole."""
    names = [f"a <rather> long name & {'x' * 40} {number}" for number in range(8)]

    def program() -> None:
        threads = [threading.Thread(target=str, name=name) for name in names]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        raise ValueError

    failure = failure_of(program)

    entries = ["0 MainThread", *(f"{number} {name}" for number, name in enumerate(names, 1))]
    assert str(failure).split("\n\n")[1].startswith(", ".join(entries))


def test_a_program_without_threads_has_one_lane() -> None:
    """The lane of the main thread says where it failed."""

    def program() -> None:
        raise ValueError

    assert "MainThread fails with ValueError at" in str(failure_of(program))


@pytest.mark.parametrize(
    ("name", "most"),
    [
        ("locks-3x3", 4),
        ("main-2x3", 5),
        ("wake-ups-2x1", 3),
        *(pytest.param(name, MOST, marks=pytest.mark.soundness) for name in SETS),
    ],
)
def test_every_failure_of_the_generated_programs_has_a_short_string_that_replays(
    name: str, most: int
) -> None:
    """What fails in two or three threads of a few operations is written in 60 characters."""
    generated = SETS[name]
    # Two preemptions are too many for some: their searches would not end.
    strategy = Exhaustive(None if None in generated.bounds else generated.bounds[-1])
    options: dict[str, Any] = {
        "early_timeouts": "early_timeouts" in generated.options,
        "spurious_wakeups": "spurious_wakeups" in generated.options,
    }
    failures: list[ScheduleFailure] = []
    again: list[bool] = []
    for each in generated.some(most):
        program = generated.runnable(each, [])
        try:
            explore(program, strategy, **options)
        except ScheduleFailure as failure:
            failures.append(failure)
            again.append(fails_again(program, failure, **options))
    assert failures or not name.startswith(("locks", "main"))  # Those have deadlocks.
    assert all(again)
    assert [each for each in failures if len(each.schedule) > 60] == []


def test_an_exploration_says_what_it_covered() -> None:
    """A program without faults is reported with what was run and what that proves."""
    done = explore(written_programs.condition_with_a_predicate)

    assert (done.schedules, done.runs, done.complete) == (2, 2, True)
    assert done.deepest == 8
    assert done.claim == (
        "no schedule fails; threads switch at operations on locks and the like, and at reads and "
        "writes in written_programs; time moves only when nothing can run"
    )
    assert done.modules == ("written_programs",)
    assert str(done).startswith("complete: 2 schedules (2 runs), at most 8 steps, ")


@pytest.mark.parametrize(
    ("strategy", "options", "claim"),
    [
        (
            Exhaustive(1),
            {},
            "no schedule fails within 1 preemption; threads switch at operations ",
        ),
        (
            Exhaustive(reduction=False),
            {},
            "no schedule fails; threads switch at operations on locks and the like, and at reads",
        ),
        (
            Random(5),
            {},
            "no failure in what Random(schedules=5, seed=0) ran; others were not",
        ),
        (
            Exhaustive(),
            {"data": "off"},
            "no schedule fails; threads switch at operations on locks and the like; time",
        ),
    ],
)
def test_a_claim_says_what_it_rests_on(strategy: Any, options: dict[str, Any], claim: str) -> None:
    """A bound, a sample and unlocked data are named in the claim."""
    done = explore(written_programs.queue_join, strategy, **options)

    assert done.claim.startswith(claim)
    assert done.complete == isinstance(strategy, Exhaustive)


def test_a_search_that_comes_to_its_limit_is_no_pass() -> None:
    """An exhaustive search that had to stop says so."""
    with pytest.raises(ExplorationIncomplete, match="no failure so far: 2 schedules ran, and"):
        explore(written_programs.semaphore_of_one, Exhaustive(max_schedules=2))


@pytest.mark.parametrize(
    ("options", "rest"),
    [
        ({}, "programs; time moves only when nothing can run"),
        ({"early_timeouts": True}, "programs; waits may time out between any two steps"),
        ({"spurious_wakeups": True}, "run, and each thread may wake up by itself once"),
        (
            {"switch_in": [written_programs.joined]},
            "programs, the functions of switch_in; time moves only when nothing can run",
        ),
    ],
)
def test_a_claim_says_what_may_come_by_itself(options: dict[str, Any], rest: str) -> None:
    """When time moves, who wakes up and where else is switched stand in the claim."""
    strategy = Exhaustive(max_preemptions=0, reduction=False)

    assert explore(written_programs.set_beside_is_set, strategy, **options).claim.endswith(rest)


def test_failures_say_that_a_search_came_to_its_limit() -> None:
    """With ``keep_going``, a search that had to stop after a failure says so too."""

    def program() -> None:
        written_programs.semaphore_of_one()
        raise ValueError

    with pytest.raises(ScheduleFailure) as caught:
        explore(program, Exhaustive(max_schedules=2), keep_going=True)

    assert caught.value.__notes__[-1].startswith("2 schedules ran, and there are more. Pass ")


def test_a_hook_for_exceptions_of_threads_holds_for_its_schedule() -> None:
    """A program that hears of its threads' exceptions itself decides what they are."""
    before, heard = threading.excepthook, list[object]()

    def program() -> None:
        threading.excepthook = heard.append
        written_programs.joined(dict[str, int]().popitem)

    def without() -> None:
        written_programs.joined(dict[str, int]().popitem)

    assert explore(program).schedules == 1
    assert len(heard) > 2  # It runs more often than it counts.
    assert threading.excepthook is before
    assert isinstance(failure_of(without).__cause__, KeyError)


def test_a_limit_that_is_just_enough_is_enough() -> None:
    """A search that ends with its last schedule is complete."""
    assert explore(
        written_programs.condition_with_a_predicate, Exhaustive(max_schedules=2)
    ).complete


def test_an_exception_in_any_thread_is_a_failure() -> None:
    """A thread that dies fails the exploration with its own error."""

    def program() -> None:
        threading.Thread(target={1: 1}.pop, args=(2,)).start()

    assert isinstance(failure_of(program).__cause__, KeyError)


def test_a_lock_that_is_taken_twice_never_comes_free_by_itself() -> None:
    """Only the wait of a Condition may end without a notification."""

    def program() -> None:
        lock = threading.Lock()
        lock.acquire()
        lock.acquire()

    with pytest.raises(ScheduleFailure) as caught:
        explore(program, spurious_wakeups=True)
    assert isinstance(caught.value.__cause__, Deadlock)


def test_several_failures_come_as_a_group() -> None:
    """With keep_going each kind of failure is reported once."""

    def program() -> None:
        event = threading.Event()
        threading.Thread(target=event.set).start()
        if event.is_set():
            raise ValueError("set")
        raise ValueError("not set")

    with pytest.raises(ExceptionGroup, match="fails in 2 ways") as caught:
        explore(program, keep_going=True)
    texts = [str(each.__cause__) for each in caught.value.exceptions]
    assert texts == ["not set", "set"]


@pytest.mark.parametrize("strategy", [Exhaustive(), Exhaustive(reduction=False)])
def test_every_error_of_a_schedule_is_reported(strategy: Exhaustive) -> None:
    """Of two threads that fail in each order neither hides the other."""

    def fail(error: Exception) -> None:
        raise error

    def program() -> None:
        threading.Thread(target={1: 1}.pop, args=(2,)).start()
        threading.Thread(target=fail, args=(ValueError("another"),)).start()

    for keep_going in (False, True):
        failure = failure_of(program, strategy, keep_going=keep_going)
        assert isinstance(failure.__cause__, KeyError)
        assert str(failure).startswith("KeyError: 2\nIt also fails with ValueError: another\n\n")


def test_every_kind_of_error_of_a_schedule_has_its_traceback() -> None:
    """The cause may be another thread's: of what main then fails with it knows nothing."""

    def read(data: dict[str, int]) -> None:
        results.append(data["key"])

    def program() -> None:
        results.clear()
        threads = [threading.Thread(target=read, args=({},), name=name) for name in "ab"]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert results

    results: list[int] = []
    failure = failure_of(program)
    assert isinstance(failure.__cause__, AssertionError)
    (note,) = failure.__notes__  # One for both: they fail alike.
    assert note.startswith("It also fails so:\nTraceback (most recent call last):\n")
    assert f'{__file__}", line {read.__code__.co_firstlineno + 1}, in read\n' in note
    assert note.endswith("\nKeyError: 'key'")


def four_threads_of_four_sections() -> None:
    lock, order = threading.Lock(), list[int]()

    def enter(number: int) -> None:
        for _ in range(4):
            with lock:
                order.append(number)

    written_programs.joined(*(partial(enter, number) for number in range(4)))
    assert order[:2] != [1, 0], order


def test_what_a_failure_says_is_no_part_of_its_kind(monkeypatch: pytest.MonkeyPatch) -> None:
    """One assert is one fault with as few preemptions as it takes, whatever data it tells of."""
    monkeypatch.setattr(
        "threadsim.exploration.reports.shrink.MINIMISE", 2_000
    )  # One preemption needs no more.
    failure = failure_of(four_threads_of_four_sections, Random(40), keep_going=True)

    assert failure.preemptions == 1
    assert fails_again(four_threads_of_four_sections, failure)


def test_a_failure_says_where_fewer_preemptions_may_do(monkeypatch: pytest.MonkeyPatch) -> None:
    """What was searched for to the end is the fewest, and what was given up is not said to be."""
    proved = failure_of(written_programs.wrong_notify, Random(300))
    monkeypatch.setattr("threadsim.exploration.reports.shrink.MINIMISE", 30)
    given_up = failure_of(written_programs.wrong_notify, Random(300))

    assert proved.preemptions == 2
    assert not hasattr(proved, "__notes__")
    assert given_up.preemptions >= 2
    (note,) = given_up.__notes__
    assert note == (
        f"It may fail with fewer than {given_up.preemptions} preemptions, too: not all schedules "
        "with fewer were tried."
    )


def test_a_failure_that_the_first_run_did_not_have_says_so() -> None:
    """What is kept from one run to the next is the reason, as it is for ids in a module's store."""
    store: dict[uuid.UUID, int] = {}

    def program() -> None:
        key = uuid.uuid4()
        assert key not in store
        store[key] = 1

    failure = failure_of(program)
    (note,) = failure.__notes__
    assert note == (
        "The first run of the program, in the same order, did not fail. Look for what is kept "
        "from one run to the next; uuid4() gives the same ids in each run."
    )


def test_a_failure_is_made_simpler_in_as_many_schedules_as_may_be(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Whatever is tried for it counts, and however long the program is, one schedule is tried."""
    runs: list[int] = []

    def program() -> None:
        runs.append(1)
        lock, order = threading.Lock(), list[str]()

        def enter(name: str) -> None:
            for _ in range(12):
                with lock:
                    order.append(name)

        written_programs.joined(partial(enter, "a"), partial(enter, "b"))
        assert sum(map(str.__ne__, order, order[1:])) < 8, "many switches"

    # Two warm-ups, the schedule, and the runs that see it fail again are no tries.
    numbers = {}
    for steps in (0, 800):
        monkeypatch.setattr("threadsim.exploration.reports.shrink.MINIMISE", steps)
        runs.clear()
        failure = failure_of(program, Random(1))
        numbers[steps] = len(runs) - 8
        (note,) = failure.__notes__
        assert note.startswith(f"It may fail with fewer than {failure.preemptions} preemptions")
    assert numbers == {0: 1, 800: 12}


def looks_at_a_lock_that_main_holds() -> None:
    lock, seen = threading.Lock(), list[bool]()
    written_programs.started(lambda: seen.append(lock.locked()))
    with lock:
        written_programs.started(str)
    assert seen != [True]


def looks_at_a_lock_unless_it_fails() -> None:
    lock, event = threading.Lock(), threading.Event()

    def look() -> None:
        assert not event.is_set()
        lock.locked()

    written_programs.started(look, event.set)


@pytest.mark.parametrize(
    "program", [looks_at_a_lock_that_main_holds, looks_at_a_lock_unless_it_fails]
)
def test_a_failure_is_made_simpler_with_the_stops_that_it_needs(
    program: Callable[[], object],
) -> None:
    """A failure drawn at random is shrunk to the schedule that an exhaustive search finds."""
    assert failure_of(program, Random(20)).schedule == failure_of(program).schedule


def test_an_exception_may_be_of_a_class_that_the_program_makes() -> None:
    """A class is known by its name: the next run makes another one."""

    def program() -> None:
        class Full(Exception):
            pass

        raise Full

    assert type(failure_of(program).__cause__).__name__ == "Full"


def test_a_schedule_that_names_who_cannot_run_is_refused() -> None:
    """A program that has changed since is told apart from one that fails, and where it has."""
    with pytest.raises(ScheduleDiverged) as caught:
        replay(written_programs.missed_notify_all, "2b9")

    assert str(caught.value) == (
        "the program no longer fits the schedule: in 4 steps it made 3 of its 4 choices. Give "
        "replay() the options that explore() had; or explore again.\n"
        "\n"
        "0 MainThread, 1 Thread-1 (wait), 2 Thread-2 (wait)\n"
        "   seconds  0 1 2\n"
        "  0.000000  ●      MainThread is about to acquire an RLock\n"
        "  0.000000  │   ●  Thread-2 (wait) waits in Condition.wait\n"
        "  0.000000  │ ● │  Thread-1 (wait) is about to acquire an RLock"
    )


def test_a_thread_that_fails_hides_no_misfit() -> None:
    """An error on the way is not taken for what the schedule leads to."""

    def program() -> None:
        failing = threading.Thread(target={1: 1}.pop, args=(2,))
        failing.start()
        failing.join()
        written_programs.lock_order()

    with pytest.raises(ScheduleDiverged, match="in 5 steps it made 2 of its 3 choices"):
        replay(program, "aa9")


def test_a_schedule_that_is_longer_than_the_program_is_refused() -> None:
    """So is one that ends before its schedule does."""
    with pytest.raises(ScheduleDiverged) as caught:
        replay(written_programs.condition_with_a_predicate, "zc1")

    assert str(caught.value) == (
        "the program no longer fits the schedule: in 8 steps it made 1 of its 30 choices. Give "
        "replay() the options that explore() had; or explore again.\n"
        "\n"
        "0 MainThread, 1 Thread-1 (tell)\n"
        "   seconds  0 1\n"
        "  0.000000  ●    MainThread waits in Condition.wait\n"
        "  0.000000  │ ●  Thread-1 (tell) ends"
    )


@pytest.mark.parametrize(
    "schedule",
    [
        "",
        "*",
        "a?",
        "A",
        "garbage",
        "1b",
        "()",
        "(9)",
        "(\N{ARABIC-INDIC DIGIT ONE}1)",
        f"({'9' * 5_000})",
    ],
)
def test_a_text_that_is_no_schedule_is_refused(schedule: str) -> None:
    """A string with a slip of the pen, or without its end, is not run."""
    with pytest.raises(ValueError, match=r"is no schedule\. Copy the string"):
        replay(written_programs.lost_wake_up, schedule)


def test_a_schedule_with_a_fixed_program_passes() -> None:
    """After the fault is gone the same schedule runs to the end."""
    replay(written_programs.condition_with_a_predicate, "1")


def test_many_threads_need_brackets_in_the_string(monkeypatch: pytest.MonkeyPatch) -> None:
    """The place of the eleventh thread that can run is written in brackets."""
    monkeypatch.setattr("threadsim.exploration.reports.shrink.MINIMISE", 400)

    def program() -> None:
        gate = threading.Lock()
        order: list[int] = []

        def run(number: int) -> None:
            with gate:
                order.append(number)
                assert order[0] < 11

        with gate:
            for number in range(12):
                threading.Thread(target=run, args=(number,)).start()

    failure = failure_of(program, Random(50))
    assert "(" in failure.schedule
    assert fails_again(program, failure)


@pytest.mark.parametrize("strategy", ["exhaustive", Exhaustive, 3])
def test_what_is_no_strategy_is_refused(strategy: Any) -> None:
    """A name, or a class without its call, is said to be none before anything runs."""
    match = r"this is no strategy. Pass IterativeBound\(…\), Exhaustive\(…\), Random"
    with pytest.raises(TypeError, match=match):
        explore(lambda: None, strategy)


async def asynchronous() -> None:
    """Do nothing when called."""


def asking(number: int) -> int:
    return number


@pytest.mark.parametrize(
    ("program", "text"),
    [
        (None, "None is no function. Pass what is to be run"),
        (asynchronous, "asynchronous is asynchronous or a generator: to call it runs nothing"),
        (Template.generate_async, "generate_async is asynchronous or a generator"),
        (ast.walk, "walk is asynchronous or a generator"),
        (asking, "asking is called without arguments, and missing a required argument: 'number'"),
    ],
)
def test_what_would_do_nothing_is_refused(program: Any, text: str) -> None:
    """What is no program passes no exploration, and no replay."""
    with pytest.raises(TypeError, match=text):
        explore(program)
    with pytest.raises(TypeError, match=text):
        replay(program, "0")


def test_what_tells_nothing_of_its_arguments_is_run() -> None:
    """A function that is not written in Python is taken as it is."""
    assert explore(threading.Event().set, data="off").complete
    assert explore(dict, data="off").complete
    assert explore(partial(asking, 1)).complete


def test_what_is_no_list_or_string_is_refused() -> None:
    """A function without its brackets, and a schedule without its quotes, are told."""
    with pytest.raises(TypeError, match="it takes a list"):
        explore(written_programs.lost_wake_up, switch_in=asking)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match=r"^switch_in='C.inc': .* a list. Pass \[C.inc\]\.$"):
        explore(written_programs.lost_wake_up, switch_in="C.inc")  # type: ignore[arg-type]
    with pytest.raises(TypeError, match=r"^switch_in=None: .* a list. Pass \[\]\.$"):
        explore(written_programs.lost_wake_up, switch_in=None)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="1 is no schedule"):
        replay(written_programs.lost_wake_up, 1)  # type: ignore[arg-type]


def test_a_sample_stops_before_starts_and_replays_with_them(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A new thread often goes first; the string of such a schedule says that it was asked."""
    monkeypatch.setattr("threadsim.exploration.reports.shrink.MINIMISE", 0)

    def program() -> None:
        began: list[int] = []
        lock = threading.Lock()

        def begin(number: int) -> None:
            with lock:
                began.append(number)

        for number in range(3):
            threading.Thread(target=begin, args=(number,)).start()
        with lock:
            assert began != [0, 1]

    failure = failure_of(program, Random(100))
    assert failure.schedule.startswith("+")
    assert fails_again(program, failure)


def test_a_failure_has_the_fewest_preemptions_wherever_a_thread_is_stopped() -> None:
    """Stopped with a lock that the other waits for, it takes one; between two sections, two."""

    def program() -> None:
        order = written_programs.a_section_between_two()
        assert order != ("one", "other", "one", "other")

    failure = failure_of(program, Exhaustive())
    assert failure.preemptions == 1
    assert failure.schedule.startswith("+")
    assert fails_again(program, failure)


STOCK = {"n": 1}
AUDIT = threading.Lock()


def sell() -> None:
    """Sell a piece if there is one, as a view of an app does."""
    if STOCK["n"]:
        with AUDIT:
            pass
        STOCK["n"] -= 1


def sells_the_last_piece() -> None:
    STOCK["n"] = 1
    written_programs.joined(sell, sell)
    assert STOCK["n"] == 0


@pytest.mark.parametrize(
    ("strategy", "data"), [(Random(100), "off"), (PCT(2, 100), "off"), (Exhaustive(), "switch")]
)
def test_a_look_at_unlocked_data_before_a_lock_is_found_by_samples(
    strategy: Any, data: str
) -> None:
    """A thread may be stopped before its first operation, though it has touched nothing yet."""
    failure_of(sells_the_last_piece, strategy, data=data)


def test_a_failure_that_no_search_finds_keeps_its_preemption() -> None:
    """A switch between two locks of one thread is drawn at random; no bounded search tries it."""

    def program() -> None:
        locks, data = [threading.Lock(), threading.Lock()], ["none"]

        def change() -> None:
            data[0] = "half"
            with locks[0]:
                data[0] = "all"
            with locks[1]:
                pass

        def read() -> None:
            assert data[0] != "half"

        written_programs.joined(change, read)

    for bound in (None, 0, 1):
        assert explore(program, Exhaustive(bound), data="off")
    failure = failure_of(program, Random(300), data="off")
    assert failure.preemptions == 1
    assert fails_again(program, failure, data="off")


def test_a_failure_drawn_at_random_is_made_simple(monkeypatch: pytest.MonkeyPatch) -> None:
    """A thread that was stopped goes on at once, where a search would take too long."""
    monkeypatch.setattr("threadsim.exploration.reports.shrink.MINIMISE", 2_000)

    def philosophers() -> None:
        forks = [threading.Lock() for _ in range(6)]

        def dine(number: int) -> None:
            for _ in range(2):
                with forks[number], forks[(number + 1) % 6]:
                    pass

        for number in range(6):
            threading.Thread(target=dine, args=(number,)).start()

    failure = failure_of(philosophers, Random(100))
    assert isinstance(failure.__cause__, Deadlock)
    assert failure.preemptions <= 5
    assert len(failure.schedule) <= 16


def test_a_long_run_of_defaults_takes_a_letter_for_each_26() -> None:
    """What happens late in a program is written shortly."""

    def program() -> None:
        lock, stop = threading.Lock(), threading.Event()

        def late() -> None:
            stop.set()

        threading.Thread(target=late).start()
        for turn in range(40):
            with lock:
                assert turn < 35 or not stop.is_set()

    failure = failure_of(program, Exhaustive(1))
    assert failure.schedule.startswith("z")
    assert fails_again(program, failure)


def test_whoever_looks_at_a_lock_makes_its_release_a_place_to_switch() -> None:
    """A look at a lock that somebody else is about to free replays as well."""

    def program() -> None:
        assert not written_programs.set_inside_a_lock_then_locked()

    failure = failure_of(program)
    assert failure.schedule.startswith("+")
    assert fails_again(program, failure)


def test_random_search_switches_at_releases_once_somebody_looks() -> None:
    """A random search learns of such looks on its way."""

    def program() -> None:
        assert not written_programs.set_inside_a_lock_then_locked()

    assert fails_again(program, failure_of(program, Random(200)))


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (
            lambda: Exhaustive(max_preemptions=-1),
            "Exhaustive(max_preemptions=-1): pass a whole number, 0 or more, or None for no bound.",
        ),
        (
            lambda: Exhaustive(max_schedules=0),
            "Exhaustive(max_schedules=0): pass a whole number, 1 or more, or None for no limit.",
        ),
        (lambda: Random(0), "Random(schedules=0): pass a whole number, 1 or more."),
        (lambda: PCT(0), "PCT(depth=0): pass a whole number, 1 or more."),
        (lambda: PCT(schedules=-1), "PCT(schedules=-1): pass a whole number, 1 or more."),
    ],
    ids=["bound", "limit", "random", "depth", "pct"],
)
def test_a_strategy_that_would_run_nothing_is_refused(
    make: Callable[[], object], message: str
) -> None:
    """A limit of zero is a mistake."""
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        make()


@pytest.mark.parametrize("number", ["5", 1.5, True])
@pytest.mark.parametrize(
    ("strategy", "option"),
    [
        (Exhaustive, "max_preemptions"),
        (Exhaustive, "max_schedules"),
        (Random, "schedules"),
        (Random, "seed"),
        (PCT, "depth"),
        (PCT, "schedules"),
        (PCT, "seed"),
    ],
)
def test_an_option_that_is_no_whole_number_is_refused(
    strategy: Any, option: str, number: object
) -> None:
    """A text or a flag is told when the strategy is made."""
    text = f"^{strategy.__name__}\\({option}={number!r}\\): pass a whole number"
    with pytest.raises(TypeError, match=text):
        strategy(**{option: number})


@pytest.mark.parametrize("value", ["no", 0, None])
def test_what_is_on_or_off_is_nothing_else(value: Any) -> None:
    """A text would count as true, whatever it says."""
    for option in ("spurious_wakeups", "early_timeouts", "keep_going"):
        text = f"^explore\\({option}={value!r}\\): pass True or False.$"
        with pytest.raises(TypeError, match=text):
            explore(written_programs.lost_wake_up, **{option: value})
    with pytest.raises(TypeError, match=r"^Exhaustive\(reduction=.*\): pass True or False.$"):
        Exhaustive(reduction=value)


def test_a_strategy_without_its_call_is_told_in_a_marker() -> None:
    """Pytest takes it for what is to be marked, and it then takes the test for a number."""
    text = r"^Random\(schedules=<function .*A test is marked with @pytest.mark.explore\(Random\(\)"
    with pytest.raises(TypeError, match=text):
        pytest.mark.explore(Random)(asking)  # type: ignore[arg-type]


def test_an_exploration_inside_a_simulation_is_refused() -> None:
    """One virtual world at a time."""
    with Simulation(), pytest.raises(NotModelled, match="explore\\(\\) beside or inside"):
        explore(written_programs.lost_wake_up)


def test_an_exploration_beside_that_of_another_thread_is_refused() -> None:
    """So is a simulation: both swap names for the whole process. Afterwards one may begin."""
    told: list[str] = []

    def enter() -> None:
        with pytest.raises(NotModelled) as caught:
            explore(threading.Event)
        told.append(str(caught.value))
        with pytest.raises(NotModelled) as caught:
            Simulation().__enter__()
        told.append(str(caught.value))

    with world_of(threading.Event) as world:
        world.run(Replay([]), switch_points=NECESSARY)
        thread = threading.Thread(target=enter)
        thread.start()
        thread.join()
    text = "beside or inside another one has no model: names are replaced for the whole process"
    assert [text in each for each in told] == [True, True]
    with Simulation():
        pass


def test_a_busy_loop_ends_in_a_step_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    """A program that never comes to its end fails instead of exploring for ever."""
    monkeypatch.setattr("threadsim.exploration.runner.MAX_STEPS", 500)

    def program() -> None:
        while True:
            time.sleep(0)

    cause = failure_of(program, Random(1)).__cause__
    assert type(cause).__name__ == "StepLimit"
    assert "let it wait, as Event.wait and Queue.get do." in str(cause)


def test_a_program_that_sleeps_for_days_ends_in_a_time_limit() -> None:
    """So does one that lets time pass for ever."""

    def program() -> None:
        while True:
            time.sleep(36_000)

    cause = failure_of(program, Random(1)).__cause__
    assert type(cause).__name__ == "TimeLimit"
    assert "let the program end the loop" in str(cause)


def test_a_pool_that_nobody_shuts_down_ends_with_the_program() -> None:
    """As at the interpreter's exit, idle workers are told to end."""

    def program() -> None:
        pool = ThreadPoolExecutor(1)
        assert pool.submit(lambda: 1).result() == 1
        program.pool = pool  # type: ignore[attr-defined]  # Not collected before the exit.

    assert explore(program, Exhaustive(1)).complete


def test_a_pool_that_has_not_been_ended_yet_takes_jobs_again() -> None:
    """Where the warm-up has used no pool, the string says that the end is a place to switch."""

    def program() -> None:
        def work() -> None:
            with suppress(RuntimeError):  # It was.
                ThreadPoolExecutor(1).submit(str)
                raise ValueError

        threading.Thread(target=work, daemon=True).start()

    failure = failure_of(program)
    assert isinstance(failure.__cause__, ValueError)
    assert failure.schedule.startswith("+")
    assert fails_again(program, failure)


def test_time_and_dates_agree_in_every_schedule() -> None:
    """Each schedule begins at the same instant and sees its own time."""
    began: set[float] = set()

    def program() -> None:
        began.add(time.time())
        threading.Thread(target=time.sleep, args=(5,)).start()
        time.sleep(2)
        assert time.time() - min(began) == 2

    assert explore(program).complete
    assert len(began) == 1


def test_ctrl_c_ends_an_exploration() -> None:
    """An interrupt is no failure of the program."""

    def program() -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        explore(program)


def test_a_lock_without_a_variable_is_named_by_its_line() -> None:
    """Of many locks in a list each has the line that made it."""

    def program() -> None:
        locks = [threading.Lock() for _ in range(2)]  # made

        def take(first: int, second: int) -> None:
            with locks[first], locks[second]:
                pass

        written_programs.joined(lambda: take(0, 1), lambda: take(1, 0))

    line = next(
        number
        for number, text in enumerate(Path(__file__).read_text("utf-8").splitlines(), 1)
        if text.endswith("# made")
    )
    text = f"waits for ever to acquire Lock test_explore_failures.py:{line}, held by Thread-"
    assert text in " ".join(str(failure_of(program)).replace("│", "").split())
