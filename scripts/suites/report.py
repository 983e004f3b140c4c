"""Turns the two runs of a suite into a row of the table and a list of failures."""

from collections.abc import Iterator, Sequence
from fnmatch import fnmatchcase

from suites.run import Run
from suites.table import Explained, Suite

HEAD = ("kind", "library", "plain", "simulated", "refused", "failed", "s plain", "s simulated")


def new_failures(plain: Run, simulated: Run) -> list[str]:
    """Return the ids of the tests that fail in a simulation only."""
    return [
        test
        for test, outcome in simulated.outcomes.items()
        if outcome == "failed" and plain.outcomes.get(test) != "failed"
    ]


def row(suite: Suite, plain: Run, simulated: Run) -> list[str]:
    """Return a row below ``HEAD``."""
    return [
        suite.kind,
        f"{suite.name} {suite.version}".strip(),
        str(plain.count("passed")),
        str(simulated.count("passed")),
        str(simulated.count("refused")),
        str(len(new_failures(plain, simulated))),
        f"{plain.seconds:.1f}",
        f"{simulated.seconds:.1f}",
    ]


def unexplained(
    suite: Suite, plain: Run, simulated: Run, explained: Sequence[Explained]
) -> Iterator[str]:
    """Yield a line for each failure without a reason, and for each run that was none."""
    for name, run in (("plain", plain), ("simulated", simulated)):
        if run.problem:
            yield f"{suite.name}, {name}: {run.problem}"
    for test in new_failures(plain, simulated):
        if not any(each.suite == suite.name and fnmatchcase(test, each.test) for each in explained):
            yield f"{suite.name}: {test}\n    {simulated.errors[test]}"
