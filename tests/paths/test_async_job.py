"""A coroutine function as a task: threads do not run it."""

from typing import Any

import pytest

from outcomes import Answer, Hang, Program


async def report(_job_synchronizer: Any, _task_id: int) -> None:
    """Do whatever it does, if anybody awaits it."""


@pytest.mark.rows("E5")
def test_an_async_job(program: Program) -> None:
    """A coroutine function is called and never run, and is said to have ended without a report."""
    with pytest.warns(RuntimeWarning, match="never awaited"):
        outcome = program.ask(task=report, num_tasks=1)
    assert outcome == program.does(
        documented=Hang("wait_for_tasks_to_be_completed", at=0.0),
        corrected=Answer(200, ["Task 0 failed: it did not call notify_task_completion"], after=0.0),
    )
