"""The answer's content type: statuses can carry any text, such as an exception's."""

from apscheduler_fakes import Simulation
from outcomes import Program


def test_the_content_type(program: Program) -> None:
    """A list of statuses is sent as JSON, so that no browser takes a status for a page."""

    def scenario(_sim: Simulation) -> str:
        app = program.module.create_app(num_tasks=1)
        return str(app.test_client().get("/run-tasks").mimetype)

    assert program.run(scenario) == program.does(
        documented="text/html", corrected="application/json"
    )
