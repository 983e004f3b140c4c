"""The line at the end of a test run that sums up what was explored."""

from collections.abc import Iterable

from threadsim.runtime.formatting import counted

KEY = "explore"
"""The property of a test that holds its result, for workers of pytest-xdist, too."""

Result = tuple[int, bool, int | None]
"""``schedules``, ``complete`` and ``within`` of an ``Exploration``."""


def summary(results: Iterable[Result]) -> str:
    """Return the line for the tests that have passed."""
    schedules, completes, bounds = zip(*results, strict=True)
    whole = [
        number
        for number, complete, bound in zip(schedules, completes, bounds, strict=True)
        if complete and bound is None
    ]
    parts = [f"{len(whole)} complete"] if whole else []
    if 1 in whole:
        parts = [f"{parts[0]} ({whole.count(1)} of them a single schedule)"]
    parts += [
        f"{bounds.count(bound)} within {counted(bound, 'preemption')}"
        for bound in sorted(set(bounds) - {None})
    ]
    if False in completes:
        parts.append(f"{completes.count(False)} sampled")
    total = f"{counted(len(schedules), 'test')}, {counted(sum(schedules), 'schedule')}"
    return f"{KEY}: {total}; {', '.join(parts)}"
