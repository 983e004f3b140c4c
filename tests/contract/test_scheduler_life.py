"""A scheduler that starts, pauses, goes on, ends and starts again, whichever it is."""

from typing import Any

import pytest
from apscheduler.events import EVENT_JOB_EXECUTED
from apscheduler.schedulers.base import STATE_PAUSED, STATE_RUNNING, STATE_STOPPED

from subject import BOUND, HOUR, Subject, text_of_failure


def nothing() -> None:
    """Do nothing."""


RUN = ["EXECUTED a", "REMOVED a", "SUBMITTED a"]


class TestStarting:
    """The effects of a start."""

    def test_a_start(self, stopped: Subject) -> None:
        """It makes what is missing, says so, and returns nothing."""
        assert (stopped.scheduler.state, stopped.scheduler.running) == (STATE_STOPPED, False)
        assert stopped.scheduler.start() is None

        assert (stopped.scheduler.state, stopped.scheduler.running) == (STATE_RUNNING, True)
        assert stopped.heard == ["JOBSTORE_ADDED default", "SCHEDULER_STARTED"]

    def test_a_second_start(self, subject: Subject) -> None:
        """A running scheduler can be neither started nor configured."""
        error = "SchedulerAlreadyRunningError: Scheduler is already running"

        assert text_of_failure(subject.scheduler.start) == error
        assert text_of_failure(subject.scheduler.configure) == error
        assert subject.heard == []

    def test_a_paused_start(self, stopped: Subject) -> None:
        """Jobs are added, and none runs before it is resumed."""
        stopped.scheduler.add_job(nothing, id="a", misfire_grace_time=None)
        stopped.scheduler.start(paused=True)
        stopped.settle()
        assert stopped.scheduler.state == STATE_PAUSED
        assert stopped.heard == ["JOBSTORE_ADDED default", "ADDED a", "SCHEDULER_STARTED"]
        stopped.forget()
        stopped.scheduler.resume()
        stopped.settle()

        assert stopped.heard == ["SCHEDULER_RESUMED", *RUN]

    @pytest.mark.parametrize("call", ["shutdown", "pause", "resume"])
    def test_calls_that_need_a_start(self, stopped: Subject, call: str) -> None:
        """They say that the scheduler does not run."""
        error = "SchedulerNotRunningError: Scheduler is not running"

        assert text_of_failure(getattr(stopped.scheduler, call)) == error
        assert stopped.heard == []


class TestPausing:
    """A scheduler that runs nothing for a while."""

    def test_a_pause(self, subject: Subject) -> None:
        """Jobs are added and changed meanwhile; the scheduler still counts as running."""
        assert subject.scheduler.pause() is None
        subject.scheduler.add_job(nothing, id="a")
        subject.settle()

        assert subject.scheduler.running
        assert subject.heard == ["SCHEDULER_PAUSED", "ADDED a"]
        assert subject.scheduler.resume() is None
        subject.settle()
        assert subject.heard[2:] == ["SCHEDULER_RESUMED", *RUN]

    def test_twice(self, subject: Subject) -> None:
        """A second pause and a second resume do nothing."""
        for call in ("pause", "pause", "resume", "resume"):
            getattr(subject.scheduler, call)()

        assert subject.heard == ["SCHEDULER_PAUSED", "SCHEDULER_RESUMED"]

    def test_a_wakeup_while_paused(self, subject: Subject) -> None:
        """It runs nothing."""
        subject.scheduler.pause()
        subject.scheduler.add_job(nothing, id="a")
        subject.scheduler.wakeup()
        subject.settle()

        assert subject.heard == ["SCHEDULER_PAUSED", "ADDED a"]

    def test_by_a_job(self, inside: Subject, gate: Any) -> None:
        """A job that pauses the scheduler ends as any, and the next one waits."""

        def body() -> None:
            gate.wait()
            inside.scheduler.pause()

        inside.scheduler.add_job(body, id="a")
        inside.run_behind(gate, "EXECUTED a")
        inside.scheduler.add_job(nothing, id="b")
        inside.settle()

        assert inside.scheduler.state == STATE_PAUSED
        assert inside.heard == [
            *["ADDED a", "REMOVED a", "SUBMITTED a"],
            *["SCHEDULER_PAUSED", "EXECUTED a"],
            "ADDED b",
        ]


class TestShuttingDown:
    """What ends with a scheduler, and what goes on."""

    @pytest.mark.parametrize("wait", [True, False])
    def test_when_nothing_runs(self, subject: Subject, wait: bool) -> None:
        """Jobs in a memory store are gone without a word."""
        subject.scheduler.add_job(nothing, "interval", id="a", hours=1)
        assert subject.scheduler.shutdown(wait) is None

        assert subject.heard == ["ADDED a", "SCHEDULER_SHUTDOWN"]
        assert (subject.scheduler.state, subject.ids()) == (STATE_STOPPED, [])
        assert not getattr(subject.scheduler, "_thread", None)

    def test_without_waiting_for_a_job_that_runs(self, pooled: Subject, gate: Any) -> None:
        """It is heard of after the shutdown."""
        pooled.scheduler.add_job(gate.wait, id="a")
        pooled.settle()
        pooled.scheduler.shutdown(wait=False)
        gate.set()
        pooled.wait_for("EXECUTED a: True")

        assert pooled.heard == [
            *["ADDED a", "REMOVED a", "SUBMITTED a"],
            *["SCHEDULER_SHUTDOWN", "EXECUTED a: True"],
        ]

    def test_waiting_for_a_job_that_runs(self, pooled: Subject, gate: Any) -> None:
        """It is heard of before the shutdown."""

        def shut_down(wait: bool) -> None:
            pooled.say(f"the pool is shut down, {wait=}")
            first.set()
            pool_shutdown(wait)

        first = type(gate)()
        pool = pooled.scheduler._executors["default"]
        pool_shutdown, pool.shutdown = pool.shutdown, shut_down
        pooled.scheduler.add_job(gate.wait, id="a")
        pooled.scheduler.add_job(first.wait, args=[BOUND], id="b")
        pooled.scheduler.add_listener(lambda _event: gate.set(), EVENT_JOB_EXECUTED)
        pooled.settle()
        pooled.forget()
        pooled.scheduler.shutdown()

        assert pooled.heard == [
            "the pool is shut down, wait=True",
            *["EXECUTED b: True", "EXECUTED a: True"],
            "SCHEDULER_SHUTDOWN",
        ]

    def test_waiting_from_within_a_job(self, inside: Subject, gate: Any) -> None:
        """The job fails, for it cannot wait for itself; the scheduler is half stopped."""

        def body() -> None:
            gate.wait()
            inside.scheduler.shutdown()

        inside.scheduler.add_job(body, id="a")
        inside.run_behind(gate, "ERROR a: RuntimeError: cannot join current thread")

        assert inside.heard == [
            *["ADDED a", "REMOVED a", "SUBMITTED a"],
            "ERROR a: RuntimeError: cannot join current thread",
        ]
        assert inside.scheduler.state == STATE_STOPPED

    def test_without_waiting_from_within_a_job(self, inside: Subject, gate: Any) -> None:
        """The job ends as any, when the scheduler has ended."""

        def body() -> None:
            gate.wait()
            inside.scheduler.shutdown(wait=False)

        inside.scheduler.add_job(nothing, "interval", id="b", hours=1)
        inside.scheduler.add_job(body, id="a")
        inside.run_behind(gate, "EXECUTED a")

        assert inside.heard == [
            *["ADDED b", "ADDED a", "REMOVED a", "SUBMITTED a"],
            *["SCHEDULER_SHUTDOWN", "EXECUTED a"],
        ]
        assert (inside.scheduler.state, inside.ids()) == (STATE_STOPPED, [])

    def test_a_restart(self, subject: Subject) -> None:
        """The stores are empty and the parts are still there; jobs run again."""
        subject.scheduler.add_job(nothing, "interval", id="a", hours=1)
        subject.scheduler.shutdown()
        subject.scheduler.add_job(nothing, id="a")
        assert subject.ids() == ["a"]
        subject.scheduler.start()
        subject.settle()

        assert subject.heard == [
            *["ADDED a", "SCHEDULER_SHUTDOWN"],
            *["ADDED a", "SCHEDULER_STARTED", *RUN],
        ]

    def test_a_restart_with_the_same_pool(self, pooled: Subject) -> None:
        """A pool that was shut down stays so: it refuses every job."""
        pooled.scheduler.shutdown()
        pooled.scheduler.start()
        pooled.scheduler.add_job(nothing, id="a")
        pooled.settle()

        assert pooled.heard == ["SCHEDULER_SHUTDOWN", "SCHEDULER_STARTED", "ADDED a", "REMOVED a"]

    def test_a_shutdown_of_a_paused_scheduler(self, subject: Subject) -> None:
        """A restart does not remember the pause."""
        subject.scheduler.pause()
        subject.scheduler.shutdown()
        subject.scheduler.start()

        assert subject.heard == ["SCHEDULER_PAUSED", "SCHEDULER_SHUTDOWN", "SCHEDULER_STARTED"]
        assert subject.scheduler.state == STATE_RUNNING

    def test_the_jobs_of_a_scheduler_that_is_shut_down(self, subject: Subject) -> None:
        """A job of it is nowhere to be found."""
        job = subject.scheduler.add_job(nothing, "date", id="a", run_date=subject.start + HOUR)
        subject.scheduler.shutdown()

        assert text_of_failure(job.remove) == "JobLookupError: 'No job by the id of a was found'"
