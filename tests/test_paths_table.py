"""The table that ends a run of the path tests: readable in any terminal, and honest."""

from contextlib import suppress
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from test_known_bad import load

conftest = load(Path(__file__).parent / "paths" / "conftest.py")
TABLE = [
    ("path", "documented", "corrected"),
    ("DEADLINE", "", ""),
    ("  a job that never returns", "hangs", "504 after 20 s"),
]


def test_a_row_that_is_too_long_is_wrapped_in_its_column() -> None:
    """What does not fit goes on below, indented, beside what the programs did."""
    assert conftest.layout(TABLE, 72) == [
        "path                      documented  corrected",
        "DEADLINE",
        "  a job that never        hangs       504 after 20 s",
        "    returns",
    ]


def test_a_narrow_terminal_gets_a_list() -> None:
    """Where no table fits, each path has a line for each program."""
    assert conftest.layout(TABLE, 71) == [
        "DEADLINE",
        "  a job that never returns",
        "  documented: hangs",
        "  corrected: 504 after 20 s",
    ]


def test_a_run_without_paths_has_no_table() -> None:
    """Nothing is printed when no path test ran."""
    conftest.pytest_terminal_summary(None, SimpleNamespace(stash={}))


def test_a_path_that_failed_says_so() -> None:
    """What a failed test saw does not stand in the table."""
    results = {"a path": {"brief": "200 after 0 s"}}
    config = SimpleNamespace(stash={conftest._RESULTS: results})
    item: Any = SimpleNamespace(config=config, nodeid="a path")
    hook = conftest.pytest_runtest_makereport(item)
    next(hook)
    with suppress(StopIteration):
        hook.send(SimpleNamespace(failed=True))
    assert results == {"a path": {"brief": "FAILED"}}
