"""A hang is one error, of the test that hangs, wherever in it that is, and ends at its line."""

import sys

import pytest

TEARDOWN = """
import threading
import time

import pytest

from threadsim import Deadlock, Simulation


@pytest.fixture
def own():
    with Simulation() as simulation:
        yield simulation


class TestIt:
    def test_it_swallows(self, {fixture}):
        with pytest.raises(Deadlock):
            threading.Event().wait()


def test_next():
    pass


def waiting_without_end():
    while True:
        try:
            time.sleep(5)
        except BaseException:
            pass


class TestThat:
    def test_it_leaves_a_thread_without_end(self, {fixture}):
        threading.Thread(target=waiting_without_end).start()
        time.sleep(1)


class TestTheseTwo:
    def test_it_hangs_when_all_is_over(self, {fixture}, request):
        request.addfinalizer(lambda: threading.Event().wait())


def test_last():
    pass
"""

SETUP = """
import threading
import time

import pytest

from threadsim import Simulation


@pytest.fixture
def own():
    with Simulation() as simulation:
        yield simulation


@pytest.fixture
def app({fixture}):
    time.sleep(1)
    threading.Event().wait()


class TestIt:
    def test_it(self, app):
        pass


class TestThat:
    def test_that(self, app):
        pass


def test_it_hangs_itself({fixture}):
    time.sleep(1)
    threading.Event().wait()


def test_it_hangs_in_a_block_of_its_own():
    with Simulation():
        time.sleep(1)
        threading.Event().wait()


def test_next():
    pass
"""

TEST_CASE = """
import threading
import time
import unittest

from threadsim import Simulation


class TestIt(unittest.TestCase):
    def setUp(self):
        self.sim = self.enterContext(Simulation())

    def test_hangs(self):
        with self.subTest("in a part"):
            threading.Event().wait()

    def test_swallows(self):
        try:
            threading.Event().wait()
        except BaseException:
            pass

    def test_passes(self):
        time.sleep(1)
        self.assertEqual(self.sim.clock.elapsed, 1.0)


class TestThat(unittest.TestCase):
    def test_hangs(self):
        self.enterContext(Simulation())
        threading.Event().wait()
"""

LASTING = """
import time

import pytest

from threadsim import Simulation


@pytest.fixture(scope="module")
def lasting():
    with Simulation() as simulation:
        yield simulation


def test_it(lasting):
    time.sleep(3600)


def test_that(lasting):
    time.sleep(3600)
    assert lasting.clock.elapsed == 7200.0
"""

both = pytest.mark.parametrize("fixture", ["sim", "own"])


@both
def test_an_error_when_the_simulation_ends_is_of_its_test_alone(
    pytester: pytest.Pytester, fixture: str
) -> None:
    """A report that comes late leaves the test that follows in another class or none alone."""
    pytester.makepyfile(TEARDOWN.format(fixture=fixture))
    result = pytester.runpytest("-p", "no:randomly")
    result.assert_outcomes(passed=5, errors=3)
    result.stdout.fnmatch_lines(
        [
            "*ERROR at teardown of TestIt.test_it_swallows*",
            "*Failed: Deadlock: nothing can run any more at 0.000000 s*",
            "*no fixture sim: with pytest.raises(Deadlock), Simulation(): …",
            "*ERROR at teardown of TestThat.test_it_leaves_a_thread_without_end*",
            "*Failed: SimulationError: the simulation could not end Thread-1 *",
            "*ERROR at teardown of TestTheseTwo.test_it_hangs_when_all_is_over*",
            ">*threading.Event().wait()*",
            "*Failed: Deadlock: nothing can run any more at 0.000000 s*",
            "*simulation, its last steps teardown*",
        ]
    )
    result.stdout.no_fnmatch_line("*kernel.py*")


@both
def test_a_hang_in_a_fixture_is_shown_as_any_is(pytester: pytest.Pytester, fixture: str) -> None:
    """It stands once, at its line, with the last steps, also where it is made for another test."""
    pytester.makepyfile(SETUP.format(fixture=fixture))
    result = pytester.runpytest("-p", "no:randomly")
    result.assert_outcomes(passed=1, failed=2, errors=2)
    for when in ("setup", "setup", "call", "call"):
        result.stdout.fnmatch_lines(
            [
                "*threading.Event().wait()",
                "*Deadlock: nothing can run any more at 1.000000 s*",
                f"*simulation, its last steps {when}*",
                "  0.000000  ●  MainThread sleeps",
            ]
        )
    result.stdout.no_fnmatch_line("*kernel.py*")
    result.stdout.no_fnmatch_line("*threading.py:*")


def test_a_test_case_that_enters_a_simulation_fails_once(pytester: pytest.Pytester) -> None:
    """What unittest has shown is not told again when the block ends; what was swallowed is."""
    pytester.makepyfile(TEST_CASE)
    result = pytester.runpytest("-p", "no:randomly")
    result.assert_outcomes(passed=2, failed=3)
    result.stdout.no_fnmatch_line("*kernel.py*")


def test_unittest_itself_tells_a_hang_once(pytester: pytest.Pytester) -> None:
    """Its own runner counts one error for each test that hangs."""
    path = pytester.makepyfile(TEST_CASE)
    result = pytester.run(sys.executable, "-m", "unittest", path.name)
    result.stderr.fnmatch_lines(["Ran 4 tests in *", "FAILED (errors=3)"])


def test_a_simulation_may_last_for_a_module(pytester: pytest.Pytester) -> None:
    """Its tests share one time."""
    pytester.makepyfile(LASTING)
    pytester.runpytest("-p", "no:randomly").assert_outcomes(passed=2)
