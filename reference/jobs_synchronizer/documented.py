"""The published program: ten one-off jobs, one waiting request, faults included.

A Flask view adds ten one-off jobs, waits on a ``threading.Condition`` and answers with the jobs'
statuses as one JSON list about ten seconds later. This file does what the published program does,
in the same order and with the same names. Do not ship it: ship ``jobs_synchronizer.corrected``.

Differences from the published text, all so that it can be tested:

* ``create_app`` makes the app. It takes the number of tasks, the task and the scheduler, with the
  published values as defaults. Every app has a scheduler of its own.
* ``scheduled_task`` stands above the app, because it is a default value there.
* ``main`` starts the server, with a host and a port. In the published text the import does.
* Docstrings, type hints and this project's layout.

Its defects:

* D1, D2: ``wait_for_tasks_to_be_completed`` does not test the count. With no jobs, or when every
  job has ended before the wait begins, the request hangs.
* D3: a job that raises does not call ``notify_task_completion``. The request hangs.
* D4: a job that starts more than a second late (``misfire_grace_time``) is missed. With more jobs
  than the pool's ten workers, the request hangs.
* D5, D6: every request uses the same job ids. While the first request's jobs are in the store, a
  second request ends in ``ConflictingIdError`` and a 500, and the jobs that it has added stay.
  While they run, ``max_instances`` skips the second request's jobs, and it hangs.
* D7: nothing asks whether the scheduler runs. If it is stopped or paused, the request hangs.
* D8: the synchronizer holds a lock, and cannot be pickled. In a persistent job store the request
  ends in a 500, with a process pool it hangs.
* The wait has no timeout, which turns each of the above into a hang.
* ``notify`` wakes one waiter; a second one hangs.
* ``get_status_list`` returns the list itself, without the lock: a late status changes an answer.
* A job's second call of ``notify_task_completion`` counts for another job.
* The answer is sent as ``text/html``: a browser takes a status that holds markup for a page.
* It listens on all addresses, and answers the whole network.
"""

import argparse
import json
import threading
import time
from collections.abc import Callable, Sequence

from apscheduler.schedulers.base import BaseScheduler
from flask import Flask
from flask_apscheduler import APScheduler


class JobsSynchronizer:
    """What a request waits on: counts finished tasks and keeps the statuses they report.

    Args:
        num_tasks_to_complete: How many tasks will report.
    """

    def __init__(self, num_tasks_to_complete: int) -> None:
        self.condition = threading.Condition()
        self.current_completed = 0
        self.status_list: list[str] = []
        self.num_tasks_to_complete = num_tasks_to_complete

    def notify_task_completion(self, status_to_report: str | None = None) -> None:
        """Count one finished task, keep its status, and wake the waiter after the last one.

        Args:
            status_to_report: What the task says of itself; ``None`` keeps nothing.
        """
        with self.condition:
            self.current_completed = self.current_completed + 1
            if status_to_report is not None:
                self.status_list.append(status_to_report)
            if self.current_completed == self.num_tasks_to_complete:
                self.condition.notify()

    def wait_for_tasks_to_be_completed(self) -> None:
        """Block until the next notification, also when it has already been."""
        with self.condition:
            self.condition.wait()

    def get_status_list(self) -> list[str]:
        """Return the statuses in the order in which they were reported (the list itself)."""
        return self.status_list


def scheduled_task(job_synchronizer: JobsSynchronizer, task_id: int) -> None:
    """Run ten iterations of one second, print each, and report.

    Args:
        job_synchronizer: What to report to.
        task_id: The task's number, from 0.
    """
    for i in range(10):
        time.sleep(1)
        print("Task {} running iteration {}".format(task_id, i))

    job_synchronizer.notify_task_completion("Task {} completed execution".format(task_id))


def create_app(
    *,
    num_tasks: int = 10,
    task: Callable[[JobsSynchronizer, int], object] = scheduled_task,
    scheduler: BaseScheduler | None = None,
) -> Flask:
    """Make the app and start its scheduler.

    Args:
        num_tasks: How many jobs a request adds.
        task: What each job runs, with the synchronizer and the task's number.
        scheduler: The scheduler to start; ``None`` makes a ``BackgroundScheduler``.

    Returns:
        A Flask app with ``/`` and ``/run-tasks``; its scheduler is ``app.apscheduler``.
    """
    app = Flask(__name__)
    scheduler = APScheduler(scheduler=scheduler)
    scheduler.init_app(app)
    scheduler.start()

    @app.route("/")
    def welcome() -> tuple[str, int]:
        return "Welcome to flask_apscheduler demo", 200

    @app.route("/run-tasks")
    def run_tasks() -> tuple[str, int]:
        job_synchronizer = JobsSynchronizer(num_tasks)
        for i in range(num_tasks):
            app.apscheduler.add_job(  # type: ignore[attr-defined]  # set by init_app
                func=task,
                trigger="date",
                args=[job_synchronizer, i],
                id="j" + str(i),
            )

        job_synchronizer.wait_for_tasks_to_be_completed()

        return json.dumps(job_synchronizer.get_status_list()), 200

    return app


def main(argv: Sequence[str] | None = None) -> None:
    """Serve the app until interrupted.

    Args:
        argv: Command-line arguments; ``None`` takes those of the process.
    """
    parser = argparse.ArgumentParser(
        prog="python -m jobs_synchronizer.documented", description="Serve the published program."
    )
    parser.add_argument(
        "--host", default="0.0.0.0", help="address to listen on (default: %(default)s)"
    )
    parser.add_argument("--port", default=12345, type=int, help="port (default: %(default)s)")
    options = parser.parse_args(argv)
    if options.port not in range(65536):
        parser.error(f"--port {options.port}: give a number from 0 (any free port) to 65535")
    create_app().run(host=options.host, port=options.port)


if __name__ == "__main__":
    main()
