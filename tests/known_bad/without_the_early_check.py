"""The app is made with a wrong number of tasks. Red: test_the_synchronizer_alone.py::test_a_count_that_is_none."""

RIGHT = """\
    JobsSynchronizer(num_tasks)
"""
WRONG = """\
"""

OUTCOME = "'2': TypeError, '2': accepted, -1: ValueError, -1: accepted, 2.0: TypeError, 2.0: accepted, True: TypeError, True: accepted"
