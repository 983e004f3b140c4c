"""A small Flask app on JobGroup, asked by ``group.py``.

``/run`` adds jobs and answers with what became of each: 200 when all have ended, 504 at the
deadline. ``/workers`` names the processes of the pool, ``/jobs`` counts the jobs in the store in a
file and those that the threads run, ``/restart`` restarts the scheduler.
"""

import argparse
import os
import time
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from typing import Any

from apscheduler.executors.pool import ProcessPoolExecutor, ThreadPoolExecutor
from apscheduler.jobstores.sqlalchemy import SQLAlchemyJobStore
from flask import Flask, request
from flask_apscheduler import APScheduler

from jobs_synchronizer import JobGroup


def work(number: int, seconds: float, raising: int) -> int:
    """Take some time and return the number, or raise it.

    Args:
        number: The job's number, from 0.
        seconds: How long it takes.
        raising: The number of the job that raises.

    Raises:
        ValueError: It is this one.
    """
    time.sleep(seconds)
    if number == raising:
        raise ValueError("boom")
    return number


def create_app(store: str) -> Flask:
    """Make the app and start its scheduler: ten threads, and a process pool of two.

    Args:
        store: Path of the SQLite file of the job store ``file``.
    """
    app = Flask(__name__)
    app.config["SCHEDULER_TIMEZONE"] = "UTC"
    app.config["SCHEDULER_EXECUTORS"] = {
        "default": ThreadPoolExecutor(10),
        "processes": ProcessPoolExecutor(2),
    }
    app.config["SCHEDULER_JOBSTORES"] = {"file": SQLAlchemyJobStore(f"sqlite:///{store}")}
    scheduler = APScheduler(app=app)
    scheduler.start()

    @app.get("/")
    def ready() -> str:
        return f"{os.getpid()}"

    @app.get("/run")
    def run() -> tuple[dict[str, Any], HTTPStatus]:
        given = request.args
        seconds = float(given.get("seconds", 0))
        date = datetime.now(UTC) + timedelta(seconds=float(given.get("in", 0)))
        with JobGroup(scheduler) as group:
            for number in range(int(given["count"])):
                group.add_job(
                    work,
                    args=[number, seconds, int(given.get("raising", -1))],
                    name=f"Task {number}",
                    jobstore=given.get("store", "default"),
                    executor=given.get("executor", "default"),
                    run_date=date,
                )
            result = group.wait(float(given.get("timeout", 20)))
        answer = {**result.as_json(), "values": list(result.values.values())}
        return answer, HTTPStatus.OK if result.all_done else HTTPStatus.GATEWAY_TIMEOUT

    @app.get("/workers")
    def workers() -> list[int]:
        return list(scheduler.scheduler._executors["processes"]._pool._processes)  # noqa: SLF001  # Nothing else tells.

    @app.get("/jobs")
    def jobs() -> list[int]:
        threads = scheduler.scheduler._executors["default"]  # noqa: SLF001  # As above.
        # One that ends while it is handed over has a count of 0 there until that is over.
        running = sum(threads._instances.copy().values())  # noqa: SLF001
        return [len(scheduler.scheduler.get_jobs("file")), running]

    @app.get("/restart")
    def restart() -> str:
        scheduler.shutdown(wait=False)
        # It keeps its pools, which are shut down: the new ones are made by start().
        scheduler.scheduler.remove_executor("default")
        scheduler.start()
        return "restarted"

    return app


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--host", required=True)
    parser.add_argument("--port", required=True, type=int)
    parser.add_argument("--store", required=True)
    options = parser.parse_args()
    create_app(options.store).run(host=options.host, port=options.port)
