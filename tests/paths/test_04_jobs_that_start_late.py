"""D4, jobs that start late.

With more jobs than workers, the published program hangs. The pool runs ten jobs at once, and a job
that starts more than a second late, APScheduler's ``misfire_grace_time``, is missed and sends no
status. The corrected program adds its jobs with ``misfire_grace_time=None``: they run however
late.
"""

import threading
from typing import Any

import pytest
from apscheduler.jobstores.memory import MemoryJobStore

from outcomes import WAIT, Answer, Hang, Program, done, get, later, taking, with_rows
from threadsim import Simulation

pytestmark = pytest.mark.rows("D4")


@pytest.mark.rows("E3")
def test_more_jobs_than_workers(program: Program, completed: list[str]) -> None:
    """The eleventh job on ten workers starts ten seconds late, and runs."""
    # A store sorts jobs of one instant by their ids, as texts: j10 comes before j2, and j9 is last.
    statuses = [*completed[:2], "Task 10 completed execution", *completed[2:]]
    assert program.ask(num_tasks=11) == program.does(
        documented=Hang(WAIT, at=10.0), corrected=Answer(200, statuses, after=20.0)
    )


def test_more_jobs_than_workers_and_no_grace_time(program: Program, completed: list[str]) -> None:
    """An app whose ``SCHEDULER_JOB_DEFAULTS`` allow any delay runs all jobs of both programs."""
    statuses = [*completed[:2], "Task 10 completed execution", *completed[2:]]
    config = {"SCHEDULER_JOB_DEFAULTS": {"misfire_grace_time": None}}
    assert program.ask(config, num_tasks=11) == Answer(200, statuses, after=20.0)


PAUSES = {"of half a second": 0.5, "of two seconds": 2.0, "of two hours": 7200.0}


@pytest.mark.rows("E22")
@pytest.mark.parametrize(
    "pause", with_rows({"of half a second": "", "of two seconds": "E3", "of two hours": "E3"})
)
def test_a_pause(program: Program, completed: list[str], pause: str) -> None:
    """Jobs that are late because the scheduler was paused run, and the request waits for them."""

    def scenario(sim: Simulation) -> Answer:
        app = program.create_app(timeout=None)
        app.apscheduler.pause()
        later(PAUSES[pause], app.apscheduler.resume)
        return get(app, sim)

    answer = Answer(200, completed, after=PAUSES[pause] + 10)
    missed = Hang(WAIT, at=PAUSES[pause])
    assert program.run(scenario) == program.does(
        documented=answer if pause == "of half a second" else missed, corrected=answer
    )


class ForgetfulStore(MemoryJobStore):  # type: ignore[misc]  # APScheduler has no types.
    """A store that fails the first time it is asked for due jobs."""

    failed = False

    def get_due_jobs(self, now: Any) -> Any:
        """Fail, once, when there is a job."""
        if self._jobs and not self.failed:
            self.failed = True
            raise OSError("connection lost")
        return super().get_due_jobs(now)


@pytest.mark.rows("E30")
def test_a_job_store_that_fails_once(program: Program) -> None:
    """APScheduler asks a store that fails again after ten seconds, and the jobs run then."""
    config = {"SCHEDULER_JOBSTORES": {"default": ForgetfulStore()}}
    assert program.ask(config, num_tasks=1, task=taking(0)) == program.does(
        documented=Hang(WAIT, at=10.0), corrected=Answer(200, done(0), after=10.0)
    )


@pytest.mark.rows("E11")
def test_a_thread_that_cannot_be_started(program: Program) -> None:
    """If the pool can start one thread only, that thread runs both jobs."""

    def scenario(sim: Simulation) -> Answer:
        app = program.create_app(num_tasks=2, task=taking(0.5))
        start = threading.Thread.start

        def start_one(thread: threading.Thread) -> None:
            if "_1" in thread.name:
                raise RuntimeError("can't start new thread")
            start(thread)

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(threading.Thread, "start", start_one)
            return get(app, sim)

    assert program.run(scenario) == Answer(200, done(0, 1), after=1.0)
