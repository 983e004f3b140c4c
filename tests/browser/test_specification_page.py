"""The page of the specification, in a browser."""

import json
from pathlib import Path

import pytest
from chromium import look

from page_run import Elements, Ran, run_and_write
from spec.pages import PROGRAMS, code

pytestmark = pytest.mark.browser

PAGE = """
const page = frame.contentDocument, form = page.getElementById("filters");
const seen = () => [...page.querySelectorAll("[data-defect]")].filter(it => it.offsetHeight).length;
const filter = (name, value) => {
    form.reset();
    form.elements[name][name === "differ" ? "checked" : "value"] = value;
    form.dispatchEvent(new Event("input"));
    return seen();
};
"""


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> Ran:
    """Some tests, and the page of them."""
    return run_and_write(tmp_path_factory.mktemp("spec"))


@pytest.fixture
def file(ran: Ran, tmp_path: Path) -> Path:
    """The page as a file."""
    (file := tmp_path / "index.html").write_text(ran.html, encoding="utf-8")
    return file


def test_the_filters(ran: Ran, file: Path) -> None:
    """Text, defect, outcome and difference: each leaves the rows that fit."""
    script = """
    return JSON.stringify([
        seen(), filter("text", "grace TIME"), filter("defect", "D1"), filter("documented", "hangs"),
        filter("differ", true), filter("text", "no such row"),
        page.getElementById("none").hidden, form.hidden,
    ]);
    """
    rows = [each for _, each in Elements(ran.html).found if "data-defect" in each]
    hangs = sum("hangs" in each["data-documented"] for each in rows)
    differ = sum(each["data-differ"] == "1" for each in rows)
    assert json.loads(look(file, PAGE + script)) == [
        len(rows),
        1,
        1,
        hangs,
        differ,
        0,
        False,
        False,
    ]
    assert 1 < hangs < differ < len(rows)


def test_a_click_on_a_line(ran: Ran, file: Path) -> None:
    """It leaves the behaviours that run the line, as many as it counts, until it is taken back."""
    lines = code(PROGRAMS / "documented.py").items()
    (wait,) = (number for number, line in lines if "condition.wait()" in line)
    script = f"""
    const link = page.querySelector("[data-at='d {wait}']"), picked = page.getElementById("line");
    link.click();
    const left = [+link.textContent, seen(), picked.textContent];
    picked.click();
    return JSON.stringify([...left, seen(), picked.hidden]);
    """
    count, left, said, after, hidden = json.loads(look(file, PAGE + script))
    assert (said, hidden) == (f"published line {wait} ✕", True)
    rows = Elements(ran.html).all_of("data-defect")
    assert 0 < count == left < after == len(rows)


def test_the_pictures(file: Path) -> None:
    """Each run has a picture with something in it, also where it repeats another one."""
    script = """
    const drawn = [...page.querySelectorAll(".run svg > *")];
    const empty = drawn.filter(it => !it.getBBox().width).length;
    return JSON.stringify([drawn.length, page.querySelectorAll(".run use").length, empty]);
    """
    drawn, repeated, empty = json.loads(look(file, PAGE + script))
    assert drawn > repeated > 0 == empty


@pytest.mark.parametrize("width", [390, 1280])
def test_nothing_overflows(file: Path, width: int) -> None:
    """With all details open, neither on a phone nor on a screen has it to be moved sideways."""
    script = """
    for (const it of page.querySelectorAll("details")) it.open = true;
    return page.documentElement.scrollWidth - page.documentElement.clientWidth;
    """
    assert look(file, PAGE + script, width) == "0"
