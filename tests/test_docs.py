"""Every test that the documentation names exists, and every public name has its place."""

import re
from pathlib import Path

import pytest

import apscheduler_fakes
import jobs_synchronizer
import threadsim

ROOT = Path(__file__).parent.parent
PAGES = sorted((ROOT / "docs").rglob("*.md"))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_a_page_names_tests_that_exist(page: Path) -> None:
    """A sentence is held by the test behind it, so that test has to be there."""
    tests = {
        name
        for file in (ROOT / "tests").rglob("test_*.py")
        for name in re.findall(r"^ *def (test_\w+)", file.read_text(encoding="utf-8"), re.MULTILINE)
    }
    text = page.read_text(encoding="utf-8")
    named = set(re.findall(r"`(test_\w+)(?:\[.*?\])?`", text))
    named.update(
        *(re.findall(r"test_\w+", each) for each in re.findall(r"<!-- (test_.*?) -->", text))
    )
    assert named - tests == set()


def test_every_rule_of_the_time_model_has_its_test() -> None:
    """A rule that nobody tests has no place on that page; the tests stand in comments."""
    page = (ROOT / "docs" / "reference" / "time_model.md").read_text(encoding="utf-8")
    rules = re.findall(r"^- .*(?:\n  .*)*", page, re.MULTILINE)
    assert len(rules) > 30
    assert [each for each in rules if not re.search(r"<!-- test_[\w ]+ -->$", each)] == []


def test_a_page_names_few_tests_in_its_text() -> None:
    """Names of tests are long; a page links its tests, or has them in comments."""
    named = {
        page.name: re.findall(r"`test_\w+`", page.read_text(encoding="utf-8"))
        for page in PAGES
        if page.stem not in {"corrected", "paths", "all_endings"}
    }
    assert {page: names for page, names in named.items() if names} == {}


LINK = re.compile(r"\]\((?!https?://|#)([^)#\s]+)")


@pytest.mark.parametrize(
    "page", [ROOT / "README.md", *PAGES], ids=lambda page: page.relative_to(ROOT).as_posix()
)
def test_a_link_leads_to_a_file(page: Path) -> None:
    """A relative link works in the site and on a code host."""
    links = LINK.findall(page.read_text(encoding="utf-8"))
    assert [link for link in links if not (page.parent / link).exists()] == []


def test_every_public_name_has_its_place_in_the_reference() -> None:
    """What a package exports stands on its page of the reference, and nothing else does."""
    for package in (threadsim, apscheduler_fakes, jobs_synchronizer):
        page = ROOT / "docs" / "reference" / f"{package.__name__}.md"
        named = re.findall(rf":: {package.__name__}\.(\w+)$", page.read_text("utf-8"), re.MULTILINE)
        assert sorted(named) == sorted(package.__all__)
