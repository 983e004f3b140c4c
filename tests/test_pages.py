"""The pages made of the specification are what the tests, rows and programs say."""

import tomllib
from pathlib import Path
from typing import Any

import pytest

from spec import pages, promises
from test_known_bad import KNOWN_BAD
from test_rows import ROWS


def test_the_pages_are_up_to_date() -> None:
    """They say what ``tests/spec.toml`` says; ``PYTHONPATH=scripts python -m spec`` writes them."""
    for page, text in pages.made_of(promises.committed()).items():
        assert page.read_text(encoding="utf-8") == text


def test_every_known_bad_program_is_one_correction_of_the_difference() -> None:
    """Each known-bad program stands beside one hunk."""
    hunks = tomllib.loads(pages.DIFFERENCES.read_text(encoding="utf-8"))["hunk"]
    named = [name for each in hunks for name in each["known_bad"]]
    assert sorted(named) == sorted(KNOWN_BAD)


def test_a_change_that_nobody_explains_is_named() -> None:
    """A new line in one of the programs stops the page until it is explained."""
    changes = pages.hunks(["a", "b", "c"], ["a", "B", "c", "new"])
    explanations: list[Any] = [
        {"first": "-b", "lines": 2, "why": "Louder.", "known_bad": ["without_b"]}
    ]
    assert pages.explained(changes[:1], explanations) == [
        "Louder. Known bad: `without_b`.\n\n```diff\n-b\n+B\n```"
    ]
    del explanations[0]["known_bad"][:]
    with pytest.raises(pages.Unexplained, match=r"'-b' needs an entry of tests/known_bad.toml"):
        pages.explained(changes[:1], explanations)
    with pytest.raises(pages.Unexplained, match=r"Explain what is new(.|\n)*\n\+\+new"):
        pages.explained(changes, explanations)
    with pytest.raises(pages.Unexplained, match=r"\n--b … 2 lines\n\+-b … 3 lines"):
        pages.explained(pages.hunks(["b"], ["B", "more"]), explanations)


def test_all_34_endings_have_a_test_and_a_source() -> None:
    """Every way to end that the table has is shown by a test of a group."""
    ways = [f"E{number}" for number in range(1, 35)]
    assert [row for row in ROWS if row.startswith("E")] == ways
    assert [row for row in ways if not ROWS[row].get("source")] == []
    groups = [entry for test, entry in promises.committed().items() if "/group/" in test]
    assert {row for entry in groups for row in entry.get("rows", ())} == set(ways)
    # Nobody has to guess whose an answer is.
    several = [entry for entry in groups if len(entry.get("rows", ())) > 1]
    assert [entry for entry in several if len(entry.get("gets", ())) > 1] == []


def test_what_a_browser_would_take_for_a_tag_is_escaped() -> None:
    """An outcome may hold angle brackets, as that of an exception without a text."""
    assert pages.cell(["<exception str() failed>", "a | b"]) == (
        "&lt;exception str() failed><br>a \\| b"
    )


def test_the_files_are_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is written is what the first test compares with."""
    page = tmp_path / "page.md"
    monkeypatch.setattr(pages, "made_of", lambda _spec: {page: "text"})
    pages.write({})
    assert page.read_text() == "text"
