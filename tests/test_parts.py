"""`nox -s soundness` says which of its parts have passed on the engine as it is."""

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


def test_the_engine_is_known_by_its_last_commit() -> None:
    """It is the last one that changed ``fakes/``, or nothing outside a clone."""
    assert len(parts.engine()) in {0, *range(7, 41)}
