"""D1, no jobs.

With no jobs to add, the published program hangs. It waits for a notification, and no job will ever
send one. The corrected program tests the count before it waits: none of none is all.
"""

import pytest

from outcomes import WAIT, Answer, Hang, Program

pytestmark = pytest.mark.rows("D1")


def test_no_jobs(program: Program) -> None:
    """A request that adds no jobs is answered at once, with an empty list."""
    assert program.ask(num_tasks=0) == program.does(
        documented=Hang(WAIT, at=0.0), corrected=Answer(200, [], after=0.0)
    )
