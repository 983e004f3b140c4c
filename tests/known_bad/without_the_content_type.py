"""The answer is called HTML. Red: test_content_type.py::test_the_content_type."""

RIGHT = """\
        return json.dumps(statuses), 200, JSON
"""
WRONG = """\
        return json.dumps(statuses), 200, {}
"""

OUTCOME = "text/html"
