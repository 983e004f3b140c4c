"""The corrected program with one job of ten that raises half-way."""

import argparse
import time

from jobs_synchronizer.corrected import TaskReport, create_app, scheduled_task


def raising_task(job_synchronizer: TaskReport, task_id: int) -> None:
    """Run the program's own task, but in job 3 four iterations and ``ValueError('boom')``."""
    if task_id != 3:  # noqa: PLR2004
        scheduled_task(job_synchronizer, task_id)
        return
    for i in range(4):
        time.sleep(1)
        print(f"Task {task_id} running iteration {i}")
    raise ValueError("boom")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--host", required=True)
    parser.add_argument("--port", required=True, type=int)
    options = parser.parse_args()
    create_app(task=raising_task).run(host=options.host, port=options.port)
