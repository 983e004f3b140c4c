"""Jobs that are paused, modified, rescheduled and removed."""

from collections.abc import Callable
from typing import Any

import pytest

from subject import HOUR, Subject, text_of_failure


def nothing() -> None:
    """Do nothing."""


def three() -> int:
    """Return 3."""
    return 3


def add_hourly(subject: Subject, *ids: str) -> None:
    """Add jobs that are due in an hour, and forget that."""
    for id_ in ids:
        subject.scheduler.add_job(nothing, "interval", id=id_, hours=1)
    subject.settle()
    subject.forget()


class TestPausing:
    """A job that is kept from running for a while."""

    def test_a_paused_job_does_not_run(self, subject: Subject) -> None:
        """It stays, without a next run time; resumed, it goes on from now."""
        add_hourly(subject, "a")
        job = subject.scheduler.pause_job("a")
        assert (job.id, job.next_run_time) == ("a", None)
        assert str(job) == "nothing (trigger: interval[1:00:00], paused)"
        assert subject.scheduler.resume_job("a") is job

        assert job.next_run_time is not None
        assert subject.heard == ["MODIFIED a", "MODIFIED a"]

    def test_a_job_added_paused(self, subject: Subject) -> None:
        """It is only added, until it is resumed; then it is due at once."""
        job = subject.scheduler.add_job(nothing, id="a", next_run_time=None)
        subject.settle()
        assert subject.heard == ["ADDED a"]
        job.resume()
        subject.settle()

        assert subject.heard[1:] == ["MODIFIED a", "EXECUTED a", "REMOVED a", "SUBMITTED a"]

    def test_a_job_that_has_no_time_left(self, subject: Subject) -> None:
        """Resuming removes it."""
        subject.scheduler.add_job(
            *(nothing, "interval"),
            id="a",
            hours=1,
            end_date=subject.start - HOUR,
            next_run_time=None,
        )

        assert subject.scheduler.resume_job("a") is None
        assert (subject.heard, subject.ids()) == (["ADDED a", "REMOVED a"], [])

    def test_a_job_that_pauses_itself(self, inside: Subject, gate: Any) -> None:
        """Its run ends as any, and no other comes."""

        def body() -> None:
            gate.wait()
            inside.scheduler.pause_job("a")

        inside.scheduler.add_job(body, "interval", id="a", hours=1, next_run_time=inside.start)
        inside.run_behind(gate, "EXECUTED a")

        assert inside.heard == [
            "ADDED a",
            *["SUBMITTED a", "MODIFIED a", "EXECUTED a"],
        ]
        assert inside.scheduler.get_job("a").next_run_time is None


class TestModifying:
    """A job whose attributes change."""

    def test_a_new_function_and_time(self, subject: Subject) -> None:
        """They hold for the next run."""
        add_hourly(subject, "a")
        job = subject.scheduler.modify_job("a", func=three, next_run_time=subject.at(1))
        assert subject.scheduler.get_job("a") is job
        subject.pass_to(1)

        assert subject.heard == ["MODIFIED a", "EXECUTED a: 3", "SUBMITTED a"]
        assert subject.scheduled("a") == [1]

    def test_by_the_job_itself(self, subject: Subject) -> None:
        """The job's own methods hand it back, and are heard of alike."""
        add_hourly(subject, "a")
        job = subject.scheduler.get_job("a")

        assert job.modify(name="A") is job
        assert job.pause() is job
        assert job.resume() is job
        assert job.reschedule("interval", hours=3) is job
        assert job.remove() is None
        assert subject.heard == ["MODIFIED a"] * 4 + ["REMOVED a"]

    @pytest.mark.parametrize(
        ("changes", "error"),
        [
            ({"id": "b"}, "ValueError: The job ID may not be changed"),
            ({"trigger": 3}, "TypeError: Expected a trigger instance, got int instead"),
            ({"name": ""}, "TypeError: name must be a nonempty string"),
            ({"moon": 1}, "AttributeError: The following are not modifiable attributes of Job: "),
            ({"executor": 3}, "TypeError: executor must be a string"),
        ],
        ids=["id", "trigger", "name", "moon", "executor"],
    )
    def test_what_is_refused(self, subject: Subject, changes: dict[str, Any], error: str) -> None:
        """Nothing has changed then."""
        add_hourly(subject, "a")

        assert text_of_failure(subject.scheduler.modify_job, "a", **changes).startswith(error)
        assert (subject.heard, subject.scheduler.get_job("a").name) == ([], "nothing")


class TestRescheduling:
    """A job that gets another trigger."""

    def test_to_another_time(self, subject: Subject) -> None:
        """It runs then, and leaves if the new trigger has no more."""
        add_hourly(subject, "a")
        job = subject.scheduler.reschedule_job("a", trigger="date", run_date=subject.at(1))
        assert subject.units(job.next_run_time) == 1
        subject.pass_to(1)

        assert subject.heard == ["MODIFIED a", "EXECUTED a", "REMOVED a", "SUBMITTED a"]

    def test_to_a_time_that_has_passed(self, subject: Subject) -> None:
        """A date trigger keeps it: the job is due at once, and too late."""
        add_hourly(subject, "a")
        subject.scheduler.reschedule_job("a", trigger="date", run_date=subject.start - HOUR)
        subject.settle()

        assert subject.heard == ["MODIFIED a", "MISSED a", "REMOVED a", "SUBMITTED a"]

    def test_an_unknown_trigger(self, subject: Subject) -> None:
        """The job keeps its own."""
        add_hourly(subject, "a")

        assert text_of_failure(subject.scheduler.reschedule_job, "a", trigger="moon") == (
            'LookupError: No trigger by the name "moon" was found'
        )
        assert str(subject.scheduler.get_job("a").trigger) == "interval[1:00:00]"

    def test_by_itself(self, inside: Subject, gate: Any) -> None:
        """A change that a body makes to its own schedule lasts."""

        def body() -> None:
            gate.wait()
            inside.scheduler.reschedule_job("a", trigger="interval", hours=3)

        inside.scheduler.add_job(body, "interval", id="a", hours=1, next_run_time=inside.start)
        inside.run_behind(gate, "EXECUTED a")

        assert inside.heard == [
            "ADDED a",
            *["SUBMITTED a", "MODIFIED a", "EXECUTED a"],
        ]
        assert str(inside.scheduler.get_job("a").trigger) == "interval[3:00:00]"


class TestRemoving:
    """Jobs that are taken out of their stores."""

    def test_one(self, subject: Subject) -> None:
        """The others stay."""
        add_hourly(subject, "a", "b")
        assert subject.scheduler.remove_job("a") is None

        assert (subject.heard, subject.ids()) == (["REMOVED a"], ["b"])

    def test_all(self, subject: Subject) -> None:
        """One event says so, without ids, also when there is none; an alias restricts it."""
        subject.scheduler.add_jobstore("memory", "other")
        add_hourly(subject, "a", "b")
        subject.scheduler.remove_all_jobs("other")
        assert subject.ids() == ["a", "b"]
        subject.scheduler.remove_all_jobs()

        assert subject.heard == ["ALL_JOBS_REMOVED other", "ALL_JOBS_REMOVED"]
        assert subject.ids() == []

    @pytest.mark.parametrize(
        "call", ["modify_job", "pause_job", "resume_job", "remove_job", "reschedule_job"]
    )
    def test_an_unknown_job(self, subject: Subject, call: str) -> None:
        """Every call says which."""
        add_hourly(subject, "a")
        error = "JobLookupError: 'No job by the id of b was found'"

        assert text_of_failure(getattr(subject.scheduler, call), "b") == error
        assert subject.scheduler.get_job("b") is None
        assert (subject.heard, subject.ids()) == ([], ["a"])

    def test_a_recurring_job_by_itself(self, inside: Subject, gate: Any) -> None:
        """Its run ends as any."""

        def body() -> None:
            gate.wait()
            inside.scheduler.remove_job("a")

        inside.scheduler.add_job(body, "interval", id="a", hours=1, next_run_time=inside.start)
        inside.run_behind(gate, "EXECUTED a")

        assert inside.heard == [
            "ADDED a",
            *["SUBMITTED a", "REMOVED a", "EXECUTED a"],
        ]
        assert inside.ids() == []

    def test_all_by_a_job(self, inside: Subject, gate: Any) -> None:
        """It is among them, and its run ends as any."""

        def body() -> None:
            gate.wait()
            inside.scheduler.remove_all_jobs()

        add_hourly(inside, "b")
        inside.scheduler.add_job(body, "interval", id="a", hours=1, next_run_time=inside.start)
        inside.run_behind(gate, "EXECUTED a")

        assert inside.heard == [
            "ADDED a",
            *["SUBMITTED a", "ALL_JOBS_REMOVED", "EXECUTED a"],
        ]
        assert inside.ids() == []

    def test_a_one_off_job_by_itself(self, inside: Subject, gate: Any) -> None:
        """It has left the store: there is nothing to remove."""

        def body() -> None:
            gate.wait()
            inside.say(text_of_failure(inside.scheduler.remove_job, "a"))

        inside.scheduler.add_job(body, id="a")
        inside.run_behind(gate, "EXECUTED a")

        error = "JobLookupError: 'No job by the id of a was found'"
        assert inside.heard == [
            *["ADDED a", "REMOVED a"],
            *["SUBMITTED a", error, "EXECUTED a"],
        ]

    @pytest.mark.parametrize(
        ("call", "ids"),
        [
            (lambda scheduler: scheduler.remove_job("b"), []),
            (lambda scheduler: scheduler.remove_all_jobs(), []),
            (lambda scheduler: scheduler.pause_job("b"), ["b"]),
        ],
        ids=["remove_job", "remove_all_jobs", "pause_job"],
    )
    def test_another_due_job_by_a_job(
        self, inside: Subject, gate: Any, call: Callable[[Any], object], ids: list[str]
    ) -> None:
        """The run of the other job has been submitted: it takes place, and is its last."""

        def body() -> None:
            gate.wait()
            call(inside.scheduler)

        options: dict[str, Any] = {"hours": 1, "next_run_time": inside.start}
        with inside.unseen():
            inside.scheduler.add_job(body, id="a", next_run_time=inside.start)
            inside.scheduler.add_job(nothing, "interval", id="b", **options)
        inside.run_behind(gate, "EXECUTED a")
        inside.wait_for("EXECUTED b")

        assert inside.heard.count("EXECUTED b") == 1
        assert inside.ids() == ids
