"""The card: the happy path and the first defects, on the real scheduler and on the fake one.

The published program hangs or fails alike on both schedulers. FakeScheduler is APScheduler's own
scheduler without its thread: ``clock.tick(0)`` does what the thread would do, and all else is the
real code. The corrected program answers alike on both.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest
from apscheduler.executors.pool import ThreadPoolExecutor
from apscheduler.schedulers.background import BackgroundScheduler

from apscheduler_fakes import FakeScheduler
from outcomes import WAIT, Answer, Aside, Hang, Program, done, taking, with_rows
from threadsim import Simulation

SCHEDULERS: dict[str, Callable[[], Any]] = {
    "BackgroundScheduler": BackgroundScheduler,
    # A job that raises is meant to.
    "FakeScheduler": lambda: FakeScheduler(raise_job_errors=False),
}

TASK = {"task": taking(10)}
# Nobody waits longer than an hour.
HANG = Hang(WAIT, at=3600.0)


def raising(job_synchronizer: Any, task_id: int) -> None:
    """Raise in the first task."""
    if task_id == 0:
        raise ValueError("boom")
    taking(10)(job_synchronizer, task_id)


@dataclass(frozen=True)
class Path:
    """What goes into a path, and what comes out.

    Attributes:
        documented: What the published program does.
        corrected: What the corrected one does.
        options: Those of ``create_app``.
        early: Whether the jobs run before the request waits.
        taken: The id of a job that is in the store for tomorrow.
    """

    documented: Answer | Hang
    corrected: Answer | Hang
    options: Mapping[str, Any]
    early: bool = False
    taken: str = "another id"


TEN = Answer(200, done(*range(10)), after=10.0)
PATHS = {
    "ten jobs": Path(TEN, TEN, TASK),
    "no jobs": Path(HANG, Answer(200, [], after=0.0), {"num_tasks": 0}),
    "a notification before the wait": Path(
        HANG, Answer(200, done(0, 1), after=0.0), {"num_tasks": 2, "task": taking(0)}, early=True
    ),
    "a job that raises": Path(
        HANG,
        Answer(200, ["Task 0 failed: ValueError('boom')", "Task 1 done"], after=10.0),
        {"num_tasks": 2, "task": raising},
    ),
    "more jobs than workers": Path(
        HANG, Answer(200, done(0, 1, 10, *range(2, 10)), after=20.0), {"num_tasks": 11, **TASK}
    ),
    "a job id that is taken": Path(
        Answer(500, "ConflictingIdError", after=0.0), TEN, TASK, taken="j3"
    ),
}


@pytest.mark.parametrize("kind", SCHEDULERS)
@pytest.mark.parametrize(
    "name",
    with_rows(
        {
            "ten jobs": "E1",
            "no jobs": "D1",
            "a notification before the wait": "D2",
            "a job that raises": "D3",
            "more jobs than workers": "D4",
            "a job id that is taken": "D5",
        }
    ),
)
def test_on_either_scheduler(program: Program, name: str, kind: str) -> None:
    """A test on FakeScheduler sees what a test on the real scheduler sees."""
    path = PATHS[name]

    def scenario(sim: Simulation) -> Answer | Hang:
        scheduler = SCHEDULERS[kind]()
        config = {"SCHEDULER_EXECUTORS": {"default": ThreadPoolExecutor(10)}}
        app = program.create_app(config, scheduler=scheduler, **path.options)
        tomorrow = sim.clock.now() + timedelta(days=1)
        scheduler.add_job(print, trigger="date", run_date=tomorrow, id=path.taken)
        add_job = scheduler.add_job

        def add_and_run(**options: Any) -> None:
            add_job(**options)
            sim.clock.tick(0)

        if path.early:
            scheduler.add_job = add_and_run
        request = Aside(app, sim)
        sim.settle()
        sim.clock.tick(0)
        return request.outcome()

    assert program.run(scenario) == program.does(
        documented=path.documented, corrected=path.corrected
    )
