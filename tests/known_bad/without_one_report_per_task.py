"""A task's second report stands for another task. Red: test_the_synchronizer_alone.py::test_a_job_that_reports_twice."""

RIGHT = """\
            if self.reported:
"""
WRONG = """\
            if False:
"""

OUTCOME = "504 after 0 s: 2 statuses, 1 pending"
