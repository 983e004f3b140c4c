"""The synchronizer by itself: what its counts, its lists and its waiters do."""

import math
import threading
import time
from typing import Any

from outcomes import Hang, Program
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


def test_a_wait_for_no_time(program: Program) -> None:
    """A wait that no thread can do is refused; one that is over before it begins looks once."""
    longest = threading.TIMEOUT_MAX

    def scenario(_sim: Simulation) -> str:
        said = []
        for timeout in (math.nan, math.inf, longest * 1.01, 0, -1, longest):
            synchronizer = program.module.JobsSynchronizer(int(timeout != longest))
            try:
                ended = synchronizer.wait_for_tasks_to_be_completed(timeout)
            except (OverflowError, TypeError, ValueError) as error:
                said.append(type(error).__name__)
                refusals.append(str(error))
            else:
                said.append(f"{ended}")
        return ", ".join(said)

    refusals: list[str] = []
    assert program.run(scenario) == program.does(
        documented=", ".join(6 * ["TypeError"]),  # It knows no time-out.
        corrected="ValueError, ValueError, ValueError, False, False, True",
    )
    assert refusals[0].replace(f"{longest:.0f}", "…") == program.does(
        documented="JobsSynchronizer.wait_for_tasks_to_be_completed() takes 1 positional argument "
        "but 2 were given",
        corrected="wait_for_tasks_to_be_completed(nan): no thread can wait for that. Pass seconds "
        "up to …, or None to wait without limit.",
    )


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
    """A report beyond the last one is refused, and changes nothing."""

    def scenario(_sim: Simulation) -> str:
        synchronizer = program.module.JobsSynchronizer(1)
        synchronizer.notify_task_completion("first")
        try:
            synchronizer.notify_task_completion("second")
        except RuntimeError as error:
            refusals.append(str(error))
        return f"{synchronizer.get_status_list()}, {len(refusals)} refused"

    refusals: list[str] = []

    assert program.run(scenario) == program.does(
        documented="['first', 'second'], 0 refused", corrected="['first'], 1 refused"
    )
    assert refusals == program.does(
        documented=[],
        corrected=[
            (
                "notify_task_completion('second'): all 1 tasks have reported already. Report once "
                "per task, and count every task when making the JobsSynchronizer."
            )
        ],
    )


def test_a_job_that_reports_twice(program: Program) -> None:
    """A second report of one job does not stand for another job's."""

    def twice(job_synchronizer: Any, task_id: int) -> None:
        job_synchronizer.notify_task_completion(f"Task {task_id}")
        threading.Event().wait(task_id)
        try:
            job_synchronizer.notify_task_completion(f"Task {task_id} again")
        except RuntimeError as error:
            refused.append(str(error))

    refused: list[str] = []
    answer = program.ask(task=twice, num_tasks=2)
    assert (answer.body, len(refused)) == program.does(
        documented=(["Task 0", "Task 0 again", "Task 1"], 0),
        corrected=(["Task 0", "Task 1"], 1),
    )
    assert refused == program.does(
        documented=[],
        corrected=[
            (
                "notify_task_completion('Task 0 again'): Task 0 has reported already, and a second "
                "report would stand for another task. Report once per task."
            )
        ],
    )


def test_a_count_that_is_none(program: Program) -> None:
    """A number of tasks that nobody can count to is refused, by the app too."""

    def scenario(_sim: Simulation) -> str:
        refusals = set()
        for count in (-1, 2.0, "2", True):
            for make in (program.module.JobsSynchronizer, app_with):
                try:
                    make(count)
                except (TypeError, ValueError) as error:
                    refusals.add(f"{count!r}: {type(error).__name__}")
                    texts.add(str(error))
                else:
                    refusals.add(f"{count!r}: accepted")
        return ", ".join(sorted(refusals))

    def app_with(num_tasks: Any) -> None:
        program.module.create_app(num_tasks=num_tasks)

    texts: set[str] = set()

    assert program.run(scenario) == program.does(
        documented="'2': accepted, -1: accepted, 2.0: accepted, True: accepted",
        corrected="'2': TypeError, -1: ValueError, 2.0: TypeError, True: TypeError",
    )
    negative = (
        "the number of tasks cannot be negative. Pass how many tasks will report, 0 for none."
    )
    no_int = "the number of tasks must be an int, not {}. Pass how many tasks will report."
    assert texts == program.does(
        documented=set(),
        corrected={
            f"JobsSynchronizer(-1): {negative}",
            f"JobsSynchronizer('2'): {no_int.format('str')}",
            f"JobsSynchronizer(2.0): {no_int.format('float')}",
            f"JobsSynchronizer(True): {no_int.format('bool')}",
        },
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


def test_three_hundred_reports(program: Program) -> None:
    """A large group is counted as a small one."""

    def scenario(sim: Simulation) -> str:
        # Two equal numbers and not one object, as larger counts are: they are compared, not known.
        synchronizer = program.module.JobsSynchronizer(int("300"))
        waiter = threading.Thread(target=synchronizer.wait_for_tasks_to_be_completed)
        waiter.start()
        sim.settle()
        for _ in range(300):
            synchronizer.notify_task_completion("done")
        waiter.join()
        try:
            synchronizer.notify_task_completion("one more")
        except RuntimeError:
            synchronizer.wait_for_tasks_to_be_completed()
        return f"{len(synchronizer.get_status_list())} statuses"

    assert program.run(scenario) == program.does(
        documented="301 statuses", corrected="300 statuses"
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
