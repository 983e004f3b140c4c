"""The status is appended when the lock is free again. Red: test_the_synchronizer_alone.py::test_a_status_is_there_when_the_wait_ends."""

RIGHT = """\
            if status_to_report is not None:
                self.status_list.append(status_to_report)
            if self.current_completed == self.num_tasks_to_complete:
                # notify_all: several threads may wait on one synchronizer, and notify would
                # release only one of them.
                self.condition.notify_all()
"""
WRONG = """\
            if self.current_completed == self.num_tasks_to_complete:
                self.condition.notify_all()
        if status_to_report is not None:
            self.status_list.append(status_to_report)
"""

OUTCOME = "[]"
