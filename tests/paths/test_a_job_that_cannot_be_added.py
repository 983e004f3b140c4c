"""The third of ten jobs cannot be added: what becomes of the two before it."""

import itertools
from collections.abc import Callable
from typing import Any

import pytest
from apscheduler.jobstores.memory import MemoryJobStore
from apscheduler.schedulers.background import BackgroundScheduler

from outcomes import Answer, Program, get
from threadsim import Simulation


class FullStore(MemoryJobStore):  # type: ignore[misc]  # APScheduler has no types.
    """A store that has room for two jobs."""

    def add_job(self, job: Any) -> None:
        """Add a job, while there is room."""
        if len(self._jobs) == 2:
            raise OSError("no room")
        super().add_job(job)


def asking_with(
    program: Program, store: type[FullStore]
) -> Callable[[Simulation], tuple[Answer, list[int]]]:
    """Make a scenario: ask an app that has such a store, and see whose jobs are left in it."""

    def scenario(sim: Simulation) -> tuple[Answer, list[int]]:
        scheduler = BackgroundScheduler()
        app = program.module.create_app(scheduler=scheduler)
        scheduler.remove_jobstore("default")
        scheduler.add_jobstore(store())
        answer = get(app, sim)
        return answer, [job.args[-1] for job in scheduler.get_jobs()]

    return scenario


@pytest.mark.rows("D5")
def test_a_job_that_cannot_be_added(program: Program) -> None:
    """A request that cannot add all its jobs leaves none of them in the store."""
    scenario = asking_with(program, FullStore)

    assert program.run(scenario) == program.does(
        documented=(Answer(500, "OSError", after=0.0), [0, 1]),
        corrected=(Answer(500, "OSError", after=0.0), []),
    )


@pytest.mark.rows("D5")
def test_a_job_that_is_in_the_store_when_its_adding_fails(program: Program) -> None:
    """A job whose own adding fails, when its store has it already, is taken back too."""

    def scenario(sim: Simulation) -> tuple[Answer, list[str]]:
        scheduler = BackgroundScheduler()
        app = program.module.create_app(scheduler=scheduler)
        wakeup, calls = scheduler.wakeup, itertools.count()

        def failing_wakeup() -> None:
            if next(calls) == 2:
                raise OSError("no room")
            wakeup()

        scheduler.wakeup = failing_wakeup
        answer = get(app, sim)
        return answer, [job.args[-1] for job in scheduler.get_jobs()]

    assert program.run(scenario) == program.does(
        documented=(Answer(500, "OSError", after=0.0), [0, 1, 2]),
        corrected=(Answer(500, "OSError", after=0.0), []),
    )


class LockedStore(FullStore):
    """A store that keeps the job of the second task."""

    def remove_job(self, job_id: str) -> None:
        """Remove a job, unless it is that one."""
        if job_id.startswith("j1"):
            raise PermissionError("locked")
        super().remove_job(job_id)


@pytest.mark.rows("D5")
# The store has an error for APScheduler's thread, too.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_job_that_cannot_be_taken_back(program: Program) -> None:
    """A job that its store does not give back is left behind alone; the answer names the cause."""
    scenario = asking_with(program, LockedStore)

    assert program.run(scenario) == program.does(
        documented=(Answer(500, "OSError", after=0.0), [0, 1]),
        corrected=(Answer(500, "OSError", after=0.0), [1]),
    )


@pytest.mark.rows("D5")
def test_a_job_that_cannot_be_added_after_one_has_begun(program: Program) -> None:
    """What has left the store by then runs to its end; there is nothing to take back."""
    begun = []

    def scenario(sim: Simulation) -> Answer:
        scheduler = BackgroundScheduler()
        app = program.module.create_app(scheduler=scheduler, task=lambda *_: begun.append("begun"))
        add_job = scheduler.add_job

        def slow_add_job(*args: Any, **kwargs: Any) -> Any:
            if len(begun) == 1:
                raise OSError("no room")
            job = add_job(*args, **kwargs)
            sim.settle()
            return job

        scheduler.add_job = slow_add_job
        return get(app, sim)

    assert program.run(scenario) == Answer(500, "OSError", after=0.0)
    assert begun == ["begun"]
