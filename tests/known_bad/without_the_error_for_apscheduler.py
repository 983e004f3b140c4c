"""A job that raised has ended well, for APScheduler. Red: test_a_job_that_raises.py::test_a_job_that_exits."""

RIGHT = """\
{error}"
        raise
"""
WRONG = """\
{error}"
"""
