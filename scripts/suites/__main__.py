"""Run other people's test suites plain and in a Simulation, and print what became of them."""

import argparse
import signal
import sys
from collections.abc import Sequence
from functools import partial

from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from progress import progress
from suites.prepare import ROOT, NotPrepared, prepare
from suites.report import HEAD, problems, row
from suites.run import Run, run
from suites.table import EXPLAINED, SUITES, Suite


def main(argv: Sequence[str] | None = None) -> int:
    """Run the suites; return 1 if one could not be run, or if a failure is unexplained.

    Args:
        argv: Command-line arguments; ``None`` takes those of the process.
    """
    names = [each.name for each in SUITES]
    parser = argparse.ArgumentParser(prog="suites", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help="a library (default: all)")
    chosen = parser.parse_args(argv).names or names
    if unknown := set(chosen) - set(names):
        parser.error(f"{', '.join(sorted(unknown))}: the libraries are {', '.join(names)}")
    table, found = Table(*HEAD), list[str]()
    for column in table.columns[2:]:
        column.justify = "right"
    with progress() as bars:
        for suite in SUITES:
            if suite.name in chosen:
                runs = run_both(suite, bars)
                table.add_row(*row(suite, *runs))
                found += problems(suite, *runs, EXPLAINED)
    Console(width=100).print(table)
    for each in found:
        print(each)
    return int(bool(found))


def run_both(suite: Suite, bars: Progress) -> tuple[Run, Run]:
    """Run a suite plain and simulated, and tell how far it is."""

    def begin(phase: str) -> None:
        print(f"suites: {suite.name} {phase}", file=sys.stderr, flush=True)
        bars.update(bar, description=f"{suite.name} {phase}", completed=0)

    bar = bars.add_task(suite.name, total=None)
    tell = partial(bars.update, bar)
    try:
        begin("is prepared")
        where = prepare(suite, ROOT / "build" / "suites")
        begin("runs plain")
        plain = run(suite, *where, simulate=False, tell=lambda count: tell(completed=count))
        begin("runs simulated")
        tell(total=len(plain.outcomes))
        return plain, run(suite, *where, simulate=True, tell=lambda count: tell(completed=count))
    except NotPrepared as error:
        return Run(problem=str(error)), Run()
    finally:
        bars.remove_task(bar)


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit("suites: interrupted")
