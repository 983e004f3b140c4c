"""The pytest plugin: a fault that never fired, or an error that no caller saw, fails a test."""

import runpy
import subprocess
import sys
from types import ModuleType

# APScheduler keeps it: from a run inside it would be in no module that time can be frozen in.
import apscheduler.triggers.date  # noqa: F401
import pytest

import threadsim.pytest_plugin.explored_test as marked
from apscheduler_fakes import ledger
from apscheduler_fakes.fake_scheduler import FakeScheduler
from threadsim.pytest_plugin import plugin

HEAD = """
import pytest
from apscheduler_fakes.fake_scheduler import FakeScheduler

def boom():
    raise ValueError("boom")

def make(**options):
    fake = FakeScheduler(**options)
    fake.start()
    return fake
"""


def run(pytester: pytest.Pytester, test: str) -> pytest.RunResult:
    """Run one test file."""
    pytester.makepyfile(HEAD + test)
    return pytester.runpytest_inprocess("-p", "no:cacheprovider")


def test_a_fault_that_never_fired_fails_its_test(pytester: pytest.Pytester) -> None:
    """It is a failure of the test, not an error around it, and names the fault."""
    result = run(pytester, 'def test_it(): make().skip("j9")')

    result.assert_outcomes(failed=1)
    text = (
        "FakeScheduler: skip('j9') never fired: it picked none of the jobs that came up to run "
        "(none)."
    )
    result.stdout.fnmatch_lines([text])
    result.stdout.no_fnmatch_line("*plugin.py*")
    result.stdout.no_fnmatch_line("*meant to fail*")


def test_an_exception_that_nobody_saw_fails_its_test(pytester: pytest.Pytester) -> None:
    """The report has the traceback, and says what to do if the error is meant."""
    result = run(pytester, "def test_it(): make(immediate=True).add_job(boom)")

    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(
        [
            "FakeScheduler: nobody saw ValueError: boom",
            "(A job that is meant to fail: *",
            "*in boom",
            "*ValueError: boom",
        ]
    )


def test_all_that_nobody_saw_is_named(pytester: pytest.Pytester) -> None:
    """A fault that never fired is a line, and an error a line and its traceback."""
    result = run(
        pytester,
        """
def test_it():
    fake = make(immediate=True)
    fake.add_job(boom)
    fake.skip("j8")
    fake.lose("j9")
""",
    )

    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(
        [
            "FakeScheduler: skip('j8') never fired: *",
            "lose('j9') never fired: *",
            "nobody saw ValueError: boom",
            "(A job that is meant to fail: *",
            "Traceback *",
        ],
        consecutive=True,
    )


def test_a_test_that_saw_everything_passes(pytester: pytest.Pytester) -> None:
    """Raised to it, or announced, or checked by hand."""
    result = run(
        pytester,
        """
def test_raised():
    fake = make()
    fake.add_job(boom)
    with pytest.raises(ValueError):
        fake.run_due()

def test_announced():
    make(immediate=True, raise_job_errors=False).add_job(boom)

def test_checked():
    fake = make()
    fake.lose("j9")
    with pytest.raises(AssertionError):
        fake.check()

def test_without_any():
    pass
""",
    )

    result.assert_outcomes(passed=4)


def test_a_failing_test_keeps_its_own_failure(pytester: pytest.Pytester) -> None:
    """The FakeScheduler's report stands below it."""
    result = run(
        pytester,
        """
def test_it():
    make().skip("j9")
    assert 1 == 2

def test_alone():
    assert 3 == 4
""",
    )

    result.assert_outcomes(failed=2)
    result.stdout.fnmatch_lines(
        ["*assert 1 == 2", "*FakeScheduler call*", "*skip('j9') never fired: *", "*assert 3 == 4"]
    )


def test_a_fixtures_scheduler_belongs_to_the_test_it_was_made_for(
    pytester: pytest.Pytester,
) -> None:
    """One made while tests were collected belongs to none."""
    result = run(
        pytester,
        """
make().lose("collected")

@pytest.fixture
def fake():
    return make()

def test_it(fake):
    fake.lose("j9")

def test_next():
    pass
""",
    )

    result.assert_outcomes(failed=1, passed=1)
    result.stdout.no_fnmatch_line("*'collected'*")


def test_the_fixture_is_a_new_scheduler_for_each_test(pytester: pytest.Pytester) -> None:
    """It has not been started, and its test fails for a fault that never fired."""
    result = run(
        pytester,
        """
import pytest

@pytest.mark.parametrize("number", [1, 2])
def test_it(fake_scheduler, number):
    assert not fake_scheduler.running
    fake_scheduler.start()
    fake_scheduler.add_job(int, id="one")
    fake_scheduler.lose("one")
    if number == 1:
        fake_scheduler.run_due()
""",
    )

    result.assert_outcomes(passed=1, failed=1)
    result.stdout.fnmatch_lines(["FakeScheduler: lose('one') never fired: *"])


@pytest.mark.e2e
def test_the_plugin_imports_pytest_only() -> None:
    """A test run that uses none of the fakes pays nothing and misses no package."""
    code = """if True:
        import sys, pytest
        import threadsim.pytest_plugin.plugin, apscheduler_fakes.pytest_plugin
        print({"apscheduler", "flask", "freezegun", "greenlet"} & set(sys.modules))
    """
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )

    assert result.stdout == "set()\n"


@pytest.mark.parametrize("module", [plugin, marked])
def test_an_older_pytest_loads_the_plugin(
    module: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is loaded in every run, and pytest 7 has no such name."""
    monkeypatch.delattr(pytest, "FixtureDef")
    runpy.run_path(str(module.__file__))


def test_without_pytest_nothing_is_kept_for_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """A program that uses a FakeScheduler by hand gathers no memory."""
    monkeypatch.setattr("apscheduler_fakes.ledger.collecting", False)
    FakeScheduler()

    assert ledger.ledgers == []


@pytest.mark.parametrize("read", ["future.exception()", "str(future.exception(1))"])
def test_an_error_that_was_read_from_a_future_was_seen(
    pytester: pytest.Pytester, read: str
) -> None:
    """A view asks its JobGroup for it; one that nobody asked for still fails the test."""
    pytester.makepyfile(
        HEAD
        + f"""
from flask_apscheduler import APScheduler
from jobs_synchronizer import JobGroup

def add():
    scheduler = APScheduler(make(immediate=True))
    with JobGroup(scheduler) as group:
        return group.add_job(boom)

def test_read():
    future = add()
    {read}

def test_raised():
    with pytest.raises(ValueError):
        add().result()

def test_never_asked():
    add()
"""
    )

    result = pytester.runpytest_inprocess("-p", "no:cacheprovider")

    result.assert_outcomes(passed=2, failed=1)
    result.stdout.fnmatch_lines(["FakeScheduler: nobody saw ValueError: boom"])
