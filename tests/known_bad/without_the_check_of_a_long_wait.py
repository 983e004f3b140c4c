"""A wait that is too long for any thread is tried. Red: test_the_synchronizer_alone.py::test_a_wait_for_no_time."""

RIGHT = """\
        if timeout is not None and not timeout <= threading.TIMEOUT_MAX:
"""
WRONG = """\
        if timeout is not None and timeout != timeout:
"""

OUTCOME = "ValueError, OverflowError, OverflowError, False, False, True"
