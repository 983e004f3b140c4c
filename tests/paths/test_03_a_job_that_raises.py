"""D3, a job that raises.

When a job raises, the published program hangs. The exception ends the job before it calls
``notify_task_completion``, so the count never reaches the number of tasks. The corrected program
runs each task in ``run_and_report``, whose ``finally`` sends a status for it, and counts each task
once.
"""

import threading
import time
from collections.abc import Callable
from typing import Any

import pytest
from apscheduler.events import EVENT_JOB_ERROR, EVENT_JOB_EXECUTED

from outcomes import WAIT, Answer, Hang, Program, get, taking, with_rows
from threadsim import Simulation

pytestmark = pytest.mark.rows("D3")


def raising_after(seconds: float) -> Callable[[Any, int], None]:
    """Make the published task, of which the fourth raises after so many seconds."""

    def task(job_synchronizer: Any, task_id: int) -> None:
        if task_id == 3:
            time.sleep(seconds)
            raise ValueError("boom")
        time.sleep(10)
        job_synchronizer.notify_task_completion(f"Task {task_id} completed execution")

    return task


WHEN = {"at once": 0, "halfway": 5, "near its end": 9}


@pytest.mark.rows("E2")
@pytest.mark.parametrize("when", WHEN)
def test_a_job_that_raises(program: Program, completed: list[str], when: str) -> None:
    """A job that raises has a status that says so, and the other statuses arrive."""
    failed = "Task 3 failed: ValueError('boom')"
    assert program.ask(task=raising_after(WHEN[when])) == program.does(
        documented=Hang(WAIT, at=10.0),
        corrected=Answer(200, [failed, *completed[:3], *completed[4:]], after=10.0),
    )


EXITS = {"SystemExit": SystemExit("enough"), "KeyboardInterrupt": KeyboardInterrupt()}


@pytest.mark.rows("E2")
@pytest.mark.parametrize("raised", EXITS)
def test_a_job_that_raises_no_exception(program: Program, raised: str) -> None:
    """SystemExit and KeyboardInterrupt, no subclasses of Exception, are failures like any other."""

    def task(_job_synchronizer: Any, _task_id: int) -> None:
        raise EXITS[raised]

    def scenario(sim: Simulation) -> tuple[Answer, str]:
        app = program.create_app(num_tasks=1, task=task)
        app.apscheduler.add_listener(
            lambda event: errors.append(type(event.exception).__name__), EVENT_JOB_ERROR
        )
        answer = get(app, sim)
        sim.settle()
        return answer, f"APScheduler has heard of {', '.join(errors) or 'nothing'}"

    errors: list[str] = []

    assert program.run(scenario) == program.does(
        documented=Hang(WAIT, at=0.0),
        corrected=(
            Answer(200, [f"Task 0 failed: {EXITS[raised]!r}"], after=0.0),
            f"APScheduler has heard of {raised}",
        ),
    )


def silent(_job_synchronizer: Any, _task_id: int) -> None:
    """Return without a status."""


async def coroutine(_job_synchronizer: Any, _task_id: int) -> None:
    """Do nothing, and nobody awaits it."""


SILENT = {"a function": silent, "a coroutine function": coroutine}


@pytest.mark.parametrize("task", with_rows({"a function": "E1", "a coroutine function": "E5"}))
# A thread calls a coroutine function, and never runs it.
@pytest.mark.filterwarnings("ignore:coroutine .* was never awaited")
def test_a_job_that_sends_no_status(program: Program, task: str) -> None:
    """A task that returns and sent no status has one that says so."""
    assert program.ask(task=SILENT[task], num_tasks=1) == program.does(
        documented=Hang(WAIT, at=0.0),
        corrected=Answer(200, ["Task 0 failed: it did not call notify_task_completion"], after=0.0),
    )


@pytest.mark.rows("E2")
def test_an_exception_after_the_status(program: Program) -> None:
    """The status that a task has sent stands, whatever the task does afterwards."""

    def task(job_synchronizer: Any, _task_id: int) -> None:
        job_synchronizer.notify_task_completion("done")
        raise ValueError("too late")

    assert program.ask(task=task, num_tasks=1) == Answer(200, ["done"], after=0.0)


def test_a_job_that_sends_two_statuses(program: Program) -> None:
    """A task counts once, with its first status: a second one does not stand for another task."""

    def task(job_synchronizer: Any, task_id: int) -> None:
        time.sleep(task_id)
        job_synchronizer.notify_task_completion(f"Task {task_id}")
        job_synchronizer.notify_task_completion(f"Task {task_id} again")

    assert program.ask(task=task, num_tasks=2) == program.does(
        documented=Answer(200, ["Task 0", "Task 0 again"], after=0.0),
        corrected=Answer(200, ["Task 0", "Task 1"], after=1.0),
    )


def condition(job_synchronizer: Any) -> threading.Condition:
    """Return the lock under which all statuses of a request are sent."""
    found: threading.Condition = getattr(
        job_synchronizer, "job_synchronizer", job_synchronizer
    ).condition
    return found


def test_two_threads_of_a_job_at_once(program: Program) -> None:
    """Two threads of one task that send a status at the same instant count as one task."""

    def scenario(sim: Simulation) -> Answer:
        def task(job_synchronizer: Any, task_id: int) -> None:
            helpers = [
                threading.Thread(
                    target=job_synchronizer.notify_task_completion, args=[f"Task {task_id}"]
                )
                for _ in range(2)
            ]
            with condition(job_synchronizer):
                for helper in helpers:
                    helper.start()
                sim.clock.tick(1)  # Both wait for the lock.
            for helper in helpers:
                helper.join()

        return get(program.create_app(num_tasks=2, task=task), sim)

    assert program.run(scenario) == program.does(
        documented=Answer(200, ["Task 0", "Task 0"], after=2.0),
        corrected=Answer(200, ["Task 0", "Task 1"], after=2.0),
    )


def test_a_status_from_a_thread_of_the_job(program: Program) -> None:
    """A thread that sends its task's status while the task returns is enough: no job has failed."""

    def scenario(sim: Simulation) -> tuple[Answer, str]:
        def task(job_synchronizer: Any, task_id: int) -> None:
            def hold() -> None:
                with condition(job_synchronizer):
                    time.sleep(1)

            def send() -> None:
                job_synchronizer.notify_task_completion(f"Task {task_id} by a thread")

            for helper in (hold, send):
                threading.Thread(target=helper).start()
            time.sleep(0.5)

        app = program.create_app(num_tasks=1, task=task)
        app.apscheduler.add_listener(
            lambda event: ends.append(event.code), EVENT_JOB_EXECUTED | EVENT_JOB_ERROR
        )
        answer = get(app, sim)
        sim.settle()
        return answer, f"{ends.count(EVENT_JOB_ERROR)} errors"

    ends: list[int] = []

    assert program.run(scenario) == (Answer(200, ["Task 0 by a thread"], after=1.0), "0 errors")


@pytest.mark.rows("E21")
def test_a_job_that_shuts_the_scheduler_down(program: Program) -> None:
    """A job that shuts down its own scheduler fails, and the jobs beside it are answered for."""

    def scenario(sim: Simulation) -> Answer:
        def task(job_synchronizer: Any, task_id: int) -> None:
            if task_id == 0:
                app.apscheduler.shutdown()
            taking(0.5)(job_synchronizer, task_id)

        app = program.create_app(num_tasks=2, task=task)
        return get(app, sim)

    failed = "Task 0 failed: RuntimeError('cannot join current thread')"
    assert program.run(scenario) == program.does(
        documented=Hang(WAIT, at=0.5), corrected=Answer(200, [failed, "Task 1 done"], after=0.5)
    )
