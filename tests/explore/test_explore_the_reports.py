"""A task's status beside a second one and the view's look: every order."""

import threading
from collections.abc import Callable

import pytest

from jobs_synchronizer.corrected import JobsSynchronizer, TaskReport
from threadsim import ScheduleFailure, explore


class KnownTooLate(TaskReport):
    """A report that is known to have come when the lock is free again."""

    def notify_task_completion(self, status_to_report: str | None = None) -> None:
        """Report, and then know of it."""
        if not self.reported:
            self.job_synchronizer.notify_task_completion(status_to_report)
            self.reported = True


def reports(report_of: Callable[[JobsSynchronizer], TaskReport]) -> Callable[[], None]:
    """Make a program: two threads report for one of two tasks, and the view looks."""

    def program() -> None:
        synchronizer = JobsSynchronizer(2)
        report = report_of(synchronizer)
        helpers = [
            threading.Thread(target=report.notify_task_completion, args=(status,))
            for status in ("one", "other")
        ]
        for helper in helpers:
            helper.start()
        with synchronizer.condition:
            assert report.reported == (synchronizer.get_status_list() != [])
        for helper in helpers:
            helper.join()
        assert len(synchronizer.get_status_list()) == synchronizer.current_completed == 1

    return program


def test_a_task_counts_once_in_every_order() -> None:
    """A look sees the first status and that it came, or neither; a second one does not count."""
    assert explore(reports(TaskReport)).complete


def test_a_report_that_is_known_too_late_is_found() -> None:
    """Without the lock around both, the task counts twice in some order."""
    with pytest.raises(ScheduleFailure):
        explore(reports(KnownTooLate))
