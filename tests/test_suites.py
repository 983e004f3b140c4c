"""What ``nox -s suites`` says of a suite, on one made here: no network."""

import os
import sys
import time
from pathlib import Path
from typing import Any

import pytest

import suites.__main__ as entry
from suites.report import new_failures, problems, row
from suites.run import Run, run, run_to_end
from suites.table import Suite

TESTS = """
import asyncio, threading, time, unittest

class Case(unittest.TestCase):
    def setUp(self):
        self.began = time.monotonic()
    def test_sleeps(self):
        time.sleep(0.05)
        self.assertGreater(time.monotonic(), self.began)

def test_loop():
    asyncio.run(asyncio.sleep(0))

def test_real_time():
    time.sleep(0.05)
    assert time.time() < 1_767_225_600 or time.time() > 1_767_312_000

def test_wrong():
    assert False

@unittest.skip("no reason")
def test_skipped():
    pass
"""


@pytest.fixture(autouse=True)
def no_plugins(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave out the plugins that are installed here: a venv of a suite does not have them."""
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")


def suite(limit: float = 60.0) -> Suite:
    return Suite("made here", "tiny==1", "test_tiny.py", limit=limit)


def run_both(folder: Path, text: str, limit: float = 60.0) -> tuple[Run, Run]:
    (folder / "pytest.ini").touch()
    (folder / "test_tiny.py").write_text(text)
    python = Path(sys.executable)
    plain, simulated = (
        run(suite(limit), python, folder, simulate=simulate, tell=lambda _count: None)
        for simulate in (False, True)
    )
    return plain, simulated


@pytest.mark.e2e
def test_each_test_is_run_plain_and_simulated(tmp_path: Path) -> None:
    """A TestCase too; a refusal is counted, and what fails plain too is no new failure."""
    plain, simulated = run_both(tmp_path, TESTS)
    assert (plain.problem, simulated.problem) == ("", "")
    assert plain.outcomes == {
        "test_tiny.py::Case::test_sleeps": "passed",
        "test_tiny.py::test_loop": "passed",
        "test_tiny.py::test_real_time": "passed",
        "test_tiny.py::test_wrong": "failed",
        "test_tiny.py::test_skipped": "skipped",
    }
    assert simulated.outcomes == plain.outcomes | {
        "test_tiny.py::test_loop": "refused",
        "test_tiny.py::test_real_time": "failed",
    }
    assert new_failures(plain, simulated) == ["test_tiny.py::test_real_time"]
    assert row(suite(), plain, simulated)[:6] == ["made here", "tiny 1", "3", "1", "1", "1"]
    [line] = problems(suite(), plain, simulated, [])
    assert line.startswith(
        "tiny: test_tiny.py::test_real_time\n    AssertionError: assert (1767225"
    )
    reason = ("tiny", "*::test_real_time", "It asks for today.")
    assert list(problems(suite(), plain, simulated, [reason])) == []


@pytest.mark.e2e
def test_a_file_that_a_run_leaves_is_not_there_in_the_next(tmp_path: Path) -> None:
    """Each run has a folder for temporary files: random ids are the same in each simulated run."""
    text = """
import os, tempfile, uuid

def test_makes_a_file():
    os.mkdir(os.path.join(tempfile.gettempdir(), str(uuid.uuid4())))
"""
    runs = [*run_both(tmp_path, text), *run_both(tmp_path, text)]
    assert [each.count("passed") for each in runs] == [1] * len(runs)


def test_a_suite_has_a_time_limit(tmp_path: Path) -> None:
    """What it was in is named, and it is a problem."""
    plain, simulated = run_both(tmp_path, "def test_for_ever():\n    while True: pass", 2.0)
    where = "it was not over after 2 s, in test_tiny.py::test_for_ever"
    assert (plain.problem, simulated.problem) == (where, where)
    assert list(problems(suite(), plain, Run(), [])) == [f"tiny, plain: {where}"]


@pytest.mark.e2e
def test_a_suite_that_cannot_be_collected_is_a_problem(tmp_path: Path) -> None:
    """The code of pytest says so."""
    plain, _ = run_both(tmp_path, "import no_such_module")
    assert plain.problem.startswith("pytest ended with 2 in its start: ")


@pytest.mark.e2e
def test_what_a_command_has_started_ends_with_it(tmp_path: Path) -> None:
    """At Ctrl-C too: nobody has the other end of the pipe any more."""
    pipe, opened = tmp_path / "pipe", list[Any]()
    os.mkfifo(pipe)

    def interrupt() -> None:
        opened.append(pipe.open("rb", buffering=0))
        assert opened[0].read(1) == b"x"
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run_to_end(
            ("sh", "-c", "(printf x; exec sleep 60) > pipe & wait"), tmp_path, 30, look=interrupt
        )
    began = time.monotonic()
    with opened[0]:
        assert opened[0].read() == b""
    assert time.monotonic() - began < 30


@pytest.mark.parametrize(("outcome", "code"), [("passed", 0), ("refused", 0), ("failed", 1)])
def test_an_unexplained_failure_is_the_exit_code(
    outcome: str, code: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """It stands below the table, with its first line."""
    runs = Run({"a::b": "passed"}), Run({"a::b": outcome}, {"a::b": "ValueError: no"})
    monkeypatch.setattr(entry, "SUITES", [suite()])
    monkeypatch.setattr(entry, "run_both", lambda _suite, _bars: runs)
    assert entry.main([]) == code
    lines = capsys.readouterr().out.splitlines()
    assert "tiny 1" in lines[3]
    assert lines[5:] == ["tiny: a::b", "    ValueError: no"][: 2 * code]
