"""``@pytest.mark.explore``: a test that runs in every order of its threads."""

import re
import sys

import pytest

import threadsim.pytest_plugin.explored_test  # noqa: F401  # Or every inner run would import it anew, in part.

TESTS = """
import logging
import threading

import pytest

from threadsim import Exhaustive, Random


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
    def setup_method(self):
        self.seen = []

    def teardown_method(self):
        assert self.seen == ["made", "test"]

    @pytest.fixture(autouse=True)
    def made_in_any_case(self, request):
        assert request.instance is self
        self.seen.append("made")

    @pytest.fixture
    def own(self):
        self.lock = threading.Lock()
        return self.lock

    @pytest.mark.explore(Exhaustive(1))
    def test_of_a_class(self, own, runs):
        assert self.lock is own
        assert type(own).__module__ == "threadsim.primitives.lock"
        self.seen.append("test")
        threading.Thread(target=self.take).start()
        self.take()
        runs.append(1)

    def take(self):
        with self.lock:
            pass


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


@pytest.mark.explore
def test_output_is_that_of_one_schedule(caplog, capsys, event, monkeypatch):
    threading.Thread(target=event.set).start()
    print("set" if event.is_set() else "not yet")
    logging.getLogger("app").warning("looked")
    assert len(capsys.readouterr().out.splitlines()) == 1
    assert caplog.messages == ["looked"]


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


def test_with_subtests(subtests):
    pass


@pytest.mark.skip("not today")
def test_that_is_not_run(sim):
    pass


async def test_asynchronous():
    pass


async def test_an_asynchronous_generator():
    yield


class Test(unittest.TestCase):
    def test_of_a_case(self):
        pass


@pytest.mark.explore(max_schedules=3)
def test_with_an_option_of_a_search():
    pass


def test_with_drawn_data():
    pass


test_with_drawn_data.is_hypothesis_test = True  # As hypothesis's @given does.
"""


ASKED_LATE = """
import threading

import pytest

pytestmark = pytest.mark.explore


@pytest.fixture(scope="module")
def shared():
    return threading.Lock()


@pytest.fixture
def asked_late(request):
    return request.getfixturevalue("shared")


def test_in_one_schedule(asked_late):
    pass


@pytest.mark.usefixtures("shared")
def test_before_all(asked_late):
    with asked_late:
        pass


@pytest.fixture
def tmp_path(tmp_path):
    return tmp_path / "own"


def test_behind_an_own_one(tmp_path_factory, tmp_path):
    pass
"""

ENDS = """
import threading

import pytest

pytestmark = pytest.mark.explore
seen = []


@pytest.fixture
def folder(monkeypatch):
    monkeypatch.setenv("FOLDER", "here")
    yield
    seen.append("end")


@pytest.fixture
def hangs(folder):
    yield
    threading.Event().wait()


@pytest.fixture
def raises(folder):
    yield
    raise ValueError("wrong end")


@pytest.fixture
def waits(request, folder):
    request.addfinalizer(lambda: seen.append("its own"))
    event = threading.Event()
    threading.Thread(target=event.set).start()
    assert event.is_set() or event.wait()
    threading.Event().wait()


@pytest.mark.parametrize("again", [False, True])
def test_that_hangs_in_a_fixtures_beginning(again, waits):
    pass


def test_that_it_ended():
    assert "its own" in seen


def test_that_hangs_in_a_fixtures_end(hangs):
    seen.clear()


def test_that_fails_in_a_fixtures_end(raises):
    assert seen == ["end"] or not seen.clear()


def test_that_fails_and_ends_badly(raises):
    raise KeyError("wrong test")


def test_that_hangs(folder):
    threading.Event().wait()


def test_that_leaves_who_hangs(folder):
    threading.Thread(target=threading.Event().wait).start()


def test_that_all_has_ended():
    import os

    assert "FOLDER" not in os.environ
"""


BELOW = """
import threading

import pytest


class TestBelow:
    @pytest.mark.explore
    def test_it_hangs(self):
        threading.Event().wait()
"""


def test_the_line_that_replays_is_for_where_pytest_was_started(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Pytest may have been started in a folder below, or in another one."""
    test = pytester.makepyfile(BELOW)
    pytester.mkdir("below")
    monkeypatch.chdir("below")

    result = pytester.runpytest("--rootdir", "..", f"../{test.name}")

    result.assert_outcomes(failed=1)
    again = [f"../{test.name}::TestBelow::test_it_hangs", "--replay-schedule", "0"]
    result.stdout.fnmatch_lines([f"*pytest {' '.join(again)}"])
    pytester.runpytest("--rootdir", "..", *again).assert_outcomes(failed=1)


FROM_OUTSIDE = """
import threading

import pytest


@pytest.fixture(scope="module")
def lock():
    return threading.Lock()


@pytest.mark.explore
def test_with_a_fixture(lock):
    lose_an_update(lock)


@pytest.mark.explore
@pytest.mark.parametrize("own", [threading.Lock()])
def test_with_a_parameter(own):
    lose_an_update(own)


def test_that_it_is_real_again(lock):
    assert type(lock).__module__ == "_thread"


def lose_an_update(lock):
    values = [0]

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
    assert values == [2]
"""


def test_locks_of_wider_fixtures_and_parameters_take_part(pytester: pytest.Pytester) -> None:
    """What is made once, outside, has places to switch, and is real again for other tests."""
    pytester.makepyfile(FROM_OUTSIDE)

    pytester.runpytest().assert_outcomes(failed=2, passed=1)


def test_a_marked_test_runs_in_every_order(pytester: pytest.Pytester) -> None:
    """It is set up anew each time, and its failure prints the line that replays it."""
    pytester.makepyfile(TESTS)

    result = pytester.runpytest("-p", "no:randomly", "-rP")

    result.assert_outcomes(passed=5, failed=1, skipped=2)
    result.stdout.fnmatch_lines(["*AssertionError*", "*ScheduleFailure: AssertionError: *"])
    result.stdout.fnmatch_lines(["*- Captured explore call -*", "complete: 2 schedules *"])
    result.stdout.fnmatch_lines(["*- Captured log call -*", "WARNING * looked", "=====*"])
    result.stdout.no_fnmatch_line("*are hidden*")
    result.stdout.no_fnmatch_line("*pytest_runtest_call*")
    (line,) = set(
        re.findall(r"^E? +pytest (\S+) --replay-schedule (\S+)$", result.stdout.str(), re.MULTILINE)
    )
    assert line[0].strip("'").endswith("::test_that_fails[True]")
    few_plugins = ("-p", "no:randomly", "-p", "no:logging", "-p", "no:capture")
    again = pytester.runpytest(
        *few_plugins, line[0].strip("'"), "--replay-schedule", line[1].strip("'")
    )
    again.assert_outcomes(failed=1)
    assert f"pytest {line[0]} --replay-schedule {line[1]}" in again.stdout.str()
    other = pytester.runpytest("-p", "no:randomly", "-k", "test_fixtures", "--replay-schedule", "0")
    other.assert_outcomes(passed=1, deselected=7)
    other = pytester.runpytest("-p", "no:randomly", "-k", "test_fixtures", "--replay-schedule", "?")
    other.stdout.fnmatch_lines(["@pytest.mark.explore: '?' is no schedule. Copy the string *"])
    other = pytester.runpytest("-p", "no:randomly", "-k", "test_fixtures", "--replay-schedule", "9")
    other.stdout.fnmatch_lines(["@pytest.mark.explore: the program no longer fits the schedule: *"])
    other.stdout.no_fnmatch_line("*kernel*")


def test_a_test_that_was_mended_passes_its_replay_and_says_so(pytester: pytest.Pytester) -> None:
    """Past the capture of pytest."""
    pytester.makepyfile(
        """
        import pytest

        @pytest.mark.explore
        def test_mended():
            pass
        """
    )
    again = ("-m", "pytest", "-p", "no:randomly", "-k", "mended", "--replay-schedule", "0")
    result = pytester.run(sys.executable, *again)
    result.assert_outcomes(passed=1)
    result.stderr.fnmatch_lines(["replay: schedule 0 does not fail any more."])


def test_what_cannot_be_made_anew_is_refused_by_name(pytester: pytest.Pytester) -> None:
    """A fixture that belongs to one run of the test would be shared between schedules."""
    pytester.makepyfile(REFUSED)

    result = pytester.runpytest("-p", "no:randomly")

    result.assert_outcomes(errors=4, failed=4, skipped=1)
    result.stdout.fnmatch_lines(
        [
            *["*it marks a plain function, and no coroutine*Call explore() inside this test*"] * 4,
            "*the fixture tmp_path belongs to one run of a test*tempfile.TemporaryDirectory()*",
            "*the fixture sim belongs to one run of a test and cannot be made in each*",
            "*the fixture subtests belongs to one run of a test and cannot be made in each*",
            "@pytest.mark.explore: *unexpected keyword argument 'max_schedules'",
        ]
    )
    result.stdout.no_fnmatch_line("*During handling of the above exception*")


INTERACTIVE = """
import pytest


def pytest_exception_interact(node, call):
    print("begins in", call.excinfo.traceback[-1].name, "with", call.excinfo.typename)


def pytest_itemcollected(item):
    item.add_marker("explore")
"""

HERE = '''
"""
>>> 1
1
"""

import threading


def test_it():
    def program():
        raise ValueError

    threading.Thread(target=program).start()


def test_other(nothing):
    pass
'''


def test_a_debugger_begins_where_the_program_fails(pytester: pytest.Pytester) -> None:
    """Not where the exploration tells of it; what is no function is refused."""
    pytester.makeconftest(INTERACTIVE)
    pytester.makepyfile(HERE)

    result = pytester.runpytest("-p", "no:randomly", "--doctest-modules", "-s")

    result.assert_outcomes(failed=1, errors=2)
    result.stdout.fnmatch_lines(["*begins in program with ValueError"])
    result.stdout.fnmatch_lines(["*it marks a plain function, and no coroutine*"])


def test_what_is_asked_for_late_is_refused_by_name(pytester: pytest.Pytester) -> None:
    """A fixture of a wider scope would be made in one schedule and used in the next."""
    pytester.makepyfile(ASKED_LATE)

    result = pytester.runpytest("-p", "no:randomly", "--tb=short")

    result.assert_outcomes(passed=1, failed=2)
    result.stdout.fnmatch_lines(
        [
            "*the fixture shared of scope module would be made in one schedule*by usefixtures.",
            "*the fixture tmp_path belongs to one run of a test*tempfile.TemporaryDirectory()*",
        ]
    )


def test_fixtures_end_in_every_schedule_however_the_test_does(pytester: pytest.Pytester) -> None:
    """What ends badly fails the schedule, and keeps no other fixture from its end."""
    pytester.makepyfile(ENDS)

    result = pytester.runpytest("-p", "no:randomly")

    result.assert_outcomes(passed=2, failed=7)
    result.stdout.fnmatch_lines(
        [
            "*ScheduleFailure: Deadlock: nothing can run any more*",
            "*ScheduleFailure: Deadlock: nothing can run any more*",
            "*ScheduleFailure: Deadlock: nothing can run any more*",
            "*ScheduleFailure: ValueError: wrong end",
            "E *KeyError: 'wrong test'",
            "*ScheduleFailure: Deadlock: nothing can run any more*",
            "*ScheduleFailure: Deadlock: nothing can run any more*",
            "*Thread-1 (wait) waits for ever in Event.wait*",
        ]
    )
    result.stdout.no_fnmatch_line("*pluggy/*")  # Where the main thread has ended it stands nowhere.
