"""The wait looks at no count. Red: test_notification_before_the_wait.py::test_a_notification_before_the_wait."""

RIGHT = """\
            return self.condition.wait_for(
                lambda: self.current_completed == self.num_tasks_to_complete, timeout
            )
"""
WRONG = """\
            return self.condition.wait(timeout)
"""

OUTCOME = "200 after 20 s: 10 statuses"
