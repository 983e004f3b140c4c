"""Anything is accepted as a number of tasks. Red: test_the_synchronizer_alone.py::test_a_count_that_is_none."""

RIGHT = """\
        if not isinstance(num_tasks_to_complete, int) or isinstance(num_tasks_to_complete, bool):
"""
WRONG = """\
        if False:
"""

OUTCOME = "'2': TypeError, -1: ValueError, 2.0: accepted, True: accepted"
