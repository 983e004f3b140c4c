"""How a test run is told how far to search, and what it says at its end."""

import re

import pytest

import threadsim.pytest_plugin.explored_test  # noqa: F401  # Or every inner run would import it anew, in part.

TESTS = """
import os
import threading

import pytest

from threadsim import Exhaustive


def rounds(number):
    lock, turns = threading.Lock(), []

    def take(name):
        for _ in range(number):
            with lock:
                turns.append(name)

    threads = [threading.Thread(target=take, args=(name,)) for name in "ab"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return turns


@pytest.mark.explore
def test_single():
    pass


@pytest.mark.explore
def test_small():
    rounds(1)


@pytest.mark.explore
def test_large():
    rounds(8)


@pytest.mark.explore(Exhaustive(0))
def test_bound():
    rounds(2)
"""

RACE = """
import threading
from pathlib import Path

import pytest

RUNS = Path(__file__).with_name("runs")


@pytest.mark.explore
def test_race():
    with RUNS.open("a") as file:
        file.write("x")
    values, lock = [0], threading.Lock()

    def add():
        with lock:
            value = values[0]
        with lock:
            values[0] = value + 1

    threads = [threading.Thread(target=add) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert values == [2] or not Path(__file__).with_name("broken").exists()
"""


@pytest.mark.parametrize("workers", [(), ("-p", "xdist", "-n", "2")], ids=["alone", "xdist"])
def test_a_line_sums_up_what_was_explored(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, workers: tuple[str, ...]
) -> None:
    """It says how many tests are complete, and within which bounds."""
    # This run may itself be a worker, which the inner one would take for its own.
    monkeypatch.delenv("PYTEST_XDIST_WORKER", raising=False)
    pytester.makepyfile(TESTS)

    result = pytester.runpytest_subprocess("--explore-schedules", "500", *workers)

    result.assert_outcomes(passed=4)
    line = "explore: 4 tests, * schedules; 2 complete (1 of them a single schedule), "
    result.stdout.fnmatch_lines([f"{line}1 within 0 preemptions, 1 within 1 preemption"])


def test_a_run_without_explored_tests_says_nothing(pytester: pytest.Pytester) -> None:
    """There is nothing to sum up."""
    pytester.makepyfile("def test_it(): pass")

    pytester.runpytest().stdout.no_fnmatch_line("explore: *")


def test_the_number_of_schedules_is_changed_for_a_run(pytester: pytest.Pytester) -> None:
    """A test keeps its strategy; a search that covers nothing by then is no pass."""
    pytester.makepyfile(TESTS)

    result = pytester.runpytest("--explore-schedules", "3")

    result.assert_outcomes(passed=3, failed=1)
    result.stdout.fnmatch_lines(["*IterativeBound(max_schedules=3*"])


def test_the_strategy_is_changed_for_a_run(pytester: pytest.Pytester) -> None:
    """It takes the place of the markers' strategies."""
    pytester.makepyfile(TESTS)

    result = pytester.runpytest("--explore-strategy", "Random", "--explore-schedules", "7")

    result.assert_outcomes(passed=4)
    result.stdout.fnmatch_lines(["explore: 4 tests, 28 schedules; 4 sampled"])


@pytest.mark.parametrize(
    ("options", "text"),
    [
        (("--explore-strategy", "Best"), "*invalid choice: 'Best'*"),
        (("--explore-schedules", "none"), "*invalid int value: 'none'*"),
    ],
)
def test_a_wrong_option_is_refused(
    pytester: pytest.Pytester, options: tuple[str, ...], text: str
) -> None:
    """The run ends before a test begins."""
    result = pytester.runpytest(*options)

    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines([text])


def test_no_schedules_are_refused(pytester: pytest.Pytester) -> None:
    """What the strategy says of the number is said of the option's."""
    pytester.makepyfile(TESTS)

    result = pytester.runpytest("--explore-schedules", "0", "-k", "small")

    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*max_schedules=0*pass a whole number, 1 or more*"])


def test_a_schedule_that_failed_comes_first_in_the_next_run(pytester: pytest.Pytester) -> None:
    """The search does not have to find it again, until it does not fail any more."""
    pytester.makepyfile(RACE)
    runs, broken = pytester.path / "runs", pytester.path / "broken"
    counts, lines = [], []
    for is_broken in (True, True, False, False):
        if is_broken:
            broken.touch()
        else:
            broken.unlink(missing_ok=True)
        runs.unlink(missing_ok=True)
        result = pytester.runpytest()
        result.assert_outcomes(failed=is_broken, passed=not is_broken)
        counts.append(len(runs.read_text()))
        lines.append(re.findall("--replay-schedule (.+)", result.stdout.str()))
    first, again, mended, quiet = counts
    assert again < first
    assert lines[0] == lines[1] != []
    assert quiet < mended


def test_a_kept_schedule_that_does_not_fit_is_forgotten(pytester: pytest.Pytester) -> None:
    """The test has become another one: the search decides."""
    pytester.makepyfile(RACE)
    (pytester.path / "broken").touch()
    pytester.runpytest().assert_outcomes(failed=1)
    pytester.makepyfile("import pytest\n\n\n@pytest.mark.explore\ndef test_race(): pass\n")

    pytester.runpytest().assert_outcomes(passed=1)


def test_without_a_cache_no_schedule_is_kept(pytester: pytest.Pytester) -> None:
    """The test fails as ever."""
    pytester.makepyfile(RACE)
    (pytester.path / "broken").touch()

    pytester.runpytest("-p", "no:cacheprovider").assert_outcomes(failed=1)


SHOP = """
class Stock:
    def __init__(self):
        self.count = 0

    def add(self):
        self.count += 1
"""

BUYS = """
import threading

import shop
from threadsim import explore


def test_stock():
    def program():
        stock = shop.Stock()
        threads = [threading.Thread(target=stock.add) for _ in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert stock.count == 2

    print(explore(program).modules)
"""


@pytest.mark.parametrize("source", [None, "shop", "src/shop"])
@pytest.mark.parametrize("named", ["", "shop"])
def test_an_installed_package_of_ones_own_is_watched(
    pytester: pytest.Pytester, source: str | None, named: str
) -> None:
    """If its source is in the root folder, or the configuration names it."""
    installed = pytester.path / "lib" / "site-packages" / "shop"
    for folder in (installed, *([pytester.path / source] if source else [])):
        folder.mkdir(parents=True)
        (folder / "__init__.py").write_text(SHOP)
    pytester.makeini(f"[pytest]\nexplore_own = {named}\npythonpath = lib/site-packages\n")
    pytester.makepyfile(BUYS)

    # A process of its own: "shop" must not be the one of the test before.
    result = pytester.runpytest_subprocess("--import-mode=importlib", "-s")

    is_own = bool(source or named)
    result.assert_outcomes(failed=is_own, passed=not is_own)


def test_the_options_hold_in_the_body_of_a_test(pytester: pytest.Pytester) -> None:
    """As for marked tests."""
    pytester.makepyfile("""
        from threadsim import Exhaustive, explore


        def test_it():
            assert "Random(schedules=5, seed=0)" in explore(lambda: None, Exhaustive()).claim
    """)

    arguments = ("--explore-strategy", "Random", "--explore-schedules", "5")
    pytester.runpytest(*arguments).assert_outcomes(passed=1)
