"""What is recorded is written on purpose only, and a difference is shown."""

import json
from pathlib import Path

import pytest

import recording


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Facts beside the recorded ones: one of each of two names."""
    monkeypatch.delenv("RECORD", raising=False)
    monkeypatch.setattr(recording, "HOME", tmp_path)
    facts = {"one": {"schedules": 3}, "other": ["0.000000  MainThread  sleeps"]}
    (tmp_path / "facts.json").write_text(json.dumps(facts), encoding="utf-8")
    return tmp_path


def test_what_is_as_recorded_passes(home: Path) -> None:
    """The same facts and the same names are no difference."""
    recording.compare("facts.json", "one", {"schedules": 3})
    recording.compare_names("facts.json", ["other", "one"])


def test_a_difference_is_shown(home: Path) -> None:
    """The test says the fact's name, what was and what is."""
    with pytest.raises(pytest.fail.Exception) as caught:
        recording.compare("facts.json", "one", {"schedules": 4})

    assert str(caught.value).splitlines() == [
        "one is not as in tests/recorded/facts.json:",
        "--- what was",
        "+++ what is",
        "@@ -1,3 +1,3 @@",
        " {",
        '- "schedules": 3',
        '+ "schedules": 4',
        " }",
    ]


def test_what_is_not_recorded_fails(home: Path) -> None:
    """A new fact, and a file that is not there, are differences from nothing."""
    with pytest.raises(pytest.fail.Exception, match=r'-"nothing"\n\+5'):
        recording.compare("none.json", "one", 5)
    with pytest.raises(pytest.fail.Exception, match=r"lost: \['other'\]; new: \['third'\]"):
        recording.compare_names("facts.json", ["one", "third"])


def test_facts_are_written_where_the_environment_says_so(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who records is told by a skipped test; what is gone goes from the file."""
    monkeypatch.setenv("RECORD", "1")

    with pytest.raises(pytest.skip.Exception, match="one is recorded anew"):
        recording.compare("facts.json", "one", {"schedules": 4})
    with pytest.raises(pytest.skip.Exception, match="what is gone"):
        recording.compare_names("facts.json", ["one"])

    assert recording.recorded("facts.json") == {"one": {"schedules": 4}}
