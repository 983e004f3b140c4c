"""A scheduler that does not run: no job will ever start."""

from apscheduler_fakes import Simulation
from outcomes import Answer, Hang, Program, get


def test_a_scheduler_that_was_shut_down(program: Program) -> None:
    """A request to a scheduler that does not run is refused at once."""

    def scenario(sim: Simulation) -> Answer:
        app = program.module.create_app()
        app.apscheduler.shutdown()
        return get(app, sim)

    assert program.run(scenario) == program.does(
        documented=Hang("wait_for_tasks_to_be_completed", at=0.0),
        corrected=Answer(503, {"error": "The scheduler does not run: start it."}, after=0.0),
    )
