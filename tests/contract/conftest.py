"""The schedulers under contract: FakeScheduler, and the real one in virtual and in real time."""

import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import UTC
from typing import Any

import pytest
from apscheduler.executors.debug import DebugExecutor
from apscheduler.executors.pool import ThreadPoolExecutor
from apscheduler.schedulers.background import BackgroundScheduler

from apscheduler_fakes.fake_scheduler import FakeScheduler
from subject import (
    FakeSubject,
    Idling,
    OwnSubject,
    RealSubject,
    SimulatedSubject,
    Subject,
    text_of,
)
from threadsim.simulation.clock import Clock
from threadsim.simulation.simulation import Simulation

Make = Callable[[Any], Subject]
OWN = "fake, own executor"


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Say which schedulers a test is about."""
    names = metafunc.fixturenames
    if "make" in names:
        fakes = [OWN] if "faulty" in names else ["fake", OWN] if "inside" in names else ["fake"]
        real = pytest.param("real", marks=pytest.mark.e2e)
        metafunc.parametrize("make", [*fakes, "simulated", real], indirect=True)


@pytest.fixture
def make(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[Make]:
    """Make a subject with an executor; in a block of its own, which the test runs in.

    ``FakeScheduler(raise_job_errors=False)`` keeps its own executor where the parameter says so.
    """
    with ExitStack() as stack:
        if request.param in {"fake", OWN}:
            clock = stack.enter_context(Clock())
        elif request.param == "simulated":
            sim = stack.enter_context(Simulation())
        else:
            monkeypatch.setattr("apscheduler.schedulers.background.Event", Idling)

        def make_subject(executor: Any) -> Subject:
            options: dict[str, Any] = {"timezone": UTC, "executors": {"default": executor}}
            subject: Subject
            if request.param == OWN:
                fake = FakeScheduler(raise_job_errors=False, timezone=UTC)
                subject = OwnSubject(fake, clock)
            elif request.param == "fake":
                fake = FakeScheduler(raise_job_errors=False, **options)
                subject = FakeSubject(fake, clock)
            elif request.param == "simulated":
                subject = SimulatedSubject(BackgroundScheduler(**options), sim)
            else:
                subject = RealSubject(BackgroundScheduler(**options))
            monkeypatch.setattr(
                threading,
                "excepthook",
                lambda args: subject.say(f"thread ends by {text_of(args.exc_value)}"),
            )
            stack.callback(subject.close)
            return subject

        yield make_subject


@pytest.fixture
def stopped(make: Make) -> Subject:
    """A scheduler that has not been started, whose jobs run on its own thread."""
    return make(DebugExecutor())


@pytest.fixture
def subject(stopped: Subject) -> Subject:
    """A scheduler that runs, whose jobs run on its own thread."""
    return _started(stopped)


@pytest.fixture
def pooled(make: Make) -> Subject:
    """A scheduler that runs, with a pool of two workers: jobs run while the test goes on.

    With FakeScheduler's own executor none does, except by ``hang``.
    """
    return _started(make(ThreadPoolExecutor(2)))


@pytest.fixture
def inside(make: Make) -> Subject:
    """A scheduler that its jobs change: with a pool; FakeScheduler with its own executor, too."""
    return _started(make(ThreadPoolExecutor(2)))


@pytest.fixture
def faulty(make: Make) -> Subject:
    """A scheduler, not started, to go wrong: FakeScheduler as is, or with a pool of one worker."""
    return make(ThreadPoolExecutor(1))


def _started(subject: Subject) -> Subject:
    subject.scheduler.start()
    subject.settle()
    subject.forget()
    return subject


@pytest.fixture
def gate(make: Make, request: pytest.FixtureRequest) -> Iterator[threading.Event]:
    """The event that a job waits for. It is set when the test is over.

    It is open from the start where jobs run on the test's own thread.
    """
    event = threading.Event()
    if request.node.callspec.params["make"] == OWN:
        event.set()
    yield event
    event.set()
