"""An error that cannot say what it is takes the place of another. Red: test_a_job_that_raises.py::test_a_raise_that_cannot_be_printed."""

RIGHT = """\
        said = "".join(traceback.format_exception_only(error)).strip()
"""
WRONG = """\
        said = f"{type(error).__name__}: {error}"
"""

OUTCOME = "200 after 0 s: “Task 0 failed: it ended without a report”; APScheduler has heard of RuntimeError"
