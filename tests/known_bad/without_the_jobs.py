"""What was added is taken back. Red: test_one_job.py::test_one_job."""

RIGHT = """\
            added.pop_all()
"""
WRONG = """\
"""
