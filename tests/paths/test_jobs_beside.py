"""Other jobs on the same scheduler: they and the request's leave each other alone."""

from typing import Any

import pytest

from outcomes import Answer, Program, get
from threadsim import Simulation


@pytest.mark.rows("E1")
def test_a_job_that_adds_jobs(program: Program) -> None:
    """A job may add jobs; the request waits for its own only."""

    def scenario(sim: Simulation) -> tuple[Any, ...]:
        def task(job_synchronizer: Any, task_id: int) -> None:
            app.apscheduler.add_job(f"more {task_id}", ran.append, args=[task_id])
            job_synchronizer.notify_task_completion(f"Task {task_id} done")

        app = program.module.create_app(num_tasks=2, task=task)
        answer = get(app, sim)
        sim.settle()
        return answer, f"{len(ran)} more ran"

    ran: list[int] = []

    assert program.run(scenario) == (
        Answer(200, ["Task 0 done", "Task 1 done"], after=0.0),
        "2 more ran",
    )


@pytest.mark.rows("E1")
def test_an_interval_job_beside(program: Program, completed: list[str]) -> None:
    """A job that runs every three seconds goes on while a request waits."""

    def scenario(sim: Simulation) -> tuple[Any, ...]:
        app = program.module.create_app(num_tasks=9)
        app.apscheduler.add_job(
            "tick", lambda: ticks.append(sim.clock.elapsed), trigger="interval", seconds=3
        )
        return get(app, sim), f"ticks at {ticks}"

    ticks: list[float] = []

    assert program.run(scenario) == (
        Answer(200, completed[:9], after=10.0),
        "ticks at [3.0, 6.0, 9.0]",
    )
