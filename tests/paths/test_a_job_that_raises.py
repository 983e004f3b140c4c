"""A job that raises: what is said of it, and what of the others."""

import sys
import time
from typing import Any

import pytest
from apscheduler.events import EVENT_JOB_ERROR

from outcomes import Answer, Hang, Program, get
from threadsim import Simulation


def raising(job_synchronizer: Any, task_id: int) -> None:
    """Fail in the fourth task, halfway."""
    time.sleep(5)
    if task_id == 3:
        raise ValueError("boom")
    time.sleep(5)
    job_synchronizer.notify_task_completion(f"Task {task_id} completed execution")


@pytest.mark.rows("D3", "E2")
def test_a_job_that_raises(program: Program, completed: list[str]) -> None:
    """A job that raises is reported as failed, and the others' statuses arrive."""
    failed = "Task 3 failed: ValueError('boom')"
    assert program.ask(task=raising) == program.does(
        documented=Hang("wait_for_tasks_to_be_completed", at=10.0),
        corrected=Answer(200, [failed, *completed[:3], *completed[4:]], after=10.0),
    )


def leaving(_job_synchronizer: Any, _task_id: int) -> None:
    """End without a word."""


@pytest.mark.rows("E1")
def test_a_job_that_ends_without_a_report(program: Program) -> None:
    """A job that forgets to report is reported for."""
    assert program.ask(task=leaving, num_tasks=1) == program.does(
        documented=Hang("wait_for_tasks_to_be_completed", at=0.0),
        corrected=Answer(200, ["Task 0 failed: it did not call notify_task_completion"], after=0.0),
    )


def ask_and_listen(program: Program, task: Any) -> Any:
    """Ask for one task, and say which error APScheduler tells its listeners of."""

    def scenario(sim: Simulation) -> tuple[Answer, str]:
        app = program.module.create_app(num_tasks=1, task=task)
        errors: list[str] = []
        app.apscheduler.add_listener(
            lambda event: errors.append(type(event.exception).__name__), EVENT_JOB_ERROR
        )
        answer = get(app, sim)
        sim.settle()
        return answer, f"APScheduler has heard of {', '.join(errors) or 'nothing'}"

    return program.run(scenario)


@pytest.mark.rows("D3", "E2")
def test_a_job_that_exits(program: Program) -> None:
    """A job that leaves with SystemExit has failed, for APScheduler's listeners too."""

    def exiting(_job_synchronizer: Any, _task_id: int) -> None:
        sys.exit("enough")

    assert ask_and_listen(program, exiting) == program.does(
        documented=Hang("wait_for_tasks_to_be_completed", at=0.0),
        corrected=(
            Answer(200, ["Task 0 failed: SystemExit('enough')"], after=0.0),
            "APScheduler has heard of SystemExit",
        ),
    )


@pytest.mark.rows("D3", "E2")
def test_a_job_that_is_interrupted(program: Program) -> None:
    """KeyboardInterrupt, which is no Exception, is a failure like any other."""

    def interrupted(_job_synchronizer: Any, _task_id: int) -> None:
        raise KeyboardInterrupt

    assert ask_and_listen(program, interrupted) == program.does(
        documented=Hang("wait_for_tasks_to_be_completed", at=0.0),
        corrected=(
            Answer(200, ["Task 0 failed: KeyboardInterrupt()"], after=0.0),
            "APScheduler has heard of KeyboardInterrupt",
        ),
    )


def raising_in(iteration: int) -> Any:
    """Make the published task, with one bad iteration in the fourth one."""

    def task(job_synchronizer: Any, task_id: int) -> None:
        for i in range(10):
            if (task_id, i) == (3, iteration):
                raise ValueError("boom")
            time.sleep(1)
        job_synchronizer.notify_task_completion(f"Task {task_id} completed execution")

    return task


@pytest.mark.rows("D3", "E2")
def test_a_raise_in_the_first_iteration(program: Program, completed: list[str]) -> None:
    """A job that fails at once is the first status, and the others are waited for."""
    failed = "Task 3 failed: ValueError('boom')"
    assert program.ask(task=raising_in(0)) == program.does(
        documented=Hang("wait_for_tasks_to_be_completed", at=10.0),
        corrected=Answer(200, [failed, *completed[:3], *completed[4:]], after=10.0),
    )


@pytest.mark.rows("D3", "E2")
def test_a_raise_in_the_last_iteration(program: Program, completed: list[str]) -> None:
    """A job that fails at its very end has failed all the same."""
    failed = "Task 3 failed: ValueError('boom')"
    assert program.ask(task=raising_in(9)) == program.does(
        documented=Hang("wait_for_tasks_to_be_completed", at=10.0),
        corrected=Answer(200, [failed, *completed[:3], *completed[4:]], after=10.0),
    )


@pytest.mark.rows("D3", "E2")
def test_all_jobs_raise(program: Program) -> None:
    """When every job fails, the answer says so ten times."""

    def failing(_job_synchronizer: Any, task_id: int) -> None:
        raise ValueError(task_id)

    assert program.ask(task=failing) == program.does(
        documented=Hang("wait_for_tasks_to_be_completed", at=0.0),
        corrected=Answer(200, [f"Task {i} failed: ValueError({i})" for i in range(10)], after=0.0),
    )


@pytest.mark.rows("E2")
def test_a_raise_after_the_report(program: Program) -> None:
    """What a job has reported stands, whatever it does afterwards."""

    def late(job_synchronizer: Any, _task_id: int) -> None:
        job_synchronizer.notify_task_completion("done")
        raise ValueError("too late")

    assert program.ask(task=late, num_tasks=1) == Answer(200, ["done"], after=0.0)
