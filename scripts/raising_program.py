"""The corrected program with one job that raises half-way.

Started by ``scripts/e2e.py``; the nine other jobs are the program's own.
"""

import argparse
import time

from jobs_synchronizer.corrected import TaskReport, create_app, scheduled_task
from scenario import RAISING_AFTER, RAISING_JOB


def raising_task(job_synchronizer: TaskReport, task_id: int) -> None:
    """Run the program's own task, but for one job some iterations and ``ValueError: boom``.

    Args:
        job_synchronizer: What to report to.
        task_id: The task's number, from 0.

    Raises:
        ValueError: This is the job that raises.
    """
    if task_id != RAISING_JOB:
        scheduled_task(job_synchronizer, task_id)
        return
    for i in range(RAISING_AFTER):
        time.sleep(1)
        print(f"Task {task_id} running iteration {i}")  # What it is for.
    raise ValueError("boom")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--host", required=True)
    parser.add_argument("--port", required=True, type=int)
    options = parser.parse_args()
    create_app(task=raising_task).run(host=options.host, port=options.port)
