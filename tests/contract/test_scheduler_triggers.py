"""When jobs run, are too late, or are too many, whichever scheduler they are in."""

import sys
from datetime import timedelta
from typing import Any

import pytest

from subject import HOUR, UNIT, Subject


def nothing() -> None:
    """Do nothing."""


def boom() -> None:
    """Raise a ValueError."""
    raise ValueError("boom")


RUN = ["EXECUTED a", "SUBMITTED a"]
LAST_RUN = ["EXECUTED a", "REMOVED a", "SUBMITTED a"]
# Units between run times. In real time, a thread that is late by as much finds two of them at once.
LONG = 5


class TestTriggers:
    """Jobs run at their times; the events of a job on the scheduler's thread come in this order.

    In a pool EXECUTED comes after REMOVED and SUBMITTED, unless the body is faster than the look
    at the stores. FakeScheduler runs jobs on its caller's thread unless it is given a pool.
    """

    def test_dates(self, subject: Subject) -> None:
        """One-off jobs run by date; those of one instant by id."""
        for id_, units in {"c": LONG, "a": 2 * LONG, "b": LONG}.items():
            subject.scheduler.add_job(nothing, "date", id=id_, run_date=subject.at(units))
        subject.forget()
        subject.pass_to(2 * LONG + 1)

        assert [line for line in subject.heard if line.startswith("EXECUTED")] == [
            "EXECUTED b",
            "EXECUTED c",
            "EXECUTED a",
        ]
        # Both are handed over before either is said to be.
        assert subject.heard[:6] == [
            *["EXECUTED b", "REMOVED b", "EXECUTED c", "REMOVED c"],
            *["SUBMITTED b", "SUBMITTED c"],
        ]
        assert [subject.scheduled(id_) for id_ in "abc"] == [[2 * LONG], [LONG], [LONG]]

    def test_an_interval_with_an_end(self, subject: Subject) -> None:
        """It runs at each of its times and leaves after the last one."""
        subject.scheduler.add_job(
            *(nothing, "interval"),
            id="a",
            seconds=LONG * UNIT.total_seconds(),
            start_date=subject.at(LONG),
            end_date=subject.at(2.5 * LONG),
            misfire_grace_time=None,
        )
        subject.pass_to(2 * LONG + 1)

        assert subject.heard == ["ADDED a", *RUN, *LAST_RUN]
        assert (subject.scheduled("a"), subject.ids()) == ([LONG, 2 * LONG], [])

    def test_cron(self, subject: Subject) -> None:
        """It runs when it is told to, and then at its hour."""
        job = subject.scheduler.add_job(
            nothing, "cron", id="a", hour=5, next_run_time=subject.at(1)
        )
        subject.pass_to(1)

        assert subject.heard == ["ADDED a", *RUN]
        assert subject.scheduled("a") == [1]
        next_run_time = job.next_run_time
        assert (next_run_time.hour, next_run_time.minute, next_run_time.second) == (5, 0, 0)
        assert timedelta(0) < next_run_time - subject.start <= 24 * HOUR

    @pytest.mark.parametrize(
        ("body", "error"), [(boom, "ValueError: boom"), (sys.exit, "SystemExit: ")]
    )
    def test_a_job_that_raises_runs_again(self, subject: Subject, body: Any, error: str) -> None:
        """ERROR stands for EXECUTED, and nothing else is different; no program ends by it."""
        job = subject.scheduler.add_job(
            body, "interval", id="a", hours=1, next_run_time=subject.at(1)
        )
        subject.pass_to(1)

        assert subject.heard == ["ADDED a", f"ERROR a: {error}", "SUBMITTED a"]
        assert subject.scheduler.get_jobs() == [job]
        assert job.next_run_time > subject.at(1)

    def test_a_job_that_adds_a_job(self, subject: Subject) -> None:
        """The new one runs in the next look at the stores."""
        subject.scheduler.add_job(
            lambda: subject.scheduler.add_job(nothing, id="b", jobstore="default") and None, id="a"
        )
        subject.settle()

        assert subject.heard == [
            "ADDED a",
            *["ADDED b", "EXECUTED a", "REMOVED a", "SUBMITTED a"],
            *["EXECUTED b", "REMOVED b", "SUBMITTED b"],
        ]

    def test_a_job_that_looks_at_itself(self, inside: Subject, gate: Any) -> None:
        """While it runs it has its next run time already."""

        def body() -> None:
            gate.wait()
            jobs = inside.scheduler.get_jobs()
            inside.say(str([(job.id, (job.next_run_time - inside.start) / HOUR) for job in jobs]))

        inside.scheduler.add_job(body, "interval", id="a", hours=1, next_run_time=inside.start)
        inside.run_behind(gate, "EXECUTED a")

        assert inside.heard == [
            "ADDED a",
            *["SUBMITTED a", "[('a', 1.0)]", "EXECUTED a"],
        ]

    def test_no_time_left(self, subject: Subject) -> None:
        """A trigger without a next time leaves a job that is paused for ever."""
        job = subject.scheduler.add_job(nothing, "cron", id="a", year=2000, misfire_grace_time=None)
        subject.settle()

        assert subject.heard == ["ADDED a"]
        assert job.next_run_time is None
        assert str(job) == "nothing (trigger: cron[year='2000'], paused)"


class TestMisfires:
    """Run times that have passed when the scheduler looks."""

    def test_a_date_beyond_its_grace(self, subject: Subject) -> None:
        """The job is submitted and missed."""
        subject.scheduler.add_job(nothing, "date", id="a", run_date=subject.start - HOUR)
        subject.settle()

        assert subject.heard == ["ADDED a", "MISSED a", "REMOVED a", "SUBMITTED a"]
        assert subject.units(subject.start - HOUR) == subject.scheduled("a")[0]

    @pytest.mark.parametrize("grace", [None, 7200])
    def test_a_date_within_its_grace(self, subject: Subject, grace: int | None) -> None:
        """The job runs, late."""
        subject.scheduler.add_job(
            nothing, "date", id="a", run_date=subject.start - HOUR, misfire_grace_time=grace
        )
        subject.settle()

        assert subject.heard == ["ADDED a", *LAST_RUN]

    @pytest.mark.parametrize(
        ("options", "ends"),
        [
            ({"coalesce": True}, ["EXECUTED a @-0.5"]),
            ({"coalesce": True, "misfire_grace_time": 60}, ["MISSED a @-0.5"]),
            ({"coalesce": False}, [f"EXECUTED a @-{hours}.5" for hours in (2, 1, 0)]),
            (
                {"coalesce": False, "misfire_grace_time": 2 * 3600},
                ["MISSED a @-2.5", "EXECUTED a @-1.5", "EXECUTED a @-0.5"],
            ),
            ({"coalesce": False, "misfire_grace_time": 60}, ["MISSED a"] * 3),
        ],
        ids=["together", "together and missed", "each", "each within its grace", "each missed"],
    )
    def test_several_run_times(
        self, subject: Subject, options: dict[str, Any], ends: list[str]
    ) -> None:
        """Coalescing takes the last of them; each has its own grace; SUBMITTED comes once."""
        first = subject.start - 2.5 * HOUR
        subject.scheduler.add_job(
            *(nothing, "interval"),
            id="a",
            hours=1,
            start_date=first,
            next_run_time=first,
            **{"misfire_grace_time": None, **options},
        )
        subject.settle()

        hours = [(subject.at(units) - subject.start) / HOUR for units in subject.scheduled("a")]
        said = [line for line in subject.heard if line.startswith(("EXECUTED", "MISSED"))]
        times = [f"{line} @{hour}" for line, hour in zip(said, hours, strict=True)]
        assert [time[: len(end)] for time, end in zip(times, ends, strict=True)] == ends
        assert subject.heard == ["ADDED a", *said, "SUBMITTED a"]
        assert subject.scheduler.get_job("a").next_run_time == subject.start + 0.5 * HOUR

    def test_a_scheduler_that_was_paused(self, subject: Subject) -> None:
        """A job that was due meanwhile is missed, or runs afterwards."""
        subject.scheduler.pause()
        for id_, grace in {"a": 1, "b": None}.items():
            subject.scheduler.add_job(
                *(nothing, "date"),
                id=id_,
                run_date=subject.start - HOUR,
                misfire_grace_time=grace,
            )
        subject.settle()
        subject.scheduler.resume()
        subject.settle()

        assert subject.heard == [
            *["SCHEDULER_PAUSED", "ADDED a", "ADDED b", "SCHEDULER_RESUMED"],
            *["MISSED a", "REMOVED a", "EXECUTED b", "REMOVED b", "SUBMITTED a", "SUBMITTED b"],
        ]


class TestInstances:
    """Runs of one job that would run at the same time, in a pool."""

    @pytest.mark.parametrize(
        ("most", "said"),
        [(1, ["SUBMITTED a", "MAX_INSTANCES a"]), (2, ["SUBMITTED a", "SUBMITTED a"])],
    )
    def test_a_run_while_another_runs(
        self, pooled: Subject, gate: Any, most: int, said: list[str]
    ) -> None:
        """It is skipped when there are as many as there may be, and the job stays."""
        pooled.scheduler.add_job(
            *(gate.wait, "interval"),
            id="a",
            seconds=LONG * UNIT.total_seconds(),
            start_date=pooled.at(LONG),
            end_date=pooled.at(2.5 * LONG),
            max_instances=most,
            misfire_grace_time=None,
        )
        pooled.pass_to(2 * LONG + 1)
        assert pooled.heard == ["ADDED a", said[0], "REMOVED a", said[1]]
        pooled.forget()
        gate.set()
        pooled.wait_for("EXECUTED a: True")
        pooled.scheduler.shutdown()

        runs = said.count("SUBMITTED a")
        assert pooled.heard == ["EXECUTED a: True"] * runs + ["SCHEDULER_SHUTDOWN"]

    def test_more_jobs_than_workers(self, pooled: Subject, gate: Any) -> None:
        """All are submitted at once; those in the queue begin when a worker is free."""
        pooled.scheduler.pause()
        for id_ in "abc":
            pooled.scheduler.add_job(gate.wait, id=id_, misfire_grace_time=None)
        pooled.forget()
        pooled.scheduler.resume()
        pooled.settle()
        assert pooled.heard == [
            "SCHEDULER_RESUMED",
            *["REMOVED a", "REMOVED b", "REMOVED c"],
            *["SUBMITTED a", "SUBMITTED b", "SUBMITTED c"],
        ]
        gate.set()
        pooled.wait_for("EXECUTED c: True")
