"""Warns of jobs that were declared at import, whose first run a test would never see."""

import warnings
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

DAY = 86_400.0


def warn_of_far_starts(jobs: Sequence[Any], longest: float = DAY) -> list[str]:
    """Warn of jobs whose first run counts from the real time of their declaration.

    Args:
        jobs: Jobs of a scheduler that has just started.
        longest: How far away a first run may be, in seconds.

    Returns:
        The texts of the warnings.
    """
    texts = []
    now = datetime.now(UTC)
    for job in jobs:
        declared = getattr(job.trigger, "run_date", now)
        if hasattr(job.trigger, "interval"):
            declared = job.trigger.start_date - job.trigger.interval
        distance = ((job.next_run_time or now) - now).total_seconds()
        if declared > now and distance > longest:
            texts.append(
                f"the first run of job {job.id!r} is {distance / DAY:,.1f} days after this "
                "instant: it counts from the real time at which it was declared. Begin at the "
                'present: Simulation(start="now"), @pytest.mark.simulation(start="now"), '
                'Clock("now"); in an exploration let the program add the job.'
            )
            warnings.warn(texts[-1], RuntimeWarning, stacklevel=5)
    return texts
