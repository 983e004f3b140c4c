"""The table that ends a run of the path tests: readable in any terminal, and honest."""

import json
from contextlib import suppress
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

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


def test_a_run_without_paths_has_no_table() -> None:
    """Nothing is printed when no path test ran."""
    config: Any = SimpleNamespace(stash={path_results._ALL: {}})
    path_results.pytest_terminal_summary(None, config)


def test_a_run_ends_with_the_table_and_leaves_a_file_where_it_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever runs some of the tests by hand overwrites nothing that ``nox`` measured."""
    result = {
        "theme": "no jobs",
        "line": 1,
        "path": "no jobs",
        "program": "documented",
        "brief": "hangs",
    }
    config: Any = SimpleNamespace(stash={path_results._ALL: {"a test": result}})
    lines: list[str] = []
    reporter = SimpleNamespace(
        section=lines.append, line=lines.append, _tw=SimpleNamespace(fullwidth=80)
    )
    file = tmp_path / "build" / "3.13.json"
    monkeypatch.setenv("PATHS_FILE", str(file))
    path_results.pytest_terminal_summary(reporter, config)
    assert json.loads(file.read_text()) == {"a test": result}
    file.unlink()
    monkeypatch.delenv("PATHS_FILE")
    path_results.pytest_terminal_summary(reporter, config)
    assert not file.exists()
    table = ["paths", "path       documented  corrected", "NO JOBS", "  no jobs  hangs"]
    assert lines == 2 * table


def test_a_path_that_failed_says_so() -> None:
    """What a failed test saw does not stand in the table."""
    item: Any = SimpleNamespace(stash={path_results.RESULT: {"brief": "200 after 0 s"}})
    report = SimpleNamespace(failed=True, user_properties=[])
    hook = path_results.pytest_runtest_makereport(item)
    next(hook)
    with suppress(StopIteration):
        hook.send(cast("pytest.TestReport", report))
    assert report.user_properties == [("path", {"outcome": "FAILED", "brief": "FAILED"})]
