"""The comparison with ``tests/spec.toml`` names what was lost."""

import inspect
import json
import shutil
import sys
import tomllib
import types
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import spec.__main__ as main
from jobs_synchronizer import documented
from spec import pages, promises

ANSWER = """
from outcomes import Answer, Program


def test_the_answer(program: Program) -> None:
    "Every request is answered."
    program.ask(num_tasks=1)
"""
HERE = Path(__file__).parent


@pytest.fixture
def compare(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[..., list[str]]:
    """Run path tests and the script, as ``nox`` does; returns what the script said."""
    run, folder = pytester.path / "run.json", pytester.path / "tests" / "paths"
    folder.mkdir(parents=True)
    shutil.copy(HERE / "paths" / "conftest.py", folder)
    monkeypatch.setenv("SPEC_RUN", str(run))
    monkeypatch.setattr(promises, "SPEC", pytester.path / "spec.toml")
    monkeypatch.setattr(pages, "write", lambda _spec: None)

    def compare(*options: str, **tests: str) -> list[str]:
        for name, text in tests.items():
            (folder / f"test_{name}.py").write_text(text)
        with monkeypatch.context() as patch:
            # Its own conftest makes its own programs, of the modules as they are now.
            patch.delitem(sys.modules, "conftest", raising=False)
            pytester.inline_run("-p", "path_results", "-p", "no:cacheprovider", "tests/paths")
        capsys.readouterr()
        ends = main.main([str(run), *options])
        said = capsys.readouterr().out.splitlines()
        assert ends == (0 if "are held as in" in said[-1] else 1)
        return said

    return compare


def test_a_run_like_the_committed_one_is_no_difference(
    compare: Callable[..., list[str]], pytester: pytest.Pytester
) -> None:
    """A behaviour is one line: its sentence, and what each program did."""
    (held := pytester.path / "held.json").write_text('{"files": {}}')
    new, advice = compare("--held", str(held), answer=ANSWER)
    test = "tests/paths/test_answer.py::test_the_answer"
    assert new == f"spec: new: {test} (Every request is answered.)"
    assert advice == "spec: mend what was lost, or accept all: nox -s coverage -- --accept"
    said = [f"spec: 1 promises are held as in {pytester.path / 'spec.toml'}"]
    assert compare() == compare("--accept") == compare("--held", str(held)) == said
    *_, line = (pytester.path / "spec.toml").read_text().splitlines()
    did = '["200 after 10 s: “Task 0 completed execution”"]'
    assert line == (
        f'"{test}" = {{ promise = "Every request is answered.", '
        f"documented = {did}, corrected = {did} }}"
    )


def test_a_changed_published_string_is_named(
    compare: Callable[..., list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """What a program does is compared as it was seen, whatever the test asserts."""
    compare("--accept", answer=ANSWER)
    spoilt = types.ModuleType(documented.__name__)
    source = inspect.getsource(documented).replace("completed execution", "done")
    exec(source, vars(spoilt))  # noqa: S102  # Our own source.
    monkeypatch.setattr(documented, "create_app", spoilt.create_app)
    assert compare()[0] == (
        "spec: changed: tests/paths/test_answer.py::test_the_answer: documented was "
        "['200 after 10 s: “Task 0 completed execution”'], is ['200 after 10 s: “Task 0 done”']"
    )


def test_a_test_that_fails_is_never_accepted(compare: Callable[..., list[str]]) -> None:
    """It is named, and the committed specification stays."""
    compare("--accept", answer=ANSWER)
    said = compare("--accept", answer=f"{ANSWER}    assert program.name == 'corrected'")
    failed = "spec: failed: tests/paths/test_answer.py::test_the_answer[documented]"
    assert said == [failed]


def test_a_deleted_test_is_named(compare: Callable[..., list[str]], tmp_path: Path) -> None:
    """Of the files that ran always; of a file that is gone, when all tests ran."""
    other = ANSWER.replace("the_answer", "another")
    compare("--accept", answer=ANSWER + other.partition("\n\n")[2], other=other)
    lost = "spec: lost: tests/paths/test_{}.py::test_another (Every request is answered.)"
    assert compare(answer=ANSWER, other="")[:-1] == [lost.format("answer")]
    (held := tmp_path / "held.json").write_text('{"files": {}}')
    of_all = compare("--held", str(held))
    assert of_all[:-1] == [lost.format("answer"), lost.format("other")]
    # What did not run stays.
    compare("--accept")
    assert [test.partition("::")[2] for test in promises.committed()] == [
        "test_the_answer",
        "test_another",
    ]


def test_a_line_or_branch_that_no_path_test_runs_is_quoted(tmp_path: Path) -> None:
    """It is said in the program's own words."""
    source = tmp_path / "program.py"
    source.write_text("def ask(question):\n    if question:\n        x = 1\n    return x\n")
    region = {"missing_lines": [4], "missing_branches": [[2, 4], [2, -1]]}
    report: Any = {"files": {str(source): {"functions": {"ask": region, "": {}, "main": {}}}}}
    assert promises.not_held(report) == [
        "no path test runs `return x` in program.ask",
        "no path test goes from `if question:` to `return x` in program.ask",
        "no path test goes from `if question:` to `the end` in program.ask",
    ]


def test_the_cases_of_a_test_are_one_behaviour(tmp_path: Path) -> None:
    """What was seen in them is listed, each once, in the order of their names."""
    run = tmp_path / "run.json"
    case = {"promise": "It ends.", "rows": ["E1"], "failed": False}
    run.write_text(
        json.dumps(
            {f"test_it[{n}]": {**case, "results": {"gets": [g]}} for n, g in enumerate("aba")}
        )
    )
    spec, failed = promises.read(run)
    assert spec == {"test_it": {"promise": "It ends.", "rows": ["E1"], "gets": ["a", "b"]}}
    assert failed == []
    assert tomllib.loads(promises.written(spec)) == spec


def test_the_pages_are_written_without_a_run(monkeypatch: pytest.MonkeyPatch) -> None:
    """They come from the committed specification alone."""
    written = list[promises.Spec]()
    monkeypatch.setattr(pages, "write", written.append)
    assert main.main([]) == 0
    assert written == [promises.committed()]
