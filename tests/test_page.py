"""The page on what the published program does is what the tests, rows and programs say."""

from pathlib import Path
from typing import Any

import pytest

import page


def test_the_page_is_up_to_date() -> None:
    """The page says what the specification says; ``python scripts/page.py`` writes it."""
    assert page.PAGE.read_text(encoding="utf-8") == page.page()


def test_every_known_bad_program_is_one_correction_of_the_difference() -> None:
    """Each known-bad program stands beside one hunk."""
    text = page.PAGE.read_text(encoding="utf-8")
    files = sorted(Path("tests/known_bad").glob("*.py"))
    assert [file.name for file in files if text.count(f"known_bad/{file.name})") != 1] == []
    assert text.count("../tests/known_bad/") == len(files)


def test_a_change_that_nobody_explains_is_named() -> None:
    """A new line in one of the programs stops the page until it is explained."""
    changes = page.hunks(["a", "b", "c"], ["a", "B", "c", "new"])
    explanations: list[Any] = [
        {"first": "-b", "lines": 2, "why": "Louder.", "known_bad": ["without_b"]}
    ]
    assert page.explained(changes[:1], explanations) == [
        "Louder. Known bad: [without b](../tests/known_bad/without_b.py).\n\n```diff\n-b\n+B\n```"
    ]
    del explanations[0]["known_bad"][:]
    with pytest.raises(page.Unexplained, match=r"'-b' needs a program in tests/known_bad"):
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
