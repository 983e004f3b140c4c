"""The pool: who runs the jobs, and what happens when nobody does."""

import threading
import time
from typing import Any

import pytest
from apscheduler.executors.pool import ThreadPoolExecutor

from outcomes import Answer, Aside, Hang, Program, get, later
from threadsim import Simulation

WAIT = "wait_for_tasks_to_be_completed"


def quick(job_synchronizer: Any, task_id: int) -> None:
    """Take half a second."""
    time.sleep(0.5)
    job_synchronizer.notify_task_completion(f"Task {task_id} done")


def pool(executor: ThreadPoolExecutor) -> dict[str, Any]:
    """What somebody writes into ``app.config`` who wants another pool."""
    return {"SCHEDULER_EXECUTORS": {"default": executor}}


def at_the_deadline(*pending: int, of: int = 2) -> Answer:
    """What is answered when these did not report."""
    known = {
        "error": f"{len(pending)} of {of} tasks had not reported after 60.0 s",
        "statuses": [f"Task {i} done" for i in range(of) if i not in pending],
        "pending": [f"Task {i}" for i in pending],
    }
    return Answer(504, known, after=60.0)


@pytest.mark.rows("D7", "E10")
def test_an_executor_that_refuses(program: Program) -> None:
    """A pool that was shut down refuses the jobs, and only a log says so: the deadline ends it."""

    def scenario(sim: Simulation) -> Answer:
        executor = ThreadPoolExecutor()
        executor.shutdown()
        return get(program.make(pool(executor), num_tasks=2, task=quick), sim)

    assert program.run(scenario) == program.does(
        documented=Hang(WAIT, at=0.0), corrected=at_the_deadline(0, 1)
    )


@pytest.mark.rows("D7", "E9", "E32")
def test_an_executor_that_was_removed(program: Program) -> None:
    """Jobs whose executor is removed while they run end; later ones are pending at the deadline."""

    def scenario(sim: Simulation) -> tuple[Any, ...]:
        app = program.module.create_app(num_tasks=2, task=quick)
        later(0.1, lambda: app.apscheduler.scheduler.remove_executor("default"))
        return get(app, sim), Aside(app, sim).outcome()

    running = Answer(200, ["Task 0 done", "Task 1 done"], after=0.5)
    assert program.run(scenario) == program.does(
        documented=(running, Hang(WAIT, at=3600.5)), corrected=(running, at_the_deadline(0, 1))
    )


@pytest.mark.rows("E11")
def test_a_thread_that_cannot_be_started(program: Program) -> None:
    """A pool that can start one thread only logs an error, and that thread runs both jobs."""

    def scenario(sim: Simulation) -> Answer:
        app = program.module.create_app(num_tasks=2, task=quick)
        start = threading.Thread.start

        def start_one(thread: threading.Thread) -> None:
            if "_1" in thread.name:
                raise RuntimeError("can't start new thread")
            start(thread)

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(threading.Thread, "start", start_one)
            return get(app, sim)

    assert program.run(scenario) == Answer(200, ["Task 0 done", "Task 1 done"], after=1.0)


@pytest.mark.rows("E12")
def test_workers_that_cannot_be_set_up(program: Program) -> None:
    """When every worker is lost before its first job, the request ends at its deadline."""

    def scenario(sim: Simulation) -> Answer:
        def initializer() -> None:
            raise OSError("no connection")

        executor = ThreadPoolExecutor(pool_kwargs={"initializer": initializer})
        return get(program.make(pool(executor), num_tasks=2, task=quick), sim)

    assert program.run(scenario) == program.does(
        documented=Hang(WAIT, at=0.0), corrected=at_the_deadline(0, 1)
    )


@pytest.mark.rows("E13")
def test_a_job_lost_in_the_queue(program: Program) -> None:
    """A job that is cancelled while it waits for a worker is pending at the deadline."""

    def scenario(sim: Simulation) -> Answer:
        executor = ThreadPoolExecutor(1)
        app = program.make(pool(executor), num_tasks=2, task=quick)
        later(0.1, lambda: executor._pool.shutdown(cancel_futures=True))
        return get(app, sim)

    assert program.run(scenario) == program.does(
        documented=Hang(WAIT, at=0.5), corrected=at_the_deadline(1)
    )


@pytest.mark.rows("E33")
def test_a_job_that_waits_for_a_group_in_its_own_pool(program: Program) -> None:
    """A job that waits for jobs behind it in its own pool is not waited for beyond the deadline."""

    def scenario(sim: Simulation) -> Answer:
        def outer(job_synchronizer: Any, task_id: int) -> None:
            inner = program.module.JobsSynchronizer(1)
            app.apscheduler.add_job("inner", quick, args=[inner, 0], misfire_grace_time=None)
            inner.wait_for_tasks_to_be_completed()

        app = program.make(pool(ThreadPoolExecutor(1)), num_tasks=1, task=outer)
        return get(app, sim)

    assert program.run(scenario) == program.does(
        documented=Hang(WAIT, at=0.0), corrected=at_the_deadline(0, of=1)
    )
