"""A job whose own adding failed stays in its store. Red: test_a_job_that_cannot_be_added.py::test_a_job_that_is_in_the_store_when_its_adding_fails."""

RIGHT = """\
                added.callback(take_back, app.apscheduler, job_id)  # type: ignore[attr-defined]
                app.apscheduler.add_job(  # type: ignore[attr-defined]  # set by init_app
                    func=run_and_report,
                    trigger="date",
                    args=[task, task_report, i],
                    id=job_id,
                    misfire_grace_time=None,
                )
"""
WRONG = """\
                app.apscheduler.add_job(
                    func=run_and_report,
                    trigger="date",
                    args=[task, task_report, i],
                    id=job_id,
                    misfire_grace_time=None,
                )
                added.callback(take_back, app.apscheduler, job_id)
"""

OUTCOME = "500 after 0 s: OSError; [2]"
