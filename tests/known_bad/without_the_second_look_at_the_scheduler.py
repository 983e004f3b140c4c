"""A shutdown while jobs are added leaves some for the next start. Red: test_scheduler_shut_down.py::test_a_shutdown_while_jobs_are_added."""

RIGHT = """\
            if not scheduler.running:
                return refusal
            added.pop_all()
"""
WRONG = """\
            added.pop_all()
"""

OUTCOME = "504 after 20.5 s: 4 statuses, 6 pending; 6 jobs wait for a start"
