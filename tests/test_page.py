"""The page on what the published program does is what the tests, rows and programs say."""

import tomllib
from pathlib import Path
from typing import Any

import pytest

import page
from test_known_bad import KNOWN_BAD


def test_the_page_is_up_to_date() -> None:
    """The page says what the specification says; ``python scripts/page.py`` writes it."""
    assert page.PAGE.read_text(encoding="utf-8") == page.page()


def test_every_known_bad_program_is_one_correction_of_the_difference() -> None:
    """Each known-bad program stands beside one hunk."""
    hunks = tomllib.loads(page.DIFFERENCES.read_text(encoding="utf-8"))["hunk"]
    named = [name for each in hunks for name in each["known_bad"]]
    assert sorted(named) == sorted(KNOWN_BAD)


def test_a_change_that_nobody_explains_is_named() -> None:
    """A new line in one of the programs stops the page until it is explained."""
    changes = page.hunks(["a", "b", "c"], ["a", "B", "c", "new"])
    explanations: list[Any] = [
        {"first": "-b", "lines": 2, "why": "Louder.", "known_bad": ["without_b"]}
    ]
    assert page.explained(changes[:1], explanations) == [
        "Louder. Known bad: `without_b`.\n\n```diff\n-b\n+B\n```"
    ]
    del explanations[0]["known_bad"][:]
    with pytest.raises(page.Unexplained, match=r"'-b' needs an entry of tests/known_bad.toml"):
        page.explained(changes[:1], explanations)
    with pytest.raises(page.Unexplained, match=r"Explain what is new(.|\n)*\n\+\+new"):
        page.explained(changes, explanations)
    with pytest.raises(page.Unexplained, match=r"\n--b … 2 lines\n\+-b … 3 lines"):
        page.explained(page.hunks(["b"], ["B", "more"]), explanations)


def test_the_script_writes_the_page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Running it writes what the test above compares with."""
    monkeypatch.setattr(page, "PAGE", tmp_path / "page.md")
    assert page.main() == 0
    assert (tmp_path / "page.md").read_text(encoding="utf-8") == page.page()


def test_what_a_browser_would_take_for_a_tag_is_escaped() -> None:
    """An outcome may hold angle brackets, as that of an exception without a text."""
    assert page.cell("<exception str() failed>") == "&lt;exception str() failed>"
