"""Job stores that want more of a job than memory does, or fail."""

import pickle
from multiprocessing.reduction import ForkingPickler
from typing import Any

import pytest
from apscheduler.executors.pool import ThreadPoolExecutor
from apscheduler.jobstores.memory import MemoryJobStore

from outcomes import Answer, Hang, Program, get
from threadsim import Simulation

WAIT = "wait_for_tasks_to_be_completed"


class PersistentStore(MemoryJobStore):  # type: ignore[misc]  # APScheduler has no types.
    """A store that keeps a job as APScheduler's persistent ones do: pickled."""

    def add_job(self, job: Any) -> None:
        """Pickle the job's state, as in ``apscheduler/jobstores/sqlalchemy.py:118``."""
        super().add_job(pickle.dumps(job.__getstate__()) and job)


@pytest.mark.rows("D8")
def test_a_persistent_job_store(program: Program) -> None:
    """A store that pickles its jobs refuses those of a request, and the request fails."""

    def scenario(sim: Simulation) -> Answer:
        return get(program.make({"SCHEDULER_JOBSTORES": {"default": PersistentStore()}}), sim)

    assert program.run(scenario) == Answer(500, "TypeError", after=0.0)


class ProcessPool(ThreadPoolExecutor):  # type: ignore[misc]  # As above.
    """A pool that sends jobs away as a process pool does: pickled, by a thread of its own."""

    def _do_submit_job(self, job: Any, run_times: Any) -> None:
        pool, submit = self._pool, self._pool.submit

        def send(function: Any, *args: Any) -> Any:
            return submit(lambda: ForkingPickler.dumps((function, args)) and function(*args))

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(pool, "submit", send)
            super()._do_submit_job(job, run_times)


@pytest.mark.rows("D8", "E14")
def test_a_process_pool(program: Program) -> None:
    """Jobs that cannot be sent to another process never run: the deadline ends the request."""

    def scenario(sim: Simulation) -> Answer:
        config = {"SCHEDULER_EXECUTORS": {"default": ProcessPool()}}
        return get(program.make(config, num_tasks=1), sim)

    known = {
        "error": "1 of 1 tasks had not reported after 60.0 s",
        "statuses": [],
        "pending": ["Task 0"],
    }
    assert program.run(scenario) == program.does(
        documented=Hang(WAIT, at=0.0), corrected=Answer(504, known, after=60.0)
    )


class ForgetfulStore(MemoryJobStore):  # type: ignore[misc]  # As above.
    """A store that fails the first time somebody asks for jobs."""

    failed = False

    def get_due_jobs(self, now: Any) -> Any:
        """Fail, once, when there is a job."""
        if self._jobs and not self.failed:
            self.failed = True
            raise OSError("connection lost")
        return super().get_due_jobs(now)


@pytest.mark.rows("E30")
def test_a_job_store_that_fails_once(program: Program) -> None:
    """A store that cannot be read is asked again after ten seconds, and the jobs run then."""

    def scenario(sim: Simulation) -> Answer:
        config = {"SCHEDULER_JOBSTORES": {"default": ForgetfulStore()}}
        return get(program.make(config, num_tasks=1, task=quick), sim)

    def quick(job_synchronizer: Any, task_id: int) -> None:
        job_synchronizer.notify_task_completion(f"Task {task_id} done")

    assert program.run(scenario) == program.does(
        documented=Hang(WAIT, at=10.0), corrected=Answer(200, ["Task 0 done"], after=10.0)
    )
