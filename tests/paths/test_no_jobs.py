"""No jobs: nothing will ever notify."""

import pytest

from outcomes import Answer, Hang, Program


@pytest.mark.rows("D1")
def test_no_jobs(program: Program) -> None:
    """A request that adds no jobs is answered at once, with an empty list."""
    assert program.ask(num_tasks=0) == program.does(
        documented=Hang("wait_for_tasks_to_be_completed", at=0.0),
        corrected=Answer(200, [], after=0.0),
    )
