"""The table of rows and the paths hold together, and each cited line says what it is cited for.

A row is a way in which a group of jobs, or one job, can go: ``tests/rows.toml``. A path names its
rows with ``@pytest.mark.rows("D1", "E13")``.
"""

import importlib.util
import re
import tomllib
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest

from test_known_bad import load

HERE = Path(__file__).parent
ROWS: dict[str, dict[str, str]] = tomllib.loads((HERE / "rows.toml").read_text(encoding="utf-8"))
# The versions whose lines are cited.
CITED = {"apscheduler": "3.11.3", "flask_apscheduler": "1.13.1"}
# The lines of APScheduler that comments and docstrings in fakes/ cite, and what stands in each.
CITED_IN_FAKES = {
    "executors/base.py:72": "raise MaxInstancesReachedError(job)",
    "executors/base.py:117": "if job.misfire_grace_time is not None:",
    "executors/base.py:131": "retval = job.func(*job.args, **job.kwargs)",
    "executors/pool.py:20": "f.exception()",
    "executors/pool.py:27": "self._pool.submit(",
    "schedulers/base.py:239": "executor.shutdown(wait)",
    "schedulers/base.py:1198": "except MaxInstancesReachedError:",
    "schedulers/base.py:1212": "except BaseException:",
    "schedulers/blocking.py:27": "while self.state != STATE_STOPPED:",
    "schedulers/blocking.py:30": "wait_seconds = self._process_jobs()",
}


def rows_of(marks: list[Any]) -> list[str]:
    """Return the rows of a test's marks, and of its variants' marks."""
    named = [row for mark in marks if mark.name == "rows" for row in mark.args]
    variants = [each for mark in marks if mark.name == "parametrize" for each in mark.args[1]]
    return named + [row for each in variants for row in rows_of(list(getattr(each, "marks", [])))]


def marks_of(module: Any) -> list[pytest.MarkDecorator]:
    """Return the mark that all tests of a file have."""
    return [module.pytestmark] if hasattr(module, "pytestmark") else []


def named_rows() -> dict[str, set[str]]:
    """Return the rows that each path test names."""
    return {
        f"{file.name}::{name}": set(rows_of([*getattr(test, "pytestmark", []), *marks_of(module)]))
        for file in sorted((HERE / "paths").glob("test_*.py"))
        for module in [load(file)]
        for name, test in vars(module).items()
        if name.startswith("test_")
    }


def test_every_row_that_the_programs_can_meet_has_a_path() -> None:
    """A row without a path says why there is none, and only such a row does."""
    named = set().union(*named_rows().values())
    assert sorted(ROWS.keys() - named) == sorted(
        row for row, entry in ROWS.items() if "not_met" in entry
    )


def test_no_path_names_a_row_that_does_not_exist() -> None:
    """What a path names stands in the table."""
    unknown = {path: rows - ROWS.keys() for path, rows in named_rows().items()}
    assert {path: rows for path, rows in unknown.items() if rows} == {}


def lines_with(source: str, text: str) -> list[int]:
    """Return the lines of a cited file that hold a text."""
    package, _, file = source.partition("/")
    spec: Any = importlib.util.find_spec(package)
    path = Path(spec.submodule_search_locations[0]) / file
    lines = path.read_text(encoding="utf-8").splitlines()
    return [number for number, line in enumerate(lines, 1) if text in line]


def test_every_line_cited_in_fakes_is_listed() -> None:
    """A citation that is new, or has changed, is given the text that it is for."""
    files = (HERE.parent / "fakes" / "apscheduler_fakes").glob("*.py")
    text = "\n".join(file.read_text(encoding="utf-8") for file in files)
    assert sorted(set(re.findall(r"[\w/]+\.py:\d+", text))) == sorted(CITED_IN_FAKES)


@pytest.mark.parametrize(
    ("source", "text"),
    [
        *((entry["source"], entry["text"]) for entry in ROWS.values() if "source" in entry),
        *((f"apscheduler/{source}", text) for source, text in CITED_IN_FAKES.items()),
    ],
    ids=[*(row for row, entry in ROWS.items() if "source" in entry), *CITED_IN_FAKES],
)
def test_the_cited_line_says_so(source: str, text: str) -> None:
    """The text stands in the cited line of the cited version, and in the file in any version."""
    source, _, line = source.partition(":")
    package = source.partition("/")[0]
    found = lines_with(source, text)
    assert found
    another_version = package in CITED and version(package) != CITED[package]
    assert not line or another_version or int(line) in found
