"""A run of one of the two programs in a simulation, and what happens in it, in order."""

import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from types import MappingProxyType, ModuleType
from typing import Any
from unittest.mock import patch

from apscheduler.events import EVENT_JOB_MAX_INSTANCES, EVENT_JOB_MISSED, EVENT_JOB_SUBMITTED
from flask import Flask, got_request_exception

from threadsim import Deadlock, Simulation

REQUEST, SCHEDULER, JOBS = "request", "scheduler", "jobs"
FOR_EVER = "waits for ever"
TOLD = {
    EVENT_JOB_SUBMITTED: (SCHEDULER, "hands {} to the pool", JOBS, ""),
    EVENT_JOB_MISSED: (JOBS, "{} too late: missed", "", "bad"),
    EVENT_JOB_MAX_INSTANCES: (SCHEDULER, "skips {}: max_instances", "", "bad"),
}


@dataclass(frozen=True)
class Event:
    """Something that happened.

    Attributes:
        at: When, in virtual seconds.
        lane: Where.
        text: What; ``{}`` stands for the number of jobs.
        to: The lane that it reaches, if there is one.
        mark: "bad", "good" or "".
        count: How many jobs it is about.
    """

    at: float
    lane: str
    text: str
    to: str = ""
    mark: str = ""
    count: int = 1

    @property
    def words(self) -> str:
        """What happened."""
        return self.text.format("1 job" if self.count == 1 else f"{self.count} jobs")


@dataclass
class Recording:
    """What happened in a run.

    Attributes:
        events: In their order; jobs that do the same at one instant are one event.
        jobs: When each job began, and when it ended.
    """

    sim: Simulation
    events: list[Event] = field(default_factory=list)
    jobs: dict[int, tuple[float, float]] = field(default_factory=dict)

    def note(self, lane: str, text: str, to: str = "", mark: str = "") -> None:
        """Add an event, or count one more of the last one."""
        event = Event(round(self.sim.clock.elapsed, 3), lane, text, to, mark)
        last = self.events[-1] if self.events else None
        if last is not None and "{}" in text and replace(last, count=1) == event:
            self.events[-1] = replace(last, count=last.count + 1)
        else:
            self.events.append(event)

    def task(self, seconds: float, fails: Mapping[int, float]) -> Callable[[Any, int], None]:
        """Make a task that reports after some seconds, but for those that raise before."""

        def run(synchronizer: Any, number: int) -> None:
            begun = self.sim.clock.elapsed
            time.sleep(fails.get(number, seconds))
            self.jobs[number] = begun, self.sim.clock.elapsed
            if number in fails:
                self.note(JOBS, f"job {number} raises ValueError", "", "bad")
                raise ValueError(number)
            synchronizer.notify_task_completion(f"Task {number} done")

        return run

    def ask(self, app: Flask) -> None:
        """Make a request in this thread."""
        lane = here()
        self.note(lane, "GET /run-tasks")
        errors: list[str] = []

        def keep(_app: Flask, exception: Exception) -> None:
            errors.append(type(exception).__name__)

        with got_request_exception.connected_to(keep, app):
            response = app.test_client().get("/run-tasks")
        body = response.get_json(force=True, silent=True)
        said = f", {len(body)} statuses" if isinstance(body, list) else "".join(errors[:1])
        mark = "bad" if errors else "good"
        self.note(lane, f"answers {response.status_code}{': ' * bool(errors)}{said}", "", mark)


def here() -> str:
    """Return this thread's lane."""
    name = threading.current_thread().name
    return name if name.startswith(REQUEST) else REQUEST


@contextmanager
def watched(module: ModuleType, recording: Recording, held_up: float) -> Iterator[None]:
    """Let the synchronizers of a program note what is done with them."""

    class Watched(module.JobsSynchronizer):  # type: ignore[name-defined, misc]
        def __init__(self, number: int) -> None:
            super().__init__(number)
            self.lane = here()

        def notify_task_completion(self, status_to_report: str | None = None) -> None:
            status = status_to_report or ""
            if "failed" in status:
                recording.note(JOBS, "reports the failure", self.lane)
            else:
                recording.note(JOBS, "{} done", self.lane)
            super().notify_task_completion(status_to_report)

        def wait_for_tasks_to_be_completed(self, *timeout: float) -> Any:
            if held_up:
                recording.note(here(), f"is busy for {held_up:g} s")
                time.sleep(held_up)
            recording.note(here(), "waits")
            return super().wait_for_tasks_to_be_completed(*timeout)

    # Pickled by its name.
    Watched.__qualname__, Watched.__module__ = "JobsSynchronizer", module.__name__
    with patch.object(module, "JobsSynchronizer", Watched):
        yield


def watch(app: Any, recording: Recording) -> None:
    """Note what an app's scheduler is given, and what it does."""
    add_job = app.apscheduler.add_job

    def add(*args: Any, **kwargs: Any) -> Any:
        try:
            job = add_job(*args, **kwargs)
        except Exception as error:
            recording.note(here(), f"add_job: {type(error).__name__}", "", "bad")
            raise
        recording.note(here(), "adds {}", SCHEDULER)
        return job

    app.apscheduler.add_job = add
    app.apscheduler.scheduler.add_listener(
        lambda event: recording.note(*TOLD[event.code]), sum(TOLD)
    )


def record(
    module: ModuleType,
    num_tasks: int = 10,
    *,
    seconds: float = 10.0,
    fails: Mapping[int, float] = MappingProxyType({}),
    held_up: float = 0.0,
    published_task: bool = False,
    config: Mapping[str, Any] = MappingProxyType({}),
    before: Callable[[Any, Recording], None] = lambda _app, _recording: None,
    again_after: float | None = None,
) -> Recording:
    """Run a program and ask it.

    Args:
        module: The program.
        num_tasks: How many jobs a request adds.
        seconds: How long a job takes.
        fails: The jobs that raise, and after how many seconds.
        held_up: How many seconds a request is busy before it waits.
        published_task: Whether the jobs run the program's own task, which can be pickled.
        config: What the app finds in its configuration.
        before: Called with the app before the request.
        again_after: When a second request comes, in seconds; ``None`` for never.
    """
    recording = Recording(Simulation())
    with patch.object(Flask, "default_config", {**Flask.default_config, **config}):
        try:
            with recording.sim, watched(module, recording, held_up):
                task = module.scheduled_task if published_task else recording.task(seconds, fails)
                app = module.create_app(num_tasks=num_tasks, task=task)
                before(app, recording)
                watch(app, recording)
                if again_after is None:
                    recording.ask(app)
                else:
                    _ask_twice(app, recording, again_after)
                recording.sim.clock.tick(30)  # Jobs may run for nobody.
        except Deadlock:
            hanging = {each.lane for each in recording.events if each.lane.startswith(REQUEST)}
            hanging -= {each.lane for each in recording.events if each.text.startswith("answers")}
            for lane in sorted(hanging):
                recording.note(lane, FOR_EVER, "", "bad")
    return recording


def _ask_twice(app: Flask, recording: Recording, again_after: float) -> None:
    requests = []
    for number in (1, 2):
        request = threading.Thread(target=recording.ask, args=(app,), name=f"{REQUEST} {number}")
        request.start()
        requests.append(request)
        recording.sim.clock.tick(again_after)
    for request in requests:
        request.join()
