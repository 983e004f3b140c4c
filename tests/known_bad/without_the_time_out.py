"""The wait has no time-out. Red: test_the_synchronizer_alone.py::test_one_notification_too_few."""

RIGHT = """\
                lambda: self.current_completed == self.num_tasks_to_complete, timeout
"""
WRONG = """\
                lambda: self.current_completed == self.num_tasks_to_complete
"""

OUTCOME = "hangs in wait_for_tasks_to_be_completed at 0 s"
