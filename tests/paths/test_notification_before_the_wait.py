"""A notification before the wait: jobs that end before the request waits for them."""

from typing import Any

import pytest

from apscheduler_fakes import FakeScheduler
from outcomes import Answer, Hang, Program, get
from threadsim import Simulation


def report(job_synchronizer: Any, task_id: int) -> None:
    """Take no time."""
    job_synchronizer.notify_task_completion(f"Task {task_id} completed execution")


@pytest.mark.rows("D2")
def test_a_notification_before_the_wait(program: Program, completed: list[str]) -> None:
    """A status that was reported before the request waits still reaches the response."""
    scheduler = FakeScheduler(immediate=True)  # Every job runs inside add_job.
    assert program.ask(task=report, scheduler=scheduler) == program.does(
        documented=Hang("wait_for_tasks_to_be_completed", at=0.0),
        corrected=Answer(200, completed, after=0.0),
    )


@pytest.mark.rows("D2")
def test_the_last_report_just_before_the_wait(program: Program, completed: list[str]) -> None:
    """Of all reports only the last one can be lost, and it is not."""

    def scenario(sim: Simulation) -> Answer:
        app = program.module.create_app(num_tasks=3, task=report)
        add_job = app.apscheduler.add_job

        def add_and_let_run(*args: Any, **kwargs: Any) -> Any:
            job = add_job(*args, **kwargs)
            if kwargs["args"][-1] == 2:
                sim.settle()
            return job

        app.apscheduler.add_job = add_and_let_run
        return get(app, sim)

    assert program.run(scenario) == program.does(
        documented=Hang("wait_for_tasks_to_be_completed", at=0.0),
        corrected=Answer(200, completed[:3], after=0.0),
    )
