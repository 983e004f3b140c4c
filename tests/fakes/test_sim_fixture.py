"""The fixture ``sim`` and what pytest shows of a simulation that failed."""

import traceback

import pytest

HANG = """
import threading


def test_it_hangs(sim):
    sim.clock.tick(1)
    threading.Event().wait()
"""

SWALLOWED = """
import threading
import time


def test_it_swallows(sim):
    time.sleep(1)
    try:
        threading.Event().wait()
    except BaseException:
        pass
"""

STEPS = """
import time


def test_it_takes_steps(sim):
    for _ in range(30):
        time.sleep(1)
    assert sim.clock.elapsed == 31.0
"""


def test_the_fixture_makes_the_test_virtual(pytester: pytest.Pytester) -> None:
    """A test that asks for ``sim`` sleeps in no time."""
    pytester.makepyfile(
        """
        import time

        def test_a_day(sim):
            time.sleep(86_400)
            assert sim.clock.elapsed == 86_400.0
        """
    )
    pytester.runpytest().assert_outcomes(passed=1)


def test_a_marker_without_the_fixture_is_refused(pytester: pytest.Pytester) -> None:
    """On the test itself it would do nothing; on its module or class it may be another's."""
    pytester.makepyfile(
        """
        import pytest

        pytestmark = pytest.mark.simulation(max_steps=10)

        def test_of_a_module():
            pass

        @pytest.mark.simulation(max_steps=10)
        def test_alone():
            pass
        """
    )
    result = pytester.runpytest()
    result.assert_outcomes(passed=1, errors=1)
    result.stdout.fnmatch_lines(["*this test does not ask for it. Let it take sim, or leave*"])


def test_a_marker_says_when_it_begins_and_what_limits_it(pytester: pytest.Pytester) -> None:
    """What ``Simulation`` takes is given to the fixture by a marker, on the test or around it."""
    pytester.makepyfile(
        """
        import time

        import pytest

        pytestmark = pytest.mark.simulation("2030-05-05T00:00:00Z")

        def test_the_module_says_so(sim):
            assert sim.clock.now().year == 2030

        @pytest.mark.simulation(start="2031-05-05T00:00:00Z", max_elapsed=10)
        def test_the_test_says_so(sim):
            assert sim.clock.now().year == 2031
            time.sleep(11)

        @pytest.mark.simulation(end=1)
        def test_the_test_says_what_there_is_not(sim):
            pass

        @pytest.mark.simulation(max_steps=0)
        def test_the_test_says_what_cannot_be(sim):
            pass
        """
    )
    result = pytester.runpytest("--strict-markers")
    result.assert_outcomes(passed=1, failed=1, errors=2)
    result.stdout.fnmatch_lines(
        [
            "*unexpected keyword argument 'end'",
            "*Simulation(max_steps=0): a limit is a number above zero*",
            "*TimeLimit: *would pass the limit of 10.000000 s*",
        ]
    )


def test_a_hang_is_one_failure_at_its_line(pytester: pytest.Pytester) -> None:
    """A test that hangs fails where it is blocked, with every thread and the last steps.

    That is also where ``--pdb`` begins.
    """
    begins: list[str | None] = []

    class Debugger:
        def pytest_exception_interact(self, call: pytest.CallInfo[None]) -> None:
            assert call.excinfo is not None
            begins.append(traceback.extract_tb(call.excinfo.tb)[-1].line)

    pytester.makepyfile(HANG)
    result = pytester.runpytest(plugins=[Debugger()])
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(
        [
            ">*threading.Event().wait()",
            "*Deadlock: nothing can run any more at 1.000000 s*",
            "*MainThread waits in Event.wait since 1.000000 s",
            "*simulation, its last steps*",
            "0 MainThread",
            "*0.000000  ●  MainThread lets time pass",
        ]
    )
    result.stdout.no_fnmatch_line("*kernel.py*")
    assert begins == ["threading.Event().wait()"]


def test_a_swallowed_hang_fails_the_test(pytester: pytest.Pytester) -> None:
    """A test that catches the report of its hang does not pass."""
    pytester.makepyfile(SWALLOWED)
    result = pytester.runpytest()
    result.assert_outcomes(passed=1, errors=1)
    result.stdout.fnmatch_lines(
        [
            "*ERROR at teardown of test_it_swallows*",
            "*Deadlock: *",
            "*no fixture sim: with pytest.raises(Deadlock), Simulation(): …",
            "*simulation, its last steps teardown*",
            "  0.000000  ●  MainThread sleeps",
            "  1.000000  ●  MainThread waits in Event.wait",
        ]
    )


def test_a_failure_shows_the_last_steps(pytester: pytest.Pytester) -> None:
    """A test that fails inside a simulation shows the last twenty of its thirty steps."""
    pytester.makepyfile(STEPS)
    result = pytester.runpytest()
    result.stdout.fnmatch_lines(["*… 10 steps before these", " 10.000000  ●  MainThread sleeps"])


@pytest.mark.parametrize(
    "test",
    [
        "def test_it(request):\n    request.getfixturevalue('sim')\n    ",
        "@pytest.mark.usefixtures('sim')\nclass TestIt:\n  def test_it(self):\n    ",
    ],
    ids=["dynamically", "for a class"],
)
def test_a_failure_shows_the_last_steps_however_sim_was_asked_for(
    pytester: pytest.Pytester, test: str
) -> None:
    """A fixture that no argument of the test names is as good as one that is named."""
    imports = "import time\n\nimport pytest\n\n"
    pytester.makepyfile(f"{imports}{test}time.sleep(1); assert False")
    result = pytester.runpytest()
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*simulation, its last steps*", "*MainThread sleeps"])


TEST_CASE = """
import threading
import time
import unittest

import pytest

from apscheduler_fakes import FakeScheduler


@pytest.mark.usefixtures("sim")
class TestIt(unittest.TestCase):
    def test_it_hangs(self):
        time.sleep(1)
        threading.Event().wait()

    def test_it_fails(self):
        FakeScheduler().miss("never added")
        time.sleep(2)
        self.fail("by itself")

    def test_it_passes(self):
        time.sleep(3)
"""


def test_a_test_case_fails_as_any_test_does(pytester: pytest.Pytester) -> None:
    """Unittest keeps what a method raised: it is shown once, at its line, with the last steps."""
    pytester.makepyfile(TEST_CASE)
    result = pytester.runpytest()
    result.assert_outcomes(passed=1, failed=2)
    result.stdout.fnmatch_lines(
        [
            "*AssertionError: by itself",
            "miss('never added') never fired: *",
            "*simulation, its last steps*",
            "  0.000000  ●  MainThread sleeps",
            ">*threading.Event().wait()",
            "*Deadlock: nothing can run any more at 1.000000 s*",
            "*simulation, its last steps*",
            "  0.000000  ●  MainThread sleeps",
        ]
    )
    result.stdout.no_fnmatch_line("*kernel.py*")
    result.stdout.no_fnmatch_line("*unittest/case.py*")


def test_a_failure_without_a_step_shows_none(pytester: pytest.Pytester) -> None:
    """A test that fails before anybody waited has no steps to look at."""
    pytester.makepyfile("def test_it(sim): assert False")
    result = pytester.runpytest()
    result.assert_outcomes(failed=1)
    result.stdout.no_fnmatch_line("*its last steps*")


def test_without_the_extra_only_the_test_that_needs_it_fails(pytester: pytest.Pytester) -> None:
    """A missing package fails the test that asks for ``sim``, and is named."""
    pytester.makepyfile(
        """
        import sys

        import pytest

        @pytest.fixture
        def no_greenlet(monkeypatch):
            for name in [name for name in sys.modules if name.startswith("threadsim.")]:
                if "plugin" not in name:
                    # In the package, too: what is imported anew must not stay there.
                    package, _, attribute = name.rpartition(".")
                    monkeypatch.delattr(sys.modules[package], attribute, raising=False)
            for name in [name for name in sys.modules if name.startswith("threadsim.")]:
                if "plugin" not in name:
                    monkeypatch.delitem(sys.modules, name)
            monkeypatch.setitem(sys.modules, "greenlet", None)

        def test_with(no_greenlet, sim):
            pass

        def test_without():
            pass
        """
    )
    result = pytester.runpytest()
    result.assert_outcomes(passed=1, errors=1)
    result.stdout.fnmatch_lines(["*ModuleNotFoundError: *greenlet*"])


TEARDOWN = """
import threading
import time
from queue import Queue
from types import BuiltinFunctionType

import pytest


@pytest.fixture
def worker(sim):
    items = Queue()
    thread = threading.Thread(target=lambda: list(iter(items.get, None)))
    thread.start()
    yield items
    thread.join()


@pytest.fixture
def folder(worker, monkeypatch):
    monkeypatch.setenv("FOLDER", "here")


def test_it_hangs_in_the_end(folder, worker):
    worker.put(1)


def test_next_in_real_time(monkeypatch):
    import os

    assert isinstance(time.sleep, BuiltinFunctionType)
    assert isinstance(time.monotonic, BuiltinFunctionType)
    assert "FOLDER" not in os.environ


def test_next_in_a_simulation(sim):
    time.sleep(1)
    assert sim.clock.elapsed == 1.0
"""

SETUP = """
import threading

import pytest


@pytest.fixture
def waiting(sim):
    threading.Event().wait()


@pytest.fixture
def wrong(sim):
    raise ValueError("wrong")


@pytest.mark.parametrize("again", [False, True])
def test_it_hangs_before_it_begins(waiting, again):
    pass


def test_it_fails_before_it_begins(wrong):
    pass
"""


def test_a_hang_in_a_fixtures_end_is_one_error(pytester: pytest.Pytester) -> None:
    """It stands at the line that hangs, and the tests that follow know nothing of it."""
    pytester.makepyfile(TEARDOWN)
    result = pytester.runpytest()
    result.assert_outcomes(passed=3, errors=1)
    result.stdout.fnmatch_lines(
        [">*thread.join()", "*Failed: Deadlock: nothing can run any more at 0.000000 s*"]
    )


def test_a_hang_in_a_fixtures_beginning_is_one_error(pytester: pytest.Pytester) -> None:
    """What the setup has shown is not shown again when the simulation ends."""
    pytester.makepyfile(SETUP)
    result = pytester.runpytest()
    result.assert_outcomes(errors=3)
    result.stdout.fnmatch_lines(["*Deadlock: nothing can run any more*"] * 2)
    result.stdout.fnmatch_lines(["*ValueError: wrong"])


def test_what_else_a_fixtures_end_raises_stays_as_it_is(pytester: pytest.Pytester) -> None:
    """Only reports of the simulation are turned into failures."""
    pytester.makepyfile(TEARDOWN.replace("thread.join()", 'raise ValueError("wrong")'))
    result = pytester.runpytest()
    result.assert_outcomes(passed=3, errors=1)
    result.stdout.fnmatch_lines(["*ValueError: wrong"])


TWICE = """
import pytest

pytest_plugins = ["pytester"]


@pytest.mark.parametrize("number", range(2))
def test_in_process(pytester, number):
    pytester.makepyfile("def test_it(sim): import time; time.sleep(3600)")
    pytester.runpytest().assert_outcomes(passed=1)
"""


@pytest.mark.e2e
def test_it_may_be_imported_anew(pytester: pytest.Pytester) -> None:
    """Pytester forgets what a run inside has imported; the package itself, a plugin's, stays."""
    pytester.makepyfile(TWICE)
    pytester.runpytest_subprocess("-p", "no:randomly").assert_outcomes(passed=2)


LATE = """
import threading
import time
from types import BuiltinFunctionType

import pytest


@pytest.fixture
def asked_late(request):
    sim = request.getfixturevalue("sim")
    yield sim
    threading.Event().wait()


def test_asked_for_late(asked_late):
    time.sleep(1)


def test_a_finalizer_of_its_own(sim, request):
    request.addfinalizer(lambda: threading.Event().wait())


def test_next_in_real_time():
    assert isinstance(time.sleep, BuiltinFunctionType)
    assert isinstance(time.monotonic, BuiltinFunctionType)


def test_next_in_a_simulation(sim):
    time.sleep(1)
    assert sim.clock.elapsed == 1.0
"""

OWN = """
import pytest


@pytest.fixture
def sim():
    return "a client"


def test_it_fails(sim):
    assert sim == "another"
"""


def test_a_hang_that_pytest_gives_up_at_ends_with_its_test(pytester: pytest.Pytester) -> None:
    """However a fixture came by its simulation, the next test has its own, or none."""
    pytester.makepyfile(LATE)
    pytester.runpytest("-p", "no:randomly").assert_outcomes(passed=4, errors=2)


def test_a_fixture_of_the_same_name_is_left_alone(pytester: pytest.Pytester) -> None:
    """A project may have a ``sim`` of its own; its failures stay what they are."""
    pytester.makepyfile(OWN)
    result = pytester.runpytest()
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["E * AssertionError: assert 'a client' == 'another'"])


STOPPED = """
import time

import pytest

from threadsim import Simulation, StallLimit

real = time.sleep


@pytest.fixture
def stopped(monkeypatch):
    enter = Simulation.__enter__

    def enter_and_stop(self):
        enter(self)
        raise StallLimit("as soon as it has begun")

    monkeypatch.setattr(Simulation, "__enter__", enter_and_stop)


def test_it_is_stopped(stopped, sim):
    pass


def test_next_in_real_time():
    assert time.sleep is real


def test_next_in_a_simulation(sim):
    time.sleep(1)
    assert sim.clock.elapsed == 1.0
"""


def test_a_stop_before_the_fixture_is_made_ends_its_simulation(pytester: pytest.Pytester) -> None:
    """A signal may come between the block's beginning and pytest's knowing of it."""
    pytester.makepyfile(STOPPED)
    pytester.runpytest("-p", "no:randomly").assert_outcomes(passed=2, errors=1)


def test_pytest_may_take_its_time_for_a_report(pytester: pytest.Pytester) -> None:
    """The block of the fixture is open meanwhile, and nothing can switch in it."""
    pytester.makepyfile("""
        from threadsim.simulation import watchdog

        class Slow(Exception):
            def __str__(self):
                for watch in watchdog.current:
                    for _ in range(int(watch.looks) + 2):
                        watch.look()
                return "its text"

        def test_it(sim):
            raise Slow
    """)

    result = pytester.runpytest_inprocess("-p", "no:cacheprovider")

    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*Slow: its text"])
    result.stdout.no_fnmatch_line("*StallLimit*")


ENDS_EARLY = """
import signal
import threading


def other():
    {other}
    ran.append(True)


ran = []


def test_it_ends_early(sim):
    threading.Thread(target=other).start()
    {end}
    threading.current_thread().join(0)


def test_next():
    assert not ran
"""


def test_no_thread_runs_on_after_a_test_that_has_failed(pytester: pytest.Pytester) -> None:
    """What is ready when the block ends has its turn after a test that has passed only."""
    pytester.makepyfile(ENDS_EARLY.format(other="", end="assert False"))
    pytester.runpytest().assert_outcomes(failed=1, passed=1)


@pytest.mark.parametrize("busy", ["main", "other"])
def test_ctrl_c_names_the_line_of_the_main_thread(pytester: pytest.Pytester, busy: str) -> None:
    """And nothing runs on: the thread that the user has stopped would begin anew."""
    press, wait = "signal.raise_signal(signal.SIGINT)", "threading.Event().wait()"
    fill = {"main": {"other": "", "end": press}, "other": {"other": press, "end": wait}}
    text = ENDS_EARLY.format(**fill[busy]).strip()
    pytester.makepyfile(text)
    result = pytester.runpytest_inprocess(no_reraise_ctrlc=True)
    assert result.ret == pytest.ExitCode.INTERRUPTED
    line = text.splitlines().index(f"    {fill[busy]['end']}") + 1
    result.stdout.fnmatch_lines([f"*test_ctrl_c_names*py:{line}: KeyboardInterrupt"])
