"""A scheduler that does not run gets jobs. Red: test_scheduler_not_running.py::test_a_scheduler_that_was_shut_down."""

RIGHT = """\
        if not scheduler.running:
"""
WRONG = """\
        if False:
"""

OUTCOME = "504 after 20 s: 0 statuses, 10 pending"
