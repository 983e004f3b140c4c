"""Jobs already added stay when a later one cannot be. Red: test_a_job_that_cannot_be_added.py::test_a_job_that_cannot_be_added."""

RIGHT = """\
                added.callback(take_back, app.apscheduler, job_id)  # type: ignore[attr-defined]
"""
WRONG = """\
"""

OUTCOME = "500 after 0 s: OSError; [0, 1]"
