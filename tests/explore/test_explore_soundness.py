"""Reduction loses no outcome: it is compared with trying every order, on many small programs."""

from collections.abc import Iterable

import pytest
from lock_programs import PLAIN, WITH_TRIES, Program, bodies, programs, runnable
from searching import outcome_of, outcomes
from written_programs import PROGRAMS, WITH_FAULTS, WITH_TIME
from written_programs import Program as Written

from apscheduler_fakes import PCT, Exhaustive, Random
from apscheduler_fakes.exploration import Strategy, schedules
from apscheduler_fakes.world import World

# Every order of these takes minutes; the session `soundness` takes them.
LARGE = {"bounded_buffer_with_one_condition", "barrier_reuse"}

SMALL = [each for each in PROGRAMS if each.__name__ not in LARGE]


def outcomes_of(world: World, program: Program, strategy: Strategy) -> set[str]:
    """Return every outcome of a generated program."""
    seen: list[object] = []
    world.program = runnable(program, seen)
    found = set()
    for ran in schedules(world, strategy):
        if not ran.cut:
            found.add(f"{seen} {'' if ran.error is None else outcome_of(ran.error)}")
    return found


def assert_nothing_is_lost(set_: Iterable[Program], bounds: tuple[int | None, ...]) -> None:
    with World(lambda: None) as world:
        for program in set_:
            for bound in bounds:
                every = outcomes_of(world, program, Exhaustive(bound, reduction=False))
                assert outcomes_of(world, program, Exhaustive(bound)) == every, (program, bound)


@pytest.mark.parametrize(
    ("operations", "longest", "threads", "number"),
    [
        (PLAIN, 3, 2, 56),
        (PLAIN, 3, 3, 280),
        (WITH_TRIES, 3, 2, 1056),
        (WITH_TRIES, 2, 3, 570),
    ],
)
def test_the_generated_set_is_finite_and_whole(
    operations: tuple[str, ...], longest: int, threads: int, number: int
) -> None:
    """The programs of so many threads and lock operations on two locks are so many."""
    assert sum(1 for _ in programs(operations, longest, threads)) == number


def test_a_generated_thread_releases_what_it_holds_and_takes_what_it_does_not() -> None:
    """Of one and two operations there are six threads without tries."""
    assert bodies(PLAIN, 2) == [("A",), ("B",), ("A", "a"), ("A", "B"), ("B", "A"), ("B", "b")]


def test_two_threads_with_three_operations_on_two_locks_keep_every_outcome() -> None:
    """Whatever two threads can make of two locks is found with reduction, bounded or not."""
    assert_nothing_is_lost(programs(PLAIN, 3, 2), (None, 0, 1, 2))


def test_three_threads_with_two_operations_on_two_locks_keep_every_outcome() -> None:
    """Whatever three threads can make of two locks is found with reduction, bounded or not."""
    assert_nothing_is_lost(programs(PLAIN, 2, 3), (None, 0, 1, 2))


def test_two_threads_that_try_locks_keep_every_outcome() -> None:
    """Whoever tries a lock without waiting sees all it could see, within two preemptions."""
    assert_nothing_is_lost(programs(WITH_TRIES, 2, 2), (0, 1, 2))


def test_a_thread_that_tries_two_locks_keeps_every_outcome() -> None:
    """Whoever tries locks that another takes together sees all it could see."""
    set_ = [(first, ("?A", "?B")) for first in bodies(PLAIN, 3)]
    assert_nothing_is_lost(set_, (None,))


@pytest.mark.parametrize("bound", [None, 0, 1, 2])
@pytest.mark.parametrize("program", SMALL)
def test_a_written_program_keeps_every_outcome(program: Written, bound: int | None) -> None:
    """Every outcome of a program is found with reduction, and nothing else is."""
    found = outcomes(program, Exhaustive(bound))
    assert found.keys() == outcomes(program, Exhaustive(bound, reduction=False)).keys()


@pytest.mark.parametrize("bound", [None, 0, 1])
@pytest.mark.parametrize("program", WITH_TIME)
def test_a_program_with_early_timeouts_keeps_every_outcome(
    program: Written, bound: int | None
) -> None:
    """Every outcome of a wait that may time out at any moment is found with reduction."""
    every = outcomes(program, Exhaustive(bound, reduction=False), early=True)
    assert outcomes(program, Exhaustive(bound), early=True).keys() == every.keys()


@pytest.mark.parametrize("bound", [None, 0, 1])
@pytest.mark.parametrize(
    "name", ["condition_with_a_predicate", "condition_on_a_plain_lock", "lost_wake_up"]
)
def test_a_program_with_spurious_wake_ups_keeps_every_outcome(name: str, bound: int | None) -> None:
    """Every outcome of a wait that may end by itself is found with reduction."""
    (program,) = (each for each in PROGRAMS if each.__name__ == name)
    every = outcomes(program, Exhaustive(bound, reduction=False), spurious=True)
    assert outcomes(program, Exhaustive(bound), spurious=True).keys() == every.keys()


@pytest.mark.parametrize("program", PROGRAMS)
@pytest.mark.parametrize("strategy", [Random(30), PCT(3, 30)])
def test_sampling_finds_nothing_else(program: Written, strategy: Strategy) -> None:
    """Random orders and random priorities lead to outcomes that the exhaustive search knows."""
    assert outcomes(program, strategy).keys() <= outcomes(program, Exhaustive()).keys()


def test_there_are_enough_written_programs() -> None:
    """At least forty programs are compared, and eleven of them are known as bad."""
    assert len(PROGRAMS) >= 40
    assert len(WITH_FAULTS) == 11
