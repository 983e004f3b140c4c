"""The facts of the published text, each with its place in it.

The text is "How to use threading.Condition to wait for several Flask-APScheduler one-off jobs to
complete execution in your Python 3 application". ``tests/test_published_facts.py`` holds
``jobs_synchronizer.documented`` to every one of them.
"""

from typing import NamedTuple


class Fact(NamedTuple):
    """One fact.

    Attributes:
        value: What the text says.
        where: The section or the line of the program that says it.
    """

    value: object
    where: str


PROGRAM = 'the program in "Example Python 3 Flask application"'
FUNCTION = 'the section "Scheduling jobs for APScheduler inside the run_tasks function"'

FACTS = {
    "class": Fact("JobsSynchronizer", f"{PROGRAM}, its first class"),
    "constructor argument": Fact(["num_tasks_to_complete"], 'the section "__init__ method"'),
    "attributes": Fact(
        ["condition", "current_completed", "num_tasks_to_complete", "status_list"],
        'the section "__init__ method", its four actions',
    ),
    "attributes at first": Fact(
        {"current_completed": 0, "status_list": []}, f"{PROGRAM}, JobsSynchronizer.__init__"
    ),
    "methods": Fact(
        ["get_status_list", "notify_task_completion", "wait_for_tasks_to_be_completed"],
        "the sections named after these methods",
    ),
    "notify_task_completion arguments": Fact(
        {"status_to_report": None}, f"{PROGRAM}, notify_task_completion"
    ),
    "task": Fact("scheduled_task", f"{PROGRAM}, below the routes"),
    "task arguments": Fact(["job_synchronizer", "task_id"], f"{PROGRAM}, scheduled_task"),
    "routes": Fact({"/": "welcome", "/run-tasks": "run_tasks"}, f"{PROGRAM}, its two @app.route"),
    "methods of the routes": Fact(["GET"], f"{FUNCTION}: it serves HTTP GET requests"),
    "welcome": Fact((200, "Welcome to flask_apscheduler demo"), f"{PROGRAM}, welcome()"),
    "jobs": Fact(10, f"{PROGRAM}, JobsSynchronizer(10) and range(10) in run_tasks"),
    "ids": Fact(
        ["j0", "j1", "j2", "j3", "j4", "j5", "j6", "j7", "j8", "j9"],
        f"{PROGRAM}, id='j' + str(i)",
    ),
    "trigger": Fact("date", f"{FUNCTION}, trigger='date'"),
    "run date": Fact("immediately", f"{FUNCTION}: no run_date is supplied"),
    "job arguments": Fact(
        ["the JobsSynchronizer of the request", "the task's number"],
        f"{FUNCTION}, args=[job_synchronizer, i]",
    ),
    "iterations": Fact(10, f"{PROGRAM}, range(10) in scheduled_task"),
    "seconds an iteration": Fact(1.0, f"{PROGRAM}, time.sleep(1) in scheduled_task"),
    "printed line": Fact("Task {} running iteration {}", f"{PROGRAM}, print in scheduled_task"),
    "status": Fact("Task {} completed execution", f"{PROGRAM}, the end of scheduled_task"),
    "status code": Fact(200, f"{PROGRAM}, the end of run_tasks"),
    "answer": Fact("a JSON list of status strings", 'the last section, "Observations"'),
    "seconds until the answer": Fact(10.0, 'the last section, "Observations": around 10 seconds'),
    "host": Fact("0.0.0.0", 'the section "Starting the web server"'),
    "port": Fact(12345, 'the section "Starting the web server"'),
    "a scheduler at work": Fact(True, 'the section "Starting the APScheduler object"'),
}
