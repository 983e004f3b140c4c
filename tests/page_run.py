"""The page of the specification, of a few tests, and the elements in it."""

import os
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path
from typing import Any, NamedTuple

from spec import page
from spec.pages import NAMES, PROGRAMS

SHOWN = (
    "tests/paths/test_01_no_jobs.py",
    "tests/paths/test_02_jobs_that_end_before_the_wait.py",
    "tests/paths/test_04_jobs_that_start_late.py",
    "tests/contract/test_scheduler_faults.py",
    "tests/group/test_jobs_that_run.py",
    "tests/explore/test_explore_the_synchronizer.py::test_the_corrected_synchronizer_never_hangs",
)


class Ran(NamedTuple):
    """What a run of some tests has left, and the page of it."""

    run: Path
    held: Path
    html: str


def run_and_write(folder: Path) -> Ran:
    """Run some tests, as ``nox -s spec`` runs all that it shows, and make the page.

    Args:
        folder: Where it goes.
    """
    run, held = folder / "run.json", folder / "held.json"
    of_run = {"SPEC_RUN": str(run), "COVERAGE_FILE": str(folder / ".coverage")}

    def coverage(*words: str) -> None:
        command = [sys.executable, "-m", "coverage", *words]
        subprocess.run(command, env={**os.environ, **of_run}, check=True, capture_output=True)

    coverage("run", "--source=jobs_synchronizer", "-m", "pytest", "-p", "no:cacheprovider", *SHOWN)
    coverage("combine")
    programs = ",".join(f"{PROGRAMS}/{name}.py" for name in NAMES)
    of_paths = ("--contexts", "^tests/paths/", "--fail-under=0", "-o", str(held))
    coverage("json", "--include", programs, "--show-contexts", *of_paths)
    return Ran(run, held, page.written(run, held))


class Elements(HTMLParser):
    """The ids, links and rows of a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, Any]]] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Keep an element."""
        self.found.append((tag, dict(attrs)))

    def all_of(self, attribute: str) -> list[str]:
        """Return the values of an attribute."""
        return [attributes[attribute] for _, attributes in self.found if attribute in attributes]
