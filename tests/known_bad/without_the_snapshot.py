"""The list of statuses itself is handed out. Red: test_the_synchronizer_alone.py::test_a_list_that_was_handed_out."""

RIGHT = """\
            return list(self.status_list)
"""
WRONG = """\
            return self.status_list
"""

OUTCOME = "['first', 'second']"
