"""Compare what a run of the tests promised with ``tests/spec.toml``, or accept it."""

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path

from spec import page, pages, promises, viewer


def main(argv: Sequence[str] | None = None) -> int:
    """Compare, or accept.

    Args:
        argv: Command-line arguments; ``None`` takes those of the process.

    Returns:
        The exit code: 0 when nothing differs, 1 otherwise.
    """
    parser = argparse.ArgumentParser(prog="spec", description=__doc__)
    parser.add_argument("run", type=Path, nargs="?", help="what the tests left in SPEC_RUN")
    parser.add_argument(
        "--held", type=Path, help="coverage's report of the path tests: the run was of all tests"
    )
    parser.add_argument(
        "--accept", action="store_true", help="write tests/spec.toml and the pages made of it"
    )
    parser.add_argument("--page", type=Path, help="write the page there; it shows what differs")
    options = parser.parse_args(argv)
    if options.page:
        has_viewer = viewer.write(options.page.with_name("mutants.html"))
        html = page.written(options.run, options.held, has_viewer=has_viewer)
        options.page.write_text(html, encoding="utf-8")
        print(f"spec: {options.page}, {options.page.stat().st_size / 1000:.0f} KB")
        _, failed = promises.read(options.run)
        return int(bool(failed))
    if options.run is None:
        pages.write(promises.committed())
        return 0
    seen, failed = promises.read(options.run)
    committed = promises.committed()
    compared, problems = committed, list[str]()
    if options.held:
        problems = promises.not_held(json.loads(options.held.read_text(encoding="utf-8")))
    else:
        compared = promises.of_the_files_in(seen, committed)
    untouched = {test: entry for test, entry in committed.items() if test not in compared}
    problems += [f"failed: {test}" for test in failed]
    differences = promises.compare(compared, seen)
    if not options.held and not options.accept:
        # Nothing is lost; `nox -s coverage` asks for them.
        differences = [each for each in differences if not each.startswith("new: ")]
    if options.accept and not problems:
        promises.SPEC.write_text(promises.written(untouched | seen), encoding="utf-8")
        pages.write(untouched | seen)
        differences = []
    for each in [*problems, *differences]:
        print(f"spec: {each}")
    if differences:
        print("spec: mend what was lost, or accept all: nox -s coverage -- --accept")
    if problems or differences:
        return 1
    print(f"spec: {len(seen)} promises are held as in {promises.SPEC}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
