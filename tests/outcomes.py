"""What can come of a scenario, and how one is played: a program, asked in a simulation."""

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from http import HTTPStatus
from types import FrameType, MappingProxyType, ModuleType
from typing import Any

import pytest
from flask import Flask, got_request_exception

from threadsim import Deadlock, Simulation
from timeline import Event, recorded

# Virtual seconds after which nobody answers any more.
PATIENCE = 3600.0

# Where the published program hangs.
WAIT = "wait_for_tasks_to_be_completed"


@dataclass(frozen=True)
class Answer:
    """A request was answered.

    Attributes:
        status: The status code.
        body: What its JSON says, or the name of the exception behind a 500.
        after: Virtual seconds from the request to the answer.
    """

    status: int
    body: Any
    after: float

    def __str__(self) -> str:
        match self.body:
            case list():
                said = f": {_said(self.body)}"
            case {"pending": pending, "statuses": statuses}:
                said = f": {_said(statuses)}, {len(pending)} pending"
            case {"error": _}:
                said = ""
            case _:
                said = f": {self.body}"
        return f"{self.status} after {self.after:g} s{said}"

    @property
    def brief(self) -> str:
        """What fits into a column."""
        said = f", {self.body}" if self.status == HTTPStatus.INTERNAL_SERVER_ERROR else ""
        return f"{self.status} after {self.after:g} s{said}"


@dataclass(frozen=True)
class Hang:
    """Nothing could run any more, or a request aside had no answer after an hour.

    Attributes:
        where: The program's function in which the request was blocked.
        at: Virtual seconds since the beginning.
    """

    where: str
    at: float

    def __str__(self) -> str:
        return f"hangs in {self.where} at {self.at:g} s"

    @property
    def brief(self) -> str:
        """What fits into a column."""
        return "hangs"


# What the corrected program answers when its scheduler does not run.
NOT_RUNNING = Answer(503, {"error": "The scheduler does not run: start it."}, after=0.0)


def timed_out(
    pending: Sequence[int], statuses: Sequence[str] = (), *, timeout: float = 60.0
) -> Answer:
    """Return what the corrected program answers at its timeout.

    Args:
        pending: The tasks without a status.
        statuses: Those of the other tasks.
        timeout: In seconds.
    """
    total = len(pending) + len(statuses)
    known = {
        "error": f"{len(pending)} of {total} tasks had not reported after {timeout} s",
        "statuses": list(statuses),
        "pending": [f"Task {i}" for i in pending],
    }
    return Answer(504, known, after=timeout)


class Program:
    """One of the two programs, run in a simulation.

    Args:
        module: ``documented`` or ``corrected``.
        note: Called with what came of a scenario, in words, and with what fits into a column.
        events: Gets what happened in the scenario, event by event; ``None`` records nothing.
    """

    def __init__(
        self,
        module: ModuleType,
        note: Callable[[str, str], None],
        events: list[Event] | None = None,
    ) -> None:
        self.module: Any = module
        self.name = module.__name__.rpartition(".")[2]
        self._note = note
        self._events = events

    def run(self, scenario: Callable[[Simulation], Any]) -> Any:
        """Play a scenario in a simulation.

        Returns:
            What the scenario returned, or the ``Hang`` that it ended in.
        """
        sim = Simulation()
        events = self._events
        record = nullcontext() if events is None else recorded(sim, self.module, events)
        try:
            with sim, record:
                outcome = scenario(sim)
        except Deadlock as deadlock:
            outcome = Hang(_blocked_in(deadlock), sim.clock.elapsed)
        several = outcome if isinstance(outcome, tuple) else (outcome,)
        self._note(
            "; ".join(str(each) for each in several),
            "; ".join(getattr(each, "brief", str(each)) for each in several),
        )
        return outcome

    def create_app(self, config: Mapping[str, Any] = MappingProxyType({}), **options: Any) -> Any:
        """Make the program's app.

        Args:
            config: What the app finds in its ``app.config`` when its scheduler is made.
            options: Those of ``create_app``. The published program has no ``timeout``: it is given
                none.
        """
        if self.name == "documented":
            options.pop("timeout", None)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(Flask, "default_config", {**Flask.default_config, **config})
            return self.module.create_app(**options)

    def ask(self, config: Mapping[str, Any] = MappingProxyType({}), **options: Any) -> Any:
        """Make an app and ask it for ``/run-tasks`` once."""
        return self.run(lambda sim: get(self.create_app(config, **options), sim))

    def does(self, *, documented: Any, corrected: Any) -> Any:
        """Choose what is expected of this program."""
        return {"documented": documented, "corrected": corrected}[self.name]


def get(app: Flask, sim: Simulation, path: str = "/run-tasks") -> Answer:
    """Ask an app inside a simulation."""
    errors: list[str] = []
    here = threading.get_ident()

    def note(_app: Flask, exception: Exception) -> None:
        if threading.get_ident() == here:  # Other requests may fail meanwhile.
            errors.append(type(exception).__name__)

    begun = sim.clock.elapsed
    with got_request_exception.connected_to(note, app):
        response = app.test_client().get(path)
    body = response.get_json(force=True, silent=True)
    if errors:
        body = errors[0]
    elif body is None:
        body = response.text
    return Answer(response.status_code, body, round(sim.clock.elapsed - begun, 6))


class Aside:
    """A request that a thread of its own makes, so that something else can happen meanwhile.

    Args:
        app: Whom to ask.
        sim: The simulation around it.
    """

    def __init__(self, app: Flask, sim: Simulation) -> None:
        self._sim = sim
        self._answers: list[Answer] = []
        self._thread = threading.Thread(
            target=lambda: self._answers.append(get(app, sim)), daemon=True
        )
        self._thread.start()

    def outcome(self) -> Answer | Hang:
        """Wait for the answer, for an hour."""
        self._thread.join(PATIENCE)
        if self._answers:
            return self._answers[0]
        (thread,) = (each for each in self._sim.threads if each.ident == self._thread.ident)
        return Hang(_innermost(thread.frame), self._sim.clock.elapsed)


def with_rows(variants: Mapping[str, str]) -> list[Any]:
    """Return a test's variants, each with the rows of ``tests/rows.toml`` that it is a case of."""
    return [
        pytest.param(name, marks=pytest.mark.rows(*rows.split()), id=name)
        for name, rows in variants.items()
    ]


def taking(seconds: float) -> Callable[[Any, int], None]:
    """Make a task that sends its status after so many seconds."""

    def task(job_synchronizer: Any, task_id: int) -> None:
        time.sleep(seconds)
        job_synchronizer.notify_task_completion(f"Task {task_id} done")

    return task


def done(*tasks: int) -> list[str]:
    """Return the statuses of such tasks."""
    return [f"Task {i} done" for i in tasks]


def later(seconds: float, action: Callable[[], object]) -> None:
    """Let a thread of its own do something after so many virtual seconds."""

    def act() -> None:
        time.sleep(seconds)
        action()

    threading.Thread(target=act, daemon=True).start()


def _said(statuses: list[str]) -> str:
    return f"“{statuses[0]}”" if len(statuses) == 1 else f"{len(statuses)} statuses"


def _blocked_in(deadlock: Deadlock) -> str:
    traceback = deadlock.__traceback__
    while traceback is not None and traceback.tb_next is not None:
        traceback = traceback.tb_next
    return _innermost(traceback and traceback.tb_frame)


def _innermost(frame: FrameType | None) -> str:
    """Return the program's function on a stack that is nearest to its end."""
    frames = []
    while frame is not None:
        frames.append(frame)
        frame = frame.f_back
    names = ((each.f_globals.get("__name__", ""), each.f_code.co_name) for each in frames)
    return next((name for module, name in names if "jobs_synchronizer" in module), "")
