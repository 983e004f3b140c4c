"""The default search finds shallow bugs first, and says how far it came."""

import threading
from collections.abc import Callable

import pytest
import written_programs
from test_explore_the_synchronizer import program as notified

from jobs_synchronizer import corrected
from threadsim import Exhaustive, ExplorationIncomplete, ScheduleFailure, explore
from threadsim.exploration.strategies.iterative_bound import IterativeBound


def rounds(number: int, *, check: bool = False) -> Callable[[], None]:
    """Return a program whose two threads take one lock so many times.

    It fails if the second thread runs as a whole between the first two turns of the first one: a
    single preemption, early in a program with a great many orders.
    """

    def program() -> None:
        lock, turns = threading.Lock(), list[str]()

        def take(name: str) -> None:
            for _ in range(number):
                with lock:
                    turns.append(name)

        threads = [threading.Thread(target=take, args=(name,)) for name in "ab"]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert not check or turns[: number + 2] != ["a", *"b" * number, "a"]

    return program


def test_a_bug_one_preemption_away_is_found_soon() -> None:
    """A search that goes deepest first comes to the early switches last."""
    program = rounds(12, check=True)
    with pytest.raises(ExplorationIncomplete):
        explore(program, Exhaustive(max_schedules=2000))
    with pytest.raises(ScheduleFailure):
        explore(program, IterativeBound(max_schedules=300))


@pytest.mark.parametrize(("notifiers", "orders"), [(1, 2), (2, 6), (3, 24), (4, 120)])
def test_a_small_program_is_complete(notifiers: int, orders: int) -> None:
    """Its distinct orders are counted, and what was executed for them besides."""
    done = explore(notified(corrected.JobsSynchronizer, notifiers, 1))
    assert (done.complete, done.within, done.schedules) == (True, None, orders)
    assert orders <= done.runs <= 2 * orders
    assert str(done).startswith(f"complete: {orders} schedules")


def test_a_large_program_is_complete_within_a_bound() -> None:
    """The claim names the largest bound within which every order was covered."""
    done = explore(rounds(8), IterativeBound(max_schedules=600))
    assert (done.within, done.runs) == (1, 600)
    within = explore(rounds(8), Exhaustive(1))
    assert (within.within, within.schedules) == (1, done.schedules)
    assert str(done).startswith(
        f"complete within 1 preemption: {done.schedules} schedules (600 runs)"
    )
    assert done.claim.startswith("no schedule fails within 1 preemption; ")


@pytest.mark.parametrize("budget", [{"max_schedules": 2}, {"max_steps": 30}])
def test_a_search_that_covers_no_bound_is_no_pass(budget: dict[str, int]) -> None:
    """It says how to come further."""
    with pytest.raises(ExplorationIncomplete) as caught:
        explore(notified(corrected.JobsSynchronizer, 3, 1), IterativeBound(**budget))
    text = str(caught.value)
    for part in ("not even those without a preemption", "fewer", "Random(200)", *budget):
        assert part in text


def test_the_budget_counts_steps_as_well() -> None:
    """A long program has fewer schedules in it."""
    done = explore(rounds(8), IterativeBound(max_steps=10_000))
    assert done.within is not None
    assert 100 < done.runs < 1000


def test_a_bound_that_cuts_nothing_is_complete() -> None:
    """A bounded search knows whether there are orders beyond its bound."""
    assert explore(written_programs.semaphore_of_one, Exhaustive(9)).within is None
    assert explore(written_programs.semaphore_of_one, Exhaustive(0)).within == 0


def test_a_bounded_search_counts_an_order_once() -> None:
    """Within a bound the same order may run more than once."""
    done = explore(notified(corrected.JobsSynchronizer, 2, 1), Exhaustive(9))
    assert done.within is None
    assert done.runs > done.schedules == 6
