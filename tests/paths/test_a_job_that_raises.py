"""A job that raises: what is said of it, and what of the others."""

import time
from typing import Any

from outcomes import Answer, Hang, Program


def raising(job_synchronizer: Any, task_id: int) -> None:
    """Fail in the fourth task, halfway."""
    time.sleep(5)
    if task_id == 3:
        raise ValueError("boom")
    time.sleep(5)
    job_synchronizer.notify_task_completion(f"Task {task_id} completed execution")


def test_a_job_that_raises(program: Program, completed: list[str]) -> None:
    """A job that raises is reported as failed, and the others' statuses arrive."""
    failed = "Task 3 failed: ValueError: boom"
    assert program.ask(task=raising) == program.does(
        documented=Hang("wait_for_tasks_to_be_completed", at=10.0),
        corrected=Answer(200, [failed, *completed[:3], *completed[4:]], after=10.0),
    )


def leaving(_job_synchronizer: Any, _task_id: int) -> None:
    """End without a word."""


def test_a_job_that_ends_without_a_report(program: Program) -> None:
    """A job that forgets to report is reported for."""
    assert program.ask(task=leaving, num_tasks=1) == program.does(
        documented=Hang("wait_for_tasks_to_be_completed", at=0.0),
        corrected=Answer(200, ["Task 0 failed: it ended without a report"], after=0.0),
    )
