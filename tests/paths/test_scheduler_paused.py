"""A paused scheduler: jobs lie in the store, where anything can happen to them."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from outcomes import Answer, Hang, Program, get, later
from threadsim import Simulation

WAIT = "wait_for_tasks_to_be_completed"
ALL = [f"Task {i}" for i in range(10)]


def at_the_deadline(*statuses: str) -> Answer:
    """What is answered when only these reported."""
    pending = [task for task in ALL if not any(task + " " in status for status in statuses)]
    return Answer(
        504,
        {
            "error": f"{len(pending)} of 10 tasks had not reported after 60.0 s",
            "statuses": list(statuses),
            "pending": pending,
        },
        after=60.0,
    )


def while_paused(
    program: Program, action: Callable[[Any, Simulation], object], **options: Any
) -> Any:
    """Ask while the scheduler is paused; half a second later do something, and resume."""

    def scenario(sim: Simulation) -> Answer:
        app = program.module.create_app(**options)
        app.apscheduler.pause()

        def act_and_resume() -> None:
            action(app.apscheduler, sim)
            app.apscheduler.resume()

        later(0.5, act_and_resume)
        return get(app, sim)

    return program.run(scenario)


def job_3(scheduler: Any) -> str:
    """The id of the fourth task's job."""
    (found,) = (job.id for job in scheduler.get_jobs() if job.args[-1] == 3)
    return str(found)


@pytest.mark.rows("D7", "E22")
def test_a_paused_scheduler(program: Program) -> None:
    """A scheduler that stays paused is not waited for beyond the deadline."""

    def scenario(sim: Simulation) -> Answer:
        app = program.module.create_app()
        app.apscheduler.pause()
        return get(app, sim)

    assert program.run(scenario) == program.does(
        documented=Hang(WAIT, at=0.0), corrected=at_the_deadline()
    )


@pytest.mark.rows("E22")
def test_a_pause_within_the_grace(program: Program, completed: list[str]) -> None:
    """Jobs that are half a second late because of a pause run."""
    outcome = while_paused(program, lambda _scheduler, _sim: None)
    assert outcome == Answer(200, completed, after=10.5)


@pytest.mark.rows("E22", "E3")
def test_a_pause_beyond_the_grace(program: Program, completed: list[str]) -> None:
    """Jobs that are two seconds late because of a pause run all the same."""
    outcome = while_paused(program, lambda _scheduler, sim: sim.clock.tick(1.5))
    assert outcome == program.does(
        documented=Hang(WAIT, at=2.0), corrected=Answer(200, completed, after=12.0)
    )


@pytest.mark.rows("E22", "E3")
def test_a_pause_of_a_day(program: Program, completed: list[str]) -> None:
    """Jobs run however late they are; whether a request waits for them, its deadline says."""
    options = program.does(documented={}, corrected={"timeout": None})
    outcome = while_paused(program, lambda _scheduler, sim: sim.clock.tick(86400), **options)
    assert outcome == program.does(
        documented=Hang(WAIT, at=86400.5), corrected=Answer(200, completed, after=86410.5)
    )


@pytest.mark.rows("D5", "E22")
def test_a_request_after_one_that_came_to_its_deadline(program: Program) -> None:
    """Jobs that had not begun at a deadline are in no later request's way, and run for nobody."""

    def scenario(sim: Simulation) -> Any:
        app = program.module.create_app(num_tasks=2)
        app.apscheduler.pause()
        first, second = get(app, sim), get(app, sim)
        waiting = len(app.apscheduler.get_jobs())
        app.apscheduler.resume()
        sim.settle()
        return first, second, f"{waiting} jobs lay in the store, {len(sim.threads) - 2} ran"

    known = {
        "error": "2 of 2 tasks had not reported after 60.0 s",
        "statuses": [],
        "pending": ["Task 0", "Task 1"],
    }
    late = Answer(504, known, after=60.0)
    assert program.run(scenario) == program.does(
        documented=Hang(WAIT, at=0.0),
        corrected=(late, late, "4 jobs lay in the store, 4 ran"),
    )


@pytest.mark.rows("E6")
def test_a_job_removed_before_it_runs(program: Program, completed: list[str]) -> None:
    """A job that somebody takes out of the store is pending at the deadline."""
    outcome = while_paused(program, lambda scheduler, _sim: scheduler.remove_job(job_3(scheduler)))
    assert outcome == program.does(
        documented=Hang(WAIT, at=10.5),
        corrected=at_the_deadline(*completed[:3], *completed[4:]),
    )


@pytest.mark.rows("E7")
def test_all_jobs_removed(program: Program) -> None:
    """When somebody removes all jobs, the request ends at its deadline."""
    outcome = while_paused(program, lambda scheduler, _sim: scheduler.remove_all_jobs())
    assert outcome == program.does(documented=Hang(WAIT, at=0.5), corrected=at_the_deadline())


@pytest.mark.rows("E8")
def test_a_job_store_removed(program: Program) -> None:
    """When the store goes and its jobs with it, the request ends at its deadline."""
    outcome = while_paused(
        program, lambda scheduler, _sim: scheduler.scheduler.remove_jobstore("default")
    )
    assert outcome == program.does(documented=Hang(WAIT, at=0.5), corrected=at_the_deadline())


@pytest.mark.rows("E23")
def test_a_job_that_is_paused(program: Program, completed: list[str]) -> None:
    """A job that is paused, and never resumed, is pending at the deadline."""
    outcome = while_paused(program, lambda scheduler, _sim: scheduler.pause_job(job_3(scheduler)))
    assert outcome == program.does(
        documented=Hang(WAIT, at=10.5),
        corrected=at_the_deadline(*completed[:3], *completed[4:]),
    )


@pytest.mark.rows("E24")
def test_a_job_rescheduled_to_later(program: Program, completed: list[str]) -> None:
    """A job that is put off for an hour is pending at the deadline, not waited for."""

    def put_off(scheduler: Any, sim: Simulation) -> None:
        in_an_hour = sim.clock.now() + timedelta(hours=1)
        scheduler.scheduler.reschedule_job(job_3(scheduler), trigger="date", run_date=in_an_hour)

    others = [*completed[:3], *completed[4:]]
    assert while_paused(program, put_off) == program.does(
        documented=Answer(200, [*others, completed[3]], after=3610.5),
        corrected=at_the_deadline(*others),
    )


@pytest.mark.rows("E25")
def test_a_job_that_another_one_replaces(program: Program, completed: list[str]) -> None:
    """A job that another one of its id replaces in the store is pending at the deadline."""

    def replace(scheduler: Any, _sim: Simulation) -> None:
        scheduler.add_job(job_3(scheduler), list, trigger="date", replace_existing=True)

    assert while_paused(program, replace) == program.does(
        documented=Hang(WAIT, at=10.5),
        corrected=at_the_deadline(*completed[:3], *completed[4:]),
    )


@pytest.mark.rows("E25")
def test_a_job_under_the_published_id(program: Program, completed: list[str]) -> None:
    """A job that somebody adds under a published id replaces none of the request's."""

    def replace(scheduler: Any, _sim: Simulation) -> None:
        scheduler.add_job("j3", list, trigger="date", replace_existing=True)

    assert while_paused(program, replace) == program.does(
        documented=Hang(WAIT, at=10.5), corrected=Answer(200, completed, after=10.5)
    )
