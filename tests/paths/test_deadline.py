"""A job that does not end: the request does."""

import threading
import time
from typing import Any

from outcomes import Answer, Hang, Program


def stuck(job_synchronizer: Any, task_id: int) -> None:
    """Wait for ever in the fourth task."""
    if task_id == 3:
        threading.Event().wait()
    time.sleep(task_id)
    job_synchronizer.notify_task_completion(f"Task {task_id} done")


def test_a_job_that_never_returns(program: Program) -> None:
    """At its deadline a request says what it knows and whom it waits for."""
    known = {
        "error": "1 of 5 tasks had not reported after 20.0 s",
        "statuses": ["Task 0 done", "Task 1 done", "Task 2 done", "Task 4 done"],
        "pending": ["Task 3"],
    }
    assert program.ask(task=stuck, num_tasks=5) == program.does(
        documented=Hang("wait_for_tasks_to_be_completed", at=4.0),
        corrected=Answer(504, known, after=20.0),
    )


def test_a_last_report_at_the_deadline(program: Program) -> None:
    """A report of the very instant of the deadline is late, and the request says so."""

    def last(job_synchronizer: Any, task_id: int) -> None:
        time.sleep(20)
        job_synchronizer.notify_task_completion(f"Task {task_id} done")

    known = {
        "error": "1 of 1 tasks had not reported after 20.0 s",
        "statuses": [],
        "pending": ["Task 0"],
    }
    assert program.ask(task=last, num_tasks=1) == program.does(
        documented=Answer(200, ["Task 0 done"], after=20.0),
        corrected=Answer(504, known, after=20.0),
    )
