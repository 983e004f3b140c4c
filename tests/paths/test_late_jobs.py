"""Jobs that start late: more of them than workers, so that the last one waits for its turn."""

import pytest

from outcomes import Answer, Hang, Program, get
from threadsim import Simulation


@pytest.mark.rows("D4", "E3")
def test_more_jobs_than_workers(program: Program) -> None:
    """The eleventh job on ten workers starts ten seconds late, and runs."""
    # A store orders jobs of one instant by their ids' text: j10 comes before j2, and j9 is last.
    order = sorted(range(11), key=str)
    statuses = [f"Task {i} completed execution" for i in order]
    assert program.ask(num_tasks=11) == program.does(
        documented=Hang("wait_for_tasks_to_be_completed", at=10.0),
        corrected=Answer(200, statuses, after=20.0),
    )


@pytest.mark.rows("D4")
def test_more_jobs_than_workers_and_no_grace(program: Program) -> None:
    """On a scheduler that forgives any delay, the eleventh job runs in both programs."""
    forgiving = {"SCHEDULER_JOB_DEFAULTS": {"misfire_grace_time": None}}
    statuses = [f"Task {i} completed execution" for i in sorted(range(11), key=str)]

    def scenario(sim: Simulation) -> Answer:
        return get(program.make(forgiving, num_tasks=11), sim)

    assert program.run(scenario) == Answer(200, statuses, after=20.0)
