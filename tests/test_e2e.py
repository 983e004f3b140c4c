"""``scripts/e2e.py`` sees what it says it sees: each fault has its sentence, and nothing is left.

The stubs in ``e2e_programs`` are real processes on real ports with iterations of 0.03 s.
"""

import dataclasses
import io
import json
import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

import display
import e2e
import verdict
from run import Job, Run
from scenario import DEADLINE, DOCUMENTED, Scenario
from settings import Settings

pytestmark = pytest.mark.e2e

HERE = Path(__file__).parent
VARIANTS = {"right", "single_worker", "lost_iteration", "late"}
SVG = "{http://www.w3.org/2000/svg}"


def scenario(fault: str) -> Scenario:
    """Make the published scenario, at 0.3 s in place of 10 s, for a stub with a fault."""
    file = "variants.py" if fault in VARIANTS else "stubs.py"
    return dataclasses.replace(
        DOCUMENTED,
        name=fault,
        command=(str(HERE / "e2e_programs" / file), fault),
        wall_seconds=0.3,
        job_seconds=0.3,
        slack=5.0,
    )


def outcome(fault: str, *, timeout: float = 20.0) -> e2e.Outcome:
    """Run a stub from start to end."""
    chosen = (scenario(fault),)
    lines = display.Lines(chosen, io.StringIO())
    (result,) = e2e.run_together(chosen, Settings(timeout=timeout), lines)
    return result


def problem(fault: str, *, timeout: float = 20.0) -> str:
    """Run a stub and return the sentence about it."""
    result = outcome(fault, timeout=timeout)
    assert result.problem is not None
    return result.problem


@pytest.fixture(scope="module")
def right() -> e2e.Outcome:
    """Run the stub without a fault, once for all tests that only look at it."""
    return outcome("right")


def test_a_program_that_does_what_is_published_passes(right: e2e.Outcome) -> None:
    """Ten statuses, ten iterations of each job, all ten jobs at once, in the expected time."""
    assert right.problem is None
    assert right.run is not None
    assert verdict.figures(right.run) == "200, 10 done, 10 jobs at once, 100 iterations"
    for job in right.run.jobs:
        assert 0 <= job.started < job.iterations[0] < job.ended


def test_the_picture_and_the_report_have_the_same_numbers(
    right: e2e.Outcome, tmp_path: Path
) -> None:
    """Every bar starts and ends where the report says, and has a tick where it has an iteration."""
    e2e.write([right], tmp_path)

    report = json.loads((tmp_path / "report.json").read_text())
    svg = ET.fromstring((tmp_path / "timeline.svg").read_text())  # noqa: S314  # Our own.
    axis = {
        float(group.attrib["data-second"]): float(group[0].attrib["x1"])
        for group in svg.iterfind(f"{SVG}g[@data-second]")
    }
    last = max(axis)

    def seconds(x: float) -> float:
        return (x - axis[0.0]) / (axis[last] - axis[0.0]) * last

    def ends(group: ET.Element) -> list[float]:
        bar = group.find(f"{SVG}rect")
        assert bar is not None
        start = float(bar.attrib["x"])
        return [seconds(start), seconds(start + float(bar.attrib["width"]))]

    pixel = seconds(axis[0.0] + 0.01)
    (request,) = svg.iterfind(f"{SVG}g[@data-request]")
    assert ends(request) == pytest.approx([0, report["wall_seconds"]], abs=pixel)
    assert len(report["jobs"]) == 10
    for job in report["jobs"]:
        (group,) = svg.iterfind(f"{SVG}g[@data-job='{job['id']}']")
        ticks = [seconds(float(line.attrib["x1"])) for line in group.iterfind(f"{SVG}line")]
        assert ends(group) == pytest.approx([job["started"], job["ended"]], abs=pixel)
        assert ticks == pytest.approx(job["iterations"], abs=pixel)


def test_a_second_program_on_the_port_is_named_before_anything_starts(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """A port that another program has is refused, and that program is not contacted."""
    with socket.create_server(("127.0.0.1", 0)) as other:
        other.settimeout(0)
        port = other.getsockname()[1]
        code = e2e.main(["--port", str(port), "--output", str(tmp_path)], (scenario("right"),))

        with pytest.raises(BlockingIOError):
            other.accept()
    assert code == 1
    assert capsys.readouterr().err == (
        f"e2e: tried to listen on 127.0.0.1:{port}, but address already in use; stop the program "
        "that has that port, or leave --port out for a free one.\n"
    )


def test_a_port_lost_in_the_last_moment_is_named() -> None:
    """A port that is taken between the look and the start has a sentence of its own."""
    assert "but another program took that port first; stop it" in problem("late")


def test_a_stranger_on_the_port_is_never_contacted() -> None:
    """Whoever answers before our program says that it listens is left alone."""
    sentence = problem("stranger", timeout=1.0)

    assert "but nothing came within 1 s; give it longer with --timeout" in sentence
    assert sentence.endswith("\n    listens")


def test_a_program_that_dies_at_start_is_quoted() -> None:
    """The exit code and the end of the output are shown, without the output's colours."""
    sentence = problem("dies")

    assert "and waited for it to listen on port" in sentence
    assert "but it ended with exit code 1; repair what the end of its output names:" in sentence
    assert re.fullmatch(r" {4}no settings for 127\.0\.0\.1 and port \d+", sentence.splitlines()[-1])


def test_a_program_that_dies_in_the_request_is_quoted() -> None:
    """A program that ends while it is asked is told from one that is slow."""
    sentence = problem("dies_when_asked")

    assert "/run-tasks, but it ended with exit code 9;" in sentence
    # Its other stream may be read after this line.
    assert "\n    out of memory" in sentence


def test_a_program_that_never_answers_is_given_up() -> None:
    """The sentence says what was asked, how long that was waited for, and what to do."""
    sentence = problem("never_answers", timeout=1.5)

    assert "/run-tasks, but nothing came within 1.5 s; give it longer with --timeout" in sentence


def test_a_wrong_answer_is_compared_with_the_right_one() -> None:
    """What is missing and what should not be there are both named."""
    assert problem("wrong_answer") == (
        "wrong_answer: asked /run-tasks and expected status 200 with a JSON list of strings, 10 of "
        "them, each once, but got missing statuses 'Task 1 completed execution'; unexpected "
        "statuses 'Task 0 completed execution'; compare the program with the published one."
    )


def test_a_wrong_status_is_shown_with_its_answer() -> None:
    """Another status than the expected one is shown together with the answer."""
    assert "but got status 500 with 'oops'" in problem("error_answer")


def test_a_lost_iteration_is_found() -> None:
    """A job that prints fewer iterations than published is named."""
    assert "but j7 printed 0, 1, 2, 3, 4, 5, 6, 7, 8 instead of" in problem("lost_iteration")


def test_a_pool_with_a_single_worker_is_found() -> None:
    """Jobs that ran one after the other are found however fast they were."""
    assert problem("single_worker").endswith(
        "ran 10 jobs that have to overlap, but no more than 1 ran at once; give the scheduler's "
        "pool 10 workers."
    )


@pytest.mark.parametrize(("wall", "words"), [(9.99, "only 9.99 s"), (11.01, "as long as 11.01 s")])
def test_an_answer_too_early_or_too_late_is_found(wall: float, words: str) -> None:
    """The answer comes after 10.0 s to 11.0 s, neither before nor after."""
    jobs = tuple(Job(i, tuple(range(10)), tuple(map(float, range(1, 11)))) for i in range(10))
    run = Run(200, list(DOCUMENTED.statuses), wall, jobs)

    sentence = verdict.problem(DOCUMENTED, run)

    assert sentence is not None
    assert f"expected the answer after 10.0 s to 11.0 s, but it took {words};" in sentence
    assert verdict.problem(DOCUMENTED, dataclasses.replace(run, wall_seconds=10.0)) is None
    assert verdict.problem(DOCUMENTED, dataclasses.replace(run, wall_seconds=11.0)) is None


def test_a_deadline_answers_with_what_is_pending() -> None:
    """At a deadline the names of all jobs that had not reported are expected."""
    jobs = tuple(Job(i, tuple(range(10)), tuple(map(float, range(1, 11)))) for i in range(10))
    body = {"error": "late", "statuses": [], "pending": list(DEADLINE.pending)}

    assert verdict.problem(DEADLINE, Run(504, body, 2.0, jobs)) is None
    assert verdict.figures(Run(504, body, 2.0, jobs)).startswith("504, 10 pending, ")
    lacking = {**body, "pending": body["pending"][1:]}
    sentence = verdict.problem(DEADLINE, Run(504, lacking, 2.0, jobs))
    assert sentence is not None
    assert "missing pending 'Task 0'" in sentence


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--port", "0"], "'0' is no port; give a number from 1 to 65535, or leave --port out"),
        (["--host", "192.0.2.1"], "'192.0.2.1' is neither a loopback address nor 0.0.0.0"),
        (["--timeout", "nan"], "'nan' is no time; give seconds above 0."),
        (["--program", "other"], "invalid choice: 'other'"),
    ],
)
def test_options_that_cannot_be_followed_are_refused(
    arguments: list[str], sentence: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """A wrong option ends with a sentence that says what can be given."""
    with pytest.raises(SystemExit) as refused:
        e2e.main(arguments)

    assert refused.value.code == 2
    assert sentence in capsys.readouterr().err


def test_an_interpreter_that_is_not_there_is_named(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """A wrong ``--python`` is one sentence."""
    code = e2e.main(["--python", "no-such-python", "--output", str(tmp_path)])

    assert code == 1
    assert capsys.readouterr().err == (
        "e2e: tried to start 'no-such-python' as the programs' interpreter, but no such file or "
        "directory; give a Python with --python, or leave that out for the one that runs this.\n"
    )


def test_an_interpreter_without_the_project_is_named(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """A ``--python`` in which the project is not installed is one sentence."""
    python = tmp_path / "python"
    python.write_text(f'#!/bin/sh\nexec "{sys.executable}" -I -S "$@"\n')
    python.chmod(0o755)

    code = e2e.main(["--python", str(python), "--output", str(tmp_path)])

    assert code == 1
    assert "but it is not installed there; install the project" in capsys.readouterr().err


@pytest.fixture
def command() -> Iterator[list[subprocess.Popen[str]]]:
    """Take commands that have to end with the test."""
    commands: list[subprocess.Popen[str]] = []
    yield commands
    for process in commands:
        with process:
            process.terminate()


def start(commands: list[subprocess.Popen[str]], fault: str, output: Path) -> subprocess.Popen[str]:
    """Start e2e as a command whose output is a pipe, for a stub that may have a fault."""
    path = os.pathsep.join([str(HERE), str(HERE.parent / "scripts")])
    process = subprocess.Popen(  # Our own script.
        [sys.executable, HERE / "e2e_programs" / "driver.py", fault, "--output", output],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": path, "FORCE_COLOR": "1"},
    )
    commands.append(process)
    return process


def test_output_that_is_no_terminal_has_no_control_characters(
    command: list[subprocess.Popen[str]], tmp_path: Path
) -> None:
    """In a pipe there are plain lines that end in a verdict, whatever FORCE_COLOR says."""
    out, err = start(command, "right", tmp_path).communicate(timeout=20)

    assert err == ""
    assert all(character.isprintable() for character in out.replace("\n", ""))
    lines = out.splitlines()
    assert lines[-3].endswith("iteration 10 of 10 printed by every job")
    assert lines[-2].endswith("200, 10 done, 10 jobs at once, 100 iterations")
    assert lines[-1].startswith("1 of 1 scenarios passed in ")


@pytest.mark.parametrize(
    ("moment", "number"),
    [
        ("started as process", signal.SIGINT),
        ("answers, asked for /run-tasks", signal.SIGINT),
        ("answers, asked for /run-tasks", signal.SIGTERM),
    ],
)
def test_an_interrupt_leaves_no_process_behind(
    command: list[subprocess.Popen[str]], tmp_path: Path, moment: str, number: signal.Signals
) -> None:
    """Ctrl-C while a program starts or is asked ends with one line, and ends the program."""
    process = start(command, "never_answers", tmp_path)
    lines: list[str] = []
    assert process.stdout is not None
    while not any(moment in line for line in lines):
        lines.append(next(process.stdout))
    program = int(lines[0].split("process ")[1].split()[0])
    os.kill(program, 0)

    process.send_signal(number)
    _, err = process.communicate(timeout=20)

    assert process.returncode == 128 + number
    assert err == f"e2e: {number.name} came before the end; every program was stopped.\n"
    with pytest.raises(ProcessLookupError):
        os.killpg(program, 0)
