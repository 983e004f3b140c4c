"""The happy path: ten jobs for ten workers, and every job ends well.

The published program adds ten jobs, waits, and answers with their statuses after ten seconds. It
works because the request waits before the last job ends, and no other request comes meanwhile. The
corrected program answers alike, with the list as JSON.
"""

from typing import Any

import pytest

from outcomes import Answer, Program, done, get, taking
from threadsim import Simulation


@pytest.mark.rows("E1")
def test_ten_jobs(
    program: Program, completed: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    """Ten jobs of ten seconds run at once: after ten seconds the answer has ten statuses."""
    assert program.ask() == Answer(200, completed, after=10.0)
    assert capsys.readouterr().out.splitlines() == [
        f"Task {task} running iteration {i}" for i in range(10) for task in range(10)
    ]


@pytest.mark.rows("E1")
def test_jobs_that_take_no_time(program: Program) -> None:
    """Jobs that take no time are answered for at once, if the request waits first."""
    assert program.ask(num_tasks=3, task=taking(0)) == Answer(200, done(0, 1, 2), after=0.0)


@pytest.mark.rows("E1")
def test_one_request_after_the_other(program: Program, completed: list[str]) -> None:
    """A request that begins when the one before it was answered gets the same answer."""

    def scenario(sim: Simulation) -> tuple[Answer, Answer]:
        app = program.create_app()
        return get(app, sim), get(app, sim)

    answer = Answer(200, completed, after=10.0)
    assert program.run(scenario) == (answer, answer)


def test_the_content_type(program: Program) -> None:
    """The statuses are sent as JSON, so that no browser takes a status for a page."""

    def scenario(_sim: Simulation) -> str:
        return str(program.create_app(num_tasks=1).test_client().get("/run-tasks").mimetype)

    assert program.run(scenario) == program.does(
        documented="text/html", corrected="application/json"
    )


STATUSES = {"None": None, "an empty one": ""}


@pytest.mark.parametrize("status", STATUSES)
def test_a_status_of_no_text(program: Program, status: str) -> None:
    """A notification with None counts and adds no status; an empty text is a status."""

    def task(job_synchronizer: Any, _task_id: int) -> None:
        job_synchronizer.notify_task_completion(STATUSES[status])

    kept = {"None": [], "an empty one": [""]}
    assert program.ask(num_tasks=1, task=task) == Answer(200, kept[status], after=0.0)


def test_the_welcome_page(program: Program) -> None:
    """The root page greets, whatever the jobs do."""

    def scenario(sim: Simulation) -> Answer:
        return get(program.create_app(), sim, "/")

    assert program.run(scenario) == Answer(200, "Welcome to flask_apscheduler demo", after=0.0)
