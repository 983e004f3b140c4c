"""Run other people's test suites plain and in a Simulation, and print what became of them."""

import argparse
import signal
import sys
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from progress import progress
from suites.prepare import ROOT, NotPrepared, prepare
from suites.report import HEAD, row, unexplained
from suites.run import Run, run
from suites.table import EXPLAINED, SUITES, Suite


def main(argv: Sequence[str] | None = None) -> int:
    """Run the suites; return 1 if one could not be run, or if a failure is unexplained.

    Args:
        argv: Command-line arguments; ``None`` takes those of the process.
    """
    parser = argparse.ArgumentParser(prog="suites", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help="a library (default: all)")
    parser.add_argument("--cache", type=Path, default=ROOT / "build" / "suites")
    options = parser.parse_args(argv)
    names = [each.name for each in SUITES]
    if unknown := set(options.names) - set(names):
        parser.error(f"{', '.join(sorted(unknown))}: the libraries are {', '.join(names)}")
    table, problems = Table(*HEAD), list[str]()
    for column in table.columns[2:]:
        column.justify = "right"
    with progress() as bars:
        for suite in SUITES:
            if suite.name in (options.names or names):
                runs = run_both(suite, options.cache.resolve(), bars)
                table.add_row(*row(suite, *runs))
                problems += unexplained(suite, *runs, EXPLAINED)
    Console(width=100).print(table)
    for each in problems:
        print(each)
    return int(bool(problems))


def run_both(suite: Suite, cache: Path, bars: Progress) -> tuple[Run, Run]:
    """Run a suite plain and simulated, and tell how far it is."""
    runs = list[Run]()
    bar = bars.add_task(suite.name, total=None)
    try:
        _say(suite, "is prepared")
        python, folder = prepare(suite, cache)
        for name in ("plain", "simulated"):
            _say(suite, f"runs {name}")
            bars.update(bar, description=f"{suite.name} {name}", completed=0)
            simulate = bool(runs)
            ended = run(
                suite,
                python,
                folder,
                simulate=simulate,
                tell=lambda count: bars.update(bar, completed=count),
            )
            bars.update(bar, total=len(ended.outcomes))
            runs.append(ended)
    except NotPrepared as error:
        runs = [Run(problem=str(error)), Run()]
    bars.remove_task(bar)
    return runs[0], runs[1]


def _say(suite: Suite, text: str) -> None:
    print(f"suites: {suite.name} {text}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit("suites: interrupted")
