"""documented.py is the published program: every fact of the text is measured on it."""

import contextlib
import inspect
import io
import json
from collections.abc import Callable
from functools import cache
from typing import Any, NamedTuple

import pytest
from apscheduler.events import EVENT_JOB_ADDED
from apscheduler.job import Job
from apscheduler.schedulers.background import BackgroundScheduler
from flask import Flask
from werkzeug.test import TestResponse

from jobs_synchronizer import documented
from jobs_synchronizer.documented import JobsSynchronizer, scheduled_task
from published_facts import FACTS
from threadsim import Simulation


class SunnyDay(NamedTuple):
    """One request to the whole program, in virtual time."""

    app: Flask
    running: bool
    jobs: list[Job]
    welcome: TestResponse
    answer: TestResponse
    printed: list[str]
    started: float
    seconds: float


@cache
def sunny_day() -> SunnyDay:
    jobs: list[Job] = []
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed), Simulation() as sim:
        scheduler = BackgroundScheduler()
        scheduler.add_listener(
            lambda event: jobs.append(scheduler.get_job(event.job_id)), EVENT_JOB_ADDED
        )
        started = sim.clock.now().timestamp()
        app = documented.create_app(scheduler=scheduler)
        client = app.test_client()
        return SunnyDay(
            app=app,
            running=app.apscheduler.running,  # type: ignore[attr-defined]
            jobs=jobs,
            welcome=client.get("/"),
            answer=client.get("/run-tasks"),
            printed=printed.getvalue().splitlines(),
            started=started,
            seconds=sim.clock.elapsed,
        )


@cache
def served() -> dict[str, Any]:
    """What ``main`` asks Flask to serve."""
    asked: dict[str, Any] = {}
    with pytest.MonkeyPatch.context() as patch, Simulation():
        patch.setattr(Flask, "run", lambda _app, **options: asked.update(options))
        documented.main([])
    return asked


def defaults(function: Any) -> dict[str, object]:
    parameters = inspect.signature(function).parameters
    return {name: each.default for name, each in parameters.items() if name != "self"}


def routes() -> dict[str, Any]:
    rules = sunny_day().app.url_map.iter_rules()
    return {rule.rule: rule for rule in rules}


def arguments() -> list[str]:
    """The arguments of the jobs, in the words of the list of facts."""
    jobs = sunny_day().jobs
    one_synchronizer = {type(job.args[0]) for job in jobs} == {JobsSynchronizer}
    assert len({id(job.args[0]) for job in jobs}) == 1
    numbers = [job.args[1] for job in jobs] == list(range(10))
    return ["the JobsSynchronizer of the request"] * one_synchronizer + [
        "the task's number"
    ] * numbers


MEASURED: dict[str, Callable[[], object]] = {
    "class": lambda: JobsSynchronizer.__name__,
    "constructor argument": lambda: list(defaults(JobsSynchronizer)),
    "attributes": lambda: sorted(vars(JobsSynchronizer(10))),
    "attributes at first": lambda: {
        name: vars(JobsSynchronizer(10))[name] for name in ("current_completed", "status_list")
    },
    "methods": lambda: sorted(name for name in vars(JobsSynchronizer) if name[0] != "_"),
    "notify_task_completion arguments": lambda: defaults(JobsSynchronizer.notify_task_completion),
    "task": lambda: defaults(documented.create_app)["task"].__name__,  # type: ignore[attr-defined]
    "task arguments": lambda: list(defaults(scheduled_task)),
    "routes": lambda: {path: routes()[path].endpoint for path in ("/", "/run-tasks")},
    "methods of the routes": lambda: sorted(
        # Flask adds these two by itself.
        (routes()["/"].methods | routes()["/run-tasks"].methods) - {"HEAD", "OPTIONS"}
    ),
    "welcome": lambda: (sunny_day().welcome.status_code, sunny_day().welcome.text),
    "jobs": lambda: len(sunny_day().jobs),
    "ids": lambda: [job.id for job in sunny_day().jobs],
    "trigger": lambda: str(sunny_day().jobs[0].trigger).partition("[")[0],
    "run date": lambda: (
        "immediately"
        if {job.trigger.run_date.timestamp() for job in sunny_day().jobs} == {sunny_day().started}
        else "later"
    ),
    "job arguments": arguments,
    "iterations": lambda: len([line for line in sunny_day().printed if line.startswith("Task 7 ")]),
    "seconds an iteration": lambda: sunny_day().seconds / 10,
    "printed line": lambda: sunny_day().printed[0].replace("0", "{}"),
    "status": lambda: json.loads(sunny_day().answer.text)[7].replace("7", "{}"),
    "status code": lambda: sunny_day().answer.status_code,
    "answer": lambda: (
        "a JSON list of status strings"
        if {type(status) for status in json.loads(sunny_day().answer.text)} == {str}
        else "something else"
    ),
    "seconds until the answer": lambda: sunny_day().seconds,
    "host": lambda: served()["host"],
    "port": lambda: served()["port"],
    "a scheduler at work": lambda: sunny_day().running,
}


@pytest.mark.parametrize("name", FACTS)
def test_the_published_fact_holds(name: str) -> None:
    """What the published text says of the program is true of documented.py."""
    assert MEASURED[name]() == FACTS[name].value


def test_every_measurement_is_of_a_published_fact() -> None:
    """Nothing is measured that the text does not say."""
    assert MEASURED.keys() == FACTS.keys()


def test_every_line_is_printed_ten_times_per_task() -> None:
    """Each of the ten tasks prints its ten iterations, in order."""
    for task in range(10):
        lines = [line for line in sunny_day().printed if line.startswith(f"Task {task} ")]
        assert lines == [f"Task {task} running iteration {i}" for i in range(10)]


def test_two_apps_in_one_process_do_not_meet() -> None:
    """Every app has a scheduler of its own, so the same ids do not collide."""
    with Simulation() as sim:
        first, second = (documented.create_app().test_client() for _ in range(2))
        statuses = [client.get("/run-tasks").status_code for client in (first, second)]
        assert (statuses, sim.clock.elapsed) == ([200, 200], 20.0)
