"""A scheduler that is shut down around a request, with and without waiting."""

import itertools
import threading
import time
from typing import Any

import pytest
from apscheduler.executors.pool import ThreadPoolExecutor
from apscheduler.schedulers.background import BackgroundScheduler

from outcomes import REFUSAL, Answer, Aside, Hang, Program, get, later
from threadsim import Simulation

WAIT = "wait_for_tasks_to_be_completed"


@pytest.mark.rows("E17")
def test_a_shutdown_that_waits(program: Program, completed: list[str]) -> None:
    """Jobs that run when the scheduler is shut down end, and are answered for."""

    def scenario(sim: Simulation) -> Answer:
        app = program.module.create_app()
        later(5, app.apscheduler.shutdown)
        return get(app, sim)

    assert program.run(scenario) == Answer(200, completed, after=10.0)


@pytest.mark.rows("E18")
def test_a_shutdown_that_does_not_wait(program: Program, completed: list[str]) -> None:
    """Jobs that run outlive a scheduler that does not wait for them, and are answered for."""

    def scenario(sim: Simulation) -> Answer:
        app = program.module.create_app()
        later(5, lambda: app.apscheduler.shutdown(wait=False))
        return get(app, sim)

    assert program.run(scenario) == Answer(200, completed, after=10.0)


def quick(job_synchronizer: Any, task_id: int) -> None:
    """Take half a second."""
    time.sleep(0.5)
    job_synchronizer.notify_task_completion(f"Task {task_id} done")


def shut_down_with_jobs_queued(program: Program, *, wait: bool) -> Any:
    """Shut down while one worker has its first job of three."""

    def scenario(sim: Simulation) -> Answer:
        config = {"SCHEDULER_EXECUTORS": {"default": ThreadPoolExecutor(1)}}
        app = program.make(config, num_tasks=3, task=quick)
        later(0.1, lambda: app.apscheduler.shutdown(wait=wait))
        return get(app, sim)

    return program.run(scenario)


QUEUED = Answer(200, ["Task 0 done", "Task 1 done", "Task 2 done"], after=1.5)


@pytest.mark.rows("E17")
def test_a_shutdown_that_waits_with_jobs_queued(program: Program) -> None:
    """Jobs that wait in the pool for a worker run before a shutdown ends that waits for them."""
    assert shut_down_with_jobs_queued(program, wait=True) == QUEUED


@pytest.mark.rows("E18")
def test_a_shutdown_that_does_not_wait_with_jobs_queued(program: Program) -> None:
    """Jobs that wait in the pool for a worker run after a shutdown that does not wait for them."""
    assert shut_down_with_jobs_queued(program, wait=False) == QUEUED


@pytest.mark.rows("E19")
def test_a_shutdown_with_jobs_in_the_store(program: Program) -> None:
    """Jobs that have not left the memory store are gone with it: the deadline ends the request."""

    def scenario(sim: Simulation) -> Answer:
        app = program.module.create_app(num_tasks=1)
        app.apscheduler.pause()
        later(1, app.apscheduler.shutdown)
        return get(app, sim)

    known = {
        "error": "1 of 1 tasks had not reported after 60.0 s",
        "statuses": [],
        "pending": ["Task 0"],
    }
    assert program.run(scenario) == program.does(
        documented=Hang(WAIT, at=1.0), corrected=Answer(504, known, after=60.0)
    )


class SlowPool(ThreadPoolExecutor):  # type: ignore[misc]  # APScheduler has no types.
    """A pool that takes a second to take a job."""

    def _do_submit_job(self, job: Any, run_times: Any) -> None:
        time.sleep(1)
        super()._do_submit_job(job, run_times)


@pytest.mark.rows("E20")
# The thread that dies says so.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_shutdown_while_jobs_are_handed_over(program: Program) -> None:
    """Of jobs that were to be handed to the pool during a shutdown, only the first one runs."""

    def scenario(sim: Simulation) -> Answer:
        app = program.make(
            {
                "SCHEDULER_EXECUTORS": {"default": SlowPool()},
                "SCHEDULER_JOB_DEFAULTS": {"misfire_grace_time": None},
            },
            num_tasks=3,
            task=quick,
        )
        later(0.5, lambda: app.apscheduler.shutdown(wait=False))
        return get(app, sim)

    known = {
        "error": "2 of 3 tasks had not reported after 60.0 s",
        "statuses": ["Task 0 done"],
        "pending": ["Task 1", "Task 2"],
    }
    assert program.run(scenario) == program.does(
        documented=Hang(WAIT, at=1.5), corrected=Answer(504, known, after=60.0)
    )


@pytest.mark.rows("E21")
def test_a_job_that_shuts_the_scheduler_down(program: Program) -> None:
    """A job that shuts down its own scheduler has failed; the jobs beside it are answered for."""

    def scenario(sim: Simulation) -> Answer:
        def task(job_synchronizer: Any, task_id: int) -> None:
            if task_id == 0:
                app.apscheduler.shutdown()
            quick(job_synchronizer, task_id)

        app = program.module.create_app(num_tasks=2, task=task)
        return get(app, sim)

    assert program.run(scenario) == program.does(
        documented=Hang(WAIT, at=0.5),
        corrected=Answer(
            200, ["Task 0 failed: RuntimeError('cannot join current thread')", "Task 1 done"], 0.5
        ),
    )


@pytest.mark.rows("E17", "E18")
def test_a_shutdown_after_the_answer(program: Program, completed: list[str]) -> None:
    """A scheduler that is shut down after a request has nothing left to do, wait or not."""

    def scenario(sim: Simulation) -> tuple[Any, ...]:
        answers = []
        for wait in (True, False):
            app = program.module.create_app()
            answers.append(get(app, sim))
            app.apscheduler.shutdown(wait=wait)
        return (*answers, sim.clock.elapsed)

    assert program.run(scenario) == (*2 * [Answer(200, completed, after=10.0)], 20.0)


@pytest.mark.rows("D7", "E17")
def test_a_request_while_a_shutdown_waits(program: Program) -> None:
    """A request to a scheduler that waits for its last jobs is refused at once."""

    def scenario(sim: Simulation) -> Answer:
        app = program.module.create_app()
        Aside(app, sim)
        later(1, app.apscheduler.shutdown)
        sim.clock.tick(2)
        return get(app, sim)

    assert program.run(scenario) == program.does(
        documented=Hang(WAIT, at=10.0), corrected=Answer(503, REFUSAL, after=0.0)
    )


def shut_down_at_the_fifth_job(program: Program, *, task: Any) -> Any:
    """Shut down, from another thread, when four jobs have been added and begun."""

    def scenario(sim: Simulation) -> tuple[Answer, str]:
        scheduler = BackgroundScheduler()
        app = program.module.create_app(scheduler=scheduler, task=task)
        add_job, calls = scheduler.add_job, itertools.count(1)

        def add_job_late(*args: Any, **options: Any) -> Any:
            if next(calls) == 5:
                threading.Thread(target=scheduler.shutdown, daemon=True).start()
            sim.settle()
            return add_job(*args, **options)

        scheduler.add_job = add_job_late
        answer = get(app, sim)
        return answer, f"{len(scheduler._pending_jobs)} jobs wait for a start"

    return program.run(scenario)


@pytest.mark.rows("D7", "E17", "E26")
def test_a_shutdown_while_jobs_are_added(program: Program) -> None:
    """Jobs that are added after a shutdown are pending at the timeout, and run after a restart."""
    known = {
        "error": "6 of 10 tasks had not reported after 60.0 s",
        "statuses": [f"Task {i} done" for i in range(4)],
        "pending": [f"Task {i}" for i in range(4, 10)],
    }
    outcome = shut_down_at_the_fifth_job(program, task=quick)
    assert outcome == program.does(
        documented=Hang(WAIT, at=0.5),
        corrected=(Answer(504, known, after=60.5), "6 jobs wait for a start"),
    )


@pytest.mark.rows("D7", "E17", "E33")
def test_a_shutdown_that_waits_for_ever_while_jobs_are_added(program: Program) -> None:
    """The hang that is left: adding a job waits for a shutdown, which waits for ever."""

    def endless(_job_synchronizer: Any, _task_id: int) -> None:
        threading.Event().wait()

    outcome = shut_down_at_the_fifth_job(program, task=endless)
    assert outcome == Hang("run_tasks", at=0.0)


@pytest.mark.rows("D7", "E10")
def test_a_restart(program: Program) -> None:
    """A scheduler that is shut down and started again keeps its dead pool: nothing runs."""

    def scenario(sim: Simulation) -> Any:
        app = program.module.create_app(num_tasks=1)
        app.apscheduler.shutdown()
        app.apscheduler.start()
        return get(app, sim)

    known = {
        "error": "1 of 1 tasks had not reported after 60.0 s",
        "statuses": [],
        "pending": ["Task 0"],
    }
    assert program.run(scenario) == program.does(
        documented=Hang(WAIT, at=0.0), corrected=Answer(504, known, after=60.0)
    )


@pytest.mark.rows("D7")
def test_a_restart_with_a_new_pool(program: Program, completed: list[str]) -> None:
    """A scheduler that is started again with a new pool answers as before."""

    def scenario(sim: Simulation) -> Any:
        app = program.module.create_app()
        app.apscheduler.shutdown()
        app.apscheduler.scheduler.remove_executor("default")
        app.apscheduler.start()
        return get(app, sim)

    assert program.run(scenario) == Answer(200, completed, after=10.0)
