"""Taking back a job that has begun fails. Red: test_a_job_that_cannot_be_added.py::test_a_job_that_cannot_be_added_after_one_has_begun."""

RIGHT = """\
    with contextlib.suppress(JobLookupError):
        scheduler.remove_job(job_id)
"""
WRONG = """\
    scheduler.remove_job(job_id)
"""

OUTCOME = "500 after 0 s: JobLookupError"
