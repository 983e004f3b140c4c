"""Explorations come to the recorded outcomes, in the recorded number of schedules.

To write the files anew on purpose: ``RECORD=1 pytest tests/explore/test_explore_recorded.py`` on
each Python, the newest last, and there once more with ``--soundness 1/1``.
"""

import sys
from collections.abc import Callable, Iterator
from hashlib import sha256
from inspect import isfunction
from itertools import islice
from typing import Any

import pytest
import searching
import written_programs
from generated_sets import SETS, Generated
from lock_programs import Program
from searching import outcome_of, world_of
from written_programs import PROGRAMS, WITH_TIME

from recording import compare, compare_names
from threadsim import PCT, Exhaustive, Random
from threadsim.exploration.execution import Execution
from threadsim.exploration.explore import begin, schedules
from threadsim.exploration.runner import ScheduleRunner
from threadsim.exploration.strategies.strategy import Strategy

LONG = pytest.mark.soundness

WRITTEN, SOME, ALL = "written_programs.json", "some_generated.json", "all_generated.json"

# Of a program with more schedules than this, so many are recorded.
MOST = 3000
MOST_OF_GENERATED = 500

# So many programs of each generated set are recorded with all that they come to.
SHOWN = 8

# Those that stand in no list, as trying every order of them takes too long.
OTHERS: list[Callable[[], Any]] = [
    each
    for name, each in vars(written_programs).items()
    if isfunction(each) and name.startswith(("futures_that", "a_switch", "late_", "a_pool"))
    if each not in PROGRAMS
]

SPURIOUS = {
    "lost_wake_up",
    "condition_with_a_predicate",
    "condition_on_a_plain_lock",
    "two_waits_with_a_lock_between",
    "two_waits_beside_one_notification",
    "a_wait_beside_is_alive",
}

# Older standard libraries take other steps in these.
OLDER = {
    (3, 11): {
        "future_of_a_pool",
        "future_cancelled",
        "future_cancelled_beside_its_run",
        "a_pool_of_a_thread_beside_the_end",
        "a_pool_of_a_daemon_beside_the_end",
        "a_pool_handed_a_job_beside_the_end",
    },
}

STRATEGIES: dict[str, Strategy] = {
    "all": Exhaustive(),
    "no preemption": Exhaustive(0),
    "one preemption": Exhaustive(1),
    "Random": Random(20),
    "PCT": PCT(3, 20),
}
# What else may come.
OPTIONS: dict[str, dict[str, bool]] = {
    "early": {"early_timeouts": True},
    "spurious": {"spurious_wakeups": True},
}


class Told:
    """Counts what a search runs.

    Args:
        world: The world to run in.
        strategy: The search.
        most: After how many schedules it is left.
    """

    def __init__(self, world: ScheduleRunner, strategy: Strategy, most: int) -> None:
        self._every = islice(schedules(world, begin(world, strategy)), most)
        self.schedules = self.redundant = self.deepest = 0

    def __iter__(self) -> Iterator[Execution]:
        for ran in self._every:
            self.schedules += 1
            self.redundant += ran.cut
            self.deepest = max(self.deepest, len(ran.steps))
            yield ran


def explored(program: Callable[[], Any], strategy: Strategy, **options: Any) -> dict[str, Any]:
    with world_of(program, **options) as world:
        told = Told(world, strategy, MOST)
        outcomes = searching.counted(told)
    return {
        "outcomes": {
            each if isinstance(each, str) else repr(each): number
            for each, number in outcomes.items()
        },
        "schedules": told.schedules,
        "redundant": told.redundant,
        "deepest": told.deepest,
    }


def explored_generated(generated: Generated, program: Program) -> dict[str, Any]:
    seen: list[object] = []
    found: dict[str, int] = {}
    with world_of(generated.runnable(program, seen), **generated.options) as world:
        told = Told(world, Exhaustive(), MOST_OF_GENERATED)
        for ran in told:
            if not ran.cut:
                outcome = f"{seen} {outcome_of(*ran.errors)}".rstrip()
                found[outcome] = found.get(outcome, 0) + 1
    return {"outcomes": found, "schedules": told.schedules, "redundant": told.redundant}


def named(name: str, python: tuple[int, int]) -> str:
    """Return under which name a program is recorded that runs on a Python."""
    return f"{name} on Python {python[0]}.{python[1]}" if name in OLDER.get(python, ()) else name


def words(program: Program) -> str:
    return " | ".join(" ".join(map(str, body)) for body in program)


@pytest.mark.parametrize("program", [*PROGRAMS, *OTHERS])
def test_a_written_program_is_explored_as_recorded(program: Callable[[], Any]) -> None:
    """Each outcome comes as often, in as many schedules, whichever way is searched."""
    options = [
        *(["early"] if program in WITH_TIME else []),
        *(["spurious"] if program.__name__ in SPURIOUS else []),
    ]
    found = {name: explored(program, strategy) for name, strategy in STRATEGIES.items()} | {
        f"{name}, {option}": explored(program, STRATEGIES[name], **OPTIONS[option])
        for option in options
        for name in ("all", "no preemption", "one preemption")
    }

    compare(WRITTEN, named(program.__name__, sys.version_info[:2]), found)


def test_every_written_program_is_recorded() -> None:
    """No program is lost, and none is new."""
    programs = [each.__name__ for each in (*PROGRAMS, *OTHERS)]

    older = [named(name, python) for python, names in OLDER.items() for name in names]
    compare_names(WRITTEN, [*programs, *older])


@pytest.mark.parametrize("name", SETS)
def test_some_generated_programs_are_explored_as_recorded(name: str) -> None:
    """The same for some programs of each generated set, in full."""
    generated = SETS[name]
    programs = list(generated.programs())[:: -(-generated.number // SHOWN)]

    compare(SOME, name, {words(each): explored_generated(generated, each) for each in programs})


@LONG
@pytest.mark.parametrize("name", SETS)
def test_all_generated_programs_are_explored_as_recorded(name: str) -> None:
    """The same for all of them, in brief."""
    generated = SETS[name]
    brief: dict[str, str] = {}
    for program in generated.programs():
        found = explored_generated(generated, program)
        outcomes = found["outcomes"]
        digest = sha256(repr(sorted(outcomes.items())).encode()).hexdigest()[:8]
        brief[words(program)] = (
            f"{found['schedules']} schedules, {found['redundant']} redundant, "
            f"{len(outcomes)} outcomes {digest}"
        )

    assert len(brief) == generated.number
    compare(ALL, name, brief)


@pytest.mark.parametrize("file", [SOME, ALL])
def test_every_generated_set_is_recorded(file: str) -> None:
    """No set is lost, and none is new."""
    compare_names(file, SETS)
