"""The last report wakes one waiter. Red: test_the_synchronizer_alone.py::test_two_waiters."""

RIGHT = """\
                self.condition.notify_all()
"""
WRONG = """\
                self.condition.notify()
"""

OUTCOME = "1 of 2 released"
