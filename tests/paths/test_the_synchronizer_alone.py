"""The synchronizer by itself: what its counts, its lists and its waiters do."""

import threading
import time
from typing import Any

from outcomes import Answer, Hang, Program
from threadsim import Simulation


def test_two_waiters(program: Program) -> None:
    """Everybody who waits is released by the last report."""

    def scenario(sim: Simulation) -> str:
        synchronizer = program.module.JobsSynchronizer(1)
        waiters = [
            threading.Thread(target=synchronizer.wait_for_tasks_to_be_completed) for _ in range(2)
        ]
        for waiter in waiters:
            waiter.start()
        sim.settle()
        synchronizer.notify_task_completion()
        sim.settle()
        return f"{sum(not waiter.is_alive() for waiter in waiters)} of 2 released"

    assert program.run(scenario) == program.does(
        documented="1 of 2 released", corrected="2 of 2 released"
    )


def test_a_waiter_after_the_end(program: Program) -> None:
    """Who begins to wait after the last report does not wait."""

    def scenario(_sim: Simulation) -> str:
        synchronizer = program.module.JobsSynchronizer(1)
        synchronizer.notify_task_completion("done")
        return f"returns {synchronizer.wait_for_tasks_to_be_completed()}"

    assert program.run(scenario) == program.does(
        documented=Hang("wait_for_tasks_to_be_completed", at=0.0), corrected="returns True"
    )


def test_a_status_of_none(program: Program) -> None:
    """A report without a status counts, and adds none."""

    def scenario(_sim: Simulation) -> str:
        synchronizer = program.module.JobsSynchronizer(2)
        synchronizer.notify_task_completion()
        synchronizer.notify_task_completion("done")
        return f"{synchronizer.current_completed} reports, {synchronizer.get_status_list()}"

    assert program.run(scenario) == "2 reports, ['done']"


def test_an_empty_status(program: Program) -> None:
    """A status that says nothing is a status."""

    def scenario(_sim: Simulation) -> str:
        synchronizer = program.module.JobsSynchronizer(1)
        synchronizer.notify_task_completion("")
        return f"{synchronizer.get_status_list()}"

    assert program.run(scenario) == "['']"


def test_a_list_that_was_handed_out(program: Program) -> None:
    """A list of statuses stays as it was handed out, whoever reports afterwards."""

    def scenario(_sim: Simulation) -> str:
        synchronizer = program.module.JobsSynchronizer(2)
        synchronizer.notify_task_completion("first")
        statuses = synchronizer.get_status_list()
        synchronizer.notify_task_completion("second")
        return f"{statuses}"

    assert program.run(scenario) == program.does(
        documented="['first', 'second']", corrected="['first']"
    )


def test_one_notification_too_many(program: Program) -> None:
    """More notifications than tasks end the wait as well, and their statuses are in the list."""

    def scenario(_sim: Simulation) -> str:
        synchronizer = program.module.JobsSynchronizer(1)
        synchronizer.notify_task_completion("first")
        synchronizer.notify_task_completion("second")
        synchronizer.wait_for_tasks_to_be_completed()
        return f"{synchronizer.get_status_list()}"

    assert program.run(scenario) == program.does(
        documented=Hang("wait_for_tasks_to_be_completed", at=0.0), corrected="['first', 'second']"
    )


def test_a_job_that_reports_twice(program: Program) -> None:
    """A task counts once, with its first status: a second one does not stand for another task."""

    def twice(job_synchronizer: Any, task_id: int) -> None:
        job_synchronizer.notify_task_completion(f"Task {task_id}")
        threading.Event().wait(task_id)
        job_synchronizer.notify_task_completion(f"Task {task_id} again")

    assert program.ask(task=twice, num_tasks=2) == program.does(
        documented=Answer(200, ["Task 0", "Task 0 again", "Task 1"], after=0.0),
        corrected=Answer(200, ["Task 0", "Task 1"], after=0.0),
    )


def test_a_list_asked_for_in_the_middle_of_a_report(program: Program) -> None:
    """A list of statuses is made between two reports, never in the middle of one."""

    def scenario(sim: Simulation) -> str:
        synchronizer = program.module.JobsSynchronizer(1)

        def report() -> None:
            with synchronizer.condition:
                time.sleep(1)
                synchronizer.notify_task_completion("first")

        threading.Thread(target=report).start()
        sim.settle()
        return f"{synchronizer.get_status_list()} after {sim.clock.elapsed:g} s"

    assert program.run(scenario) == program.does(
        documented="[] after 0 s",
        corrected="['first'] after 1 s",
    )


def test_one_notification_too_few(program: Program) -> None:
    """A report that never comes is waited for until the time-out, and no longer."""

    def scenario(sim: Simulation) -> str:
        synchronizer = program.module.JobsSynchronizer(2)
        synchronizer.notify_task_completion("first")
        options = program.does(documented={}, corrected={"timeout": 5.0})
        returned = synchronizer.wait_for_tasks_to_be_completed(**options)
        return f"returns {returned} after {sim.clock.elapsed:g} s"

    assert program.run(scenario) == program.does(
        documented=Hang("wait_for_tasks_to_be_completed", at=0.0),
        corrected="returns False after 5 s",
    )


def test_a_synchronizer_used_again(program: Program) -> None:
    """A synchronizer serves one group: a second one needs another."""

    def scenario(_sim: Simulation) -> str:
        synchronizer = program.module.JobsSynchronizer(1)
        synchronizer.notify_task_completion("first group")
        threading.Timer(1, synchronizer.notify_task_completion, ["second group"]).start()
        synchronizer.wait_for_tasks_to_be_completed()
        return f"{synchronizer.get_status_list()}"

    assert program.run(scenario) == program.does(
        documented=Hang("wait_for_tasks_to_be_completed", at=1.0),
        corrected="['first group']",
    )


class SlowList(list[str]):
    """A list that takes a second to append a status."""

    def append(self, status: str) -> None:
        """Append a status, later."""
        time.sleep(1)
        super().append(status)


def test_a_status_is_there_when_the_wait_ends(program: Program) -> None:
    """The last status is in the list before any thread is told that all tasks have reported."""

    def scenario(_sim: Simulation) -> str:
        synchronizer = program.module.JobsSynchronizer(1)
        synchronizer.status_list = SlowList()
        threading.Thread(target=synchronizer.notify_task_completion, args=["done"]).start()
        synchronizer.wait_for_tasks_to_be_completed()
        return f"{synchronizer.get_status_list()}"

    assert program.run(scenario) == "['done']"
