"""One job: the smallest group there is."""

from typing import Any

import pytest

from outcomes import Answer, Program


def report(job_synchronizer: Any, task_id: int) -> None:
    """Take no time."""
    job_synchronizer.notify_task_completion(f"Task {task_id} done")


@pytest.mark.rows("E1")
def test_one_job(program: Program) -> None:
    """A single job's status is a list of one."""
    answer = Answer(200, ["Task 0 completed execution"], after=10.0)
    assert program.ask(num_tasks=1) == answer


@pytest.mark.rows("E1")
def test_jobs_of_no_length(program: Program) -> None:
    """Jobs that take no time are answered for at once, when the request waits first."""
    statuses = ["Task 0 done", "Task 1 done", "Task 2 done"]
    assert program.ask(task=report, num_tasks=3) == Answer(200, statuses, after=0.0)
