"""Compare the search with reduction to the search without, on every generated program.

The part that takes seconds is in the tests; this is all of it. Prints a line for each set, and each
program that lost an outcome; the exit status says whether there was one.
"""

import argparse
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "explore"))

from lock_programs import PLAIN, WITH_TRIES, programs
from searching import outcomes
from test_explore_soundness import LARGE, outcomes_of
from written_programs import PROGRAMS

from apscheduler_fakes import Exhaustive
from apscheduler_fakes.world import World

# Operations, most of them in a thread, threads, and the bounds that are compared. Without a bound,
# trying every order of three threads that try locks takes days.
SETS = {
    "plain-2": (PLAIN, 3, 2, (None, 0, 1, 2)),
    "plain-3": (PLAIN, 3, 3, (None, 0, 1, 2)),
    "tries-2": (WITH_TRIES, 3, 2, (None, 0, 1, 2)),
    "tries-3": (WITH_TRIES, 2, 3, (0, 1, 2)),
}


def main() -> int:
    """Compare and return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("sets", nargs="*", help=f"of {', '.join(SETS)} and written; all by default")
    parser.add_argument("--every", type=int, default=1, metavar="N", help="take each Nth program")
    options = parser.parse_args()
    names = options.sets or [*SETS, "written"]
    lost = 0
    for name in names:
        began = time.perf_counter()
        number, losses = written() if name == "written" else generated(name, options.every)
        lost += losses
        took = time.perf_counter() - began
        print(f"{name}: {number} programs, {losses} lost an outcome, {took:.0f} s", flush=True)
    return 1 if lost else 0


def generated(name: str, every: int) -> tuple[int, int]:
    """Return how many programs of a set were compared and how many comparisons failed."""
    operations, longest, threads, bounds = SETS[name]
    chosen = list(programs(operations, longest, threads))[::every]
    lost = 0
    with World(lambda: None) as world:
        for program in chosen:
            for bound in bounds:
                whole = outcomes_of(world, program, Exhaustive(bound, reduction=False))
                if outcomes_of(world, program, Exhaustive(bound)) != whole:
                    lost += 1
                    print(f"{name}: {program} with bound {bound}", flush=True)
    return len(chosen), lost


def written() -> tuple[int, int]:
    """Return the same for the written programs that are too large for the tests."""
    chosen = [each for each in PROGRAMS if each.__name__ in LARGE]
    lost = 0
    for program in chosen:
        for bound in (None, 0, 1, 2):
            whole = outcomes(program, Exhaustive(bound, reduction=False)).keys()
            if outcomes(program, Exhaustive(bound)).keys() != whole:
                lost += 1
                print(f"written: {program.__name__} with bound {bound}", flush=True)
    return len(chosen), lost


if __name__ == "__main__":
    sys.exit(main())
