"""A time-out of nothing is none. Red: test_deadline.py::test_a_deadline_of_no_time."""

RIGHT = """\
self.num_tasks_to_complete, timeout
            )
"""
WRONG = """\
self.num_tasks_to_complete, timeout or None
            )
"""

OUTCOME = "200 after 1 s: “Task 0 done”"
