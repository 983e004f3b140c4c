"""A job whose helper reports as it ends is an error. Red: test_reports_at_once.py::test_a_report_at_the_very_end."""

RIGHT = """\
        with self._job_synchronizer.condition:
            if not self.reported:
"""
WRONG = """\
        if True:
            if not self.reported:
"""

OUTCOME = "200 after 1 s: “Task 0 by a helper”; 1 errors"
