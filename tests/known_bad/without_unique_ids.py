"""Every request uses the same job ids. Red: test_duplicate_ids.py::test_an_id_that_is_pending."""

RIGHT = """\
                    id="j" + str(i) + "-" + request_id,
"""
WRONG = """\
                    id="j" + str(i),
"""

OUTCOME = "500 after 0 s: ConflictingIdError"
