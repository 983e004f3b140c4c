"""Two reports of one job at the same instant: they count once."""

import threading
from typing import Any

from apscheduler.events import EVENT_JOB_ERROR, EVENT_JOB_EXECUTED

from outcomes import Answer, Program, get
from threadsim import Simulation


def condition(job_synchronizer: Any) -> threading.Condition:
    """What all reports of a request are made under."""
    found: threading.Condition = getattr(
        job_synchronizer, "job_synchronizer", job_synchronizer
    ).condition
    return found


def test_two_reports_at_once(program: Program) -> None:
    """Two threads of one job that report at the same instant report for one task."""

    def scenario(sim: Simulation) -> Answer:
        def task(job_synchronizer: Any, task_id: int) -> None:
            def report() -> None:
                job_synchronizer.notify_task_completion(f"Task {task_id}")

            helpers = [threading.Thread(target=report) for _ in range(2)]
            with condition(job_synchronizer):
                for helper in helpers:
                    helper.start()
                sim.clock.tick(1)  # Both have begun to report.
            for helper in helpers:
                helper.join()

        return get(program.module.create_app(num_tasks=2, task=task), sim)

    assert program.run(scenario) == program.does(
        documented=Answer(200, ["Task 0", "Task 0"], after=2.0),
        corrected=Answer(200, ["Task 0", "Task 1"], after=2.0),
    )


def test_a_report_at_the_very_end(program: Program) -> None:
    """A helper that reports while its job ends is enough: the job has not failed."""

    def scenario(sim: Simulation) -> tuple[Any, ...]:
        def task(job_synchronizer: Any, task_id: int) -> None:
            def hold() -> None:
                with condition(job_synchronizer):
                    threading.Event().wait(1)

            def report() -> None:
                job_synchronizer.notify_task_completion(f"Task {task_id} by a helper")

            for helper in (hold, report):
                threading.Thread(target=helper).start()
            threading.Event().wait(0.5)

        app = program.module.create_app(num_tasks=1, task=task)
        app.apscheduler.add_listener(
            lambda event: ends.append(event.code), EVENT_JOB_EXECUTED | EVENT_JOB_ERROR
        )
        answer = get(app, sim)
        sim.settle()
        return answer, f"{ends.count(EVENT_JOB_ERROR)} errors"

    ends: list[int] = []

    assert program.run(scenario) == (Answer(200, ["Task 0 by a helper"], after=1.0), "0 errors")
