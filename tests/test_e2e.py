"""``nox -s e2e`` sees what it says it sees: each fault is named, and no process is left."""

import dataclasses
import json
import signal
import threading
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest

import e2e.__main__ as main
from e2e import group, scenarios
from e2e.program import Program
from e2e.scenarios import SCENARIOS, Job, Run, Scenario, problems
from progress import progress

STUB = str(Path(__file__).parent / "e2e_programs" / "stub.py")
SVG = "{http://www.w3.org/2000/svg}"


def stub(fault: str) -> Scenario:
    return Scenario(fault, (STUB, fault), seconds=0.3, job_seconds=0.3)


@pytest.mark.e2e
def test_a_run_is_judged_reported_and_drawn(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The published program passes; the picture's bars and ticks are the report's."""
    monkeypatch.setattr(scenarios, "SLACK", 20.0)
    assert main.main(["right", "--output", str(tmp_path)], [stub("right")]) == 0

    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("right       ok ")
    assert lines[0].endswith(" s  200, 10 done, 10 jobs at once, 100 iterations")
    assert lines[1].startswith("1 of 1 scenarios passed in ")
    report = json.loads((tmp_path / "report.json").read_text())["right"]
    svg = ET.fromstring((tmp_path / "right.svg").read_text())  # noqa: S314  # Our own.
    request, *jobs = [each for each in svg.iterfind(f"{SVG}g") if "data-row" in each.attrib]
    [bar] = request.iterfind(f"{SVG}rect")
    left, scale = float(bar.attrib["x"]), float(bar.attrib["width"]) / report["seconds"]
    assert len(jobs) == len(report["jobs"]) == 10
    for job, drawn in zip(report["jobs"], jobs, strict=True):
        [bar] = drawn.iterfind(f"{SVG}rect")
        assert 0 < job["started"] < job["iterations"][0]
        assert float(bar.attrib["x"]) == pytest.approx(left + job["started"] * scale, abs=0.1)
        ticks = [float(line.attrib["x1"]) for line in drawn.iterfind(f"{SVG}line")]
        expected = [left + tick * scale for tick in job["iterations"]]
        assert ticks == pytest.approx(expected, abs=0.1)


JOBS = tuple(Job(i, tuple(range(10)), tuple(map(float, range(1, 11)))) for i in range(10))
RIGHT = Run(200, list(SCENARIOS[0].statuses), [], 10.0, JOBS)
ONE_BY_ONE = tuple(
    dataclasses.replace(job, ticks=tuple(job.number + i / 100 for i in range(10))) for job in JOBS
)


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({}, ""),
        ({"seconds": 11.0}, ""),
        ({"code": 500}, "the status should be 200, not 500"),
        ({"statuses": [*RIGHT.statuses[1:], "oops"]}, "Task 9 completed execution', 'oops']"),
        ({"statuses": RIGHT.statuses[1:]}, "not ['Task 1 completed execution', 'Task 2"),
        ({"pending": ["Task 1"]}, "the pending jobs should be [], not ['Task 1']"),
        ({"jobs": (*JOBS[:9], Job(9, (0, 1), (1.0, 10.0)))}, "iterations of each job should be"),
        ({"jobs": ONE_BY_ONE}, "the number of jobs at once should be 10, not 1"),
        ({"seconds": 9.99}, "it took 9.99 s, not 10.0 s to 11.0 s"),
        ({"seconds": 11.01}, "it took 11.01 s, not 10.0 s to 11.0 s"),
    ],
)
def test_what_is_not_as_expected_is_named(change: dict[str, Any], problem: str) -> None:
    """A wrong answer, a lost iteration, a pool with one worker, too soon and too late."""
    found = list(problems(SCENARIOS[0], dataclasses.replace(RIGHT, **change)))
    assert bool(found) == bool(problem)
    assert problem in "".join(found)


@pytest.mark.e2e
@pytest.mark.parametrize(
    ("fault", "seconds", "problem"),
    [
        ("dies", 20.0, "does not listen and ended with exit code 1; it wrote\n    no settings for"),
        ("never_answers", 2.0, "never_answers does not answer /run-tasks within 2 s; it wrote\n"),
    ],
)
def test_a_program_that_does_not_answer_is_quoted(fault: str, seconds: float, problem: str) -> None:
    """It says what was asked, whether the program ended, and what it wrote, without colours."""
    with progress() as bars:
        [said] = main.run([stub(fault)], seconds, bars)
    assert isinstance(said, str)
    assert problem in said


@pytest.mark.e2e
def test_ctrl_c_leaves_no_process(monkeypatch: pytest.MonkeyPatch) -> None:
    """A program that is waited for is stopped."""
    programs = list[Program]()

    def interrupted(_scenario: Scenario, program: Program, _timeout: float) -> None:
        program.listen(20.0)
        programs.append(program)
        signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)
        program.get("/run-tasks")

    monkeypatch.setattr(main, "conduct", interrupted)
    with progress() as bars, pytest.raises(KeyboardInterrupt):
        main.run([stub("never_answers")], 20.0, bars)
    assert programs[0]._process.returncode == -signal.SIGKILL


@pytest.mark.parametrize(
    ("got", "seconds", "problem"),
    [
        ("25 values", 0.95, ""),
        ("24 values", 0.95, "group queue: got 24 values, not 25 values"),
        ("25 values", 0.85, "group queue: it took 0.85 s, not 0.9 s to 1.9 s"),
        ("25 values", 2.0, "group queue: it took 2.00 s, not 0.9 s to 1.9 s"),
    ],
)
def test_what_is_not_as_expected_of_a_group_is_named(
    got: str, seconds: float, problem: str
) -> None:
    """A job that is lost, jobs that do not take their time and jobs that take too long."""
    assert group.problem("queue", group.Seen(seconds, got, "25 values"), 0.9) == problem


@pytest.mark.e2e
def test_an_app_that_does_not_start_is_quoted(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is one problem, with what it wrote."""
    monkeypatch.setattr(group, "Program", lambda *_: Program("-c", "print('no such thing')"))
    [said] = group.run()
    assert "does not listen and ended with exit code 0; it wrote\n    no such thing" in said


README = "<!-- e2e -->\n```text\n1 of 1 passed in 10.4 s\n```\n"


@pytest.mark.parametrize(
    ("lines", "same"),
    [
        (["documented  ok  10.05 s  200", "1 of 1 passed in 10.9 s"], True),
        (["documented  ok  10.05 s  200", "1 of 1 passed in 11.9 s"], False),
        (["documented  ok  10.05 s  200", "0 of 1 passed in 10.9 s"], False),
        (["documented  ok  10.05 s  200"], False),
    ],
)
def test_the_readme_shows_what_a_run_printed(lines: list[str], same: object) -> None:
    """The last line, and its times within a second."""
    assert main.as_in_the_readme(lines, README) == same


def test_a_scenario_that_there_is_not_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    """The names are listed."""
    with pytest.raises(SystemExit):
        main.main(["other"])
    assert "other: the scenarios are documented, corrected, raising" in capsys.readouterr().err
