"""D5, the same job id twice in one store.

The published program ends in ``ConflictingIdError`` and a 500, and leaves the jobs that it added
before. Every request uses the ids ``j0`` to ``j9``, and APScheduler refuses a second job of an id;
the published text says that it is ignored. The corrected program gives each job an id of its own,
and removes the jobs of a request when one of them cannot be added.
"""

import itertools
from datetime import timedelta
from typing import Any

import pytest
from apscheduler.jobstores.memory import MemoryJobStore
from apscheduler.schedulers.background import BackgroundScheduler

from outcomes import Answer, Program, get
from threadsim import Simulation

pytestmark = pytest.mark.rows("D5")

FAILED = Answer(500, "OSError", after=0.0)


def test_a_job_id_that_is_taken(program: Program, completed: list[str]) -> None:
    """A job in the store that has a published id does not fail the request."""

    def scenario(sim: Simulation) -> Answer:
        app = program.create_app()
        tomorrow = sim.clock.now() + timedelta(days=1)
        app.apscheduler.add_job("j3", print, trigger="date", run_date=tomorrow)
        return get(app, sim)

    assert program.run(scenario) == program.does(
        documented=Answer(500, "ConflictingIdError", after=0.0),
        corrected=Answer(200, completed, after=10.0),
    )


class FullStore(MemoryJobStore):  # type: ignore[misc]  # APScheduler has no types.
    """A store that has room for two jobs."""

    def add_job(self, job: Any) -> None:
        """Add a job, while there is room."""
        if len(self._jobs) == 2:
            raise OSError("no room")
        super().add_job(job)


def test_a_job_that_cannot_be_added(program: Program) -> None:
    """A request that cannot add all its jobs leaves none of them in the store."""

    def scenario(sim: Simulation) -> tuple[Answer, str]:
        app = program.create_app({"SCHEDULER_JOBSTORES": {"default": FullStore()}})
        return get(app, sim), f"{len(app.apscheduler.get_jobs())} jobs are left"

    assert program.run(scenario) == program.does(
        documented=(FAILED, "2 jobs are left"), corrected=(FAILED, "0 jobs are left")
    )


def test_a_job_that_is_added_and_fails(program: Program) -> None:
    """A job whose ``add_job`` fails when the store has it already is removed too."""

    def scenario(sim: Simulation) -> tuple[Answer, str]:
        scheduler = BackgroundScheduler()
        app = program.create_app(scheduler=scheduler)
        wakeup, calls = scheduler.wakeup, itertools.count()

        def failing_wakeup() -> None:
            if next(calls) == 2:
                raise OSError("no room")
            wakeup()

        scheduler.wakeup = failing_wakeup
        return get(app, sim), f"{len(scheduler.get_jobs())} jobs are left"

    assert program.run(scenario) == program.does(
        documented=(FAILED, "3 jobs are left"), corrected=(FAILED, "0 jobs are left")
    )


def test_a_job_that_cannot_be_added_after_one_has_begun(program: Program) -> None:
    """A job that has begun runs to its end: it cannot be removed, and that is no error."""
    begun = []

    def scenario(sim: Simulation) -> Answer:
        scheduler = BackgroundScheduler()
        app = program.create_app(scheduler=scheduler, task=lambda *_: begun.append("begun"))
        add_job = scheduler.add_job

        def slow_add_job(*args: Any, **options: Any) -> Any:
            if begun:
                raise OSError("no room")
            job = add_job(*args, **options)
            sim.settle()
            return job

        scheduler.add_job = slow_add_job
        return get(app, sim)

    assert program.run(scenario) == FAILED
    assert begun == ["begun"]
