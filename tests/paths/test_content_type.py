"""The answer's content type: statuses can carry any text, such as an exception's."""

from outcomes import Hang, Program
from threadsim import Simulation


def test_the_content_type(program: Program) -> None:
    """A list of statuses is sent as JSON, so that no browser takes a status for a page."""

    def scenario(_sim: Simulation) -> str:
        app = program.module.create_app(num_tasks=1)
        return str(app.test_client().get("/run-tasks").mimetype)

    assert program.run(scenario) == program.does(
        documented="text/html", corrected="application/json"
    )


def test_the_content_type_of_a_refusal(program: Program) -> None:
    """What is said instead of a list is JSON too: at the deadline, and without a scheduler."""

    def scenario(_sim: Simulation) -> str:
        options = program.does(documented={}, corrected={"timeout": 1.0})
        app = program.module.create_app(num_tasks=1, **options)
        types = [app.test_client().get("/run-tasks").mimetype]
        app.apscheduler.shutdown()
        types.append(app.test_client().get("/run-tasks").mimetype)
        return ", ".join(types)

    assert program.run(scenario) == program.does(
        documented=Hang("wait_for_tasks_to_be_completed", at=10.0),
        corrected="application/json, application/json",
    )
