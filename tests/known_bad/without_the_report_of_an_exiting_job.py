"""What a job raises is said of exceptions only. Red: test_a_job_that_raises.py::test_a_job_that_exits."""

RIGHT = """\
    except BaseException as error:
"""
WRONG = """\
    except Exception as error:
"""

OUTCOME = (
    "200 after 0 s: “Task 0 failed: it ended without a report”; APScheduler has heard of SystemExit"
)
