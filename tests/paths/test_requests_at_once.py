"""Several requests at once: each one gets an answer, with jobs of its own."""

from typing import Any

import pytest

from outcomes import Answer, Aside, Hang, Program
from threadsim import Simulation

WAIT = "wait_for_tasks_to_be_completed"
CONFLICT = Answer(500, "ConflictingIdError", after=0.0)


def at_once(count: int, app: Any, sim: Simulation) -> tuple[Any, ...]:
    """Make so many requests at one instant."""
    requests = [Aside(app, sim) for _ in range(count)]
    return tuple(request.outcome() for request in requests)


@pytest.mark.rows("D5", "D6")
def test_two_requests_at_once(program: Program, completed: list[str]) -> None:
    """Two requests of one instant are both answered; the jobs of one wait for workers."""

    def scenario(sim: Simulation) -> tuple[Any, ...]:
        return at_once(2, program.module.create_app(), sim)

    # Twenty jobs are due at one instant, j0 of both requests first, and there are ten workers.
    assert program.run(scenario) == program.does(
        documented=(Answer(200, completed, after=10.0), CONFLICT),
        corrected=(Answer(200, completed, after=20.0), Answer(200, completed, after=20.0)),
    )


@pytest.mark.rows("D6")
def test_two_requests_at_once_and_the_deadline(program: Program, completed: list[str]) -> None:
    """Two requests of one instant that need more workers than there are both get what is known."""

    def scenario(sim: Simulation) -> tuple[Any, ...]:
        options = program.does(documented={}, corrected={"timeout": 20.0})
        return at_once(2, program.module.create_app(**options), sim)

    known = {
        "error": "5 of 10 tasks had not reported after 20.0 s",
        "statuses": completed[:5],
        "pending": ["Task 5", "Task 6", "Task 7", "Task 8", "Task 9"],
    }
    assert program.run(scenario) == program.does(
        documented=(Answer(200, completed, after=10.0), CONFLICT),
        corrected=(Answer(504, known, after=20.0), Answer(504, known, after=20.0)),
    )


@pytest.mark.rows("D6")
def test_three_requests_at_once(program: Program, completed: list[str]) -> None:
    """Three requests of one instant are all answered."""

    def scenario(sim: Simulation) -> tuple[Any, ...]:
        return at_once(3, program.module.create_app(num_tasks=3), sim)

    answer = Answer(200, completed[:3], after=10.0)
    assert program.run(scenario) == program.does(
        documented=(answer, CONFLICT, CONFLICT), corrected=(answer, answer, answer)
    )


@pytest.mark.rows("D6", "E4")
def test_a_second_request_just_before_the_first_ends(
    program: Program, completed: list[str]
) -> None:
    """A request that comes while the first one's jobs are in their last moments is answered."""

    def scenario(sim: Simulation) -> tuple[Any, ...]:
        app = program.module.create_app()
        first = Aside(app, sim)
        sim.clock.tick(9.999)
        second = Aside(app, sim)
        return first.outcome(), second.outcome()

    assert program.run(scenario) == program.does(
        documented=(Answer(200, completed, after=10.0), Hang(WAIT, at=3610.0)),
        corrected=(
            Answer(200, completed, after=10.0),
            Answer(200, completed, after=10.001),
        ),
    )
