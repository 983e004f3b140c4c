"""Limits: what the corrected program learns at its timeout only.

When a job is removed, refused or lost, or never returns, the published program hangs. Nothing
tells the synchronizer that a status will not come. The corrected program does not know it either:
its timeout, 60 s by default, ends the request with a 504 that names the pending tasks, and one
hang is left.
"""

import itertools
import threading
import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from apscheduler.executors.pool import ThreadPoolExecutor
from apscheduler.jobstores.memory import MemoryJobStore
from apscheduler.schedulers.background import BackgroundScheduler

from apscheduler_fakes import FakeScheduler
from outcomes import (
    WAIT,
    Answer,
    Aside,
    Hang,
    Program,
    done,
    get,
    later,
    taking,
    timed_out,
    with_rows,
)
from threadsim import Simulation

# The timeout


def stuck(job_synchronizer: Any, task_id: int) -> None:
    """Wait for ever in the fourth task."""
    if task_id == 3:
        threading.Event().wait()
    taking(task_id)(job_synchronizer, task_id)


@pytest.mark.rows("E33")
def test_a_job_that_never_returns(program: Program) -> None:
    """At its timeout a request answers with what is known and the tasks that are pending."""
    assert program.ask(task=stuck, num_tasks=5) == program.does(
        documented=Hang(WAIT, at=4.0), corrected=timed_out([3], done(0, 1, 2, 4))
    )


@pytest.mark.rows("E33")
def test_a_wall_clock_that_is_set_back(program: Program) -> None:
    """A wall clock that is set back an hour while a request waits makes no timeout longer."""

    def scenario(sim: Simulation) -> Answer:
        wall_clock = time.time

        def set_back() -> float:
            return wall_clock() - (3600 if sim.clock.elapsed >= 1 else 0)

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(time, "time", set_back)
            return get(program.create_app(task=stuck, num_tasks=5), sim)

    assert program.run(scenario) == program.does(
        documented=Hang(WAIT, at=4.0), corrected=timed_out([3], done(0, 1, 2, 4))
    )


def test_a_wait_with_a_timeout(program: Program) -> None:
    """The synchronizer's own wait ends at its timeout, and says that a status is missing."""

    def scenario(sim: Simulation) -> str:
        synchronizer = program.module.JobsSynchronizer(2)
        synchronizer.notify_task_completion("first")
        options = program.does(documented={}, corrected={"timeout": 5.0})
        returned = synchronizer.wait_for_tasks_to_be_completed(**options)
        return f"returns {returned} after {sim.clock.elapsed:g} s"

    assert program.run(scenario) == program.does(
        documented=Hang(WAIT, at=0.0), corrected="returns False after 5 s"
    )


@pytest.mark.rows("E1")
def test_a_timeout_of_0(program: Program) -> None:
    """With ``timeout=0`` the view answers 504 at once and lists the tasks that are pending."""
    assert program.ask(task=taking(1), num_tasks=1, timeout=0) == program.does(
        documented=Answer(200, done(0), after=1.0), corrected=timed_out([0], timeout=0)
    )


@pytest.mark.rows("E1")
@pytest.mark.parametrize("job", ["begins after the wait", "begins before the wait"])
def test_a_status_at_the_timeout(program: Program, job: str) -> None:
    """A status at the very instant of the timeout is in the answer, or its task is pending."""

    def scenario(sim: Simulation) -> Answer:
        scheduler = BackgroundScheduler()
        app = program.create_app(task=taking(60), num_tasks=1, scheduler=scheduler)
        add_job = scheduler.add_job

        def add_and_let_begin(**options: Any) -> None:
            add_job(**options)
            if job == "begins before the wait":
                sim.settle()

        scheduler.add_job = add_and_let_begin
        return get(app, sim)

    in_time = Answer(200, done(0), after=60.0)
    late = timed_out([0]) if job == "begins after the wait" else in_time
    assert program.run(scenario) == program.does(documented=in_time, corrected=late)


@pytest.mark.rows("E1")
def test_a_status_while_the_answer_is_written(program: Program) -> None:
    """A status that comes while the view looks is in the answer, or its task is pending."""

    def scenario(sim: Simulation) -> Answer:
        class Slow(program.module.JobsSynchronizer):  # type: ignore[name-defined, misc]
            """A synchronizer that gives its list, and a job the time to send its status."""

            def get_status_list(self) -> Any:
                statuses = super().get_status_list()
                sim.settle()
                return statuses

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(program.module, "JobsSynchronizer", Slow)
            return get(program.create_app(task=taking(60), num_tasks=1), sim)

    assert program.run(scenario) == program.does(
        documented=Answer(200, done(0), after=60.0), corrected=timed_out([0])
    )


# Jobs that do not run


def the_job(scheduler: Any) -> str:
    """Return the id of the fourth task's job."""
    (found,) = (job.id for job in scheduler.get_jobs() if job.args[-1] == 3)
    return str(found)


def while_paused(program: Program, action: Callable[[Any], object]) -> Any:
    """Ask while the scheduler is paused; half a second later do something, and resume."""

    def scenario(sim: Simulation) -> Answer:
        app = program.create_app(task=taking(10))
        app.apscheduler.pause()

        def act_and_resume() -> None:
            action(app.apscheduler)
            app.apscheduler.resume()

        later(0.5, act_and_resume)
        return get(app, sim)

    return program.run(scenario)


OTHERS = [i for i in range(10) if i != 3]
ENDS: dict[str, Callable[[Any], object]] = {
    "is removed": lambda scheduler: scheduler.remove_job(the_job(scheduler)),
    "is paused": lambda scheduler: scheduler.pause_job(the_job(scheduler)),
    "is replaced": lambda scheduler: scheduler.add_job(
        the_job(scheduler), list, trigger="date", replace_existing=True
    ),
}


@pytest.mark.parametrize(
    "job", with_rows({"is removed": "E6", "is paused": "E23", "is replaced": "E25"})
)
def test_a_job_that_does_not_run(program: Program, job: str) -> None:
    """The task of a job that somebody takes out of the way is pending at the timeout."""
    assert while_paused(program, ENDS[job]) == program.does(
        documented=Hang(WAIT, at=10.5), corrected=timed_out([3], done(*OTHERS))
    )


@pytest.mark.rows("E24")
def test_a_job_that_is_rescheduled(program: Program) -> None:
    """The task of a job that is put off for an hour is pending at the timeout."""

    def put_off(scheduler: Any) -> None:
        job = scheduler.get_job(the_job(scheduler))
        in_an_hour = job.next_run_time + timedelta(hours=1)
        scheduler.scheduler.reschedule_job(job.id, trigger="date", run_date=in_an_hour)

    assert while_paused(program, put_off) == program.does(
        documented=Answer(200, done(*OTHERS, 3), after=3610.0),
        corrected=timed_out([3], done(*OTHERS)),
    )


ALL_GONE: dict[str, Callable[[Any], object]] = {
    "remove_all_jobs": lambda scheduler: scheduler.remove_all_jobs(),
    "remove_jobstore": lambda scheduler: scheduler.scheduler.remove_jobstore("default"),
}


@pytest.mark.parametrize("call", with_rows({"remove_all_jobs": "E7", "remove_jobstore": "E8"}))
def test_no_job_is_left(program: Program, call: str) -> None:
    """When somebody removes all jobs, or their store, all tasks are pending at the timeout."""
    assert while_paused(program, ALL_GONE[call]) == program.does(
        documented=Hang(WAIT, at=0.5), corrected=timed_out(range(10))
    )


# Pools and schedulers that run no job


def pool(executor: ThreadPoolExecutor) -> dict[str, Any]:
    """Return the ``app.config`` of an app with another pool."""
    return {"SCHEDULER_EXECUTORS": {"default": executor}}


def a_pool_that_was_shut_down(program: Program) -> Any:
    """Make an app whose pool refuses every job; only a log says so."""
    executor = ThreadPoolExecutor()
    executor.shutdown()
    return program.create_app(pool(executor), num_tasks=2)


def a_scheduler_that_was_restarted(program: Program) -> Any:
    """Make an app whose scheduler was shut down, with its pool, and started again."""
    app = program.create_app(num_tasks=2)
    app.apscheduler.shutdown()
    app.apscheduler.start()
    return app


def workers_that_cannot_be_set_up(program: Program) -> Any:
    """Make an app whose workers fail before their first job."""

    def initializer() -> None:
        raise OSError("no connection")

    executor = ThreadPoolExecutor(pool_kwargs={"initializer": initializer})
    return program.create_app(pool(executor), num_tasks=2)


def a_paused_scheduler(program: Program) -> Any:
    """Make an app whose scheduler is paused."""
    app = program.create_app(num_tasks=2)
    app.apscheduler.pause()
    return app


def a_scheduler_without_a_thread(program: Program) -> Any:
    """Make an app as ``gunicorn --preload`` does: a fork copies the state and not the thread."""
    scheduler = FakeScheduler()
    scheduler.die()
    return program.create_app(num_tasks=2, scheduler=scheduler)


class NothingLeaves(MemoryJobStore):  # type: ignore[misc]  # APScheduler has no types.
    """A store that fails when a job is to be removed."""

    def remove_job(self, job_id: str) -> None:
        """Fail."""
        raise OSError(job_id)


def a_scheduler_whose_thread_died(program: Program) -> Any:
    """Make an app whose job store fails, which ends the scheduler's thread."""
    app = program.create_app({"SCHEDULER_JOBSTORES": {"default": NothingLeaves()}}, num_tasks=2)
    app.apscheduler.add_job("before", list)
    time.sleep(1)
    assert app.apscheduler.running
    return app


RUN_NOTHING: dict[str, Callable[[Program], Any]] = {
    "a paused scheduler": a_paused_scheduler,
    "gunicorn preload": a_scheduler_without_a_thread,
    "a scheduler whose thread died": a_scheduler_whose_thread_died,
    "a scheduler that was restarted": a_scheduler_that_was_restarted,
    "a pool that was shut down": a_pool_that_was_shut_down,
    "workers that cannot be set up": workers_that_cannot_be_set_up,
}


@pytest.mark.parametrize(
    "on",
    with_rows(
        {
            "a paused scheduler": "D7 E22",
            "gunicorn preload": "D7 E28",
            "a scheduler whose thread died": "D7 E29",
            "a scheduler that was restarted": "D7 E10",
            "a pool that was shut down": "D7 E10",
            "workers that cannot be set up": "E12",
        }
    ),
)
# The thread that dies says so.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_nothing_runs(program: Program, on: str) -> None:
    """A scheduler that says it runs, and runs no job, costs a request its timeout."""

    def scenario(sim: Simulation) -> Answer:
        return get(RUN_NOTHING[on](program), sim)

    began = 1.0 if on == "a scheduler whose thread died" else 0.0
    assert program.run(scenario) == program.does(
        documented=Hang(WAIT, at=began), corrected=timed_out([0, 1])
    )


@pytest.mark.rows("D7", "E9", "E32")
def test_an_executor_that_was_removed(program: Program) -> None:
    """Jobs run to their end when their executor is removed, and later jobs do not run."""

    def scenario(sim: Simulation) -> tuple[Any, ...]:
        app = program.create_app(num_tasks=2, task=taking(0.5))
        later(0.1, lambda: app.apscheduler.scheduler.remove_executor("default"))
        return get(app, sim), Aside(app, sim).outcome()

    running = Answer(200, done(0, 1), after=0.5)
    assert program.run(scenario) == program.does(
        documented=(running, Hang(WAIT, at=3600.5)), corrected=(running, timed_out([0, 1]))
    )


@pytest.mark.rows("E13")
def test_a_job_lost_in_the_pools_queue(program: Program) -> None:
    """The task of a job that is cancelled while it waits for a worker is pending."""

    def scenario(sim: Simulation) -> Answer:
        executor = ThreadPoolExecutor(1)
        app = program.create_app(pool(executor), num_tasks=2, task=taking(0.5))
        later(0.1, lambda: executor._pool.shutdown(cancel_futures=True))
        return get(app, sim)

    assert program.run(scenario) == program.does(
        documented=Hang(WAIT, at=0.5), corrected=timed_out([1], done(0))
    )


@pytest.mark.rows("E33")
def test_a_job_that_waits_for_jobs_behind_it(program: Program) -> None:
    """A job that waits for jobs behind it in its own pool never ends, nor do they begin."""

    def scenario(sim: Simulation) -> Answer:
        def outer(_job_synchronizer: Any, _task_id: int) -> None:
            inner = program.module.JobsSynchronizer(1)
            app.apscheduler.add_job("inner", taking(0.5), args=[inner, 0], misfire_grace_time=None)
            inner.wait_for_tasks_to_be_completed()

        app = program.create_app(pool(ThreadPoolExecutor(1)), num_tasks=1, task=outer)
        return get(app, sim)

    assert program.run(scenario) == program.does(
        documented=Hang(WAIT, at=0.0), corrected=timed_out([0])
    )


# A shutdown in the middle


@pytest.mark.rows("E19")
def test_a_shutdown_with_jobs_in_the_store(program: Program) -> None:
    """Jobs that are still in the memory store at a shutdown are gone with it."""

    def scenario(sim: Simulation) -> Answer:
        app = a_paused_scheduler(program)
        later(1, app.apscheduler.shutdown)
        return get(app, sim)

    assert program.run(scenario) == program.does(
        documented=Hang(WAIT, at=1.0), corrected=timed_out([0, 1])
    )


class SlowPool(ThreadPoolExecutor):  # type: ignore[misc]  # As above.
    """A pool that takes a second to take a job."""

    def _do_submit_job(self, job: Any, run_times: Any) -> None:
        time.sleep(1)
        super()._do_submit_job(job, run_times)


@pytest.mark.rows("E20")
# The thread that dies says so.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_shutdown_while_jobs_are_handed_over(program: Program) -> None:
    """Of jobs that the scheduler hands to the pool during a shutdown, only the first one runs."""

    def scenario(sim: Simulation) -> Answer:
        config = pool(SlowPool()) | {"SCHEDULER_JOB_DEFAULTS": {"misfire_grace_time": None}}
        app = program.create_app(config, num_tasks=3, task=taking(0.5))
        later(0.5, lambda: app.apscheduler.shutdown(wait=False))
        return get(app, sim)

    assert program.run(scenario) == program.does(
        documented=Hang(WAIT, at=1.5), corrected=timed_out([1, 2], done(0))
    )


def shut_down_at_the_fifth_job(program: Program, task: Callable[[Any, int], object]) -> Any:
    """Shut down, from another thread, when four jobs have been added and begun."""

    def scenario(sim: Simulation) -> tuple[Answer, str]:
        scheduler = BackgroundScheduler()
        app = program.create_app(scheduler=scheduler, task=task)
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
    outcome = shut_down_at_the_fifth_job(program, taking(0.5))
    # add_job waited half a second for the shutdown, before the wait began.
    known = timed_out(range(4, 10), done(*range(4)))
    assert outcome == program.does(
        documented=Hang(WAIT, at=0.5),
        corrected=(Answer(504, known.body, after=60.5), "6 jobs wait for a start"),
    )


@pytest.mark.rows("D7", "E17", "E33")
def test_the_hang_that_is_left(program: Program) -> None:
    """``add_job`` waits for a shutdown, which waits for a job that never returns."""

    def endless(_job_synchronizer: Any, _task_id: int) -> None:
        threading.Event().wait()

    assert shut_down_at_the_fifth_job(program, endless) == Hang("run_tasks", at=0.0)
