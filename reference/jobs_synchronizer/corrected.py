"""The published program made right: the same program, with only what has to change changed.

Names, order, routes, strings, host and port are those of ``documented``; ``diff documented.py
corrected.py`` is the lesson. What it promises: every request is answered. 200 with the JSON list of
statuses, in the order of their reports, when every task has reported, a failed one with a text that
says so; 504 with what is known at the deadline; 503 when the scheduler does not run. Any number of
requests may run at once.

What it leaves out: it learns only at its deadline that a job was removed, refused or lost, and a
job that has not begun by then runs when it can, for nobody. While somebody's ``shutdown()`` waits
for its jobs, ``add_job`` waits too, and no deadline ends that. Its jobs carry a lock, so they can
live in memory and in threads only.
"""

import argparse
import contextlib
import json
import threading
import time
import traceback
import uuid
from collections.abc import Callable, Sequence

from apscheduler.jobstores.base import JobLookupError
from apscheduler.schedulers.base import BaseScheduler
from flask import Flask
from flask_apscheduler import APScheduler

JSON = {"Content-Type": "application/json"}
NOT_RUNNING = (
    "The scheduler does not run. Start it; Flask-APScheduler's start() does nothing under "
    "FLASK_DEBUG outside the reloader's child, and on a host that SCHEDULER_ALLOWED_HOSTS does not "
    "name."
)


class JobsSynchronizer:
    """What a request waits on: counts finished tasks and keeps the statuses they report.

    Any number of threads may wait, before and after the last report.

    Args:
        num_tasks_to_complete: How many tasks will report, 0 or more.

    Raises:
        TypeError: ``num_tasks_to_complete`` is not an integer.
        ValueError: ``num_tasks_to_complete`` is negative.
    """

    def __init__(self, num_tasks_to_complete: int) -> None:
        if not isinstance(num_tasks_to_complete, int) or isinstance(num_tasks_to_complete, bool):
            raise TypeError(
                f"JobsSynchronizer({num_tasks_to_complete!r}): the number of tasks must be an int, "
                f"not {type(num_tasks_to_complete).__name__}. Pass how many tasks will report."
            )
        if num_tasks_to_complete < 0:
            raise ValueError(
                f"JobsSynchronizer({num_tasks_to_complete}): the number of tasks cannot be "
                "negative. Pass how many tasks will report, 0 for none."
            )
        self.condition = threading.Condition()
        self.current_completed = 0
        self.status_list: list[str] = []
        self.num_tasks_to_complete = num_tasks_to_complete

    def notify_task_completion(self, status_to_report: str | None = None) -> None:
        """Count one finished task, keep its status, and wake every waiter after the last one.

        Args:
            status_to_report: What the task says of itself; ``None`` keeps nothing.

        Raises:
            RuntimeError: Every task has reported already. Nothing changes for the waiters.
        """
        with self.condition:
            if self.current_completed == self.num_tasks_to_complete:
                raise RuntimeError(
                    f"notify_task_completion({status_to_report!r}): all "
                    f"{self.num_tasks_to_complete} tasks have reported already. Report once per "
                    "task, and count every task when making the JobsSynchronizer."
                )
            self.current_completed = self.current_completed + 1
            if status_to_report is not None:
                self.status_list.append(status_to_report)
            if self.current_completed == self.num_tasks_to_complete:
                # notify_all: several threads may wait on one synchronizer, and notify would
                # release only one of them.
                self.condition.notify_all()

    def wait_for_tasks_to_be_completed(self, timeout: float | None = None) -> bool:
        """Block until every task has reported.

        Args:
            timeout: Longest wait in seconds. ``None`` waits without limit, ``0`` looks once.

        Returns:
            Whether every task had reported when the wait ended.

        Raises:
            ValueError: No thread can wait for ``timeout``.

        Source: ``Condition.wait_for`` tests its predicate before the first wait and again after
        each wake-up, https://docs.python.org/3/library/threading.html#threading.Condition.wait_for
        """
        if timeout is not None and not timeout <= threading.TIMEOUT_MAX:
            raise ValueError(
                f"wait_for_tasks_to_be_completed({timeout!r}): no thread can wait for that. Pass "
                f"seconds up to {threading.TIMEOUT_MAX:.0f}, or None to wait without limit."
            )
        with self.condition:
            return self.condition.wait_for(
                lambda: self.current_completed == self.num_tasks_to_complete, timeout
            )

    def get_status_list(self) -> list[str]:
        """Return a snapshot of the statuses in the order in which they were reported."""
        with self.condition:
            return list(self.status_list)


class TaskReport:
    """The synchronizer as one task sees it: takes one report, and knows whether it came.

    Args:
        job_synchronizer: What the request waits on.
        task_id: The task's number, from 0.
    """

    def __init__(self, job_synchronizer: JobsSynchronizer, task_id: int) -> None:
        self._job_synchronizer = job_synchronizer
        self.task_id = task_id
        self.reported = False

    def notify_task_completion(self, status_to_report: str | None = None) -> None:
        """Report for this task.

        Args:
            status_to_report: What the task says of itself; ``None`` keeps nothing.

        Raises:
            RuntimeError: This task has reported already. Nothing changes for the waiters.
        """
        # The synchronizer's own lock: the view reads statuses and reports in one look.
        with self._job_synchronizer.condition:
            if self.reported:
                raise RuntimeError(
                    f"notify_task_completion({status_to_report!r}): Task {self.task_id} has "
                    "reported already, and a second report would stand for another task. "
                    "Report once per task."
                )
            self._job_synchronizer.notify_task_completion(status_to_report)
            self.reported = True

    def make_up(self, status_to_report: str) -> None:
        """Report for this task unless it has reported itself.

        Args:
            status_to_report: What is said of a task that said nothing.
        """
        with self._job_synchronizer.condition:
            if not self.reported:
                self.notify_task_completion(status_to_report)


def run_and_report(
    task: Callable[[TaskReport, int], object], task_report: TaskReport, task_id: int
) -> None:
    """Run one task and report for it when it ends without a report of its own.

    Args:
        task: What to run.
        task_report: What the task reports to.
        task_id: The task's number, from 0.
    """
    status = f"Task {task_id} failed: it ended without a report"
    try:
        task(task_report, task_id)
    except BaseException as error:
        # Also of an error whose own text cannot be had.
        said = "".join(traceback.format_exception_only(error)).strip()
        status = f"Task {task_id} failed: {said}"
        raise
    finally:
        task_report.make_up(status)


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
    timeout: float | None = 20.0,
) -> Flask:
    """Make the app and start its scheduler.

    Args:
        num_tasks: How many jobs a request adds.
        task: What each job runs, with what it reports to and the task's number.
        scheduler: The scheduler to start; ``None`` makes a ``BackgroundScheduler``.
        timeout: Longest wait of a request in seconds; ``None`` waits without limit.

    Returns:
        A Flask app with ``/`` and ``/run-tasks``; its scheduler is ``app.apscheduler``.

    Raises:
        TypeError: ``num_tasks`` is not an integer.
        ValueError: ``num_tasks`` is negative, or ``timeout`` no time that a thread can wait.
    """
    # What is wrong is refused here rather than in every request.
    JobsSynchronizer(num_tasks)
    longest = threading.TIMEOUT_MAX
    if timeout is not None and not (isinstance(timeout, int | float) and 0 <= timeout <= longest):
        raise ValueError(
            f"create_app(timeout={timeout!r}): no request can wait for that. Pass a number of "
            f"seconds from 0 to {longest:.0f}, or None to wait without limit."
        )
    app = Flask(__name__)
    scheduler = APScheduler(scheduler=scheduler)
    scheduler.init_app(app)
    scheduler.start()

    @app.route("/")
    def welcome() -> tuple[str, int]:
        return "Welcome to flask_apscheduler demo", 200

    @app.route("/run-tasks")
    def run_tasks() -> tuple[str, int, dict[str, str]]:
        refusal = json.dumps({"error": NOT_RUNNING}), 503, JSON
        if not scheduler.running:
            return refusal

        job_synchronizer = JobsSynchronizer(num_tasks)
        task_reports = [TaskReport(job_synchronizer, i) for i in range(num_tasks)]
        request_id = uuid.uuid4().hex
        with contextlib.ExitStack() as added:
            for i, task_report in enumerate(task_reports):
                job_id = "j" + str(i) + "-" + request_id
                # Before it is added: its store can have a job whose add_job fails.
                added.callback(take_back, app.apscheduler, job_id)  # type: ignore[attr-defined]
                app.apscheduler.add_job(  # type: ignore[attr-defined]  # set by init_app
                    func=run_and_report,
                    trigger="date",
                    args=[task, task_report, i],
                    id=job_id,
                    misfire_grace_time=None,
                )
            if not scheduler.running:
                return refusal
            added.pop_all()

        job_synchronizer.wait_for_tasks_to_be_completed(timeout)

        with job_synchronizer.condition:
            statuses = job_synchronizer.get_status_list()
            pending = [f"Task {report.task_id}" for report in task_reports if not report.reported]
        if pending:
            error = f"{len(pending)} of {num_tasks} tasks had not reported after {timeout} s"
            return json.dumps({"error": error, "statuses": statuses, "pending": pending}), 504, JSON
        return json.dumps(statuses), 200, JSON

    return app


def take_back(scheduler: APScheduler, job_id: str) -> None:
    """Remove a job that has not begun; one that has left the store runs to its end."""
    with contextlib.suppress(JobLookupError):
        scheduler.remove_job(job_id)


def main(argv: Sequence[str] | None = None) -> None:
    """Serve the app until interrupted.

    Args:
        argv: Command-line arguments; ``None`` takes those of the process.
    """
    parser = argparse.ArgumentParser(
        prog="python -m jobs_synchronizer",
        description="Serve the published program made right: /run-tasks adds ten jobs, waits for "
        "them for about ten seconds, and answers with their statuses.",
    )
    parser.add_argument(
        "--host", default="0.0.0.0", help="address to listen on (default: %(default)s)"
    )
    parser.add_argument("--port", default=12345, type=int, help="port (default: %(default)s)")
    parser.add_argument(
        "--timeout",
        default=20.0,
        type=float,
        help="longest wait of a request in seconds (default: %(default)s)",
    )
    options = parser.parse_args(argv)
    if options.port not in range(65536):
        parser.error(f"--port {options.port}: give a number from 0 (any free port) to 65535")
    longest = threading.TIMEOUT_MAX
    if not 0 <= options.timeout <= longest:
        parser.error(f"--timeout {options.timeout:g}: give seconds from 0 to {longest:.0f}")
    create_app(timeout=options.timeout).run(host=options.host, port=options.port)


if __name__ == "__main__":
    main()
