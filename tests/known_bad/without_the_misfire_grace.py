"""A job that starts late is missed. Red: test_late_jobs.py::test_more_jobs_than_workers."""

RIGHT = """\
                    misfire_grace_time=None,
"""
WRONG = """\
"""
