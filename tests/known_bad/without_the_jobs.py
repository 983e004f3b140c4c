"""What was added is taken back. Red: test_one_job.py::test_one_job."""

RIGHT = """\
            added.pop_all()
"""
WRONG = """\
"""

OUTCOME = "504 after 20 s: 0 statuses, 1 pending"
