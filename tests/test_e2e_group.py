"""``scripts/e2e_group.py`` says what is wrong with an app on JobGroup."""

import signal
from pathlib import Path
from typing import Any

import pytest

import e2e_group
from e2e_group import Answer, App, Verdict
from settings import Settings


class Stub(App):
    """An app that answers everything alike."""

    def __init__(self, body: Any, seconds: float) -> None:
        super().__init__(Settings(), 0)
        self._answer = Answer(200, body, 0.0, seconds)

    def get(self, _path: str) -> Answer:
        """Answer."""
        return self._answer


@pytest.mark.parametrize(
    ("body", "seconds", "wrong"),
    [
        ({"values": list(range(25))}, 0.95, ""),
        ({"values": list(range(24))}, 0.95, "got Answer(code=200, body={'values': [0, 1,"),
        ({"values": list(range(25))}, 0.85, "it should take 0.9 s to 1.9 s"),
        ({"values": list(range(25))}, 2.0, "it should take 0.9 s to 1.9 s"),
    ],
)
def test_a_wrong_answer_and_a_wrong_time_are_found(body: Any, seconds: float, wrong: str) -> None:
    """A job that is lost, a job that does not take its time and one that takes too long."""
    verdict = e2e_group.queue(Stub(body, seconds))
    assert verdict.wrong.startswith(wrong)
    assert bool(verdict.wrong) == bool(wrong)


def test_a_verdict_is_one_line() -> None:
    """It has the scenario's name, whether it passed, its figure and what that is the time of."""
    right = Verdict("queue", 0.9, "25 jobs", 0.9)
    assert str(right) == "group queue     ok  0.900 s  25 jobs"
    wrong = Verdict("queue", 0.9, "25 jobs", 0.9, "got nothing")
    assert str(wrong) == "group queue     FAILED: got nothing  0.900 s  25 jobs"


@pytest.mark.e2e
def test_an_app_that_does_not_start_is_named(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """What the app wrote is shown, and nothing is left of it."""
    broken = tmp_path / "python"
    broken.write_text("#!/bin/sh\necho no such thing\n", encoding="utf-8")
    broken.chmod(0o755)
    monkeypatch.setattr(e2e_group, "Settings", lambda python: Settings(python, timeout=0.2))
    assert e2e_group.main([str(broken)]) == 1
    assert "    no such thing\n" in capsys.readouterr().out


def test_ctrl_c_is_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Whoever has enough sees no traceback."""

    def press(*_: object) -> None:
        signal.raise_signal(signal.SIGINT)

    monkeypatch.setattr(e2e_group, "free_ports", press)
    assert e2e_group.main([]) == 130
    said = capsys.readouterr().err
    assert said == "group: SIGINT came before the end; every program was stopped.\n"
