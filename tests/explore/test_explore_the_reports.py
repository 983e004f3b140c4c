"""A task's report beside a second one, one that is made up, and the view's look: every order."""

import threading
from collections.abc import Callable, Sequence

import pytest

from jobs_synchronizer.corrected import JobsSynchronizer, TaskReport
from threadsim import ScheduleFailure, explore


class KnownTooLate(TaskReport):
    """A report that is known to have come when the lock is free again."""

    def notify_task_completion(self, status_to_report: str | None = None) -> None:
        """Report, and then know of it."""
        with self._job_synchronizer.condition:
            if self.reported:
                raise RuntimeError
            self._job_synchronizer.notify_task_completion(status_to_report)
        self.reported = True


def look(synchronizer: JobsSynchronizer, report: TaskReport) -> tuple[list[str], bool]:
    """Look at statuses and reports at once, as the view does."""
    with synchronizer.condition:
        return synchronizer.get_status_list(), report.reported


def reports(
    report_of: Callable[[JobsSynchronizer, int], TaskReport], statuses: Sequence[str]
) -> Callable[[], None]:
    """Make a program: threads report for one task, a report is made up, and the view looks."""

    def program() -> None:
        synchronizer = JobsSynchronizer(1)
        report = report_of(synchronizer, 0)
        refused = []

        def say(status: str) -> None:
            try:
                report.notify_task_completion(status)
            except RuntimeError:
                refused.append(status)

        helpers = [threading.Thread(target=say, args=(status,)) for status in statuses]
        for helper in helpers:
            helper.start()
        seen, reported = look(synchronizer, report)
        assert reported == (seen != [])
        report.make_up("made up")
        for helper in helpers:
            helper.join()
        (status,) = synchronizer.get_status_list()
        assert len(refused) == len(statuses) - (status != "made up")

    return program


def test_a_task_counts_once_in_every_order() -> None:
    """Whoever reports first stands, and a look sees the status and that it came, or neither."""
    assert explore(reports(TaskReport, ["one", "other"])).complete


def test_a_task_counts_once_in_every_order_of_statements() -> None:
    """So it is when threads switch between any two statements of a report and of a look."""
    both: list[Callable[..., object]] = [TaskReport.notify_task_completion, look]
    assert explore(reports(TaskReport, ["one"]), switch_in=both).complete


def test_a_report_that_is_known_too_late_is_found() -> None:
    """Between the two, a look sees a status of a pending task, and a second report counts."""
    both: list[Callable[..., object]] = [KnownTooLate.notify_task_completion, look]
    with pytest.raises(ScheduleFailure):
        explore(reports(KnownTooLate, ["one"]), switch_in=both)
