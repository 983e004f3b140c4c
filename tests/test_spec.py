"""The comparison with tests/spec.json names what was lost."""

import copy
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import spec
from test_rows import named_rows

pytestmark = pytest.mark.once

SUNNY_DAY = "tests/paths/test_sunny_day.py::test_the_sunny_day"
RUN_TASKS = "corrected.create_app.run_tasks"


@pytest.fixture
def committed() -> Any:
    """The specification as it stands in the repository."""
    return json.loads(Path("tests/spec.json").read_text(encoding="utf-8"))


@pytest.fixture
def measured(committed: Any) -> Any:
    """A run that found everything as committed, for a test to spoil."""
    return copy.deepcopy(committed)


def test_nothing_is_said_of_a_run_like_the_committed_one(committed: Any, measured: Any) -> None:
    """The same promises, held by the same tests, are no difference."""
    assert spec.compare(committed, measured) == []


def test_a_deleted_path_test_is_named(committed: Any, measured: Any) -> None:
    """Deleting a path test says which promise is gone, and which functions it held."""
    promise = measured["paths"].pop(SUNNY_DAY)["promise"]
    measured["functions"][RUN_TASKS]["held_by"].remove(SUNNY_DAY)
    assert spec.compare(committed, measured) == [
        f"lost path test: {SUNNY_DAY} ({promise})",
        f"function {RUN_TASKS}: held_by lost: {SUNNY_DAY}",
    ]


def test_a_changed_published_string_is_named(committed: Any, measured: Any) -> None:
    """A program that says something else fails the path test, and the table says which."""
    entry = measured["paths"][SUNNY_DAY]
    before, entry["documented"] = entry["documented"], "FAILED"
    assert spec.compare(committed, measured) == [
        f"path test {SUNNY_DAY}: documented was: {before}; is: FAILED"
    ]


def test_an_emptied_assert_is_named(committed: Any, measured: Any) -> None:
    """An assert that says nothing any more is shown with what it said."""
    lost = measured["paths"][SUNNY_DAY]["asserts"][0]
    measured["paths"][SUNNY_DAY]["asserts"][0] = "True"
    assert spec.compare(committed, measured) == [
        f"path test {SUNNY_DAY}: asserts lost: {lost}",
        f"path test {SUNNY_DAY}: asserts new: True",
    ]


def test_a_function_that_is_gone_is_named(committed: Any, measured: Any) -> None:
    """A function that was removed or renamed is lost, and one that came is new."""
    measured["functions"]["corrected.renamed"] = measured["functions"].pop(RUN_TASKS)
    assert spec.compare(committed, measured) == [
        f"lost function: {RUN_TASKS}",
        "new function: corrected.renamed",
    ]


def test_every_path_of_the_specification_is_a_test(committed: Any) -> None:
    """A path test that is deleted is missed by the run itself, not by the comparison alone."""
    here = {f"tests/paths/{test}" for test in named_rows()}
    lost = [
        f"{test} ({entry['promise']})"
        for test, entry in committed["paths"].items()
        if test not in here
    ]
    assert lost == []


@pytest.fixture
def compare(
    measured: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[..., tuple[int, Any]]:
    """Run the script on what was measured; returns its exit code and the committed file after."""
    committed, report = tmp_path / "spec.json", tmp_path / "report.json"
    committed.write_text(json.dumps(measured))
    report.write_text("{}")
    monkeypatch.setattr(spec, "SPEC", committed)
    monkeypatch.setattr(spec, "functions", lambda _report: (measured["functions"], []))
    monkeypatch.setattr(spec, "paths", lambda _runs: measured["paths"])

    def run(*options: str) -> tuple[int, Any]:
        return spec.main([str(report), *options]), json.loads(committed.read_text())

    return run


def test_a_failed_path_test_is_named_and_never_accepted(
    committed: Any,
    measured: Any,
    compare: Callable[..., tuple[int, Any]],
    capsys: pytest.CaptureFixture[str],
) -> None:
    """After a run with a failure the comparison says which test, and writes nothing."""
    measured["paths"][SUNNY_DAY]["documented"] = "FAILED"
    assert compare("--accept") == (1, committed)
    assert f"spec: path test {SUNNY_DAY}: it failed\n" in capsys.readouterr().out


def test_an_accepted_difference_is_the_specification(
    committed: Any,
    measured: Any,
    compare: Callable[..., tuple[int, Any]],
    capsys: pytest.CaptureFixture[str],
) -> None:
    """With --accept the difference is written, and the next comparison finds none."""
    measured["paths"].pop(SUNNY_DAY)
    assert compare() == (1, committed)
    assert f"spec: lost path test: {SUNNY_DAY} " in capsys.readouterr().out
    assert compare("--accept") == (0, measured)


@pytest.fixture
def report(tmp_path: Path) -> dict[str, Any]:
    """A coverage report of a file of four lines; nobody ran the last one."""
    source = tmp_path / "program.py"
    source.write_text("def ask(question):\n    if question:\n        x = 1\n    return x\n")
    region = {"executed_lines": [2, 3], "missing_lines": [4], "missing_branches": [[2, 4]]}
    contexts = {"2": ["tests/paths/test_a.py::test_a[corrected]"]}
    functions = {"ask": region, "": {"executed_lines": [1]}}
    return {"files": {str(source): {"functions": functions, "contexts": contexts}}}


def test_a_line_or_branch_that_no_path_test_holds_is_quoted(report: dict[str, Any]) -> None:
    """What no path test runs through is said in the program's own words."""
    entries, problems = spec.functions(report)
    assert entries == {
        "program.ask": {"held_by": ["tests/paths/test_a.py::test_a"], "held_by_none": ["return x"]}
    }
    assert problems == [
        "program.ask: no path test runs through `return x`",
        "program.ask: no path test goes from `if question:` to `return x`",
    ]


def test_pythons_that_saw_different_things_are_not_compared(tmp_path: Path) -> None:
    """A path that depends on the Python is named with both outcomes."""
    files = []
    for version, outcome in (("3.11", "200"), ("3.12", "504")):
        file = tmp_path / f"{version}.json"
        result = {
            "promise": "It answers.",
            "rows": ["D1"],
            "asserts": [],
            "program": "corrected",
            "outcome": outcome,
            "brief": outcome,
        }
        file.write_text(json.dumps({"tests/paths/test_a.py::test_a[corrected]": result}))
        files.append(file)
    with pytest.raises(
        spec.Incomplete, match=r"Pythons 3\.11 and 3\.12 differ:\n.*was: 200; is: 504"
    ):
        spec.paths(files)


def test_a_run_without_path_tests_is_no_run() -> None:
    """Nothing measured is not nothing lost."""
    with pytest.raises(spec.Incomplete, match="Run `nox -s coverage`"):
        spec.paths([])
