"""The answer of the deadline is called HTML. Red: test_content_type.py::test_the_content_type_of_a_refusal."""

RIGHT = """\
"pending": pending}), 504, JSON
"""
WRONG = """\
"pending": pending}), 504, {}
"""

OUTCOME = "text/html, application/json"
