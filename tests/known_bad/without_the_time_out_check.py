"""The app is made with a time-out that no thread can wait. Red: test_deadline.py::test_a_deadline_that_is_no_time."""

RIGHT = """\
    if timeout is not None and not (isinstance(timeout, int | float) and 0 <= timeout <= longest):
"""
WRONG = """\
    if timeout is not None and timeout == "not a number":
"""

OUTCOME = "the longest: accepted, half a second: accepted, 0: accepted, -1: accepted, text: accepted, too long: accepted, infinity: accepted, not a number: accepted"
