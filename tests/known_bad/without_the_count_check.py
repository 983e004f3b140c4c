"""Any number of tasks is accepted. Red: test_the_synchronizer_alone.py::test_a_count_that_is_none."""

RIGHT = """\
        if num_tasks_to_complete < 0:
"""
WRONG = """\
        if False:
"""

OUTCOME = "'2': TypeError, -1: accepted, 2.0: TypeError, True: TypeError"
