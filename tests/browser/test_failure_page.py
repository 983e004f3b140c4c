"""The page of a failure, in a browser."""

import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from chromium import look

from threadsim import ScheduleFailure, explore

pytestmark = pytest.mark.browser

PAGE = "const page = frame.contentDocument;"


@pytest.fixture
def saved(tmp_path: Path) -> Callable[[Callable[[], object]], Path]:
    """A function that explores a program, and returns the page of its failure."""

    def save(program: Callable[[], object]) -> Path:
        with pytest.raises(ScheduleFailure) as failure:
            explore(program)
        page = tmp_path / "failure.html"
        failure.value.save_html(page)
        return page

    return save


class Counter:
    """It counts without a lock."""

    def __init__(self) -> None:
        self.n = 0

    def add(self) -> None:
        """Add one."""
        self.n += 1


def lost_update() -> None:
    """Two threads add one."""
    counter = Counter()
    threads = [threading.Thread(target=counter.add, name=f"<{name}>") for name in "ab"]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert counter.n == 2


def deadly_embrace() -> None:
    """Each thread holds the lock that the other one asks for."""
    one, other = threading.Lock(), threading.Lock()

    def take(first: threading.Lock, second: threading.Lock) -> None:
        with first, second:
            pass

    thread = threading.Thread(target=take, args=(one, other), name="beside")
    thread.start()
    take(other, one)
    thread.join()


def test_the_rows(saved: Callable[..., Path]) -> None:
    """A row for each step; the deciding one is marked, and the last one shows its line."""
    said = look(
        saved(lost_update),
        PAGE
        + """
        const rows = [...page.querySelectorAll("#rows tr")];
        const deciding = rows.filter(row => row.classList.contains("deciding"));
        return [
            page.title, rows.length, deciding.map(row => row.cells[4].textContent).join(),
            page.querySelector("mark").textContent.trim(),
            page.getElementById("races").hidden, page.getElementById("waiting").hidden,
        ].join("|");
        """,
    )
    title, rows, deciding, line, *hidden = said.split("|")
    assert title == "AssertionError: assert 1 == 2"
    assert int(rows) >= 4
    assert deciding.startswith("<a> is about to write Counter.n at test_failure_page.py:")
    assert line.endswith("assert counter.n == 2")
    assert hidden == ["false", "true"]


def test_the_slider(saved: Callable[..., Path]) -> None:
    """It steps through: what comes later fades, and the step's line is shown."""
    said = look(
        saved(lost_update),
        PAGE
        + """
        const slider = page.getElementById("slider");
        slider.value = page.querySelector(".deciding").rowIndex - 1;
        slider.dispatchEvent(new frame.contentWindow.Event("input"));
        const rows = [...page.querySelectorAll("#rows tr")];
        return [
            page.querySelector("mark").textContent.trim(),
            rows.findIndex(row => row.classList.contains("later")) - slider.value,
            page.getElementById("which").textContent.slice(0, 6),
        ].join("|");
        """,
    )
    line, later, which = said.split("|")
    assert line.endswith("self.n += 1")
    assert (later, which) == ("1", "Step 2")


def test_who_waits_for_whom(saved: Callable[..., Path]) -> None:
    """A deadlock is a cycle of threads that wait for each other."""
    said = look(saved(deadly_embrace), PAGE + "return page.getElementById('cycle').textContent;")
    assert said == "MainThreadwaits forbesidewaits forMainThread"


@pytest.mark.parametrize("width", [390, 1280])
def test_nothing_overflows(saved: Callable[..., Path], width: int) -> None:
    """Neither on a phone nor on a screen has the page to be moved sideways."""
    script = "return page.documentElement.scrollWidth - page.documentElement.clientWidth;"
    assert look(saved(deadly_embrace), PAGE + script, width) == "0"
