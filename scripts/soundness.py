"""Compare the search with reduction to the search without, on every generated program.

The part that takes seconds is in the tests; this is all of it. Random search is compared too: it
must find nothing else. Prints a line for each set, and each program that lost an outcome; the exit
status says whether there was one.
"""

import argparse
import sys
import time
from pathlib import Path

from rich.progress import Progress

from progress import progress

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "explore"))

from generated_sets import EVERY, SETS
from searching import outcomes
from test_explore_soundness import LARGE
from written_programs import PROGRAMS

from apscheduler_fakes import Exhaustive

WRITTEN = "written"

SEEDS = range(3)


def main() -> int:
    """Compare and return the exit status."""
    names = [*SETS, WRITTEN]
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("sets", nargs="*", help=f"of {', '.join(names)}; all by default")
    parser.add_argument("--every", type=int, default=1, metavar="N", help="take each Nth program")
    options = parser.parse_args()
    lost = False
    with progress() as bars:
        for name in options.sets or names:
            begun = time.perf_counter()
            compare = written if name == WRITTEN else generated
            number, losses = compare(name, options.every, bars)
            for loss in losses:
                print(f"{name}: {loss}", flush=True)
            lost |= bool(losses)
            took = time.perf_counter() - begun
            print(f"{name}: {number} programs, {len(losses)} lost, {took:.0f} s", flush=True)
    return 1 if lost else 0


def generated(name: str, every: int, bars: Progress) -> tuple[int, list[str]]:
    """Return how many programs of a set were compared, and what was lost."""
    programs = list(SETS[name].programs())[::every]
    shown = bars.track(programs, description=name)
    losses = [f"{program} with bound {bound}" for program, bound in SETS[name].losses(shown)]
    if None in SETS[name].bounds:  # Else searching all of one takes too long.
        shown = bars.track(programs, description=f"{name}, sampled")
        strangers = SETS[name].strangers(shown, SEEDS)
        losses += [f"{program} when sampled from {seed}" for program, seed in strangers]
    return len(programs), losses


def written(name: str, every: int, bars: Progress) -> tuple[int, list[str]]:
    """Return the same for the written programs that are too large for the tests."""
    programs = [each for each in PROGRAMS if each.__name__ in LARGE][::every]
    losses = []
    for program in bars.track(programs, description=name):
        for bound in EVERY:
            whole = outcomes(program, Exhaustive(bound, reduction=False)).keys()
            if outcomes(program, Exhaustive(bound)).keys() != whole:
                losses.append(f"{program.__name__} with bound {bound}")
    return len(programs), losses


if __name__ == "__main__":
    sys.exit(main())
