"""A job that raised has ended well, for APScheduler. Red: test_a_job_that_raises.py::test_a_job_that_exits."""

RIGHT = """\
{said}"
        raise
"""
WRONG = """\
{said}"
"""

OUTCOME = "200 after 0 s: “Task 0 failed: SystemExit: enough”; APScheduler has heard of nothing"
