"""D6, a second request while the first one's jobs run.

The published program answers the second request with a 500, or hangs. Both requests use the same
job ids: a job in the store is a conflict, and a job that runs is one instance of the one that
``max_instances`` allows, so the second request's jobs are skipped. The corrected program gives
each job an id of its own, and waits long enough for two requests at once.
"""

from typing import Any

import pytest

from outcomes import WAIT, Answer, Aside, Hang, Program, get, timed_out
from threadsim import Simulation

pytestmark = pytest.mark.rows("D6")

CONFLICT = Answer(500, "ConflictingIdError", after=0.0)


def both(app: Any, sim: Simulation) -> tuple[Answer | Hang, ...]:
    """Make two requests at one instant."""
    requests = [Aside(app, sim) for _ in range(2)]
    return tuple(request.outcome() for request in requests)


LATER = {"after a second": 1.0, "at the last moment": 9.999}


@pytest.mark.rows("E4")
@pytest.mark.parametrize("comes", LATER)
def test_a_second_request(program: Program, completed: list[str], comes: str) -> None:
    """A request that comes while another one's jobs run is answered, with jobs of its own."""

    def scenario(sim: Simulation) -> tuple[Answer | Hang, ...]:
        app = program.create_app()
        first = Aside(app, sim)
        sim.clock.tick(LATER[comes])
        second = Aside(app, sim)
        return first.outcome(), second.outcome()

    # The pool has ten workers: the second request's jobs begin when the first one's end.
    first, wait = Answer(200, completed, after=10.0), round(20 - LATER[comes], 3)
    assert program.run(scenario) == program.does(
        documented=(first, Hang(WAIT, at=3610.0)),
        corrected=(first, Answer(200, completed, after=wait)),
    )


@pytest.mark.rows("D5")
def test_two_requests_at_once(program: Program, completed: list[str]) -> None:
    """Two requests at one instant are both answered; half of the jobs wait for a worker."""

    def scenario(sim: Simulation) -> tuple[Answer | Hang, ...]:
        return both(program.create_app(), sim)

    # Twenty jobs are due at one instant, j0 of both requests first, and there are ten workers.
    answer = Answer(200, completed, after=20.0)
    assert program.run(scenario) == program.does(
        documented=(Answer(200, completed, after=10.0), CONFLICT), corrected=(answer, answer)
    )


def test_two_requests_at_once_and_a_short_timeout(program: Program, completed: list[str]) -> None:
    """A timeout that is too short for the jobs of both: each gets what is known, and no hang."""

    def scenario(sim: Simulation) -> tuple[Answer | Hang, ...]:
        return both(program.create_app(timeout=20.0), sim)

    known = timed_out([5, 6, 7, 8, 9], completed[:5], timeout=20.0)
    assert program.run(scenario) == program.does(
        documented=(Answer(200, completed, after=10.0), CONFLICT), corrected=(known, known)
    )


@pytest.mark.rows("D5", "E22")
def test_a_request_after_one_that_timed_out(program: Program) -> None:
    """Jobs that a timeout left in the store do not hinder a later request, and run for nobody."""

    def scenario(sim: Simulation) -> tuple[Any, ...]:
        app = program.create_app(num_tasks=2)
        app.apscheduler.pause()
        first, second = get(app, sim), get(app, sim)
        waiting = len(app.apscheduler.get_jobs())
        app.apscheduler.resume()
        sim.settle()
        return first, second, f"{waiting} jobs were in the store, {len(sim.threads) - 2} ran"

    late = timed_out([0, 1])
    assert program.run(scenario) == program.does(
        documented=Hang(WAIT, at=0.0),
        corrected=(late, late, "4 jobs were in the store, 4 ran"),
    )
