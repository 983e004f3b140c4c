"""A failure as a page, and as a file for Perfetto."""

import json
import pickle
import re
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from written_programs import lost_wake_up

from threadsim import ScheduleFailure, explore

# As a page has it.
DATA = re.compile(r'<script type="application/json" id="data">(.*?)</script>', re.DOTALL)


def failure_of(program: Callable[[], object]) -> ScheduleFailure:
    """Return the failure of a program that is explored."""
    with pytest.raises(ScheduleFailure) as caught:
        explore(program)
    return caught.value


def data_of(page: Path) -> Any:
    """Return what a page shows."""
    found = DATA.search(page.read_text(encoding="utf-8"))
    assert found is not None
    return json.loads(found[1])


@pytest.fixture
def lost() -> ScheduleFailure:
    """The failure of a program that waits for a notification which has been."""
    return failure_of(lost_wake_up)


def test_a_page(lost: ScheduleFailure, tmp_path: Path) -> None:
    """It has each step with its line, the deciding one, the traceback and the line that replays."""
    page = tmp_path / "failure.html"
    lost.save_html(page)
    shown = data_of(page)
    assert shown["title"] == str(lost).partition("\n")[0]
    assert shown["threads"][0] == "MainThread"
    assert shown["replay"] == str(lost).rpartition("\n")[2]
    assert "lost_wake_up" in shown["text"]
    words = [step[2] for step in shown["steps"]]
    assert words[shown["deciding"]].startswith("MainThread is about to acquire")
    assert words[-1] == "MainThread waits for ever in Condition.wait"
    place = shown["steps"][-1][3]
    file, _, line = place.rpartition(":")
    first, lines = shown["sources"][place]
    assert Path(file).name == "written_programs.py"
    assert ".wait()" in lines[int(line) - first]


def test_a_long_failure(tmp_path: Path) -> None:
    """Only its last steps are shown, so that a page stays small; it says how many are not."""

    def program() -> None:
        def work() -> None:
            for _ in range(200):
                time.sleep(1)

        threads = [threading.Thread(target=work, name=f"</script>{name}") for name in "ab"]
        for each in threads:
            each.start()
        for each in threads:
            each.join()
        raise ValueError

    page = tmp_path / "failure.html"
    failure = failure_of(program)
    failure.save_html(page)
    shown = data_of(page)
    assert len(shown["steps"]) == 300
    assert shown["left_out"] > 50
    assert "</script>a" in shown["threads"]
    assert page.stat().st_size < 100_000


def test_a_trace_for_perfetto(lost: ScheduleFailure, tmp_path: Path) -> None:
    """Each thread has a name; each step is an event, whose time is its number."""
    file = tmp_path / "failure.json"
    lost.save_perfetto(file)
    events = json.loads(file.read_text(encoding="utf-8"))["traceEvents"]
    names = {each["tid"]: each["args"]["name"] for each in events if each["ph"] == "M"}
    steps = [each for each in events if each["ph"] == "X"]
    assert names[0] == "MainThread"
    assert [each["ts"] for each in steps] == [*range(len(steps))]
    assert {each["tid"] for each in steps} == names.keys()
    assert all(each["name"].startswith(names[each["tid"]]) for each in steps)


def test_a_page_from_another_process(lost: ScheduleFailure, tmp_path: Path) -> None:
    """A failure that was pickled has its page, too."""
    pages = tmp_path / "one.html", tmp_path / "other.html"
    again = pickle.loads(pickle.dumps(lost))  # noqa: S301  # Our own.
    for failure, page in zip((lost, again), pages, strict=True):
        failure.save_html(page)
    assert pages[0].read_text(encoding="utf-8") == pages[1].read_text(encoding="utf-8")


TESTS = """
import threading
import pytest
from threadsim import explore

def program():
    lock = threading.Lock()
    lock.acquire()
    lock.acquire()

@pytest.mark.explore
def test_marked():
    program()

def test_called():
    explore(program)

@pytest.mark.parametrize("name", ["a/b"])
def test_simulated(sim, name):
    program()

def test_without_a_step(sim):
    assert False

def test_right(sim):
    pass
"""


def test_pages_of_a_run(pytester: pytest.Pytester) -> None:
    """--sim-html writes a page for each failure in virtual time, and names it in its report."""
    pytester.makepyfile(test_app=TESTS)
    result = pytester.runpytest("--sim-html", "pages", "-p", "no:randomly")
    result.assert_outcomes(failed=4, passed=1)
    pages = sorted((pytester.path / "pages").iterdir())
    assert [each.name for each in pages] == [
        "test_app.py-test_called.html",
        "test_app.py-test_marked.html",
        "test_app.py-test_simulated-a-b.html",
    ]
    for page in pages:
        assert data_of(page)["title"].startswith(("Deadlock: ", "threadsim.Deadlock: "))
        result.stdout.fnmatch_lines([page.as_uri()])
