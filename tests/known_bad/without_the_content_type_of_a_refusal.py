"""The refusal is called HTML. Red: test_content_type.py::test_the_content_type_of_a_refusal."""

RIGHT = """\
"error": NOT_RUNNING}), 503, JSON
"""
WRONG = """\
"error": NOT_RUNNING}), 503, {}
"""

OUTCOME = "application/json, text/html"
