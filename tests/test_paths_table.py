"""The table that ends a run of the path tests: readable in any terminal, and honest."""

from contextlib import suppress
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast

import path_results

if TYPE_CHECKING:
    import pytest

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


def test_a_run_without_paths_has_no_table() -> None:
    """Nothing is printed when no path test ran."""
    config: Any = SimpleNamespace(stash={path_results._ALL: {}})
    path_results.pytest_terminal_summary(None, config)


def test_a_path_that_failed_says_so() -> None:
    """What a failed test saw does not stand in the table."""
    item: Any = SimpleNamespace(stash={path_results.RESULT: {"brief": "200 after 0 s"}})
    report = SimpleNamespace(failed=True, user_properties=[])
    hook = path_results.pytest_runtest_makereport(item)
    next(hook)
    with suppress(StopIteration):
        hook.send(cast("pytest.TestReport", report))
    assert report.user_properties == [("path", {"brief": "FAILED"})]
