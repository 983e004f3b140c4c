"""Jobs that are an hour late do not run. Red: test_scheduler_paused.py::test_a_pause_of_a_day."""

RIGHT = """\
                    misfire_grace_time=None,
"""
WRONG = """\
                    misfire_grace_time=3600,
"""

OUTCOME = "hangs in wait_for_tasks_to_be_completed at 86400.5 s"
