"""The same job id twice: APScheduler refuses the second, whatever the published text says."""

import threading
from datetime import timedelta

import pytest

from outcomes import Answer, Hang, Program, get
from threadsim import Simulation


@pytest.mark.rows("D5")
def test_an_id_that_is_pending(program: Program, completed: list[str]) -> None:
    """A job of the same id that waits in the store does not fail the request."""

    def scenario(sim: Simulation) -> Answer:
        app = program.module.create_app()
        tomorrow = sim.clock.now() + timedelta(days=1)
        app.apscheduler.add_job("j3", print, trigger="date", run_date=tomorrow)
        return get(app, sim)

    assert program.run(scenario) == program.does(
        documented=Answer(500, "ConflictingIdError", after=0.0),
        corrected=Answer(200, completed, after=10.0),
    )


@pytest.mark.rows("D6", "E4")
def test_a_second_request_meanwhile(program: Program, completed: list[str]) -> None:
    """A request while another one's jobs run is answered, with jobs of its own."""

    def scenario(sim: Simulation) -> tuple[Answer, Answer]:
        app = program.module.create_app()
        first: list[Answer] = []
        thread = threading.Thread(target=lambda: first.append(get(app, sim)))
        thread.start()
        sim.clock.tick(1)
        second = get(app, sim)
        thread.join()
        return first[0], second

    # The pool has ten workers: the second request's jobs begin when the first one's end.
    assert program.run(scenario) == program.does(
        documented=Hang("wait_for_tasks_to_be_completed", at=10.0),
        corrected=(
            Answer(200, completed, after=10.0),
            Answer(200, completed, after=19.0),
        ),
    )
