"""What holds for every test: nothing is left behind, and coverage knows which test ran a line."""

import datetime
import gc
import os
import signal
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Generator, Iterator
from typing import Any

import coverage
import flask
import pytest

import threadsim.exploration.explore as exploration
import threadsim.pytest_plugin.explored_test as marked
from threadsim import ScheduleFailure
from threadsim.exploration.explore import Exploration
from threadsim.exploration.options import Options
from threadsim.exploration.replay import replay_with
from threadsim.exploration.reports.nondeterminism import normalised_text
from threadsim.exploration.runner import ScheduleRunner
from threadsim.exploration.strategies.strategy import Strategy
from threadsim.simulation import watchdog

pytest_plugins = ["pytester", "path_results"]

# The lines that a program runs in its first schedules, and in every so manieth, are those of all.
FIRST, EVERY = 60, 100


def pytest_configure(config: pytest.Config) -> None:
    """Let coverage measure the workers that are about to start, if ``nox`` says so."""
    asked = os.environ.pop("MEASURE_WORKERS", "")
    settings = {"COVERAGE_PROCESS_START": str(config.rootpath / "pyproject.toml")}
    os.environ.update(settings if asked else {})


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add ``--soundness``."""
    parser.addoption(
        "--soundness",
        metavar="K/N",
        type=lambda text: [int(number) for number in text.split("/")],
        help="run only what takes long, and of that the K-th of N parts (1/1 is all of it)",
    )


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave to ``nox -s soundness`` what takes long."""
    part = config.getoption("--soundness")
    number, parts = part or (1, 1)
    # A test with `whole` takes a part of its cases elsewhere, and all of them there.
    chosen = [
        item
        for item in items
        if bool(item.get_closest_marker("soundness")) == bool(part)
        or (part and "whole" in getattr(item, "fixturenames", ()))
    ][number - 1 :: parts]
    kept = set(chosen)
    config.hook.pytest_deselected(items=[item for item in items if item not in kept])
    items[:] = chosen


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, object, object]:
    """Give coverage the test's id as its context."""
    for current in filter(None, [coverage.Coverage.current()]):
        current.switch_context(item.nodeid)
    return (yield)


def pytest_collection_finish(session: pytest.Session) -> None:
    """Spare the garbage collector what lives as long as the tests: many of them call it."""
    gc.collect()
    gc.freeze()
    # From Python 3.14 on an empty dictionary is frozen, too, and what a test has in it would stay.
    for item in [each for each in session.items if isinstance(each, pytest.Function)]:
        item._initrequest()


@pytest.fixture(scope="session")
def whole(request: pytest.FixtureRequest) -> bool:
    """Whether a test takes all of its cases, as in ``nox -s soundness``, or a part of them."""
    return bool(request.config.getoption("--soundness"))


@pytest.fixture
def pytester(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> pytest.Pytester:
    """A pytest with this package's plugin and no other: to find all takes as long as to run it."""
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    monkeypatch.setenv(
        "PYTEST_PLUGINS", "threadsim.pytest_plugin.plugin,apscheduler_fakes.pytest_plugin"
    )
    return pytester


@pytest.fixture(autouse=True, scope="session")
def eighty_columns() -> Iterator[None]:
    """Let lines be broken as in a terminal of 80 columns, whatever the tests run in."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("COLUMNS", "80")
        yield


@pytest.fixture
def look() -> Callable[[], None]:
    """Let the running block's watch look at once, as it does after ``stall_timeout``."""

    def look() -> None:
        [watch] = watchdog.current
        # Less, for the watchdog's own thread may look meanwhile: the second call tells.
        for _ in range(int(watch.looks * 3 / 4)):
            watch.look()

    return look


@pytest.fixture
def completed() -> list[str]:
    """What ten published tasks report, in order."""
    return [f"Task {i} completed execution" for i in range(10)]


@pytest.fixture(autouse=True, scope="session")
def unmeasured_processes() -> None:
    """Let coverage measure pytest-xdist's workers, but not the processes that tests start."""
    for name in ("COVERAGE_PROCESS_CONFIG", "COVERAGE_PROCESS_START"):
        os.environ.pop(name, None)


@pytest.fixture(autouse=True, scope="session")
def names_asked_for_once() -> Iterator[None]:
    """Spare freezegun to list every name of every module, whenever time is frozen, for its cache.

    Modules whose names change in number are new to it, as before.
    """

    def key(module: Any) -> str:
        return f"{id(module)}-{len(vars(module))}"

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("freezegun.api._get_module_attributes_hash", key)
        yield


@pytest.fixture(autouse=True, scope="session")
def ctrl_c_is_heard() -> None:
    """Take Ctrl-C as a terminal gives it: whoever starts tests in the background may ignore it."""
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(autouse=True, scope="session")
def explorations_measured_in_part() -> Iterator[None]:
    """Let coverage follow some schedules of each program: of thousands, it takes half the time."""
    run, ran = ScheduleRunner.run, Counter[object]()

    def run_some_untraced(self: ScheduleRunner, *args: Any, **kwargs: Any) -> Any:
        ran[self.program] += 1
        if ran[self.program] <= FIRST or ran[self.program] % EVERY == 0:
            return run(self, *args, **kwargs)
        traces = sys.gettrace(), threading.gettrace()
        sys.settrace(None)
        threading.settrace(None)
        try:
            return run(self, *args, **kwargs)
        finally:
            sys.settrace(traces[0])
            threading.settrace(traces[1])

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ScheduleRunner, "run", run_some_untraced)
        yield


@pytest.fixture(autouse=True, scope="session")
def failures_fail_again(pytestconfig: pytest.Config) -> Iterator[None]:
    """Replay every failure that an exploration of any test finds: it is the same, word for word.

    What an exploration claims that finds none is kept for the specification.
    """
    explore_with = exploration.explore_with
    kept: Any = pytestconfig.pluginmanager.get_plugin("path_results")

    def explore_and_replay(
        options: Options, strategy: Strategy | None = None, *, keep_going: bool = False
    ) -> Exploration:
        __tracebackhide__ = True
        try:
            explored = explore_with(options, strategy, keep_going=keep_going)
        except (ScheduleFailure, ExceptionGroup) as caught:
            found = caught.exceptions if isinstance(caught, ExceptionGroup) else (caught,)
            for failure in found:
                assert isinstance(failure, ScheduleFailure)
                with pytest.raises(ScheduleFailure) as again:
                    replay_with(options, failure.schedule)
                assert normalised_text(again.value) == normalised_text(failure)
                assert normalised_text(again.value.__cause__) == normalised_text(failure.__cause__)
            raise
        kept.explorations.append((explored.schedules, explored.claim, explored.seconds))
        return explored

    with pytest.MonkeyPatch.context() as patch:
        for module in (exploration, marked):
            patch.setattr(module, "explore_with", explore_and_replay)
        yield


@pytest.fixture(autouse=True)
def nothing_left_behind() -> Iterator[None]:
    """Fail a test that leaves a thread, a timer, a swapped name or an application context."""
    threads, names = set(threading.enumerate()), _names()
    yield
    assert [each for each in threading.enumerate() if each not in threads] == []
    assert signal.getitimer(signal.ITIMER_REAL) == (0.0, 0.0)
    assert _names() == names
    assert not flask.has_app_context()


def _names() -> list[object]:
    return [
        datetime.datetime,
        threading.Lock,
        threading.Thread.start,
        threading.get_ident,
        time.monotonic,
        time.sleep,
        time.time,
    ]
