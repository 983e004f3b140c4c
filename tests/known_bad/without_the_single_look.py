"""Statuses and reports are looked at one after the other. Red: test_deadline.py::test_a_report_while_the_answer_is_written."""

RIGHT = """\
        with job_synchronizer.condition:
            statuses = job_synchronizer.get_status_list()
            pending ="""
WRONG = """\
        if True:
            statuses = job_synchronizer.get_status_list()
            pending ="""

OUTCOME = "200 after 20 s: 0 statuses"
