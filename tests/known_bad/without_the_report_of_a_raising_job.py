"""Nothing is reported for a job that raises. Red: test_a_job_that_raises.py::test_a_job_that_raises."""

RIGHT = """\
    finally:
        task_report.make_up(status)
"""
WRONG = """\
    task_report.make_up(status)
"""

OUTCOME = "504 after 20 s: 9 statuses, 1 pending"
