"""Compares the jobs that were added to a scheduler with what a test expects of one of them."""

from collections.abc import Sequence
from typing import Any

from apscheduler.util import astimezone, convert_to_datetime


def job_with(jobs: Sequence[Any], timezone: Any, expected: dict[str, Any]) -> Any:
    """Return the first job with some attributes.

    Args:
        jobs: Where to look.
        timezone: That of dates without one.
        expected: The attributes, by their names: those of a ``Job`` and of its trigger.

    Raises:
        AssertionError: There is no such job; the text says what differs in each.
    """
    __tracebackhide__ = True
    wanted = {name: _comparable(name, value, timezone) for name, value in expected.items()}
    lines = []
    for job in jobs:
        differences = [
            f"{name}={found!r}, not {value!r}"
            for name, value in wanted.items()
            for found in [getattr(job, name, getattr(job.trigger, name, "unknown"))]
            if _comparable(name, found, timezone) != value
        ]
        if not differences:
            return job
        lines.append(f"  {job.id!r}: {'; '.join(differences)}")
    text = ", ".join(f"{name}={value!r}" for name, value in wanted.items())
    added = "\n".join(["", *lines]) if lines else " none"
    raise AssertionError(f"no job was added with {text}. Added:{added}")


def _comparable(name: str, value: Any, timezone: Any) -> Any:
    """Return a value as a job has it: arguments in a tuple, a date as a ``datetime``."""
    if name == "args" and isinstance(value, list):
        return tuple(value)
    if name in {"run_date", "next_run_time"} and value is not None:
        return convert_to_datetime(value, astimezone(timezone), name)
    return value
