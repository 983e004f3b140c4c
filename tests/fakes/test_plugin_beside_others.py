"""The pytest plugin beside others that many people have."""

import pytest

pytestmark = pytest.mark.e2e

TESTS = """
import datetime
import signal
import threading
import time

import pytest
from freezegun import freeze_time


@pytest.mark.parametrize("number", range(3))
def test_in_a_simulation(sim, number):
    threads = [threading.Thread(target=time.sleep, args=(n,)) for n in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sim.clock.elapsed == 2.0


@pytest.mark.timeout(20)
def test_in_a_simulation_with_a_time_out(sim):
    time.sleep(3600)
    assert 0 < signal.getitimer(signal.ITIMER_REAL)[0] <= 20


def test_with_the_fixture_of_pytest_freezer(freezer):
    before = datetime.datetime.now()
    freezer.tick(5)
    assert (datetime.datetime.now() - before).total_seconds() == 5


@freeze_time("2020-02-02")
def test_under_plain_freezegun():
    assert datetime.date.today() == datetime.date(2020, 2, 2)


def test_for_real():
    assert datetime.datetime.now().year > 2025 and time.monotonic() > 0
"""


@pytest.mark.parametrize(
    "options",
    [
        ["-p", "no:randomly", "-p", "no:xdist", "--replay-record-dir", "replays"],
        ["-p", "randomly", "-n", "1", "--timeout", "60"],
    ],
    ids=["freezer, time-out and replay", "randomly and xdist"],
)
def test_the_plugin_is_harmless_beside_others(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, options: list[str]
) -> None:
    """Simulations, frozen time and real time mix in one run, whatever plugins take part."""
    # This run may itself be a worker of xdist's, which another one would take for its own.
    monkeypatch.delenv("PYTEST_XDIST_WORKER", raising=False)
    for only_ours in ("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "PYTEST_PLUGINS"):
        monkeypatch.delenv(only_ours)
    pytester.makepyfile(TESTS)
    result = pytester.runpytest_subprocess(*options)
    result.assert_outcomes(passed=7)
