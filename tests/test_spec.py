"""The comparison with tests/spec.json names what was lost."""

import copy
import inspect
import json
import os
import shutil
import subprocess
import sys
import types
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import spec
from jobs_synchronizer import documented
from test_rows import named_rows

TEN_JOBS = "tests/paths/test_00_happy_path.py::test_ten_jobs"
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
    promise = measured["paths"].pop(TEN_JOBS)["promise"]
    measured["functions"][RUN_TASKS]["held_by"].remove(TEN_JOBS)
    assert spec.compare(committed, measured) == [
        f"lost path test: {TEN_JOBS} ({promise})",
        f"function {RUN_TASKS}: held_by lost: {TEN_JOBS}",
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
        if test.partition("[")[0] not in here
    ]
    assert lost == []


@pytest.mark.e2e
def test_the_paths_end_as_specified(
    committed: Any, tmp_path: Path, pytestconfig: pytest.Config
) -> None:
    """What each program does in each path stands in tests/spec.json, on each Python."""
    run = tmp_path / "paths.json"
    ran = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "tests/paths"],
        cwd=pytestconfig.rootpath,
        env=os.environ | {"PATHS_FILE": str(run)},
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert spec.compare({"paths": committed["paths"]}, {"paths": spec.paths([run])}) == []


A_PATH_TEST = """
from outcomes import Answer, Program


def test_the_answer(program: Program) -> None:
    "Every request is answered."
    answer = program.ask(num_tasks=1)
    assert answer.status == 200
    assert answer.body == ["Task 0 completed execution"]
"""


@pytest.fixture
def compare(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[..., str]:
    """Run path tests and the script, as ``nox -s coverage`` does; returns what the script said."""
    here = Path(__file__).parent
    run, report = pytester.path / "run.json", pytester.path / "report.json"
    report.write_text('{"files": {}}')
    (pytester.path / "tests" / "paths").mkdir(parents=True)
    shutil.copy(here / "paths" / "conftest.py", pytester.path / "tests" / "paths")
    pytester.makeini("[pytest]\nenable_assertion_pass_hook = true")
    monkeypatch.setenv("PATHS_FILE", str(run))
    monkeypatch.setattr(spec, "SPEC", pytester.path / "spec.json")

    def compare(*options: str, **tests: str) -> str:
        for name, text in tests.items():
            (pytester.path / "tests" / "paths" / f"test_{name}.py").write_text(text)
        with monkeypatch.context() as patch:
            # Its own conftest makes its own programs, of the modules as they are now.
            patch.delitem(sys.modules, "conftest", raising=False)
            pytester.inline_run("-p", "path_results", "-p", "no:cacheprovider", "tests/paths")
        capsys.readouterr()
        ends = spec.main([str(report), str(run), *options])
        said = capsys.readouterr().out
        assert ends == (0 if " are as in " in said else 1)
        return said

    return compare


def test_a_changed_published_string_is_named(
    compare: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A program that says something else fails the path test, and is never accepted."""
    compare("--accept", answer=A_PATH_TEST)
    source = inspect.getsource(documented)
    spoilt = types.ModuleType(documented.__name__)
    exec(source.replace("completed execution", "done"), vars(spoilt))  # noqa: S102  # Our own source.
    monkeypatch.setattr(documented, "create_app", spoilt.create_app)
    test = "spec: path test tests/paths/test_answer.py::test_the_answer"
    lost = 'answer.body == ["Task 0 completed execution"]'
    said = [
        f"{test}: it failed",
        f"{test}: asserts: documented lost: {lost}",
        f"{test}: documented was: 200 after 10 s: “Task 0 completed execution”; is: FAILED",
        "spec: mend what was lost, or accept: nox -s coverage -- --accept",
    ]
    assert compare().splitlines() == said
    assert compare("--accept").splitlines() == said


@pytest.mark.parametrize(
    ("right", "emptied"),
    [
        ("assert answer.status == 200", "assert True"),
        (
            "    assert answer.status",
            "    if program.name == 'documented':\n        assert answer.status",
        ),
    ],
    ids=["for both programs", "for one"],
)
def test_an_emptied_assert_is_named(compare: Callable[..., str], right: str, emptied: str) -> None:
    """An assert that says nothing any more, of one program even, is shown with what it said."""
    compare("--accept", answer=A_PATH_TEST)
    assert A_PATH_TEST.count(right) == 1
    said = compare(answer=A_PATH_TEST.replace(right, emptied))
    assert (
        "spec: path test tests/paths/test_answer.py::test_the_answer: asserts: corrected lost: "
        "answer.status == 200\n"
    ) in said


def test_a_deleted_path_test_is_named_by_a_run(compare: Callable[..., str]) -> None:
    """What no test promises any more is lost until it is accepted."""
    compare("--accept", answer=A_PATH_TEST, other=A_PATH_TEST.replace("the_answer", "another"))
    lost = "lost path test: tests/paths/test_other.py::test_another (Every request is answered.)"
    assert lost in compare(other="")
    assert compare("--accept").startswith("spec: 1 path tests and 0 functions are as in ")


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
            "test": "tests/paths/test_a.py::test_a",
            "promise": "It answers.",
            "rows": ["D1"],
            "asserts": {},
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


def test_pythons_are_compared_without_coverage(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """`nox -s tests` says whether the paths did the same on each Python, and names what differs."""
    result = {
        "test": "test_it",
        "promise": "It ends.",
        "rows": [],
        "program": "corrected",
        "asserts": {},
    }
    for python, outcome in (("3.11", "200"), ("3.14", "200"), ("3.15", "500")):
        seen = {"test_it[corrected]": {**result, "outcome": outcome}}
        (tmp_path / f"{python}.json").write_text(json.dumps(seen), encoding="utf-8")
    same = ["--same", str(tmp_path)]

    with pytest.raises(SystemExit, match=r"Pythons 3\.14 and 3\.15 differ:\n.*was: 200; is: 500"):
        spec.main(same)
    # Left by a run before the last change.
    os.utime(tmp_path / "3.15.json", (0, 0))
    assert spec.main(same) == 0
    assert capsys.readouterr().out == "spec: 1 paths, the same on Python 3.11, 3.14\n"
