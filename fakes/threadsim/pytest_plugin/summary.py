"""The line at the end of a test run that sums up what was explored."""

from collections import Counter
from collections.abc import Sequence

from threadsim.runtime.formatting import counted

KEY = "explore"
"""The property of a test that holds its result, for workers of pytest-xdist, too."""

Result = tuple[int, bool, int | None]
"""``schedules``, ``complete`` and ``within`` of an ``Exploration``."""


def summary(results: Sequence[Result]) -> str:
    """Return the line for the tests that have passed."""
    kinds = Counter(_kind(complete, bound) for _, complete, bound in results)
    parts = {kind: f"{kinds[kind]} {kind}" for kind in sorted(kinds)}
    if single := sum(tuple(each) == (1, True, None) for each in results):
        parts["complete"] += f" ({single} of them a single schedule)"
    schedules = counted(sum(each[0] for each in results), "schedule")
    return f"{KEY}: {counted(len(results), 'test')}, {schedules}; {', '.join(parts.values())}"


def _kind(complete: bool, bound: int | None) -> str:
    if bound is None:
        return "complete" if complete else "sampled"
    return f"within {counted(bound, 'preemption')}"
