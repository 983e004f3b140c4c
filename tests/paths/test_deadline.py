"""A job that does not end: the request does."""

import threading
import time
from collections.abc import Callable
from typing import Any

import pytest
from apscheduler.schedulers.background import BackgroundScheduler

from outcomes import Answer, Hang, Program, get
from threadsim import Simulation


def stuck(job_synchronizer: Any, task_id: int) -> None:
    """Wait for ever in the fourth task."""
    if task_id == 3:
        threading.Event().wait()
    time.sleep(task_id)
    job_synchronizer.notify_task_completion(f"Task {task_id} done")


def taking(seconds: float) -> Callable[[Any, int], None]:
    """Make a task that reports after so many seconds."""

    def task(job_synchronizer: Any, task_id: int) -> None:
        time.sleep(seconds)
        job_synchronizer.notify_task_completion(f"Task {task_id} done")

    return task


NOT_IN_TIME = Answer(
    504,
    {
        "error": "1 of 1 tasks had not reported after 60.0 s",
        "statuses": [],
        "pending": ["Task 0"],
    },
    after=60.0,
)

# What is known when the fourth task of five does not end.
STUCK = {
    "error": "1 of 5 tasks had not reported after 60.0 s",
    "statuses": ["Task 0 done", "Task 1 done", "Task 2 done", "Task 4 done"],
    "pending": ["Task 3"],
}


@pytest.mark.rows("E33")
def test_a_job_that_never_returns(program: Program) -> None:
    """At its deadline a request says what it knows and whom it waits for."""
    assert program.ask(task=stuck, num_tasks=5) == program.does(
        documented=Hang("wait_for_tasks_to_be_completed", at=4.0),
        corrected=Answer(504, STUCK, after=60.0),
    )


@pytest.mark.rows("E1")
def test_a_last_report_at_the_deadline(program: Program) -> None:
    """A report of the very instant of the deadline is in the answer or pending, never lost."""

    def scenario(sim: Simulation) -> tuple[Answer, Answer]:
        # The request begins to wait before the job begins to sleep, and then after it.
        first = get(program.module.create_app(task=taking(60), num_tasks=1), sim)
        scheduler = BackgroundScheduler()
        app = program.module.create_app(task=taking(60), num_tasks=1, scheduler=scheduler)
        add_job = scheduler.add_job

        def add_job_and_let_it_begin(**options: Any) -> None:
            add_job(**options)
            sim.settle()

        scheduler.add_job = add_job_and_let_it_begin
        return first, get(app, sim)

    in_time = Answer(200, ["Task 0 done"], after=60.0)
    assert program.run(scenario) == program.does(
        documented=(in_time, in_time), corrected=(NOT_IN_TIME, in_time)
    )


@pytest.mark.rows("E1")
def test_a_deadline_of_no_time(program: Program) -> None:
    """A request that may not wait looks once, and says what it saw."""
    options = program.does(documented={}, corrected={"timeout": 0})
    known = {
        "error": "1 of 1 tasks had not reported after 0 s",
        "statuses": [],
        "pending": ["Task 0"],
    }
    assert program.ask(task=taking(1), num_tasks=1, **options) == program.does(
        documented=Answer(200, ["Task 0 done"], after=1.0),
        corrected=Answer(504, known, after=0.0),
    )


@pytest.mark.rows("E1")
def test_a_last_report_before_the_deadline(program: Program) -> None:
    """A report of the last moment before the deadline is in the answer."""
    answer = Answer(200, ["Task 0 done"], after=59.999)
    assert program.ask(task=taking(59.999), num_tasks=1) == answer


@pytest.mark.rows("E1")
def test_a_last_report_after_the_deadline(program: Program) -> None:
    """A report of the first moment after the deadline is not in the answer."""
    assert program.ask(task=taking(60.001), num_tasks=1) == program.does(
        documented=Answer(200, ["Task 0 done"], after=60.001), corrected=NOT_IN_TIME
    )


@pytest.mark.rows("E1")
def test_no_deadline(program: Program) -> None:
    """Without a deadline a request waits for as long as its jobs take."""
    options = program.does(documented={}, corrected={"timeout": None})
    assert program.ask(task=taking(3600), num_tasks=1, **options) == Answer(
        200, ["Task 0 done"], after=3600.0
    )


@pytest.mark.rows("E1")
def test_a_report_while_the_answer_is_written(program: Program) -> None:
    """A report of the last moment is in the answer or pending, and never lost."""

    def scenario(sim: Simulation) -> Answer:
        class Slow(program.module.JobsSynchronizer):  # type: ignore[name-defined, misc]
            """A synchronizer that gives its list, and a job the time to report."""

            def get_status_list(self) -> Any:
                statuses = super().get_status_list()
                sim.settle()
                return statuses

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(program.module, "JobsSynchronizer", Slow)
            return get(program.module.create_app(task=taking(60), num_tasks=1), sim)

    assert program.run(scenario) == program.does(
        documented=Answer(200, ["Task 0 done"], after=60.0),
        corrected=NOT_IN_TIME,
    )


@pytest.mark.rows("E33")
def test_a_wall_clock_that_is_set_back(program: Program) -> None:
    """A wall clock that is set back an hour while a request waits makes no timeout longer."""

    def scenario(sim: Simulation) -> Answer:
        wall_clock = time.time

        def set_back() -> float:
            return wall_clock() - (3600 if sim.clock.elapsed >= 1 else 0)

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(time, "time", set_back)
            return get(program.module.create_app(task=stuck, num_tasks=5), sim)

    assert program.run(scenario) == program.does(
        documented=Hang("wait_for_tasks_to_be_completed", at=4.0),
        corrected=Answer(504, STUCK, after=60.0),
    )
