"""A scheduler that does not run: no job will ever start."""

from typing import Any

import pytest
from flask_apscheduler import APScheduler

from outcomes import REFUSAL, Answer, Aside, Hang, Program, get
from threadsim import Simulation

WAIT = "wait_for_tasks_to_be_completed"
REFUSED = Answer(503, REFUSAL, after=0.0)


@pytest.mark.rows("D7")
def test_a_scheduler_that_was_shut_down(program: Program) -> None:
    """A request to a scheduler that does not run is refused at once."""

    def scenario(sim: Simulation) -> Answer:
        app = program.module.create_app()
        app.apscheduler.shutdown()
        return get(app, sim)

    assert program.run(scenario) == program.does(documented=Hang(WAIT, at=0.0), corrected=REFUSED)


@pytest.mark.rows("D1", "D7")
def test_no_jobs_on_a_scheduler_that_was_shut_down(program: Program) -> None:
    """A request with nothing to do is refused like any other, however the scheduler was stopped."""

    def scenario(sim: Simulation) -> Answer:
        app = program.module.create_app(num_tasks=0)
        app.apscheduler.shutdown(wait=False)
        return get(app, sim)

    assert program.run(scenario) == program.does(documented=Hang(WAIT, at=0.0), corrected=REFUSED)


def unstarted(program: Program) -> Any:
    """Make an app whose scheduler somebody has still to start."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(APScheduler, "start", lambda _self: None)
        return program.module.create_app()


@pytest.mark.rows("D7", "E26")
def test_a_scheduler_that_was_never_started(program: Program) -> None:
    """A request to a scheduler whose start never came is refused at once."""

    def scenario(sim: Simulation) -> Answer:
        return get(unstarted(program), sim)

    assert program.run(scenario) == program.does(documented=Hang(WAIT, at=0.0), corrected=REFUSED)


@pytest.mark.rows("D7", "E26")
def test_flask_debug(program: Program) -> None:
    """Under FLASK_DEBUG the scheduler is not started, in silence, and requests are refused."""

    def scenario(sim: Simulation) -> Answer:
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("FLASK_DEBUG", "1")
            app = program.module.create_app()
        return get(app, sim)

    assert program.run(scenario) == program.does(documented=Hang(WAIT, at=0.0), corrected=REFUSED)


@pytest.mark.rows("D7", "E26")
def test_a_host_that_is_not_allowed(program: Program) -> None:
    """On a host that SCHEDULER_ALLOWED_HOSTS does not name, requests are refused."""

    def scenario(sim: Simulation) -> Answer:
        return get(program.make({"SCHEDULER_ALLOWED_HOSTS": ["elsewhere"]}), sim)

    assert program.run(scenario) == program.does(documented=Hang(WAIT, at=0.0), corrected=REFUSED)


@pytest.mark.rows("E27")
def test_a_job_removed_before_the_start(program: Program) -> None:
    """Jobs that wait for a start, and are removed meanwhile, are waited for by nobody."""

    def scenario(sim: Simulation) -> Any:
        app = unstarted(program)
        request = Aside(app, sim)
        sim.settle()
        app.apscheduler.remove_all_jobs()
        app.apscheduler.start()
        return request.outcome()

    assert program.run(scenario) == program.does(
        documented=Hang(WAIT, at=3600.0), corrected=REFUSED
    )


@pytest.mark.rows("D7")
def test_a_scheduler_that_is_started_late(program: Program, completed: list[str]) -> None:
    """A request that came too early was refused; the next one after the start is answered."""

    def scenario(sim: Simulation) -> tuple[Any, ...]:
        app = unstarted(program)
        early = Aside(app, sim)
        sim.clock.tick(1)
        app.apscheduler.start()
        outcome = early.outcome()
        return outcome, get(app, sim)

    # The published program's jobs waited for the start, and one second is within their grace.
    assert program.run(scenario) == program.does(
        documented=(Answer(200, completed, after=11.0), Answer(200, completed, after=10.0)),
        corrected=(REFUSED, Answer(200, completed, after=10.0)),
    )
