"""Coverage measures the same inside a simulation and with real threads."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from coverage import CoverageData

# Two kinds of run are measured in one process: to start a second one takes longer than both.
MEASURING = """
from coverage import Coverage
from threadsim import Simulation

def inside(run):
    def run_inside():
        with Simulation():
            run()
    return run_inside

def measured(**kinds):
    for kind, run in kinds.items():
        coverage = Coverage(kind, branch=True, include=["*/helper.py", "*/program.py"])
        with coverage.collect():
            run()
        coverage.save()
"""

PROGRAM = """
import contextlib
import threading
import time
from queue import Queue

import helper
from measuring import inside, measured

def work(items, results):
    while True:
        item = items.get()
        if item is None:
            break
        time.sleep(0.001)
        results.append(helper.double(item))
    with contextlib.suppress(ValueError):
        helper.fail()

def main():
    items, results = Queue(1), []
    threads = [threading.Thread(target=work, args=(items, results)) for _ in range(3)]
    for thread in threads:
        thread.start()
    for item in range(6):
        items.put(item)
    for _ in threads:
        items.put(None)
    for thread in threads:
        thread.join()
    event = threading.Event()
    timer = threading.Timer(0.001, event.set)
    timer.start()
    if not event.wait(100):
        print("never")
    timer.join()
    assert sorted(results) == [0, 2, 4, 6, 8, 10]

measured(real=main, virtual=inside(main))
"""

HELPER = """
import time

def double(number):
    for _ in range(2):
        time.sleep(0.001)
    if number % 2:
        return number + number
    else:
        return 2 * number

def fail():
    try:
        time.sleep(0.001)
        raise ValueError
    finally:
        time.sleep(0.001)
"""


@pytest.mark.e2e
def test_the_arcs_inside_are_those_of_real_threads(tmp_path: Path) -> None:
    """Line by line and branch by branch, a measured program looks the same in a simulation."""
    # Coverage's default core since Python 3.14 loses an arc of real threads now and then.
    arcs = measured(tmp_path, PROGRAM, "real", "virtual", core="ctrace")

    assert set(arcs["real"]) == {"helper.py", "program.py"}
    assert arcs["virtual"] == arcs["real"]


@pytest.mark.e2e
def test_the_default_core_measures_every_line_and_branch_inside(tmp_path: Path) -> None:
    """The lines and branches of the helper are those that stand there, on each Python."""
    arcs = measured(tmp_path, PROGRAM, "virtual")["virtual"]["helper.py"]

    # Each core tells of the way into and out of a function in numbers of its own.
    assert {line for arc in arcs for line in arc if line > 0} == {5, 6, 7, 8, 10, 13, 14, 15, 17}
    assert [(a, b) for a, b in arcs if a in {5, 7} and a != b] == [(5, 6), (5, 7), (7, 8), (7, 10)]


EXPLORED = """
import threading

import helper
from threadsim import Random, explore
from measuring import measured

def program():
    threads = [threading.Thread(target=helper.double, args=(n,)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    try:
        helper.fail()
    except ValueError:
        pass

measured(
    plain=lambda: explore(program, Random(5)),
    switching=lambda: explore(program, Random(5), switch_in=[helper]),
)
"""


@pytest.mark.e2e
def test_the_arcs_of_rewritten_functions_are_those_of_their_source(tmp_path: Path) -> None:
    """With switch_in a function is measured as the lines that stand in its file."""
    arcs = measured(tmp_path, EXPLORED, "plain", "switching", core="ctrace")

    assert arcs["plain"]["helper.py"] == arcs["switching"]["helper.py"] != []


MANY = """
import threading, time
from coverage import Coverage
from threadsim import Simulation

def many():
    for _ in range(30):
        threads = [threading.Thread(target=time.sleep, args=(1,)) for _ in range(3)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

coverage = Coverage(data_file=None, branch=True)
with coverage.collect():
    for _ in range(2):
        with Simulation():
            many()
    print(len(coverage._collector.tracers))
"""


@pytest.mark.e2e
def test_coverage_keeps_no_more_for_many_threads_than_for_a_few(tmp_path: Path) -> None:
    """What an ended thread was traced with goes to a new one; the first three needed one each."""
    (tmp_path / "many.py").write_text(MANY)
    assert int(python(tmp_path, "many.py")) < 10


def measured(
    folder: Path, program: str, *kinds: str, core: str = ""
) -> dict[str, dict[str, list[Any]]]:
    """Return for each kind of run the arcs of each file, as a core of coverage measures them."""
    (folder / "helper.py").write_text(HELPER)
    (folder / "measuring.py").write_text(MEASURING)
    (folder / "program.py").write_text(program)
    python(folder, "program.py", core)
    arcs = {}
    for kind in kinds:
        data = CoverageData(str(folder / kind))
        data.read()
        arcs[kind] = {
            Path(file).name: sorted(data.arcs(file) or []) for file in data.measured_files()
        }
    return arcs


def python(folder: Path, program: str, core: str = "") -> str:
    own = {name: value for name, value in os.environ.items() if name != "COVERAGE_CORE"}
    return subprocess.run(
        [sys.executable, program],
        cwd=folder,
        env=own | {"COVERAGE_PROCESS_START": ""} | ({"COVERAGE_CORE": core} if core else {}),
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    ).stdout
