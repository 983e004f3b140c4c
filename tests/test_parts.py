"""`nox -s soundness` says which of its parts have passed on the code as it is."""

import argparse
import json
from pathlib import Path

import pytest

import parts


def test_the_parts_that_are_missing_are_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A part that passed on an earlier engine does not count."""
    file = tmp_path / "soundness.json"
    monkeypatch.setattr(parts, "PARTS", file)
    monkeypatch.setattr(parts, "engine", lambda: "def456")
    file.write_text(json.dumps({"1/3": "abc123", "3/3": "def456"}), encoding="utf-8")

    parts.main("2/3")

    assert capsys.readouterr().out == "part 2/3 passed on def456; missing: 1/3\n"
    assert json.loads(file.read_text(encoding="utf-8"))["2/3"] == "def456"


def test_a_part_is_refused_unless_it_is_one_of_so_many() -> None:
    """A part that runs no test would be written down as passed."""
    assert parts.part_of("3/4") == (3, 4)
    for text in ("0/4", "5/4", "1", "a/b", ""):
        with pytest.raises(argparse.ArgumentTypeError, match="give K/N, with K from 1 to N"):
            parts.part_of(text)


def test_changes_that_are_in_no_commit_are_not_written_down(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A part that passed on them says nothing of any commit."""
    monkeypatch.setattr(parts, "_git", lambda *_: " M fakes/x.py")
    with pytest.raises(SystemExit, match="commit your changes first"):
        parts.engine()
