"""The wait has no time-out. Red: test_the_synchronizer_alone.py::test_one_notification_too_few."""

RIGHT = """\
                lambda: self.current_completed == self.num_tasks_to_complete, timeout
"""
WRONG = """\
                lambda: self.current_completed == self.num_tasks_to_complete
"""
