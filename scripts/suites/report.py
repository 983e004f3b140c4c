"""Turns the two runs of a suite into a row of the table and a list of problems."""

from collections.abc import Iterable, Iterator
from fnmatch import fnmatchcase

from suites.run import Run
from suites.table import Suite

HEAD = ("kind", "library", "plain", "simulated", "refused", "failed", "s plain", "s simulated")


def new_failures(plain: Run, simulated: Run) -> list[str]:
    """Return the ids of the tests that fail in a simulation only."""
    failed = (test for test, outcome in simulated.outcomes.items() if outcome == "failed")
    return [test for test in failed if plain.outcomes.get(test) != "failed"]


def row(suite: Suite, plain: Run, simulated: Run) -> list[str]:
    """Return a row below ``HEAD``."""
    passed = plain.count("passed"), simulated.count("passed")
    counts = (*passed, simulated.count("refused"), len(new_failures(plain, simulated)))
    seconds = (f"{run.seconds:.1f}" for run in (plain, simulated))
    return [suite.kind, suite.library.replace("==", " "), *map(str, counts), *seconds]


def problems(
    suite: Suite, plain: Run, simulated: Run, explained: Iterable[tuple[str, str, str]]
) -> Iterator[str]:
    """Yield a text for each failure without a reason, and for each run that was none."""
    for name, run in (("plain", plain), ("simulated", simulated)):
        if run.problem:
            yield f"{suite.name}, {name}: {run.problem}"
    if not_run := plain.outcomes.keys() - simulated.outcomes.keys():
        yield f"{suite.name}: {len(not_run)} tests did not end simulated, as {min(not_run)}"
    for test in new_failures(plain, simulated):
        if not any(name == suite.name and fnmatchcase(test, ids) for name, ids, _ in explained):
            yield f"{suite.name}: {test}\n    {simulated.errors[test]}"
