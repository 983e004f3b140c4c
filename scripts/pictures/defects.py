"""The eight defects: how the published program meets each, and how its twin does."""

import pickle
import threading
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from apscheduler.jobstores.memory import MemoryJobStore
from flask import Flask
from flask_apscheduler import APScheduler

from jobs_synchronizer import JobGroup, corrected, documented
from pictures import lanes
from pictures.recording import JOBS, REQUEST, SCHEDULER, Recording, record, watch
from threadsim import Simulation


class PersistentStore(MemoryJobStore):  # type: ignore[misc]  # APScheduler has no types.
    """A store that keeps a job as APScheduler's persistent ones do: pickled."""

    def add_job(self, job: Any) -> None:
        """Pickle the job's state, as in ``apscheduler/jobstores/sqlalchemy.py:118``."""
        super().add_job(pickle.dumps(job.__getstate__()) and job)


def lost() -> None:
    """Let a job report before its request waits, in some orders."""
    synchronizer = documented.JobsSynchronizer(1)
    threading.Thread(target=synchronizer.notify_task_completion, args=("done",)).start()
    synchronizer.wait_for_tasks_to_be_completed()


def _take_an_id(app: Any, recording: Recording) -> None:
    tomorrow = recording.sim.clock.now() + timedelta(days=1)
    app.apscheduler.add_job("j3", print, trigger="date", run_date=tomorrow)


def _shut_down(app: Any, recording: Recording) -> None:
    app.apscheduler.shutdown()
    recording.note(SCHEDULER, "is shut down", "", "bad")


def _persistent() -> dict[str, Any]:
    config = {"SCHEDULER_JOBSTORES": {"default": PersistentStore()}}
    return {"published_task": True, "config": config}


DEFECTS: dict[str, tuple[str, Callable[[], dict[str, Any]]]] = {
    "d1": ("no jobs", lambda: {"num_tasks": 0}),
    "d2": ("jobs end first", lambda: {"num_tasks": 2, "seconds": 0.0, "held_up": 1.0}),
    "d3": ("a job raises", lambda: {"num_tasks": 3, "fails": {1: 5.0}}),
    "d4": ("11 jobs, 10 workers", lambda: {"num_tasks": 11}),
    "d5": ("job id j3 is taken", lambda: {"before": _take_an_id}),
    "d6": ("a second request", lambda: {"again_after": 1.0}),
    "d7": ("scheduler shut down", lambda: {"before": _shut_down}),
    "d8": ("a persistent store", _persistent),
}


def drawn() -> dict[str, str]:
    """Return two pictures for each defect, by name."""
    pictures = {}
    for name, (title, options) in DEFECTS.items():
        requests = (REQUEST,) if name != "d6" else (f"{REQUEST} 1", f"{REQUEST} 2")
        for program in (documented, corrected):
            run = record(program, **options())
            who = "Published" if program is documented else "Corrected"
            if name == "d8" and program is corrected:
                run, who = with_a_group(), "JobGroup"
            pictures[f"{name}_{who.lower()}"] = lanes.draw(
                f"{who}: {title}", run.events, (*requests, SCHEDULER, JOBS)
            )
    return pictures


def with_a_group() -> Recording:
    """Run a view on ``JobGroup`` whose jobs are kept in a persistent store."""
    recording = Recording(Simulation())
    with recording.sim:
        app = Flask(__name__)
        app.config.update(SCHEDULER_JOBSTORES={"default": PersistentStore()})
        scheduler = APScheduler(app=app)
        scheduler.start()

        @app.route("/run-tasks")
        def run_tasks() -> list[Any]:
            with JobGroup(scheduler) as group:
                for number in range(10):
                    recording.note(REQUEST, "adds {}", SCHEDULER)
                    future = group.add_job(pow, args=[2, number], name=f"{number}")
                    future.add_done_callback(
                        lambda _future: recording.note(JOBS, "{} done", REQUEST)
                    )
                recording.note(REQUEST, "waits")
                return list(group.wait(timeout=20).values.values())

        watch(app, recording)
        recording.ask(app)
    return recording
