"""A scheduler that is being shut down is asked to add jobs. Red: test_scheduler_shut_down.py::test_a_request_while_a_shutdown_waits."""

RIGHT = """\
        if not scheduler.running:
            return refusal

"""
WRONG = """\

"""

OUTCOME = "503 after 8 s"
