"""Coverage measures the same inside a simulation and with real threads."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from coverage import CoverageData

PROGRAM = """
import contextlib
import sys
import threading
import time
from queue import Queue

import helper

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

if sys.argv[1] == "virtual":
    from apscheduler_fakes import Simulation
    with Simulation():
        main()
else:
    main()
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
    (tmp_path / "helper.py").write_text(HELPER)
    # The last lines differ between the two: the program starts in them.
    (tmp_path / "program.py").write_text(PROGRAM)
    arcs = {}
    for kind in ("real", "virtual"):
        arcs[kind] = measured(tmp_path, kind, "--include=*/helper.py,*/program.py")
    first = PROGRAM[: PROGRAM.index("if sys.argv")].count("\n") + 1
    for each in arcs.values():
        each["program.py"] = [arc for arc in each["program.py"] if max(map(abs, arc)) < first]

    assert set(arcs["real"]) == {"helper.py", "program.py"}
    assert arcs["virtual"] == arcs["real"]


EXPLORED = """
import sys
import threading

import helper
from apscheduler_fakes import Random, explore

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

explore(program, Random(5), switch_in=[helper] if sys.argv[1] == "switching" else [])
"""


@pytest.mark.e2e
def test_the_arcs_of_rewritten_functions_are_those_of_their_source(tmp_path: Path) -> None:
    """With switch_in a function is measured as the lines that stand in its file."""
    (tmp_path / "helper.py").write_text(HELPER)
    (tmp_path / "program.py").write_text(EXPLORED)
    arcs = [
        measured(tmp_path, kind, "--include=*/helper.py")["helper.py"]
        for kind in ("plain", "switching")
    ]

    assert arcs[0] == arcs[1] != []


MANY = """
import threading, time
from coverage import Coverage
from apscheduler_fakes import Simulation

def many():
    for _ in range(100):
        threads = [threading.Thread(target=time.sleep, args=(1,)) for _ in range(3)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

for _ in range(2):
    with Simulation():
        many()
print(len(Coverage.current()._collector.tracers))
"""


@pytest.mark.e2e
def test_coverage_keeps_no_more_for_many_threads_than_for_a_few(tmp_path: Path) -> None:
    """What an ended thread was traced with goes to a new one; the first three needed one each."""
    (tmp_path / "many.py").write_text(MANY)
    run = python(tmp_path, "-m", "coverage", "run", "--branch", "many.py")
    assert int(run) < 10


def measured(folder: Path, kind: str, include: str) -> dict[str, list[tuple[int, int]]]:
    """Return the arcs of each file when the program runs with an argument."""
    options = ("--branch", include, f"--data-file={kind}")
    python(folder, "-m", "coverage", "run", *options, "program.py", kind)
    data = CoverageData(str(folder / kind))
    data.read()
    return {Path(file).name: sorted(data.arcs(file) or []) for file in data.measured_files()}


def python(folder: Path, *arguments: str) -> str:
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=folder,
        env=os.environ | {"COVERAGE_PROCESS_START": ""},
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    ).stdout
