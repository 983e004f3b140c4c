"""How soon known bugs of libraries are found, with no option but a budget, beside interleave-test.

A bug is found if it fails, and its twin, which is right, does not.
"""

import time
from collections.abc import Callable, Iterator
from statistics import fmean

from known_bugs import KNOWN_BUGS

from bench.explore import Peer, Program
from bench.figure import Figure
from threadsim import IterativeBound
from threadsim.exploration.explore import begin, schedules
from threadsim.exploration.options import Options
from threadsim.exploration.runner import ScheduleRunner

Search = Callable[[Program, int], tuple[int, bool]]
"""Tries so many schedules at most. Returns how many ran, and whether the last one failed."""

MOST = 1_000
OF_A_TWIN = 100
SECONDS = 5


def figures() -> Iterator[Figure]:
    """Yield ours, and the peer's."""
    yield from found("known bugs", by_default)
    if peer := Peer():
        yield from found("known bugs, peer", peer.at_random)
    else:
        print("known bugs, peer: interleave-test is not installed")


def found(name: str, search: Search) -> Iterator[Figure]:
    """Search all bugs and their twins."""
    counts, times = [], []
    for bug in KNOWN_BUGS:
        begun = time.perf_counter()
        count, is_found = search(bug.program, MOST)
        spent = time.perf_counter() - begun
        if is_found and not search(bug.twin, OF_A_TWIN)[1]:
            counts.append(count)
            times.append(spent)
    yield Figure(f"{name}, found of {len(KNOWN_BUGS)}", len(counts))
    yield Figure(f"{name}, schedules, mean", fmean(counts))
    yield Figure(f"{name}, schedules, most", max(counts), aim=MOST)
    yield Figure(f"{name}, mean", fmean(times), "s")
    yield Figure(f"{name}, most", max(times), "s", aim=SECONDS)


def by_default(program: Program, most: int) -> tuple[int, bool]:
    """Search by the default strategy."""
    count = 0
    with ScheduleRunner(Options(program)) as runner:
        for ran in schedules(runner, begin(runner, IterativeBound(max_schedules=most))):
            count += 1
            if ran.errors:
                return count, True
    return count, False
