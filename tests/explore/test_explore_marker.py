"""``@pytest.mark.explore``: a test that runs in every order of its threads."""

import re

import pytest

import apscheduler_fakes.marked  # noqa: F401  # Or every inner run would import it anew, in part.

TESTS = """
import threading

import pytest

from apscheduler_fakes import Exhaustive, Random


@pytest.fixture
def made():
    return []


@pytest.fixture
def event(made):
    made.append("event")
    yield threading.Event()
    made.append("end")


@pytest.fixture(scope="module")
def runs():
    return []


class Test:
    @pytest.fixture
    def own(self):
        self.lock = threading.Lock()
        return self.lock

    @pytest.mark.explore(Exhaustive(1))
    def test_of_a_class(self, own, runs):
        assert self.lock is own
        assert type(own).__module__ == "apscheduler_fakes.explored"
        runs.append(1)


@pytest.mark.explore
def test_fixtures_are_made_anew(event, made, runs):
    runs.append(1)
    assert made == ["event"]
    threading.Thread(target=event.set).start()
    assert event.wait(1)


def test_that_ran_often(runs):
    assert len(runs) > 4


@pytest.mark.explore
@pytest.mark.parametrize("look", [True, False])
def test_that_fails(event, monkeypatch, look):
    monkeypatch.setattr("os.sep", "/")
    threading.Thread(target=event.set).start()
    assert not look or event.is_set()


@pytest.mark.explore(Random(2))
def test_that_is_skipped():
    pytest.skip("not today")


@pytest.fixture(scope="module")
def absent():
    pytest.skip("not here")


@pytest.mark.explore
def test_without_what_it_needs(absent):
    pass
"""

REFUSED = """
import unittest

import pytest

pytestmark = pytest.mark.explore


def test_with_a_directory(tmp_path):
    pass


def test_with_a_simulation(sim):
    pass


def test_with_request(request):
    pass


async def test_asynchronous():
    pass


class Test(unittest.TestCase):
    def test_of_a_case(self):
        pass


@pytest.mark.explore(max_schedules=3)
def test_with_an_option_of_a_search():
    pass
"""


def test_a_marked_test_runs_in_every_order(pytester: pytest.Pytester) -> None:
    """Its fixtures are made anew each time, and its failure prints the line that replays it."""
    pytester.makepyfile(TESTS)

    result = pytester.runpytest("-p", "no:randomly", "-rP")

    result.assert_outcomes(passed=4, failed=1, skipped=2)
    result.stdout.fnmatch_lines(["*AssertionError*", "*ScheduleFailure: AssertionError: *"])
    result.stdout.fnmatch_lines(["*- Captured explore call -*", "2 schedules (0 redundant), *"])
    (line,) = set(
        re.findall(r"^E? +pytest (\S+) --replay-schedule (\S+)$", result.stdout.str(), re.MULTILINE)
    )
    assert line[0].strip("'").endswith("::test_that_fails[True]")
    again = pytester.runpytest(
        "-p", "no:randomly", line[0].strip("'"), "--replay-schedule", line[1].strip("'")
    )
    again.assert_outcomes(failed=1)
    assert f"pytest {line[0]} --replay-schedule {line[1]}" in again.stdout.str()
    other = pytester.runpytest("-p", "no:randomly", "-k", "test_fixtures", "--replay-schedule", "0")
    other.assert_outcomes(passed=1, deselected=6)
    other = pytester.runpytest("-p", "no:randomly", "--replay-schedule", "0")
    other.stderr.fnmatch_lines(["*belongs to one test that is marked explore, and 6 are selected*"])


def test_what_cannot_be_made_anew_is_refused_by_name(pytester: pytest.Pytester) -> None:
    """A fixture that belongs to one run of the test would be shared between schedules."""
    pytester.makepyfile(REFUSED)

    result = pytester.runpytest("-p", "no:randomly")

    result.assert_outcomes(errors=6)
    result.stdout.fnmatch_lines(
        [
            "*the fixture tmp_path is made for one run of the test and cannot be called anew*",
            "*the fixture sim is made for one run*Leave it out: an explored test is a simulation*",
            "*the fixture request is made for one run*",
            "*the test is asynchronous or of a unittest.TestCase*",
            "*the test is asynchronous or of a unittest.TestCase*",
            "*unexpected keyword argument 'max_schedules'. It takes what explore() takes*",
        ]
    )
