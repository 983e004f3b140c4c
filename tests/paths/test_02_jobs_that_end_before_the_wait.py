"""D2, jobs that end before the wait begins.

When the last job ends before the request waits, the published program hangs. ``Condition.wait``
waits for the next notification, and the last one has been. The corrected program waits with
``wait_for``, which tests the count before the first wait and after each wake-up, and its lock
covers all that the wait looks at.
"""

import threading
import time

import pytest

from apscheduler_fakes import FakeScheduler
from outcomes import WAIT, Answer, Hang, Program, done, later, taking
from threadsim import Simulation

pytestmark = pytest.mark.rows("D2")


def test_a_notification_before_the_wait(program: Program) -> None:
    """A status that is sent before the request waits is in the answer."""
    scheduler = FakeScheduler(immediate=True)  # Each job runs inside add_job.
    assert program.ask(task=taking(0), scheduler=scheduler) == program.does(
        documented=Hang(WAIT, at=0.0), corrected=Answer(200, done(*range(10)), after=0.0)
    )


def test_two_waiters(program: Program) -> None:
    """The last of three hundred notifications wakes every thread that waits."""

    def scenario(sim: Simulation) -> str:
        synchronizer = program.module.JobsSynchronizer(300)
        waiters = [
            threading.Thread(target=synchronizer.wait_for_tasks_to_be_completed) for _ in range(2)
        ]
        for waiter in waiters:
            waiter.start()
        sim.settle()
        for _ in range(300):
            synchronizer.notify_task_completion()
        sim.settle()
        return f"{sum(not waiter.is_alive() for waiter in waiters)} of 2 woken"

    assert program.run(scenario) == program.does(
        documented="1 of 2 woken", corrected="2 of 2 woken"
    )


def test_notifications_too_many(program: Program) -> None:
    """More notifications than tasks end the wait as well."""

    def scenario(_sim: Simulation) -> str:
        synchronizer = program.module.JobsSynchronizer(1)
        synchronizer.notify_task_completion("first")
        synchronizer.notify_task_completion("second")
        later(1, lambda: synchronizer.notify_task_completion("third"))
        return f"returns {synchronizer.wait_for_tasks_to_be_completed()}"

    assert program.run(scenario) == program.does(
        documented=Hang(WAIT, at=1.0), corrected="returns True"
    )


class SlowList(list[str]):
    """A list that takes a second to append a status."""

    def append(self, status: str) -> None:
        """Append a status, later."""
        time.sleep(1)
        super().append(status)


def test_a_status_is_there_when_the_wait_ends(program: Program) -> None:
    """The last status is in the list before a thread that waits is woken."""

    def scenario(_sim: Simulation) -> str:
        synchronizer = program.module.JobsSynchronizer(1)
        synchronizer.status_list = SlowList()
        threading.Thread(target=synchronizer.notify_task_completion, args=["done"]).start()
        synchronizer.wait_for_tasks_to_be_completed()
        return f"{synchronizer.get_status_list()}"

    assert program.run(scenario) == "['done']"


def test_a_list_that_was_handed_out(program: Program) -> None:
    """A list that was handed out does not change when another task sends its status."""

    def scenario(_sim: Simulation) -> str:
        synchronizer = program.module.JobsSynchronizer(2)
        synchronizer.notify_task_completion("first")
        statuses = synchronizer.get_status_list()
        synchronizer.notify_task_completion("second")
        return f"{statuses}"

    assert program.run(scenario) == program.does(
        documented="['first', 'second']", corrected="['first']"
    )


def test_a_list_asked_for_during_a_notification(program: Program) -> None:
    """The list is copied before or after a notification, and never in the middle of one."""

    def scenario(sim: Simulation) -> str:
        synchronizer = program.module.JobsSynchronizer(1)
        synchronizer.status_list = SlowList()
        threading.Thread(target=synchronizer.notify_task_completion, args=["done"]).start()
        sim.settle()
        return f"{synchronizer.get_status_list()} after {sim.clock.elapsed:g} s"

    assert program.run(scenario) == program.does(
        documented="[] after 0 s", corrected="['done'] after 1 s"
    )
