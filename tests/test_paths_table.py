"""The table that ends a run of the path tests: readable in any terminal, and honest."""

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

import path_results

TABLE = [
    ("path", "documented", "corrected"),
    ("DEADLINE", "", ""),
    ("  a job that never returns", "hangs", "504 after 20 s"),
]


def test_a_row_that_is_too_long_is_wrapped_in_its_column() -> None:
    """What does not fit goes on below, indented, beside what the programs did."""
    assert path_results.layout(TABLE, 72) == [
        "path                      documented  corrected",
        "DEADLINE",
        "  a job that never        hangs       504 after 20 s",
        "    returns",
    ]


def test_a_narrow_terminal_gets_a_list() -> None:
    """Where no table fits, each path has a line for each program."""
    assert path_results.layout(TABLE, 71) == [
        "DEADLINE",
        "  a job that never returns",
        "  documented: hangs",
        "  corrected: 504 after 20 s",
    ]


def test_a_narrow_terminal_cuts_no_word() -> None:
    """What does not fit goes on below, indented."""
    assert path_results.layout(TABLE, 20) == [
        "DEADLINE",
        "  a job that never",
        "    returns",
        "  documented: hangs",
        "  corrected: 504",
        "    after 20 s",
    ]


SEEN: dict[str, Any] = {
    "line": 1,
    "promise": "It ends.",
    "rows": [],
    "results": {},
    "brief": None,
    "failed": False,
}


def finish(monkeypatch: pytest.MonkeyPatch, results: dict[str, Any]) -> list[str]:
    config: Any = SimpleNamespace(stash={path_results._ALL: results})
    lines: list[str] = []
    reporter = SimpleNamespace(
        section=lines.append, line=lines.append, _tw=SimpleNamespace(fullwidth=80)
    )
    path_results.pytest_terminal_summary(reporter, config)
    return lines


def test_a_run_without_paths_has_no_table(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is printed when no path test ran."""
    assert finish(monkeypatch, {}) == []
    assert finish(monkeypatch, {"tests/group/test_a.py::test_a": SEEN}) == []


def test_a_run_ends_with_the_table_and_leaves_a_file_where_it_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A path is a row, its cases too; what a test that failed saw does not stand there."""
    file = "tests/paths/test_01_no_jobs.py::test_no_jobs"
    hangs = {**SEEN, "brief": ["documented", "hangs"]}
    results = {
        f"{file}[corrected]": {**SEEN, "failed": True, "brief": ["corrected", "200"]},
        f"{file}[documented]": hangs,
        f"{file}_twice[documented-2]": hangs,
    }
    kept = tmp_path / "build" / "3.13.json"
    monkeypatch.setenv("SPEC_RUN", str(kept))
    assert finish(monkeypatch, results) == [
        "paths",
        "path                documented  corrected",
        "01 NO JOBS",
        "  no jobs           hangs       FAILED",
        "  no jobs twice: 2  hangs",
    ]
    assert json.loads(kept.read_text()) == results


def test_a_failure_is_kept() -> None:
    """The tear-down of a test that failed passes, and says nothing of it."""
    config: Any = SimpleNamespace(stash={})
    collector = path_results._Collector(config)
    for failed in (False, True, False):
        seen = {**SEEN, "failed": failed}
        report: Any = SimpleNamespace(nodeid="a", user_properties=[("promise", seen)])
        collector.pytest_runtest_logreport(report)
    other: Any = SimpleNamespace(nodeid="b", user_properties=[])
    collector.pytest_runtest_logreport(other)
    assert config.stash[path_results._ALL] == {"a": {**SEEN, "failed": True}}
