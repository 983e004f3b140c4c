"""The sunny day: as many jobs as workers, each of which ends well."""

import pytest

from outcomes import Answer, Program, get
from threadsim import Simulation


@pytest.mark.rows("E1")
def test_the_sunny_day(
    program: Program, completed: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    """Ten jobs of ten seconds at once: after ten seconds one list has the ten statuses."""
    assert program.ask() == Answer(200, completed, after=10.0)
    assert capsys.readouterr().out.splitlines() == [
        f"Task {task} running iteration {i}" for i in range(10) for task in range(10)
    ]


def test_the_welcome_page(program: Program) -> None:
    """The root page greets, whatever the jobs do."""

    def scenario(sim: Simulation) -> Answer:
        return get(program.module.create_app(), sim, "/")

    assert program.run(scenario) == Answer(200, "Welcome to flask_apscheduler demo", after=0.0)


@pytest.mark.rows("E1")
def test_one_request_after_the_other(program: Program, completed: list[str]) -> None:
    """A request that begins when the one before it was answered is answered alike."""

    def scenario(sim: Simulation) -> tuple[Answer, Answer]:
        app = program.module.create_app()
        return get(app, sim), get(app, sim)

    answer = Answer(200, completed, after=10.0)
    assert program.run(scenario) == (answer, answer)
