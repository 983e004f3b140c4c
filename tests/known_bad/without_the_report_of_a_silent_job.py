"""Nothing is reported for a job that forgets to. Red: test_a_job_that_raises.py::test_a_job_that_ends_without_a_report."""

RIGHT = """\
        task(task_report, task_id)
    except BaseException as error:
"""
WRONG = """\
        task(task_report, task_id)
        task_report.reported = True
    except BaseException as error:
"""

OUTCOME = "200 after 20 s: 0 statuses"
