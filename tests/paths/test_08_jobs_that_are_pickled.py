"""D8, a persistent job store or a process pool.

The published program fails with a 500 in a persistent store, and hangs with a process pool. Both
pickle the job, and its argument, the synchronizer, holds a lock that cannot be pickled. The
corrected program has the same limit, and its timeout ends the hang: use ``JobGroup`` there.
"""

import pickle
from multiprocessing.reduction import ForkingPickler
from typing import Any

import pytest
from apscheduler.executors.pool import ThreadPoolExecutor
from apscheduler.jobstores.memory import MemoryJobStore

from outcomes import WAIT, Answer, Hang, Program, get, timed_out
from threadsim import Simulation

pytestmark = pytest.mark.rows("D8")


class PersistentStore(MemoryJobStore):  # type: ignore[misc]  # APScheduler has no types.
    """A store that keeps a job as APScheduler's persistent ones do: pickled."""

    def add_job(self, job: Any) -> None:
        """Pickle the job's state, as in ``apscheduler/jobstores/sqlalchemy.py:118``."""
        super().add_job(pickle.dumps(job.__getstate__()) and job)


def test_a_persistent_job_store(program: Program) -> None:
    """A store that pickles its jobs refuses those of a request, and the request fails."""
    config = {"SCHEDULER_JOBSTORES": {"default": PersistentStore()}}
    assert program.ask(config) == Answer(500, "TypeError", after=0.0)


class ProcessPool(ThreadPoolExecutor):  # type: ignore[misc]  # As above.
    """A pool that sends jobs away as a process pool does: pickled, by a thread of its own."""

    def _do_submit_job(self, job: Any, run_times: Any) -> None:
        pool, submit = self._pool, self._pool.submit

        def send(function: Any, *args: Any) -> Any:
            return submit(lambda: ForkingPickler.dumps((function, args)) and function(*args))

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(pool, "submit", send)
            super()._do_submit_job(job, run_times)


@pytest.mark.rows("E14")
def test_a_process_pool(program: Program) -> None:
    """Jobs that cannot be sent to another process never run: the timeout ends the request."""

    def scenario(sim: Simulation) -> Answer:
        config = {"SCHEDULER_EXECUTORS": {"default": ProcessPool()}}
        return get(program.create_app(config, num_tasks=1), sim)

    assert program.run(scenario) == program.does(
        documented=Hang(WAIT, at=0.0), corrected=timed_out([0])
    )
