"""What the README shows is so: its code runs, its output is printed, its table is the spec's."""

import re
from pathlib import Path
from typing import Any

import pytest

import apscheduler_fakes
import jobs_synchronizer
from spec import pages
from threadsim import Simulation
from threadsim.runtime import own_code

ROOT = Path(__file__).parent.parent


@pytest.fixture(scope="module")
def text() -> str:
    return (ROOT / "README.md").read_text(encoding="utf-8")


def test_the_hang_is_caught_as_shown(text: str, pytester: pytest.Pytester) -> None:
    """The smallest test fails with the lines that the README shows, in their order."""
    pytester.makepyfile(pages.block(text, "hang: test"))
    result = pytester.runpytest()
    result.assert_outcomes(failed=1)
    printed = [" ".join(line.split()) for line in result.outlines]
    for line in pages.block(text, "hang: output").splitlines():
        assert " ".join(line.split()) in printed
        del printed[: printed.index(" ".join(line.split())) + 1]


def test_fake_scheduler_tests_a_view_in_six_lines(text: str) -> None:
    """The FakeScheduler block runs and its assert holds."""
    code = pages.block(text, "fakescheduler")
    assert len(code.partition("\n\n\nwith")[2].splitlines()) == 6
    exec(code, {})  # noqa: S102  # Our own README.


def test_the_simulation_runs_as_shown(text: str, capsys: pytest.CaptureFixture[str]) -> None:
    """The Simulation block runs the whole app, and its assert holds."""
    names: dict[str, Any] = {}
    exec(pages.block(text, "simulation"), names)  # noqa: S102  # Our own README.
    assert (names["response"].status_code, names["Simulation"]) == (200, Simulation)
    assert len(capsys.readouterr().out.splitlines()) == 100


def test_a_group_answers_as_shown(text: str) -> None:
    """The JobGroup block makes an app that answers with its jobs' values."""
    names: dict[str, Any] = {"__name__": __name__}
    with Simulation() as sim:
        exec(pages.block(text, "group"), names)  # noqa: S102  # Our own README.
        answer = names["app"].test_client().get("/powers").json
        values = {f"2 ** {n}": 2**n for n in range(10)}
        assert answer == {"values": values, "errors": {}, "pending": {}}
        assert sim.clock.elapsed == 0.0


def test_the_lost_wake_up_is_found_as_shown(
    text: str, pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The explored test fails with the lanes and the line that the README shows, word for word."""
    # As for whoever has it installed, the package is no part of the program.
    package = str(Path(jobs_synchronizer.__file__).parent)
    libraries = own_code._libraries
    monkeypatch.setattr(own_code, "_libraries", (*libraries, package))
    test = pages.block(text, "explore: test")
    pytester.makepyfile(test_lost=test)
    shown = pages.block(text, "explore: output").splitlines()
    for arguments in ((), shown[-1].split()[1:]):
        result = pytester.runpytest(*arguments)
        result.assert_outcomes(failed=1)
        printed = [line for line in result.outlines if line in shown]
        assert printed == shown

    pytester.makepyfile(test_lost=test.replace(".documented", ""))
    pytester.runpytest().assert_outcomes(passed=1)


def test_the_tree_names_what_exists(text: str) -> None:
    """Every file and folder of the README's tree is there."""
    (tree,) = re.findall(r"## The tree\n\n```text\n(.*?)```", text, re.DOTALL)
    folder = ROOT
    for line in tree.splitlines():
        name = line.split()[0]
        if not line.startswith(" "):
            folder = ROOT / name if name.endswith("/") else ROOT
        assert (folder / name if line.startswith(" ") else ROOT / name).exists(), line


def test_the_commands_are_those_of_ci(text: str) -> None:
    """CI runs the README's two commands, word for word."""
    commands = re.findall(r"```sh\n(.*?)\n```", text)
    ci = (ROOT / ".ci" / "run").read_text(encoding="utf-8").splitlines()
    assert len(commands) == 2
    assert [command for command in commands if command not in ci] == []


def test_the_guide_is_the_package_s(text: str) -> None:
    """The three sentences are those of ``help(apscheduler_fakes)``."""
    (guide,) = re.findall(r"\*\*(FakeScheduler: you .*?)\*\*", text, re.DOTALL)
    said = " ".join(str(apscheduler_fakes.__doc__).split())
    assert " ".join(guide.split()) in said
