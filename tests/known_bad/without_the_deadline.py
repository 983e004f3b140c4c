"""The request waits without limit. Red: test_deadline.py::test_a_job_that_never_returns."""

RIGHT = """\
        job_synchronizer.wait_for_tasks_to_be_completed(timeout)
"""
WRONG = """\
        job_synchronizer.wait_for_tasks_to_be_completed()
"""

OUTCOME = "hangs in wait_for_tasks_to_be_completed at 4 s"
