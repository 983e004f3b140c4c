"""Puts a FakeScheduler in the place of a scheduler that an app's module has made."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from apscheduler.job import Job
from apscheduler.schedulers.base import STATE_RUNNING

# Of a job that a decorator has declared, some may not be set yet.
_ATTRIBUTES = [name for name in Job.__slots__ if name[0] != "_" and name != "func_ref"]


@contextmanager
def replaced(scheduler: Any, fake: Any) -> Iterator[None]:
    """Let Flask-APScheduler's ``APScheduler`` use another scheduler, and put its own one back.

    The other one gets the jobs that decorators have declared.

    Args:
        scheduler: The ``APScheduler``.
        fake: The FakeScheduler. It is shut down at the end.

    Raises:
        TypeError: ``scheduler`` is something else.
    """
    real = getattr(scheduler, "_scheduler", None)
    if real is None or not hasattr(scheduler, "init_app"):
        raise TypeError(
            f"FakeScheduler.replacing({scheduler!r}): pass the APScheduler of Flask-APScheduler. A "
            "scheduler of APScheduler itself is replaced by its name: "
            "monkeypatch.setattr(module, 'scheduler', FakeScheduler())."
        )
    jobs = real._pending_jobs
    if real.running:
        jobs = [(job, job._jobstore_alias, False) for job in real.get_jobs()]
    for job, jobstore, replace_existing in jobs:
        options = {name: getattr(job, name) for name in _ATTRIBUTES if hasattr(job, name)}
        fake.add_job(jobstore=jobstore, replace_existing=replace_existing, **options)
    fake.added.clear()
    runs = real.state == STATE_RUNNING
    if runs:  # Its thread would run the jobs besides.
        real.pause()
    scheduler._scheduler = fake
    fake.starts_itself = True
    try:
        yield
    finally:
        scheduler._scheduler = real
        fake.starts_itself = False
        if fake.running:
            fake.shutdown(wait=False)
        if runs:
            real.resume()
