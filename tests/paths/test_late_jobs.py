"""Jobs that start late: more of them than workers, so that the last one waits for its turn."""

from outcomes import Answer, Hang, Program


def test_more_jobs_than_workers(program: Program) -> None:
    """The eleventh job on ten workers starts ten seconds late, and runs."""
    options = program.does(documented={}, corrected={"timeout": 30.0})
    # A store orders jobs of one instant by their ids' text: j10 comes before j2, and j9 is last.
    order = sorted(range(11), key=str)
    statuses = [f"Task {i} completed execution" for i in order]
    assert program.ask(num_tasks=11, **options) == program.does(
        documented=Hang("wait_for_tasks_to_be_completed", at=10.0),
        corrected=Answer(200, statuses, after=20.0),
    )
