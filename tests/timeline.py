"""What a program did, and when: the requests, waits, jobs and notifications of one scenario.

``nox -s spec`` draws its pictures from it. The program runs as it is; each call is passed on.
"""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from copy import deepcopy
from itertools import count
from typing import Any

import pytest
from apscheduler.events import EVENT_JOB_ERROR, EVENT_JOB_EXECUTED, EVENT_JOB_MISSED
from apscheduler.executors import pool
from apscheduler.schedulers.base import BaseScheduler
from flask.testing import FlaskClient

import apscheduler_fakes.deferred_executor as deferred
from threadsim import Simulation

# "what" it is, when it came ("at") and ended ("until", or None). A job has when it "began", too,
# a notification whether it is "lost". A time is virtual seconds, and a number that orders what
# happens at one instant.
Event = dict[str, Any]

ENDS = {EVENT_JOB_EXECUTED: "returned", EVENT_JOB_ERROR: "raised", EVENT_JOB_MISSED: "missed"}


class Recorder:
    """Passes calls on, and keeps what they do.

    Args:
        sim: The simulation around the program.
        published: Whether the program's wait looks at no count, and so can lose a notification.
    """

    def __init__(self, sim: Simulation, *, published: bool) -> None:
        self.events: list[Event] = []
        self._sim = sim
        self._published = published
        self._numbers = count()
        # The request and the job of each thread, as places in the list.
        self._requests: dict[int, int] = {}
        self._jobs: dict[int, int] = {}

    def _now(self) -> tuple[float, int]:
        return self._sim.clock.elapsed, next(self._numbers)

    def _add(self, what: str, **more: Any) -> Event:
        self.events.append({"what": what, "at": self._now(), "until": None, **more})
        return self.events[-1]

    def _add_job(self, job: Any) -> Event:
        return self._add("job", id=job.id, began=None)

    def _is_asked(self) -> bool:
        """Return whether a request is under way: what a test adds by itself is left out."""
        return any(each["what"] == "request" and each["until"] is None for each in self.events)

    def open(self, call: Callable[..., Any], *args: Any, **options: Any) -> Any:
        """A request, until it is answered."""
        event = self._add("request")
        self._requests[threading.get_ident()] = len(self.events) - 1
        response = call(*args, **options)
        event.update(until=self._now(), body=response.get_json(force=True, silent=True))
        return response

    def wait_for_tasks_to_be_completed(
        self, call: Callable[..., Any], *args: Any, **options: Any
    ) -> Any:
        """A wait of a request, or of a thread of the test."""
        event = self._add("wait", request=self._requests.get(threading.get_ident()))
        returned = call(*args, **options)
        event.update(until=self._now())
        return returned

    def notify_task_completion(self, call: Callable[..., Any], it: Any, *args: Any) -> None:
        """A notification: of a job, or of a thread of the test."""
        alone = self._published and not it.condition._waiters
        call(it, *args)
        lost = alone and it.current_completed == it.num_tasks_to_complete
        self._add("notification", lost=lost, job=self._jobs.get(threading.get_ident()))

    def add_job(self, call: Callable[..., Any], *args: Any, **options: Any) -> Any:
        """A job that is added. It may run before this call returns."""
        before = len(self.events)
        job = call(*args, **options)
        has_run = any(each.get("id") == job.id for each in self.events[before:])
        if self._is_asked() and not has_run:
            self._add_job(job)
        return job

    def run_job(self, call: Callable[..., Any], job: Any, *args: Any) -> Any:
        """A job that runs, in a worker's thread."""
        added = [each for each in self.events if each.get("id") == job.id and each["began"] is None]
        if not (added or self._is_asked()):
            return call(job, *args)
        event = added[-1] if added else self._add_job(job)
        event["began"] = self._now()
        self._jobs[threading.get_ident()] = self.events.index(event)
        ends = call(job, *args)
        event.update(until=self._now(), end=ENDS[ends[-1].code])
        return ends


@contextmanager
def recorded(sim: Simulation, module: Any, events: list[Event]) -> Iterator[None]:
    """Record what happens inside the block; it is in ``events`` when the block ends.

    Args:
        sim: The simulation around it.
        module: The program.
        events: Where the events go, in the order of their beginnings.
    """
    recorder = Recorder(sim, published=module.__name__.endswith("documented"))

    def passed_on(record: Callable[..., Any], call: Callable[..., Any]) -> Callable[..., Any]:
        return lambda *args, **options: record(call, *args, **options)

    with pytest.MonkeyPatch.context() as patch:
        for owner, record in (
            (FlaskClient, recorder.open),
            (module.JobsSynchronizer, recorder.wait_for_tasks_to_be_completed),
            (module.JobsSynchronizer, recorder.notify_task_completion),
            (BaseScheduler, recorder.add_job),
            (pool, recorder.run_job),
            (deferred, recorder.run_job),
        ):
            call = getattr(owner, record.__name__)
            patch.setattr(owner, record.__name__, passed_on(record, call))
        try:
            yield
        finally:
            # Copies: threads that have not ended do so when the simulation does.
            events[:] = deepcopy(recorder.events)
