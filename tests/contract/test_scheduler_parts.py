"""Job stores, executors and listeners that come, go and fail, whichever scheduler has them."""

from datetime import datetime
from typing import Any

import pytest
from apscheduler.events import EVENT_JOB_EXECUTED
from apscheduler.executors.base import BaseExecutor
from apscheduler.executors.debug import DebugExecutor
from apscheduler.jobstores.memory import MemoryJobStore

from subject import HOUR, UNIT, Subject, text_of_failure


def nothing() -> None:
    """Do nothing."""


RUN = ["EXECUTED a", "REMOVED a", "SUBMITTED a"]


class FailingStore(MemoryJobStore):  # type: ignore[misc]  # APScheduler has no types
    """A job store that loses its connection: the named calls fail, so many times each."""

    def __init__(self, **failures: int) -> None:
        super().__init__()
        self._failures = failures

    def _fail(self, call: str) -> None:
        if self._failures.get(call):
            self._failures[call] -= 1
            raise OSError("no connection")

    def get_due_jobs(self, now: datetime) -> Any:
        """Fail, or return the due jobs."""
        self._fail("get_due_jobs")
        return super().get_due_jobs(now)

    def get_next_run_time(self) -> Any:
        """Fail, or return the next time."""
        self._fail("get_next_run_time")
        return super().get_next_run_time()

    def add_job(self, job: Any) -> None:
        """Fail, or add a job."""
        self._fail("add_job")
        super().add_job(job)

    def update_job(self, job: Any) -> None:
        """Fail, or update a job."""
        self._fail("update_job")
        super().update_job(job)

    def remove_job(self, job_id: str) -> None:
        """Fail, or remove a job."""
        self._fail("remove_job")
        super().remove_job(job_id)


class TestJobStores:
    """Where the jobs are kept."""

    def test_one_that_is_added(self, subject: Subject) -> None:
        """Its due jobs run; its alias stands in the events."""
        store = MemoryJobStore()
        subject.scheduler.add_jobstore(store, "other")
        subject.scheduler.add_job(nothing, id="a", jobstore="other")
        subject.settle()

        assert subject.heard == [
            *["JOBSTORE_ADDED other", "ADDED a in other"],
            *["EXECUTED a in other", "REMOVED a in other", "SUBMITTED a in other"],
        ]

    def test_one_that_is_removed(self, subject: Subject) -> None:
        """Its jobs are gone without a word each, and the alias is free."""
        subject.scheduler.add_jobstore("memory", "other")
        for id_, alias in {"a": "default", "b": "other"}.items():
            subject.scheduler.add_job(nothing, "interval", id=id_, hours=1, jobstore=alias)
        subject.scheduler.remove_jobstore("other")
        assert subject.ids() == ["a"]
        subject.scheduler.add_jobstore("memory", "other")

        assert subject.heard == [
            *["JOBSTORE_ADDED other", "ADDED a", "ADDED b in other"],
            *["JOBSTORE_REMOVED other", "JOBSTORE_ADDED other"],
        ]

    def test_one_with_jobs_in_it(self, subject: Subject) -> None:
        """They run when the store comes back."""
        store = MemoryJobStore()
        subject.scheduler.add_jobstore(store, "other")
        with subject.unseen():
            subject.scheduler.add_job(
                *(nothing, "date"),
                id="a",
                run_date=subject.at(1),
                jobstore="other",
                misfire_grace_time=None,
            )
            subject.scheduler.remove_jobstore("other", shutdown=False)
        subject.forget()
        subject.pass_to(2)
        assert subject.heard == []
        subject.scheduler.add_jobstore(store, "other")
        subject.settle()

        assert subject.heard == ["JOBSTORE_ADDED other", *(f"{line} in other" for line in RUN)]

    def test_what_is_refused(self, subject: Subject) -> None:
        """Aliases are used once and must exist."""
        scheduler = subject.scheduler

        assert text_of_failure(scheduler.add_jobstore, "memory") == (
            'ValueError: This scheduler already has a job store by the alias of "default"'
        )
        assert text_of_failure(scheduler.remove_jobstore, "none") == (
            "KeyError: 'No such job store: none'"
        )
        assert text_of_failure(scheduler.add_jobstore, "moon", "b") == (
            'LookupError: No jobstore by the name "moon" was found'
        )
        assert text_of_failure(scheduler.add_jobstore, 3, "b") == (
            "TypeError: Expected a job store instance or a string, got int instead"
        )
        assert subject.heard == []

    def test_one_that_fails_when_asked_for_due_jobs(self, stopped: Subject) -> None:
        """It is asked again after jobstore_retry_interval."""
        stopped.scheduler.configure(
            jobstores={"default": FailingStore(get_due_jobs=2)},
            jobstore_retry_interval=UNIT.total_seconds(),
            executors={"default": DebugExecutor()},
        )
        stopped.scheduler.start(paused=True)
        stopped.scheduler.add_job(nothing, id="a", misfire_grace_time=None)
        stopped.scheduler.resume()
        stopped.forget()
        stopped.settle()
        assert stopped.heard == []
        stopped.pass_to(3)

        assert stopped.heard == RUN

    def test_one_that_fails_when_a_job_is_added(self, subject: Subject) -> None:
        """add_job() raises the store's error, and adds no job."""
        subject.scheduler.add_jobstore(FailingStore(add_job=1), "other")
        subject.forget()

        assert text_of_failure(subject.scheduler.add_job, nothing, jobstore="other") == (
            "OSError: no connection"
        )
        assert (subject.heard, subject.ids()) == ([], [])

    @pytest.mark.parametrize(
        ("call", "before"),
        [
            ("update_job", ["EXECUTED a"]),
            ("remove_job", ["EXECUTED a", "EXECUTED b"]),
            ("get_next_run_time", ["EXECUTED a", "EXECUTED b", "REMOVED b"]),
        ],
    )
    def test_one_that_fails_while_jobs_are_submitted(
        self, stopped: Subject, call: str, before: list[str]
    ) -> None:
        """It ends the scheduler's thread: nothing runs any more, and the scheduler cannot tell.

        FakeScheduler raises the error in ``tick`` or ``run_due``, too.
        """
        stopped.scheduler.start(paused=True)
        stopped.scheduler.add_jobstore(FailingStore(**{call: 1}), "other")
        now = stopped.start
        options: dict[str, Any] = {"jobstore": "other", "misfire_grace_time": None}
        stopped.scheduler.add_job(
            nothing, "interval", id="a", hours=1, next_run_time=now, **options
        )
        stopped.scheduler.add_job(nothing, "date", id="b", run_date=now, **options)
        stopped.forget()
        stopped.scheduler.resume()
        stopped.settle()
        stopped.scheduler.add_job(nothing, id="c")
        stopped.settle()

        assert stopped.heard == [
            "SCHEDULER_RESUMED",
            *(f"{line} in other" for line in before),
            "thread ends by OSError: no connection",
            "ADDED c",
        ]
        assert stopped.scheduler.running
        assert not stopped.scheduler._thread.is_alive()

    def test_a_dead_scheduler_can_be_started_again(self, stopped: Subject) -> None:
        """After a shutdown it has a new thread."""
        stopped.scheduler.add_jobstore(FailingStore(get_next_run_time=1), "other")
        stopped.scheduler.start()
        stopped.settle()
        stopped.scheduler.shutdown()
        stopped.forget()
        stopped.scheduler.start()
        stopped.scheduler.add_job(nothing, id="a")
        stopped.settle()

        assert stopped.heard == ["SCHEDULER_STARTED", "ADDED a", *RUN]


class RefusingExecutor(BaseExecutor):  # type: ignore[misc]  # APScheduler has no types
    """An executor that takes no job."""

    def _do_submit_job(self, _job: Any, _run_times: list[datetime]) -> None:
        raise OSError("no worker")


class TestExecutors:
    """Executors run the jobs."""

    def test_one_that_is_added_and_removed(self, subject: Subject) -> None:
        """Its jobs run; afterwards they leave their store and nothing is heard of them."""
        subject.scheduler.add_executor("debug", "other")
        subject.scheduler.add_job(nothing, id="a", executor="other")
        subject.settle()
        subject.scheduler.remove_executor("other")
        subject.scheduler.add_job(nothing, id="b", executor="other")
        subject.settle()

        assert subject.heard == [
            *["EXECUTOR_ADDED other", "ADDED a", *RUN],
            *["EXECUTOR_REMOVED other", "ADDED b", "REMOVED b"],
        ]

    def test_one_that_is_removed_while_a_job_runs(self, pooled: Subject, gate: Any) -> None:
        """The job ends as any."""
        pooled.scheduler.add_job(gate.wait, id="a")
        pooled.settle()
        pool = pooled.scheduler._executors["default"]
        pooled.scheduler.remove_executor("default", shutdown=False)
        gate.set()
        pooled.wait_for("EXECUTED a: True")
        pool.shutdown()

        assert pooled.heard == [
            *["ADDED a", "REMOVED a", "SUBMITTED a"],
            *["EXECUTOR_REMOVED default", "EXECUTED a: True"],
        ]

    def test_one_that_refuses(self, subject: Subject) -> None:
        """A one-off job leaves its store; a recurring one stays for its next time."""
        subject.scheduler.add_executor(RefusingExecutor(), "other")
        subject.scheduler.pause()
        subject.scheduler.add_job(nothing, id="a", executor="other")
        subject.scheduler.add_job(
            *(nothing, "interval"), id="b", hours=1, next_run_time=subject.start, executor="other"
        )
        subject.scheduler.resume()
        subject.settle()

        assert subject.heard == [
            *["EXECUTOR_ADDED other", "SCHEDULER_PAUSED", "ADDED a", "ADDED b"],
            *["SCHEDULER_RESUMED", "REMOVED a"],
        ]
        assert subject.ids() == ["b"]
        assert subject.scheduler.get_job("b").next_run_time == subject.start + HOUR

    def test_a_pool_that_was_shut_down(self, pooled: Subject) -> None:
        """It refuses: the job is removed, never submitted."""
        pooled.scheduler._executors["default"].shutdown()
        pooled.scheduler.add_job(nothing, id="a")
        pooled.settle()

        assert pooled.heard == ["ADDED a", "REMOVED a"]

    def test_what_is_refused(self, subject: Subject) -> None:
        """Aliases are used once and must exist."""
        scheduler = subject.scheduler

        assert text_of_failure(scheduler.add_executor, "debug") == (
            'ValueError: This scheduler already has an executor by the alias of "default"'
        )
        assert text_of_failure(scheduler.remove_executor, "none") == (
            "KeyError: 'No such executor: none'"
        )
        assert text_of_failure(scheduler.add_executor, 3, "other") == (
            "TypeError: Expected an executor instance or a string, got int instead"
        )
        assert subject.heard == []


class TestListeners:
    """Listeners hear of events."""

    def test_one_that_raises(self, subject: Subject) -> None:
        """The other listeners hear the event, and jobs run."""

        def raising(event: Any) -> None:
            subject.say("raises")
            raise SystemExit(event)

        subject.scheduler.add_listener(raising)
        subject.scheduler.add_job(nothing, id="a")
        subject.settle()

        assert subject.heard == [word for line in ["ADDED a", *RUN] for word in (line, "raises")]

    def test_one_that_listens_to_some_events(self, subject: Subject) -> None:
        """It hears these, until it is removed."""

        def listener(event: Any) -> None:
            subject.say(f"{event.code == EVENT_JOB_EXECUTED} {event.job_id} {event.retval}")

        subject.scheduler.add_listener(listener, EVENT_JOB_EXECUTED)
        subject.scheduler.add_job(nothing, id="a")
        subject.settle()
        subject.scheduler.remove_listener(listener)
        subject.scheduler.add_job(nothing, id="b")
        subject.settle()

        assert subject.heard[1:3] == ["EXECUTED a", "True a None"]
        assert len(subject.heard) == 9

    def test_one_that_removes_a_job(self, subject: Subject) -> None:
        """A listener that hears of one job may remove another."""

        def listener(event: Any) -> None:
            subject.scheduler.remove_job("b")

        subject.scheduler.add_job(nothing, "interval", id="b", hours=1)
        subject.scheduler.add_listener(listener, EVENT_JOB_EXECUTED)
        subject.scheduler.add_job(nothing, id="a")
        subject.settle()

        assert subject.heard == ["ADDED b", "ADDED a", "EXECUTED a", "REMOVED b", *RUN[1:]]

    def test_one_that_adds_a_job(self, subject: Subject) -> None:
        """The job runs in the next look at the stores."""

        def listener(event: Any) -> None:
            if event.job_id == "a":
                subject.scheduler.add_job(nothing, id="b")

        subject.scheduler.add_listener(listener, EVENT_JOB_EXECUTED)
        subject.scheduler.add_job(nothing, id="a")
        subject.settle()

        assert subject.heard == [
            *["ADDED a", "EXECUTED a", "ADDED b", "REMOVED a", "SUBMITTED a"],
            *["EXECUTED b", "REMOVED b", "SUBMITTED b"],
        ]
