"""How jobs get into a scheduler, whichever: FakeScheduler, or APScheduler's own."""

from typing import Any

import pytest
from apscheduler.executors.debug import DebugExecutor
from flask import Flask
from flask_apscheduler import APScheduler

from subject import HOUR, Subject, text_of_failure


def nothing() -> None:
    """Do nothing."""


def three() -> int:
    """Return 3."""
    return 3


class TestAdding:
    """Jobs added before and after the start, by call, configuration and decorator."""

    def test_after_the_start(self, subject: Subject) -> None:
        """The job is in its store at once, and has its next run time."""
        with subject.unseen():
            job = subject.scheduler.add_job(three, "date", id="a", name="A", run_date=subject.at(1))

            assert subject.heard == ["ADDED a"]
            assert subject.scheduler.get_job("a") is job
            assert (job.name, job.pending, subject.units(job.next_run_time)) == ("A", False, 1)
        assert (job.misfire_grace_time, job.coalesce, job.max_instances) == (1, True, 1)
        subject.pass_to(1)
        assert subject.heard[1:] == ["EXECUTED a: 3", "REMOVED a", "SUBMITTED a"]
        assert (subject.scheduled("a"), subject.ids()) == ([1], [])

    def test_before_the_start(self, stopped: Subject) -> None:
        """The job waits, without a next run time; it is added before the start is announced."""
        job = stopped.scheduler.add_job(nothing, "interval", id="a", hours=1)

        assert str(job) == "nothing (trigger: interval[1:00:00], pending)"
        assert not hasattr(job, "next_run_time")
        assert stopped.scheduler.get_jobs() == [job]
        assert (stopped.scheduler.get_job("a"), stopped.scheduler.get_job("b")) == (job, None)
        assert stopped.heard == []
        stopped.scheduler.start()
        stopped.settle()
        assert stopped.heard == ["JOBSTORE_ADDED default", "ADDED a", "SCHEDULER_STARTED"]
        assert (job.pending, stopped.ids()) == (False, ["a"])

    def test_a_due_job_before_the_start(self, stopped: Subject) -> None:
        """It runs when the start has been announced."""
        stopped.scheduler.add_job(nothing, id="a")
        stopped.scheduler.start()
        stopped.settle()

        assert stopped.heard == [
            "JOBSTORE_ADDED default",
            "ADDED a",
            "SCHEDULER_STARTED",
            "EXECUTED a",
            "REMOVED a",
            "SUBMITTED a",
        ]

    def test_changes_before_the_start(self, stopped: Subject) -> None:
        """Jobs that wait can be changed and removed; only the change is heard of before."""
        for id_ in "abcd":
            stopped.scheduler.add_job(nothing, "interval", id=id_, hours=1)
        stopped.scheduler.modify_job("a", name="A")
        stopped.scheduler.pause_job("b")
        stopped.scheduler.remove_job("c")

        assert stopped.heard == ["MODIFIED a in None", "MODIFIED b in None", "REMOVED c"]
        assert text_of_failure(stopped.scheduler.remove_job, "c") == (
            "JobLookupError: 'No job by the id of c was found'"
        )
        stopped.scheduler.start()
        assert [(job.name, job.next_run_time is None) for job in stopped.scheduler.get_jobs()] == [
            ("A", False),
            ("nothing", False),
            ("nothing", True),
        ]

    def test_removing_all_before_the_start(self, stopped: Subject) -> None:
        """Nothing is left to be added."""
        stopped.scheduler.add_job(nothing, id="a")
        stopped.scheduler.add_job(nothing, id="b", jobstore="other")
        stopped.scheduler.remove_all_jobs("other")
        assert stopped.ids() == ["a"]
        stopped.scheduler.remove_all_jobs()
        stopped.scheduler.start()
        stopped.settle()

        assert stopped.heard == [
            "ALL_JOBS_REMOVED other",
            "ALL_JOBS_REMOVED",
            "JOBSTORE_ADDED default",
            "SCHEDULER_STARTED",
        ]

    def test_by_configuration_and_decorator(self, stopped: Subject) -> None:
        """Flask-APScheduler adds what SCHEDULER_JOBS and @scheduler.task say, in that order."""
        app = Flask(__name__)
        app.config["SCHEDULER_JOBS"] = [
            {"id": "a", "func": three, "trigger": "interval", "hours": 1},
            {"id": "b", "func": f"{__name__}:three", "trigger": "date", "args": []},
        ]
        app.config["SCHEDULER_JOB_DEFAULTS"] = {"max_instances": 3}
        app.config["SCHEDULER_EXECUTORS"] = {"default": DebugExecutor()}
        app.config["SCHEDULER_TIMEZONE"] = "UTC"
        scheduler = APScheduler(scheduler=stopped.scheduler, app=app)
        scheduler.task("cron", id="c", hour=5)(nothing)
        assert stopped.ids() == ["a", "b", "c"]
        scheduler.start()
        stopped.settle()

        assert stopped.heard == [
            "EXECUTOR_ADDED default",
            "JOBSTORE_ADDED default",
            "ADDED a",
            "ADDED b",
            "ADDED c",
            "SCHEDULER_STARTED",
            "EXECUTED b: 3",
            "REMOVED b",
            "SUBMITTED b",
        ]
        job = scheduler.get_job("c")
        assert (job.max_instances, job.name, str(job.trigger)) == (3, "nothing", "cron[hour='5']")

    def test_by_the_schedulers_own_decorator(self, subject: Subject) -> None:
        """It hands the function back, and replaces a job of the same id."""
        decorate = subject.scheduler.scheduled_job("interval", id="a", hours=1)

        assert decorate(nothing) is nothing
        assert decorate(three) is three
        assert (subject.heard, subject.ids()) == (["ADDED a", "ADDED a"], ["a"])
        assert subject.scheduler.get_job("a").func is three

    @pytest.mark.parametrize(
        ("options", "error"),
        [
            (
                {"func": 3},
                "TypeError: func must be a callable or a textual reference to one",
            ),
            (
                {"trigger": "moon"},
                'LookupError: No trigger by the name "moon" was found',
            ),
            (
                {"trigger": 3},
                "TypeError: Expected a trigger instance or string, got int instead",
            ),
            (
                {"args": [1]},
                "ValueError: The list of positional arguments is longer than the target",
            ),
            (
                {"jobstore": "none"},
                "KeyError: 'No such job store: none'",
            ),
            (
                {"max_instances": 0},
                "TypeError: max_instances must be a positive integer",
            ),
            (
                {"misfire_grace_time": 0},
                "TypeError: misfire_grace_time must be either None or a positive integer",
            ),
            (
                {"moon": 1},
                "TypeError: DateTrigger.__init__() got an unexpected keyword argument 'moon'",
            ),
        ],
        ids=["func", "trigger", "no trigger", "args", "jobstore", "instances", "grace", "option"],
    )
    def test_what_is_refused(self, subject: Subject, options: dict[str, Any], error: str) -> None:
        """The error is the same, and nothing is added."""
        failure = text_of_failure(subject.scheduler.add_job, **{"func": nothing, **options})
        assert failure.startswith(error)
        assert (subject.heard, subject.ids()) == ([], [])


class TestDuplicates:
    """The same id twice."""

    CONFLICT = "ConflictingIdError: 'Job identifier (a) conflicts with an existing job'"

    def test_while_the_first_waits_for_the_start(self, stopped: Subject) -> None:
        """The start fails, and the scheduler stays stopped with both of them."""
        for _ in range(2):
            stopped.scheduler.add_job(nothing, "interval", id="a", hours=1)

        assert text_of_failure(stopped.scheduler.start) == self.CONFLICT
        assert (stopped.scheduler.running, stopped.ids()) == (False, ["a", "a"])
        assert stopped.heard == ["JOBSTORE_ADDED default", "ADDED a"]

    def test_while_the_first_is_in_the_store(self, subject: Subject) -> None:
        """The second is refused and the first one stays."""
        first = subject.scheduler.add_job(nothing, "interval", id="a", hours=1)

        assert text_of_failure(subject.scheduler.add_job, nothing, id="a") == self.CONFLICT
        assert (subject.heard, subject.scheduler.get_jobs()) == (["ADDED a"], [first])

    def test_while_the_first_runs(self, pooled: Subject, gate: Any) -> None:
        """It has left the store, and so the second is added, and skipped."""
        pooled.scheduler.add_job(gate.wait, id="a")
        pooled.settle()
        pooled.scheduler.add_job(nothing, id="a")
        pooled.settle()
        gate.set()
        pooled.wait_for("EXECUTED a: True")

        assert pooled.heard == [
            "ADDED a",
            "REMOVED a",
            "SUBMITTED a",
            "ADDED a",
            "REMOVED a",
            "MAX_INSTANCES a",
            "EXECUTED a: True",
        ]

    def test_by_the_first_itself(self, inside: Subject, gate: Any) -> None:
        """A chain of one-off jobs goes on under one id."""

        def body() -> None:
            gate.wait()
            inside.scheduler.add_job(nothing, "date", id="a", run_date=inside.start + HOUR)

        inside.scheduler.add_job(body, id="a")
        inside.run_behind(gate, "EXECUTED a")

        assert inside.heard == [
            *["ADDED a", "REMOVED a"],
            *["SUBMITTED a", "ADDED a", "EXECUTED a"],
        ]
        assert inside.ids() == ["a"]

    def test_when_the_first_is_over(self, subject: Subject) -> None:
        """The id is free again."""
        for _ in range(2):
            subject.scheduler.add_job(nothing, id="a")
            subject.settle()

        assert subject.heard == ["ADDED a", "EXECUTED a", "REMOVED a", "SUBMITTED a"] * 2

    def test_in_two_stores(self, subject: Subject) -> None:
        """Each store has its own ids."""
        subject.scheduler.add_jobstore("memory", "other")
        for alias in ("default", "other"):
            subject.scheduler.add_job(nothing, "interval", id="a", hours=1, jobstore=alias)
        subject.scheduler.remove_job("a", "other")

        assert subject.heard == [
            "JOBSTORE_ADDED other",
            "ADDED a",
            "ADDED a in other",
            "REMOVED a in other",
        ]
        assert subject.ids() == ["a"]


class TestReplacing:
    """A job in the place of another of its id."""

    def test_in_the_store(self, subject: Subject) -> None:
        """The new one's function and time hold, and a second ADDED is heard."""
        with subject.unseen():
            subject.scheduler.add_job(nothing, "interval", id="a", hours=1)
            new = subject.scheduler.add_job(
                three, "date", id="a", run_date=subject.at(1), replace_existing=True
            )

            assert subject.scheduler.get_jobs() == [new]
        subject.pass_to(1)
        assert subject.heard == [
            "ADDED a",
            "ADDED a",
            "EXECUTED a: 3",
            "REMOVED a",
            "SUBMITTED a",
        ]

    def test_before_the_start(self, stopped: Subject) -> None:
        """Both wait, and the first is replaced at the start."""
        stopped.scheduler.add_job(nothing, "interval", id="a", hours=1)
        new = stopped.scheduler.add_job(three, "interval", id="a", hours=2, replace_existing=True)
        assert stopped.ids() == ["a", "a"]
        stopped.scheduler.start()

        assert stopped.scheduler.get_jobs() == [new]
        assert stopped.heard == ["JOBSTORE_ADDED default", *["ADDED a"] * 2, "SCHEDULER_STARTED"]

    def test_nothing(self, subject: Subject) -> None:
        """Where no job has that id it is simply added."""
        subject.scheduler.add_job(
            nothing, "date", id="a", run_date=subject.start + HOUR, replace_existing=True
        )

        assert (subject.heard, subject.ids()) == (["ADDED a"], ["a"])

    def test_from_within_itself(self, inside: Subject, gate: Any) -> None:
        """A recurring job whose body replaces it goes on with the new schedule."""

        def body() -> None:
            assert gate.wait()
            inside.scheduler.add_job(nothing, "interval", id="a", hours=3, replace_existing=True)

        inside.scheduler.add_job(body, "interval", id="a", hours=1, next_run_time=inside.start)
        inside.run_behind(gate, "EXECUTED a")

        assert inside.heard == [
            "ADDED a",
            *["SUBMITTED a", "ADDED a", "EXECUTED a"],
        ]
        assert str(inside.scheduler.get_job("a").trigger) == "interval[3:00:00]"
