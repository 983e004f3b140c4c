"""Two reports of one task at once are both counted. Red: test_reports_at_once.py::test_two_reports_at_once."""

RIGHT = """\
        with self._job_synchronizer.condition:
            if self.reported:
"""
WRONG = """\
        if True:
            if self.reported:
"""

OUTCOME = "504 after 2 s: 2 statuses, 1 pending"
