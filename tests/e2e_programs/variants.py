"""The published program with short iterations: right, or with one fault.

``python variants.py FAULT --host H --port P``; each fault is a function of this file.
"""

# ruff: noqa: T201  # Printed lines are what e2e follows.

import argparse
import socket
import time

from apscheduler.executors.pool import ThreadPoolExecutor
from apscheduler.schedulers.background import BackgroundScheduler

from jobs_synchronizer import documented

ITERATIONS = 10
SECONDS = 0.03


class SingleWorker(BackgroundScheduler):  # type: ignore[misc]  # APScheduler has no types.
    """A scheduler whose pool has a single worker, and whose jobs may start late."""

    def configure(self, *_: object, **__: object) -> None:
        """Configure it so whoever asks: Flask-APScheduler does, and drops what was set before."""
        super().configure(
            executors={"default": ThreadPoolExecutor(1)}, job_defaults={"misfire_grace_time": None}
        )


def fast_task(synchronizer: documented.JobsSynchronizer, task_id: int) -> None:
    """Do what the published task does, with short iterations."""
    for i in range(ITERATIONS):
        time.sleep(SECONDS)
        print(f"Task {task_id} running iteration {i}")
    synchronizer.notify_task_completion(f"Task {task_id} completed execution")


def right(host: str, port: int) -> None:
    """Have no fault."""
    documented.create_app(task=fast_task).run(host=host, port=port)


def single_worker(host: str, port: int) -> None:
    """Run one job after the other, as a pool with a single worker does."""

    def task(synchronizer: documented.JobsSynchronizer, task_id: int) -> None:
        for i in range(ITERATIONS):
            time.sleep(SECONDS / 10)
            print(f"Task {task_id} running iteration {i}")
        synchronizer.notify_task_completion(f"Task {task_id} completed execution")

    documented.create_app(task=task, scheduler=SingleWorker()).run(host=host, port=port)


def lost_iteration(host: str, port: int) -> None:
    """Print nine iterations in one of the jobs."""

    def task(synchronizer: documented.JobsSynchronizer, task_id: int) -> None:
        for i in range(ITERATIONS - (task_id == 7)):
            time.sleep(SECONDS)
            print(f"Task {task_id} running iteration {i}")
        synchronizer.notify_task_completion(f"Task {task_id} completed execution")

    documented.create_app(task=task).run(host=host, port=port)


def late(host: str, port: int) -> None:
    """Find the port taken by another program in the moment between look and start."""
    with socket.create_server((host, port)):
        documented.create_app().run(host=host, port=port)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("fault")
    parser.add_argument("--host", required=True)
    parser.add_argument("--port", required=True, type=int)
    options = parser.parse_args()
    globals()[options.fault](options.host, options.port)
