"""The refusal is called HTML. Red: test_content_type.py::test_the_content_type_of_a_refusal."""

RIGHT = """\
start it."}), 503, JSON
"""
WRONG = """\
start it."}), 503, {}
"""

OUTCOME = "application/json, text/html"
