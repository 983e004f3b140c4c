"""A notification before the wait: jobs that end before the request waits for them."""

from typing import Any

from apscheduler_fakes import FakeScheduler
from outcomes import Answer, Hang, Program


def report(job_synchronizer: Any, task_id: int) -> None:
    """Take no time."""
    job_synchronizer.notify_task_completion(f"Task {task_id} completed execution")


def test_a_notification_before_the_wait(program: Program, completed: list[str]) -> None:
    """A status that was reported before the request waits still reaches the response."""
    scheduler = FakeScheduler(immediate=True)  # Every job runs inside add_job.
    assert program.ask(task=report, scheduler=scheduler) == program.does(
        documented=Hang("wait_for_tasks_to_be_completed", at=0.0),
        corrected=Answer(200, completed, after=0.0),
    )
