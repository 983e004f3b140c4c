"""What is known at the deadline is called the answer. Red: test_deadline.py::test_a_job_that_never_returns."""

RIGHT = """\
        if pending:
"""
WRONG = """\
        if False:
"""

OUTCOME = "200 after 20 s: 4 statuses"
