"""The table of rows and the paths hold together, and each row's source says what it is cited for.

A row is a way in which a group of jobs, or one job, can go: ``tests/rows.toml``. A path names its
rows with ``@pytest.mark.rows("D1", "E13")``.
"""

import importlib.util
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


def named_rows() -> dict[str, set[str]]:
    """Return the rows that each path test names."""
    return {
        f"{file.name}::{name}": {
            row
            for mark in getattr(test, "pytestmark", [])
            if mark.name == "rows"
            for row in mark.args
        }
        for file in sorted((HERE / "paths").glob("test_*.py"))
        for name, test in vars(load(file)).items()
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


@pytest.mark.parametrize("row", [row for row, entry in ROWS.items() if "source" in entry])
def test_the_cited_line_says_so(row: str) -> None:
    """The text stands in the cited line of the cited version, and in the file in any version."""
    source, _, line = ROWS[row]["source"].partition(":")
    package = source.partition("/")[0]
    found = lines_with(source, ROWS[row]["text"])
    assert found
    another_version = package in CITED and version(package) != CITED[package]
    assert not line or another_version or int(line) in found
