"""One notification too many is counted. Red: test_the_synchronizer_alone.py::test_one_notification_too_many."""

RIGHT = """\
            if self.current_completed == self.num_tasks_to_complete:
                raise RuntimeError(
"""
WRONG = """\
            if False:
                raise RuntimeError(
"""

OUTCOME = "['first', 'second'], 0 refused"
