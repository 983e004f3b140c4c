"""Reduction loses no outcome: it is compared with trying every order, on many small programs.

Here on a part of them, in seconds; on all of them in the session ``soundness``.
"""

import threading
from collections.abc import Callable, Iterable, Sequence
from itertools import permutations
from typing import Any

import pytest
import written_programs
from generated_sets import MOST, SETS, Bounds, Generated
from lock_programs import PLAIN, bodies, runnable_sections
from searching import outcomes, outcomes_in, outcomes_with_every_stop, world_of
from written_programs import PROGRAMS, WITH_FAULTS, WITH_TIME, started
from written_programs import Program as Written

from threadsim import PCT, Exhaustive, Random, explore
from threadsim.exploration.explore import begin, schedules

LONG = pytest.mark.soundness

# Without a bound reduction leaves out most, within one it does not let threads sleep.
FEW: Bounds = (None, 1)

# Every order of these takes minutes.
LARGE = {"bounded_buffer_with_one_condition", "barrier_reuse"}

# So many generated programs at a time take a minute or less.
SHARE = 20

# A naive reduction, or one with too few places to switch, fails on these.
FIRST = {
    "set_beside_is_set",
    "a_flag_looked_at_inside_and_outside_a_lock",
    "start_then_is_alive",
    "join_beside_start",
    "join_after_a_signal_and_beside_start",
    "join_of_a_thread_that_another_starts_and_that_never_ends",
    "a_thread_that_another_started_and_told_of",
    "barrier_looked_at_beside_its_action",
    "barrier_looked_at_beside_an_action_that_fails",
    "main_ends_before_a_daemon_has_run",
    "a_daemon_that_waits_in_time_for_a_lock_that_main_keeps",
    "a_daemon_that_waits_in_time_for_an_item_that_main_gets",
    "two_sleepers_with_one_deadline",
    "release_then_try_with_a_waiter",
    "empty_then_get_nowait",
    "lock_released_that_another_may_have_taken",
    "a_notification_under_a_lock_that_another_releases",
    "condition_with_a_timeout",
    "barrier_of_two",
    "lock_order_with_main",
    "lock_order_with_main_and_a_look",
    "futures_that_two_make",
}

# Stopping wherever one can, these have too many orders.
LARGE_WITH_EVERY_STOP = {
    *LARGE,
    "three_threads_with_two_locks_and_no_try",
    "two_starts_of_one_thread",
    "two_waiters_one_notify_all",
    "future_of_a_pool",
    "future_cancelled",
    "future_cancelled_beside_its_run",
    "three_threads_on_two_locks",
    "a_section_between_two",
    "barrier_looked_at_beside_an_action_that_fails",
    "threads_of_threads_beside_a_daemon",
    "semaphore_released_for_two",
    "queue_of_one_place_and_two_producers",
    "wrong_notify",
    "dining_philosophers",
    "readers_and_writers",
}

# With too few places to switch, some of these lose an outcome.
FIRST_WITH_EVERY_STOP = {
    "a_lock_that_two_release",
    "a_try_of_ones_own_lock_that_another_releases",
    "set_beside_is_set",
    "start_then_is_alive",
    "a_thread_that_another_started_and_told_of",
    "release_then_try_with_a_waiter",
    "locked_while_another_takes_two_locks",
    "a_look_between_two_events",
    "barrier_counted_from_outside",
    "lock_released_that_another_may_have_taken",
    "rlock_tried",
    "main_ends_before_a_daemon_has_run",
    "condition_with_a_timeout",
}

# The same with early time-outs.
LARGE_WITH_EVERY_STOP_EARLY = {
    "a_sleep_that_begins_beside_a_sleeper",
    "a_sleep_that_begins_beside_the_end_of_another",
    "barrier_with_a_timeout",
    "full_queue_in_time",
    "one_of_two_notified_in_time",
}
FIRST_WITH_EVERY_STOP_EARLY = {
    "queue_with_a_timeout",
    "a_look_at_the_clock_beside_a_wait_for_a_free_lock",
}


Part = Callable[[Iterable[Any], int], Sequence[Any]]


@pytest.fixture
def part(whole: bool) -> Part:
    """Take every so manieth of many; in the session ``soundness`` all of them."""
    return lambda things, every: list(things)[:: 1 if whole else every]


def assert_no_outcome_is_lost(
    program: Written, bounds: Iterable[int | None], **options: Any
) -> None:
    with world_of(program, **options) as world:
        for bound in bounds:
            every = outcomes_in(world, Exhaustive(bound, reduction=False)).keys()
            assert outcomes_in(world, Exhaustive(bound)).keys() == every, bound


@pytest.mark.parametrize("name", SETS)
def test_a_generated_set_is_finite_and_whole(name: str) -> None:
    """The programs of so many threads and operations are so many."""
    programs = list(SETS[name].programs())

    assert len(programs) == len(set(programs)) == SETS[name].number


def test_a_generated_thread_releases_what_it_holds_and_takes_what_it_does_not() -> None:
    """Of one and two operations there are six threads without tries."""
    assert bodies(PLAIN, 2) == [("A",), ("B",), ("A", "a"), ("A", "B"), ("B", "A"), ("B", "b")]


@pytest.mark.parametrize(
    ("name", "every", "bounds"),
    [
        ("locks-2x3", 28, FEW),
        ("locks-3x2", 14, FEW),
        ("main-2x3", 24, FEW),
        ("main-tries-2x2", 60, (0, 1)),
        ("tries-2x2", 40, (0, 1)),
        ("sections-2x3", 32, FEW),
        ("giving-way-3x1", 64, (0,)),
        ("times-2x2", 80, FEW),
        ("early-times-2x1", 9, FEW),
        ("events-2x2", 70, FEW),
        ("early-events-2x2", 70, (0, 1)),
        ("wake-ups-2x1", 2, (0,)),
        ("wake-ups-2x2", 40, (0,)),
        ("daemons-2x2", 60, FEW),
        ("daemons-in-time-3x1", 60, (0,)),
        ("daemons-woken-2x1", 10, (0,)),
    ],
)
def test_a_generated_program_keeps_every_outcome(name: str, every: int, bounds: Bounds) -> None:
    """Whatever threads make of locks, tries, time, wake-ups and ends is found with reduction."""
    generated = SETS[name]

    assert list(generated.losses(list(generated.programs())[::every], bounds)) == []


@LONG
@pytest.mark.parametrize(
    ("name", "share"),
    [(name, share) for name in SETS for share in range(0, len(SETS[name].some(MOST)), SHARE)],
)
def test_no_generated_program_loses_an_outcome(name: str, share: int) -> None:
    """The same for more of them, some at a time; and a sample finds nothing else."""
    generated = SETS[name]
    programs = generated.some(MOST)[share : share + SHARE]

    assert list(generated.losses(programs)) == []
    if None in generated.bounds:  # Else searching all of one takes too long.
        assert list(generated.strangers(programs, range(3))) == []


@pytest.mark.parametrize("name", ["locks-3x2", "main-2x3", "events-2x2", "daemons-2x2"])
def test_sampling_a_generated_program_finds_nothing_else(name: str) -> None:
    """Random search finds no outcome outside those of the exhaustive one."""
    generated = SETS[name]

    assert list(generated.strangers(list(generated.programs())[::48], range(2))) == []


def test_an_outcome_that_is_lost_is_seen() -> None:
    """Reduction takes for granted that data is shared under locks; this program's is not."""
    program = (("first",), ("second",))

    def runnable(_: object, seen: list[object]) -> Callable[[], None]:
        def run() -> None:
            seen.clear()
            started(lambda: seen.append("first"), lambda: seen.append("second"))

        return run

    unlocked = Generated(1, lambda: iter([program]), runnable)

    assert list(unlocked.losses(unlocked.programs(), (None,))) == [(program, None)]
    assert list(unlocked.strangers(unlocked.programs(), [0])) == [(program, 0)]


@pytest.mark.parametrize(
    ("program", "bound"),
    [
        # Orders that others lead to without a bound are found within one as well.
        ((("?A", "?B"), ("?B", "A"), ("?B", "A")), 1),
    ],
)
def test_three_threads_that_try_locks_keep_every_outcome(program: Any, bound: int | None) -> None:
    """What three threads can come to they come to with reduction too."""
    assert list(SETS["tries-3x2"].losses([program], (bound,))) == []


def test_a_thread_has_to_come_first_only_if_it_can() -> None:
    """Three threads take two locks, one after the other, in each order that there can be."""
    orders: list[object] = []
    run = runnable_sections((("A", "B"), ("B", "A"), ("A",)), orders)

    def program() -> Callable[[], object]:
        run()
        return lambda: str(orders[0])

    assert outcomes(program, Exhaustive()).keys() == {
        str({"A": [*ones], "B": [*others]})
        for ones in permutations(range(3))
        for others in permutations(range(2))
        if others == (1, 0) or ones.index(0) < ones.index(1)
    }


def test_a_thread_that_tries_two_locks_keeps_every_outcome() -> None:
    """Whoever tries locks that another takes together sees all it could see."""
    programs = [(first, ("?A", "?B")) for first in bodies(PLAIN, 3)]

    assert list(SETS["tries-2x2"].losses(programs[::20], (None,))) == []


@pytest.mark.parametrize(
    "program",
    [each if each.__name__ in FIRST else pytest.param(each, marks=LONG) for each in PROGRAMS],
)
def test_a_written_program_keeps_every_outcome(program: Written, part: Part) -> None:
    """Every outcome of a program is found with reduction, bounded or not, and nothing else is."""
    assert_no_outcome_is_lost(program, part((None, 1, 0, 2), 2))


@pytest.mark.parametrize(
    "program",
    [
        each if each.__name__ in FIRST_WITH_EVERY_STOP else pytest.param(each, marks=LONG)
        for each in PROGRAMS
        if each.__name__ not in LARGE_WITH_EVERY_STOP
    ],
)
def test_no_more_stops_make_another_outcome(program: Written, part: Part) -> None:
    """Stopping before every release, start and end leads to no outcome that is not found anyway."""
    with world_of(program) as world:
        for bound in part((None, 0, 1, 2), 2):
            every = outcomes_with_every_stop(world, bound).keys()
            assert outcomes_in(world, Exhaustive(bound)).keys() == every, bound


@pytest.mark.parametrize(
    "program",
    [
        each if each.__name__ in FIRST_WITH_EVERY_STOP_EARLY else pytest.param(each, marks=LONG)
        for each in WITH_TIME
        if each.__name__ not in LARGE_WITH_EVERY_STOP_EARLY
    ],
)
def test_no_more_stops_make_another_outcome_with_early_timeouts(program: Written) -> None:
    """So it is where time may move meanwhile."""
    with world_of(program, early_timeouts=True) as world:
        every = outcomes_with_every_stop(world, None).keys()
        assert outcomes_in(world, Exhaustive()).keys() == every


@pytest.mark.parametrize("bound", [None, 1])
def test_time_may_move_before_a_wait_begins(bound: int | None) -> None:
    """A sleep or time-out that begins looks at the clock: it ends that much later then."""
    program = written_programs.a_sleep_that_begins_when_a_lock_is_free
    found = outcomes(program, Exhaustive(bound), early_timeouts=True).keys()
    assert found == {(2, 2), (2, 4), (4, 2), (4, 4)}


def test_a_thread_is_stopped_with_a_lock_where_that_saves_a_preemption() -> None:
    """It goes on for nothing when another one waits for the lock."""
    with world_of(written_programs.a_section_between_two) as world:
        found = outcomes_in(world, Exhaustive(1)).keys()
        assert ("one", "other", "one", "other") in found
        assert found == outcomes_with_every_stop(world, 1).keys()


@pytest.mark.parametrize(
    ("program", "ends"),
    [
        (written_programs.is_alive_after_what_the_thread_did_last, {True, False}),
        (written_programs.set_inside_a_lock_then_locked, {True, False}),
        (written_programs.a_try_of_ones_own_lock_that_another_releases, {True, False}),
        (
            written_programs.a_lock_that_two_release,
            {"found free", "RuntimeError: release unlocked lock"},
        ),
        (written_programs.start_then_is_alive, {True, False}),
    ],
)
def test_whoever_looks_comes_before_and_after(program: Written, ends: set[object]) -> None:
    """A release, a start and an end are places to switch once somebody can tell."""
    assert outcomes(program, Exhaustive()).keys() == ends


@pytest.mark.parametrize(
    "program",
    [WITH_TIME[0], *(pytest.param(each, marks=LONG) for each in WITH_TIME[1:])],
)
def test_a_program_with_early_timeouts_keeps_every_outcome(program: Written, part: Part) -> None:
    """Every outcome of a wait that may time out at any moment is found with reduction."""
    assert_no_outcome_is_lost(program, part((None, 1, 0), 2), early_timeouts=True)


@pytest.mark.parametrize(
    "name",
    [
        "lost_wake_up",
        pytest.param("condition_with_a_predicate", marks=LONG),
        pytest.param("condition_on_a_plain_lock", marks=LONG),
    ],
)
def test_a_program_with_spurious_wake_ups_keeps_every_outcome(name: str, part: Part) -> None:
    """Every outcome of a wait that may end by itself is found with reduction."""
    assert_no_outcome_is_lost(
        getattr(written_programs, name), part((None, 1, 0), 2), spurious_wakeups=True
    )


@pytest.mark.parametrize(
    ("name", "bounds", "options"),
    [
        ("a_sleep_that_begins_beside_a_sleeper", (None, 1), {"early_timeouts": True}),
        ("two_sleepers_that_look_at_the_clock", (None, 0), {"early_timeouts": True}),
        ("a_look_at_the_clock_beside_a_wait_for_a_free_lock", (None,), {"early_timeouts": True}),
        ("two_waits_with_a_lock_between", (None, 1), {"spurious_wakeups": True}),
        ("two_waits_beside_one_notification", (0, 1), {"spurious_wakeups": True}),
        pytest.param(
            "two_waits_beside_one_notification", (None,), {"spurious_wakeups": True}, marks=LONG
        ),
        ("a_wait_beside_is_alive", (1,), {"spurious_wakeups": True}),
        pytest.param("a_wait_beside_is_alive", (None,), {"spurious_wakeups": True}, marks=LONG),
        ("futures_that_two_wait_for_in_time", (0, 1), {}),
        ("a_switch_for_nothing_within_a_run", (0,), {}),
        pytest.param("a_switch_for_nothing_within_a_run", (1,), {}, marks=LONG),
        ("a_daemon_that_takes_a_lock_twice", (0, 1, 2, None), {}),
        ("a_pool_of_a_thread_beside_the_end", (0, 1, 2), {}),
        ("a_pool_of_a_daemon_beside_the_end", (0, 1, 2), {}),
        pytest.param("a_pool_handed_a_job_beside_the_end", (0, 1, 2), {}, marks=LONG),
    ],
)
def test_what_comes_by_itself_keeps_every_outcome(
    name: str, bounds: tuple[int | None, ...], options: dict[str, bool]
) -> None:
    """Time, a wake-up without a notification and the end of daemons have every place."""
    assert_no_outcome_is_lost(getattr(written_programs, name), bounds, **options)


@pytest.mark.parametrize(
    ("name", "every"),
    [
        ("a_pool_of_a_thread_beside_the_end", {("ran",), ("refused",)}),
        ("a_pool_of_a_daemon_beside_the_end", {("ran",), ("refused",), ()}),
        (
            "a_pool_handed_a_job_beside_the_end",
            {("ran first", "ran"), ("ran first", "refused"), ("refused", "ran first")},
        ),
    ],
)
def test_the_end_of_a_program_ends_its_pools(
    name: str, every: set[object], monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is handed to a pool before runs, what comes later is refused: both are tried."""
    unraisable: list[object] = []
    monkeypatch.setattr("sys.unraisablehook", unraisable.append)

    assert outcomes(getattr(written_programs, name), Exhaustive()).keys() == every
    # Not even that a thread was ended in the callback that tells its pool's worker of it.
    assert unraisable == []


def test_sampling_finds_nothing_else(part: Part) -> None:
    """Random orders and random priorities lead to outcomes that the exhaustive search knows."""
    few = len(part(range(30), 30))
    with world_of(lambda: None) as world:
        for program in PROGRAMS:
            if program.__name__ in LARGE:
                continue
            world.program = program
            every = outcomes_in(world, Exhaustive()).keys()
            for strategy in (Random(few), PCT(3, few)):
                assert outcomes_in(world, strategy).keys() <= every, (program, strategy)


def main_between_two_sections() -> None:
    """Fail if main comes between two sections of a thread."""
    first, second, order = threading.Lock(), threading.Lock(), list[str]()

    def both() -> None:
        with first:
            order.append("first")
        with second:
            order.append("second")

    started(both)
    with first:
        order.append("main")
    assert order != ["first", "main"]


def test_pct_finds_in_each_schedule_what_it_promises() -> None:
    """A bug of two events is found by the first schedule already, of one seed in n·k at least."""
    threads, seeds = 2, range(100)
    steps = explore(main_between_two_sections, Exhaustive(max_preemptions=0)).deepest
    with world_of(main_between_two_sections) as world:
        firsts = [next(schedules(world, begin(world, PCT(2, 1, seed)))) for seed in seeds]

    assert sum(bool(ran.errors) for ran in firsts) >= len(seeds) / (threads * steps)


def test_there_are_enough_written_programs() -> None:
    """At least forty programs are compared, and eleven of them are known as bad."""
    assert len(PROGRAMS) >= 40
    assert len(WITH_FAULTS) == 11
