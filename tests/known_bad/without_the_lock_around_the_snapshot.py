"""The list of statuses is copied without the lock. Red: test_the_synchronizer_alone.py::test_a_list_asked_for_in_the_middle_of_a_report."""

RIGHT = """\
        with self.condition:
            return list(self.status_list)
"""
WRONG = """\
        return list(self.status_list)
"""

OUTCOME = "[] after 0 s"
