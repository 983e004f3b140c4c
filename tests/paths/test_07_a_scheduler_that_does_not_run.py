"""D7, a scheduler that does not run.

On a scheduler that was not started or was shut down, the published program hangs. ``add_job``
accepts the jobs for a later start, and nothing runs them meanwhile. The corrected program asks
``scheduler.running`` before it adds a job, and answers 503 at once.
"""

from collections.abc import Callable
from typing import Any

import pytest
from apscheduler.executors.pool import ThreadPoolExecutor
from flask_apscheduler import APScheduler

from outcomes import (
    NOT_RUNNING,
    WAIT,
    Answer,
    Aside,
    Hang,
    Program,
    done,
    get,
    later,
    taking,
    with_rows,
)
from threadsim import Simulation

pytestmark = pytest.mark.rows("D7")


def never_started(program: Program) -> Any:
    """Make an app whose scheduler is not started."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(APScheduler, "start", lambda _self: None)
        return program.create_app()


def shut_down(program: Program) -> Any:
    """Make an app and shut its scheduler down."""
    app = program.create_app()
    app.apscheduler.shutdown()
    return app


def in_debug_mode(program: Program) -> Any:
    """Make an app as ``flask run --debug`` does in its first process."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("FLASK_DEBUG", "1")
        return program.create_app()


def on_another_host(program: Program) -> Any:
    """Make an app on a host that its configuration does not name."""
    return program.create_app({"SCHEDULER_ALLOWED_HOSTS": ["elsewhere"]})


WHY: dict[str, Callable[[Program], Any]] = {
    "it was shut down": shut_down,
    "it was never started": never_started,
    "FLASK_DEBUG": in_debug_mode,
    "SCHEDULER_ALLOWED_HOSTS": on_another_host,
}


@pytest.mark.parametrize(
    "why",
    with_rows(
        {
            "it was shut down": "",
            "it was never started": "E26",
            "FLASK_DEBUG": "E26",
            "SCHEDULER_ALLOWED_HOSTS": "E26",
        }
    ),
)
def test_a_scheduler_that_does_not_run(program: Program, why: str) -> None:
    """A request is refused at once, also where Flask-APScheduler does not start in silence."""

    def scenario(sim: Simulation) -> Answer:
        return get(WHY[why](program), sim)

    assert program.run(scenario) == program.does(
        documented=Hang(WAIT, at=0.0), corrected=NOT_RUNNING
    )


def test_a_scheduler_that_is_started_late(program: Program, completed: list[str]) -> None:
    """A request that comes too early is refused, and the next one after the start is answered."""

    def scenario(sim: Simulation) -> tuple[Any, ...]:
        app = never_started(program)
        early = Aside(app, sim)
        sim.clock.tick(1)
        app.apscheduler.start()
        outcome = early.outcome()
        return outcome, get(app, sim)

    # The published program's jobs wait for the start, and one second is within their grace time.
    assert program.run(scenario) == program.does(
        documented=(Answer(200, completed, after=11.0), Answer(200, completed, after=10.0)),
        corrected=(NOT_RUNNING, Answer(200, completed, after=10.0)),
    )


@pytest.mark.rows("E27")
def test_a_job_removed_before_the_start(program: Program) -> None:
    """A request that is refused has no jobs that somebody could remove before the start."""

    def scenario(sim: Simulation) -> Any:
        app = never_started(program)
        request = Aside(app, sim)
        sim.settle()
        app.apscheduler.remove_all_jobs()
        app.apscheduler.start()
        return request.outcome()

    assert program.run(scenario) == program.does(
        documented=Hang(WAIT, at=3600.0), corrected=NOT_RUNNING
    )


@pytest.mark.rows("E17")
def test_a_request_while_a_shutdown_waits(program: Program) -> None:
    """A request to a scheduler that waits for its last jobs is refused at once."""

    def scenario(sim: Simulation) -> Answer:
        app = program.create_app()
        Aside(app, sim)
        later(1, app.apscheduler.shutdown)
        sim.clock.tick(2)
        return get(app, sim)

    assert program.run(scenario) == program.does(
        documented=Hang(WAIT, at=10.0), corrected=NOT_RUNNING
    )


@pytest.mark.parametrize("shutdown", with_rows({"that waits": "E17", "that does not wait": "E18"}))
def test_a_shutdown_while_jobs_run(program: Program, shutdown: str) -> None:
    """Jobs that the pool has, running or in its queue, run to their end after a shutdown."""

    def scenario(sim: Simulation) -> Answer:
        config = {"SCHEDULER_EXECUTORS": {"default": ThreadPoolExecutor(1)}}
        app = program.create_app(config, num_tasks=3, task=taking(0.5))
        later(0.1, lambda: app.apscheduler.shutdown(wait=shutdown == "that waits"))
        return get(app, sim)

    assert program.run(scenario) == Answer(200, done(0, 1, 2), after=1.5)


def test_a_restart_with_a_new_pool(program: Program, completed: list[str]) -> None:
    """A scheduler that is started again with a new pool answers as before."""

    def scenario(sim: Simulation) -> Any:
        app = program.create_app()
        app.apscheduler.shutdown()
        app.apscheduler.scheduler.remove_executor("default")
        app.apscheduler.start()
        return get(app, sim)

    assert program.run(scenario) == Answer(200, completed, after=10.0)
