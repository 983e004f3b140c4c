"""A scheduler whose thread is gone, though its state says that it runs."""

import pytest
from apscheduler.jobstores.memory import MemoryJobStore

from apscheduler_fakes import FakeScheduler
from outcomes import Answer, Hang, Program, get
from threadsim import Simulation

WAIT = "wait_for_tasks_to_be_completed"
NOTHING = Answer(
    504,
    {
        "error": "1 of 1 tasks had not reported after 60.0 s",
        "statuses": [],
        "pending": ["Task 0"],
    },
    after=60.0,
)


@pytest.mark.rows("E28")
def test_a_scheduler_without_its_thread(program: Program) -> None:
    """In a forked process the scheduler says that it runs, and its thread is in the other one."""
    scheduler = FakeScheduler()
    scheduler.die()  # A fork copies the state and not the thread.
    assert program.ask(num_tasks=1, scheduler=scheduler) == program.does(
        documented=Hang(WAIT, at=0.0), corrected=NOTHING
    )


class NothingLeaves(MemoryJobStore):  # type: ignore[misc]  # APScheduler has no types.
    """A store that has jobs, and fails when one is to be removed."""

    def remove_job(self, job_id: str) -> None:
        """Fail."""
        raise OSError(job_id)


@pytest.mark.rows("E29")
# The thread that dies says so.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_scheduler_whose_thread_died(program: Program) -> None:
    """A job store that fails kills the scheduler's thread, and a request ends at its deadline."""

    def scenario(sim: Simulation) -> Answer:
        app = program.make({"SCHEDULER_JOBSTORES": {"default": NothingLeaves()}}, num_tasks=1)
        app.apscheduler.add_job("before", list)
        sim.settle()
        assert app.apscheduler.running
        return get(app, sim)

    assert program.run(scenario) == program.does(documented=Hang(WAIT, at=0.0), corrected=NOTHING)
