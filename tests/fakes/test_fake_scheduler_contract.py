"""What FakeScheduler and APScheduler's BackgroundScheduler do alike: events, log lines, stores."""

import logging
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from apscheduler import events
from apscheduler.executors.debug import DebugExecutor
from apscheduler.executors.pool import ThreadPoolExecutor
from apscheduler.schedulers.background import BackgroundScheduler
from apscheduler.schedulers.base import STATE_RUNNING

from apscheduler_fakes.scheduler import FakeScheduler

NAMES = {
    value: name.removeprefix("EVENT_").removeprefix("JOB_")
    for name, value in vars(events).items()
    if name.startswith("EVENT_JOB_") or name == "EVENT_SCHEDULER_SHUTDOWN"
}
BOUND = 10  # Seconds that the real thing gets, in vain only when it is broken.


class Subject:
    """A scheduler with everything it says written down."""

    def __init__(self, scheduler: Any) -> None:
        self.scheduler = scheduler
        self.events: list[Any] = []
        self._heard = threading.Condition()
        scheduler.add_listener(self._hear)
        scheduler.start()

    def _hear(self, event: Any) -> None:
        with self._heard:
            self.events.append(event)
            self._heard.notify_all()

    def happened(self, job_id: str) -> list[str]:
        """Name the events of one job."""
        return [NAMES[event.code] for event in self.events if getattr(event, "job_id", 0) == job_id]

    def wait_for(self, last: str, job_id: str = "job") -> None:
        """Let the scheduler run what is due, until an event of a job."""
        if isinstance(self.scheduler, FakeScheduler):
            self.scheduler.run_due()
        with self._heard:
            assert self._heard.wait_for(lambda: last in self.happened(job_id), BOUND)

    def count(self, job_id: str = "job") -> int:
        """Count the instances of a job that the executor thinks are running."""
        return int(self.scheduler._executors["default"]._instances[job_id])


def make_fake(**options: Any) -> FakeScheduler:
    """Make a FakeScheduler whose jobs may fail."""
    return FakeScheduler(raise_job_errors=False, **options)


@pytest.fixture(params=["fake", pytest.param("real", marks=pytest.mark.e2e)])
def subject(request: pytest.FixtureRequest) -> Iterator[Subject]:
    """Make the scheduler under contract, with a DebugExecutor: the fake, or the real one."""
    make = make_fake if request.param == "fake" else BackgroundScheduler
    subject = Subject(make(timezone=UTC, executors={"default": DebugExecutor()}))
    yield subject
    subject.scheduler.shutdown()


class TestEvents:
    """The events of a job that is over before its submission returns."""

    def test_a_job_that_returns(self, subject: Subject) -> None:
        """EXECUTED comes before REMOVED and SUBMITTED, with the returned value."""
        subject.scheduler.add_job(str, args=[3], id="job")
        subject.wait_for("SUBMITTED")

        assert subject.happened("job") == ["ADDED", "EXECUTED", "REMOVED", "SUBMITTED"]
        assert [event.retval for event in subject.events if hasattr(event, "retval")] == ["3"]

    def test_a_job_that_raises(self, subject: Subject) -> None:
        """ERROR comes before REMOVED and SUBMITTED, with the exception."""
        subject.scheduler.add_job(int, args=["x"], id="job")
        subject.wait_for("SUBMITTED")

        assert subject.happened("job") == ["ADDED", "ERROR", "REMOVED", "SUBMITTED"]
        errors = [event.exception for event in subject.events if hasattr(event, "exception")]
        assert [type(error) for error in errors] == [ValueError]

    def test_a_job_that_ends_the_program(self, subject: Subject) -> None:
        """SystemExit ends the job only."""
        subject.scheduler.add_job(exit, id="job")
        subject.wait_for("SUBMITTED")

        assert subject.happened("job") == ["ADDED", "ERROR", "REMOVED", "SUBMITTED"]

    def test_a_job_that_is_too_late(self, subject: Subject) -> None:
        """MISSED comes with SUBMITTED; the run time is the one it was scheduled for."""
        long_ago = datetime(2020, 1, 1, tzinfo=UTC)
        subject.scheduler.add_job(int, "date", id="job", run_date=long_ago)
        subject.wait_for("SUBMITTED")

        assert subject.happened("job") == ["ADDED", "MISSED", "REMOVED", "SUBMITTED"]
        times = [event.scheduled_run_time for event in subject.events if hasattr(event, "retval")]
        assert times == [long_ago]

    def test_a_recurring_job(self, subject: Subject) -> None:
        """It stays in its store."""
        now = datetime.now(UTC)
        subject.scheduler.add_job(int, "interval", id="job", hours=1, next_run_time=now)
        subject.wait_for("SUBMITTED")

        assert subject.happened("job") == ["ADDED", "EXECUTED", "SUBMITTED"]
        assert subject.scheduler.get_job("job").next_run_time == now + timedelta(hours=1)

    def test_a_job_without_an_executor(self, subject: Subject) -> None:
        """It leaves the store and nothing else is said."""
        subject.scheduler.add_job(int, id="job", executor="none")
        subject.wait_for("REMOVED")

        assert subject.happened("job") == ["ADDED", "REMOVED"]

    def test_a_job_added_by_a_job(self, subject: Subject) -> None:
        """It runs when the first one's look at the store is over."""
        subject.scheduler.add_job(
            lambda: subject.scheduler.add_job(int, id="job", jobstore="default"), id="first"
        )
        subject.wait_for("SUBMITTED")

        codes = [
            (NAMES[event.code], event.job_id)
            for event in subject.events
            if hasattr(event, "job_id")
        ]
        assert codes == [
            ("ADDED", "first"),
            ("ADDED", "job"),
            ("EXECUTED", "first"),
            ("REMOVED", "first"),
            ("SUBMITTED", "first"),
            ("EXECUTED", "job"),
            ("REMOVED", "job"),
            ("SUBMITTED", "job"),
        ]


# Faults: each is made to happen to a real scheduler too.


def real_miss(subject: Subject, _held: threading.Event) -> None:
    """Start a job too late: the only worker is busy until the grace is over."""
    subject.scheduler.add_job(
        int, "date", id="job", run_date=datetime.now(UTC) - timedelta(seconds=2)
    )
    subject.wait_for("MISSED")


def real_skip(subject: Subject, held: threading.Event) -> None:
    """Leave an instance running."""
    subject.scheduler.add_job(held.wait, id="job")
    subject.wait_for("SUBMITTED")
    subject.events.clear()
    subject.scheduler.add_job(int, id="job")
    subject.wait_for("MAX_INSTANCES")


def real_refuse(subject: Subject, _held: threading.Event) -> None:
    """Shut the pool down."""
    subject.scheduler._executors["default"]._pool.shutdown()
    subject.scheduler.add_job(int, id="job")
    subject.wait_for("REMOVED")


def real_lose(subject: Subject, held: threading.Event) -> None:
    """Cancel what is queued in the pool."""
    subject.scheduler.add_job(held.wait, id="other")
    subject.wait_for("SUBMITTED", "other")
    subject.scheduler.add_job(int, id="job")
    subject.wait_for("SUBMITTED")
    subject.scheduler._executors["default"]._pool.shutdown(wait=False, cancel_futures=True)


def real_hang(subject: Subject, held: threading.Event) -> None:
    """Let a body wait until the test is over."""
    begun = threading.Event()

    def body() -> None:
        begun.set()
        held.wait()

    subject.scheduler.add_job(body, id="job")
    subject.wait_for("SUBMITTED")
    assert begun.wait(BOUND)


class DeadScheduler(BackgroundScheduler):  # type: ignore[misc]  # APScheduler has no types
    """A BackgroundScheduler whose thread has ended."""

    def _main_loop(self) -> None:
        """End."""


def real_die(subject: Subject, _held: threading.Event) -> None:
    """Add a job when the thread is dead."""
    subject.scheduler._thread.join(BOUND)
    subject.scheduler.add_job(int, id="job")


ADDED_LINE = 'Added job "%s" to job store "%s"'
FACTS: dict[str, tuple[Callable[[Subject, threading.Event], None], list[str], list[str], int]] = {
    # How it happens for real; the events; the log lines; the instances thought to be running.
    "miss": (
        real_miss,
        ["ADDED", "MISSED", "REMOVED", "SUBMITTED"],
        [ADDED_LINE, "Removed job %s", 'Run time of job "%s" was missed by %s'],
        0,
    ),
    "skip": (
        real_skip,
        ["ADDED", "MAX_INSTANCES", "REMOVED"],
        [
            ADDED_LINE,
            'Execution of job "%s" skipped: maximum number of running instances reached (%d)',
            "Removed job %s",
        ],
        0,
    ),
    "refuse": (
        real_refuse,
        ["ADDED", "REMOVED"],
        [ADDED_LINE, 'Error submitting job "%s" to executor "%s"', "Removed job %s"],
        0,
    ),
    "lose": (
        real_lose,
        ["ADDED", "REMOVED", "SUBMITTED"],
        [ADDED_LINE, "Removed job %s", "exception calling callback for %r"],
        1,
    ),
    "hang": (
        real_hang,
        ["ADDED", "REMOVED", "SUBMITTED"],
        [ADDED_LINE, "Removed job %s", 'Running job "%s" (scheduled at %s)'],
        1,
    ),
    "die": (real_die, ["ADDED"], [ADDED_LINE], 0),
}


def lines(caplog: pytest.LogCaptureFixture) -> set[str]:
    """Return what was logged about the job, without the names and times in it."""
    return {
        str(record.msg)
        for record in caplog.records
        if record.name.startswith(("apscheduler", "concurrent"))
        and not any("other" in str(arg) or "Event.wait" in str(arg) for arg in record.args or ())
        and "cheduler" not in str(record.msg)
    }


@pytest.mark.parametrize("fault", FACTS)
def test_a_fault_leaves_the_same_facts(fault: str, caplog: pytest.LogCaptureFixture) -> None:
    """Events in their order, log lines, and the count of running instances."""
    _, expected_events, expected_lines, count = FACTS[fault]
    caplog.set_level(logging.INFO)
    subject = Subject(make_fake(timezone=UTC))
    caplog.clear()
    getattr(subject.scheduler, fault)(*([] if fault == "die" else ["job"]))
    subject.scheduler.add_job(int, id="job")
    subject.scheduler.run_due()

    assert sorted(subject.happened("job")) == expected_events
    assert lines(caplog) == set(expected_lines)
    assert subject.count() == count
    assert subject.scheduler.state == STATE_RUNNING
    assert bool(subject.scheduler.get_jobs()) == (fault == "die")
    assert (fault == "die") == hasattr(subject.scheduler, "_thread")


@pytest.mark.e2e
@pytest.mark.parametrize("fault", FACTS)
def test_the_facts_are_those_of_the_real_thing(
    fault: str, caplog: pytest.LogCaptureFixture
) -> None:
    """The same, made to happen to a BackgroundScheduler with a thread pool."""
    happen, expected_events, expected_lines, count = FACTS[fault]
    caplog.set_level(logging.INFO)
    make = DeadScheduler if fault == "die" else BackgroundScheduler
    executor = ThreadPoolExecutor(1)
    subject = Subject(make(timezone=UTC, executors={"default": executor}))
    caplog.clear()
    held = threading.Event()
    try:
        happen(subject, held)
        if "REMOVED" in expected_events:
            subject.wait_for("REMOVED")

        with subject.scheduler._jobstores_lock:  # The look at the stores is over.
            assert sorted(subject.happened("job")) == expected_events
        # A skipped job is counted once: the instance that is in its way.
        assert subject.count() == count + (fault == "skip")
        assert lines(caplog) == set(expected_lines)
        assert subject.scheduler.state == STATE_RUNNING
        assert bool(subject.scheduler.get_jobs()) == (fault == "die")
        if fault == "die":
            assert not subject.scheduler._thread.is_alive()
    finally:
        held.set()
        subject.scheduler.shutdown()
