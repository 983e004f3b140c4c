"""Every test that the documentation names exists, and every public name has its place."""

import re
from pathlib import Path

import pytest

import apscheduler_fakes
import jobs_synchronizer
import threadsim

ROOT = Path(__file__).parent.parent
PAGES = sorted((ROOT / "docs").rglob("*.md"))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_a_page_names_tests_that_exist(page: Path) -> None:
    """A sentence is held by the test behind it, so that test has to be there."""
    tests = {
        name
        for file in (ROOT / "tests").rglob("test_*.py")
        for name in re.findall(r"^ *def (test_\w+)", file.read_text(encoding="utf-8"), re.MULTILINE)
    }
    named = set(re.findall(r"`(test_\w+)(?:\[.*?\])?`", page.read_text(encoding="utf-8")))
    assert named - tests == set()


def test_every_sentence_of_the_time_model_ends_in_its_test() -> None:
    """A sentence that nobody tests has no place on that page."""
    page = (ROOT / "docs" / "reference" / "time_model.md").read_text(encoding="utf-8")
    model = page.partition("## What is not modelled")[0]
    sentences = re.findall(r"^- .*(?:\n  .*)*", model, re.MULTILINE)
    assert [each for each in sentences if not re.search(r"`test_\w+`$", each)] == []
    # Beside these there are headings, and what the page is about.
    others = [
        line for line in model.splitlines() if line and line[:2] not in {"# ", "##", "- ", "  "}
    ]
    assert len(others) == 3


def test_every_public_name_has_its_place_in_the_reference() -> None:
    """What a package exports stands on its page of the reference, and nothing else does."""
    for package in (threadsim, apscheduler_fakes, jobs_synchronizer):
        page = ROOT / "docs" / "reference" / f"{package.__name__}.md"
        named = re.findall(rf":: {package.__name__}\.(\w+)$", page.read_text("utf-8"), re.MULTILINE)
        assert sorted(named) == sorted(package.__all__)
