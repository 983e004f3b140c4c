"""A job that starts late is missed. Red: test_late_jobs.py::test_more_jobs_than_workers."""

RIGHT = """\
                    misfire_grace_time=None,
"""
WRONG = """\
"""

OUTCOME = "504 after 30 s: 10 statuses, 1 pending"
