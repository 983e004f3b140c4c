"""A scheduler under contract. A test drives each kind in the same way."""

import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Callable
from contextlib import AbstractContextManager, suppress
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from apscheduler import events
from apscheduler.executors.pool import BasePoolExecutor

from threadsim.simulation.clock import Clock
from threadsim.simulation.simulation import Simulation

NAMES = {
    code: name.removeprefix("EVENT_").removeprefix("JOB_")
    for name, code in vars(events).items()
    if name.startswith("EVENT_") and name not in {"EVENT_ALL", "EVENT_SCHEDULER_START"}
}
UNIT = timedelta(milliseconds=20)  # In real time, long enough to be told apart.
HOUR = timedelta(hours=1)
BOUND = 10  # Real seconds, waited for in vain only when something is broken.


class Subject(ABC):
    """A scheduler, and everything it says.

    Args:
        scheduler: The scheduler, not started.

    Attributes:
        heard: Its events in order, a line each.
        start: The instant at which the test begins.
        has_faults: Whether it has faults on demand and its own executor.
    """

    has_faults = False

    def __init__(self, scheduler: Any) -> None:
        self.scheduler = scheduler
        self.heard: list[str] = []
        self.start = datetime.now(UTC)
        self.start -= timedelta(microseconds=self.start.microsecond % 1000)
        self._scheduled: list[tuple[str, datetime]] = []
        self._condition = threading.Condition()
        scheduler.add_listener(self._hear)

    def _hear(self, event: Any) -> None:
        line = NAMES[event.code]
        if isinstance(event, events.JobEvent):
            line += f" {event.job_id}"
            line += "" if event.jobstore == "default" else f" in {event.jobstore}"
        elif event.alias:
            line += f" {event.alias}"
        if isinstance(event, events.JobExecutionEvent):
            self._scheduled.append((event.job_id, event.scheduled_run_time))
            line += f": {text_of(event.exception)}" if event.exception else ""
            line += "" if event.retval is None else f": {event.retval!r}"
        self.say(line)

    def say(self, line: str) -> None:
        """Add a line to the lines that were heard."""
        with self._condition:
            self.heard.append(line)
            self._condition.notify_all()

    def forget(self) -> None:
        """Begin to listen anew."""
        self.heard.clear()

    def at(self, units: float) -> datetime:
        """Return an instant, in units of 20 ms since the start."""
        return self.start + units * UNIT

    def units(self, instant: datetime) -> float:
        """Return how many units of 20 ms an instant lies after the start."""
        return round((instant - self.start) / UNIT, 2)

    def scheduled(self, job_id: str) -> list[float]:
        """Return for when the runs of a job that are over were scheduled, in units."""
        return [self.units(instant) for id_, instant in self._scheduled if id_ == job_id]

    def ids(self) -> list[str]:
        """Return the ids of the scheduler's jobs."""
        return [job.id for job in self.scheduler.get_jobs()]

    def wait_for(self, line: str) -> None:
        """Wait until a line has been heard, which another thread says."""
        with self._condition:
            assert self._condition.wait_for(lambda: line in self.heard, BOUND), self.heard

    def run_behind(self, gate: threading.Event, last: str) -> None:
        """Run due jobs: submit jobs that wait at a gate, open it, and wait for a line."""
        self.settle()
        gate.set()
        self.wait_for(last)

    def unseen(self) -> AbstractContextManager[object]:
        """Keep the scheduler from looking at its stores: in real time a test may be late itself."""
        lock: AbstractContextManager[object] = self.scheduler._jobstores_lock
        return lock

    @abstractmethod
    def settle(self) -> None:
        """Let the scheduler do its work of this instant."""

    @abstractmethod
    def pass_to(self, units: float) -> None:
        """Let time pass until an instant, and let the scheduler work on the way."""

    def close(self) -> None:
        """End the scheduler and its pools."""
        pools = [
            executor._pool
            for executor in self.scheduler._executors.values()
            if isinstance(executor, BasePoolExecutor)
        ]
        if self.scheduler.running:
            self.scheduler.shutdown()
        for pool in pools:
            pool.shutdown()


def text_of(error: BaseException) -> str:
    """Return an error's type and text."""
    return f"{type(error).__name__}: {error}"


def text_of_failure(call: Callable[..., object], *args: Any, **options: Any) -> str:
    """Call something that must fail, and return its error's type and text."""
    with pytest.raises(Exception) as failure:  # noqa: PT011  # The test compares it.
        call(*args, **options)
    return text_of(failure.value)


class FakeSubject(Subject):
    """A FakeScheduler under a Clock."""

    def __init__(self, scheduler: Any, clock: Clock) -> None:
        super().__init__(scheduler)
        self._clock = clock

    def settle(self) -> None:
        """Tick by nothing."""
        self._reach(lambda: self._clock.tick(0))

    def pass_to(self, units: float) -> None:
        """Move the clock."""
        self._reach(lambda: self._clock.move_to(self.at(units)))

    def _reach(self, move: Callable[[], None]) -> None:
        try:
            move()
        except Exception as error:  # noqa: BLE001  # The real one's goes to threading.excepthook.
            self.say(f"thread ends by {text_of(error)}")


class OwnSubject(FakeSubject):
    """A FakeScheduler with its own executor, driven by run_due()."""

    has_faults = True

    def settle(self) -> None:
        """Run due jobs."""
        self._reach(self.scheduler.run_due)


class SimulatedSubject(Subject):
    """A BackgroundScheduler inside a Simulation."""

    def __init__(self, scheduler: Any, sim: Simulation) -> None:
        super().__init__(scheduler)
        self._sim = sim

    def settle(self) -> None:
        """Let everybody run."""
        self._sim.settle()

    def pass_to(self, units: float) -> None:
        """Move the clock."""
        self._sim.clock.move_to(self.at(units))


class Idling(threading.Event):
    """The event of a BackgroundScheduler's thread; it tells whether that thread is idle."""

    waits = False

    def wait(self, timeout: float | None = None) -> bool:
        """Wait, as any event does."""
        self.waits = True
        try:
            return super().wait(timeout)
        finally:
            self.waits = False


def _wait_until(condition: Callable[[], bool], failure: str) -> None:
    deadline = time.monotonic() + BOUND
    while not condition():
        assert time.monotonic() < deadline, failure
        time.sleep(0.0005)


class RealSubject(Subject):
    """A BackgroundScheduler in real time."""

    def settle(self) -> None:
        """Wait until its thread has nothing to do, or has ended."""
        _wait_until(self._idle, "the scheduler's thread finds no rest")

    def pass_to(self, units: float) -> None:
        """Wait for the time, and for the jobs that are due until then."""
        instant = self.at(units)
        time.sleep(max((instant - datetime.now(UTC)).total_seconds(), 0))
        _wait_until(lambda: not self._due(instant), "a job that is due does not run")
        self.settle()  # Whoever took the last due job out of its store may not be done with it.

    def _idle(self) -> bool:
        thread = self.scheduler._thread
        if thread is None or not thread.is_alive():
            return True
        event = self.scheduler._event
        return bool(event.waits and not event.is_set())

    def _due(self, instant: datetime) -> bool:
        stores = self.scheduler._jobstores.values()
        times = [store.get_next_run_time() for store in stores]
        return any(time is not None and time <= instant for time in times)

    def close(self) -> None:
        """End its thread too, which outlives a shutdown that failed."""
        super().close()
        with suppress(AttributeError):  # It is gone after a shutdown.
            self.scheduler._event.set()
            self.scheduler._thread.join(BOUND)
