"""Every request uses the same job ids. Red: test_duplicate_ids.py::test_an_id_that_is_pending."""

RIGHT = """\
                job_id = "j" + str(i) + "-" + request_id
"""
WRONG = """\
                job_id = "j" + str(i)
"""

OUTCOME = "500 after 0 s: ConflictingIdError"
