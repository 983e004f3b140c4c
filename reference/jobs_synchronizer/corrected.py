"""The published program made right: the same program, with only what has to change changed.

Names, order, routes and port are those of ``documented``; ``diff documented.py corrected.py`` is
the lesson. Its seven corrections:

1. The wait has a predicate: it sees what happened before it.
2. ``notify_all`` wakes every waiter.
3. ``get_status_list`` copies the list under the lock.
4. The wait has a timeout.
5. Each job id is unique.
6. ``misfire_grace_time=None``: a job that starts late runs.
7. ``finally`` sends a status for each task, also for one that raises.

Beside these it takes its jobs back when one cannot be added, answers in JSON, and, unless it is
told otherwise, listens on 127.0.0.1 and waits for 60 s at most. With a timeout every request is
answered, but for one case: ``add_job`` has no timeout, and waits for whoever keeps the scheduler's
locks, such as a ``shutdown()`` that waits for its jobs, or a job store that hangs. The answers are

* 200 with the statuses as a JSON list, in the order in which they were sent. A task that fails
  before it has reported has a status that says so.
* 504 at the timeout, with the statuses so far and the pending tasks.
* 503 when the scheduler does not run.
* 500 when a job cannot be added. The jobs of the request that are still in their store are removed.

What it leaves out: it learns only at its timeout that a job was removed, refused or lost, that the
scheduler is paused, or that the scheduler's thread is missing (``gunicorn --preload``). A job that
has not begun by then runs when it can, for nobody. Jobs carry a lock: they need a memory job store
and a thread pool. ``JobGroup`` is for the other cases.
"""

import argparse
import contextlib
import threading
import time
import uuid
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
        """Count one finished task, keep its status, and wake every waiter after the last one.

        Args:
            status_to_report: What the task says of itself; ``None`` keeps nothing.
        """
        with self.condition:
            self.current_completed = self.current_completed + 1
            if status_to_report is not None:
                self.status_list.append(status_to_report)
            if self.current_completed == self.num_tasks_to_complete:
                self.condition.notify_all()

    def wait_for_tasks_to_be_completed(self, timeout: float | None = None) -> bool:
        """Block until every task has reported.

        Args:
            timeout: Longest wait in seconds. ``None`` waits without limit, ``0`` looks once.

        Returns:
            Whether every task had reported when the wait ended.

        Source: ``Condition.wait_for`` tests its predicate before the first wait and again after
        each wake-up, https://docs.python.org/3/library/threading.html#threading.Condition.wait_for
        """
        with self.condition:
            return self.condition.wait_for(
                lambda: self.current_completed >= self.num_tasks_to_complete, timeout
            )

    def get_status_list(self) -> list[str]:
        """Return a copy of the statuses in the order in which they were reported."""
        with self.condition:
            return list(self.status_list)


class TaskReport:
    """The synchronizer as one task sees it: counts the task once, with its first status.

    Args:
        job_synchronizer: What the request waits on.
    """

    def __init__(self, job_synchronizer: JobsSynchronizer) -> None:
        self.job_synchronizer = job_synchronizer
        self.reported = False

    def notify_task_completion(self, status_to_report: str | None = None) -> None:
        """Count the task as finished, unless it was counted before, and keep its status.

        Args:
            status_to_report: What the task says of itself; ``None`` keeps nothing.
        """
        with self.job_synchronizer.condition:
            if not self.reported:
                self.reported = True
                self.job_synchronizer.notify_task_completion(status_to_report)


def run_and_report(
    task: Callable[[TaskReport, int], object], task_report: TaskReport, task_id: int
) -> None:
    """Run one task, and report for it unless it has done so itself.

    Args:
        task: What to run.
        task_report: What the task reports to.
        task_id: The task's number, from 0.
    """
    status = f"Task {task_id} failed: it did not call notify_task_completion"
    try:
        task(task_report, task_id)
    except BaseException as error:
        status = f"Task {task_id} failed: {error!r}"
        raise
    finally:
        task_report.notify_task_completion(status)


def scheduled_task(job_synchronizer: TaskReport, task_id: int) -> None:
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
    task: Callable[[TaskReport, int], object] = scheduled_task,
    scheduler: BaseScheduler | None = None,
    timeout: float | None = 60.0,
) -> Flask:
    """Make the app and start its scheduler.

    Args:
        num_tasks: How many jobs a request adds.
        task: What each job runs, with what it reports to and the task's number.
        scheduler: The scheduler to start; ``None`` makes a ``BackgroundScheduler``.
        timeout: Longest wait of a request in seconds; ``None`` waits without limit.

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
    def run_tasks() -> tuple[list[str] | dict[str, object], int]:
        if not scheduler.running:
            return {"error": "The scheduler does not run: start it."}, 503

        job_synchronizer = JobsSynchronizer(num_tasks)
        task_reports = [TaskReport(job_synchronizer) for _ in range(num_tasks)]
        job_ids = ["j" + str(i) + "-" + uuid.uuid4().hex for i in range(num_tasks)]
        try:
            for i in range(num_tasks):
                app.apscheduler.add_job(  # type: ignore[attr-defined]  # set by init_app
                    func=run_and_report,
                    trigger="date",
                    args=[task, task_reports[i], i],
                    id=job_ids[i],
                    misfire_grace_time=None,
                )
        except BaseException:
            for job_id in job_ids:
                with contextlib.suppress(Exception):
                    scheduler.remove_job(job_id)
            raise

        job_synchronizer.wait_for_tasks_to_be_completed(timeout)

        with job_synchronizer.condition:
            statuses = job_synchronizer.get_status_list()
            pending = [f"Task {i}" for i in range(num_tasks) if not task_reports[i].reported]
        if pending:
            error = f"{len(pending)} of {num_tasks} tasks had not reported after {timeout} s"
            return {"error": error, "statuses": statuses, "pending": pending}, 504
        return statuses, 200

    return app


def main(argv: Sequence[str] | None = None) -> None:
    """Serve the app until interrupted.

    Args:
        argv: Command-line arguments; ``None`` takes those of the process.
    """
    parser = argparse.ArgumentParser(
        prog="python -m jobs_synchronizer", description="Serve the corrected program."
    )
    parser.add_argument(
        "--host", default="127.0.0.1", help="address to listen on (default: %(default)s)"
    )
    parser.add_argument("--port", default=12345, type=int, help="port (default: %(default)s)")
    parser.add_argument(
        "--timeout", default=60.0, type=float, help="longest wait in s (default: %(default)s)"
    )
    options = parser.parse_args(argv)
    if options.port not in range(65536):
        parser.error(f"--port {options.port}: give a number from 0 (any free port) to 65535")
    create_app(timeout=options.timeout).run(host=options.host, port=options.port)


if __name__ == "__main__":
    main()
