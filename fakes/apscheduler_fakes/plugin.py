"""The pytest plugin: the fixture ``sim``, the marker ``explore``, and what nobody looked at fails.

Importing it needs pytest only, so that a missing package of the fakes stops no test run.
"""

import sys
import traceback
from collections.abc import Callable, Generator
from contextlib import nullcontext
from functools import partial
from importlib import import_module
from typing import TYPE_CHECKING, Any

import pytest

from apscheduler_fakes.progress import uncaptured

if TYPE_CHECKING:
    from _pytest.fixtures import SubRequest

# How many steps a failure report shows without --sim-trace.
LAST_STEPS = 20

# What is wrong with the options, in a worker.
_wrong = pytest.StashKey[str]()

# The request of a ``sim`` whose end has not come yet.
_open: list[Any] = []

# The ``sim`` of a test.
_simulation = pytest.StashKey[Any]()

# What a test failed with, for the simulation around it.
_failure = pytest.StashKey[BaseException]()


def pytest_configure(config: pytest.Config) -> None:
    """Add the marker; let an exploration show its progress past pytest's capture."""
    capture: Any = config.pluginmanager.getplugin("capturemanager")
    uncaptured.append(capture.global_and_fixture_disabled if capture else nullcontext)
    config.add_cleanup(partial(uncaptured.__delitem__, -1))
    config.addinivalue_line(
        "markers",
        "explore(strategy=Exhaustive(), *, spurious_wakeups=False, early_timeouts=False, "
        "switch_in=(), keep_going=False): run the test in every order of its threads",
    )


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add ``--sim-trace`` and ``--replay-schedule``."""
    group = parser.getgroup("apscheduler_fakes", "simulations")
    group.addoption(
        "--sim-trace",
        action="store_true",
        help=f"show every step of a simulation that failed, not the last {LAST_STEPS}",
    )
    group.addoption(
        "--replay-schedule",
        metavar="STRING",
        help="run a test marked explore once, under the schedule that its failure printed",
    )


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Check that a schedule is one test's."""
    if config.getoption("--replay-schedule") is not None:
        marked = [item.nodeid for item in items if item.get_closest_marker("explore")]
        if len(marked) != 1:
            text = (
                "--replay-schedule: a schedule belongs to one test that is marked explore, and "
                f"{len(marked)} are selected. Pass the id that the failure printed."
            )
            if not hasattr(config, "workerinput"):
                raise pytest.UsageError(text)
            config.stash[_wrong] = text  # A worker of pytest-xdist has to go on.


@pytest.fixture
def sim(request: pytest.FixtureRequest) -> Any:
    """Run the test inside a ``Simulation``: its threads and its time are virtual."""
    simulation = _imported("simulation", "the fixture sim").Simulation()
    request.node.stash[_simulation] = simulation

    def end() -> None:
        _open.remove(request)
        # A failure that the test has shown is not shown again; one that was swallowed is.
        failure = request.node.stash.get(_failure, None)
        simulation.__exit__(type(failure) if failure else None, failure, None)

    # Ctrl-C may come as soon as it has begun, and before pytest has it.
    _open.append(request)
    request.addfinalizer(end)  # noqa: PT021  # A yield would be too late.
    return simulation.__enter__()


@pytest.hookimpl(wrapper=True)
def pytest_fixture_setup(
    fixturedef: pytest.FixtureDef[Any], request: "SubRequest"
) -> Generator[None, Any, Any]:
    """Let a hang in another fixture of the test be one error of that test, and nothing more."""
    if request._pyfuncitem.get_closest_marker("explore"):
        inside = _imported("marked", "the marker explore").is_anew(request, fixturedef)
    else:
        inside = "sim" in request.fixturenames and fixturedef.scope == "function"
    try:
        result = yield
    except BaseException as error:
        if inside:
            request.node.stash[_failure] = error
            # As pytest does with an Exception: what was not kept is not ended, and not made again.
            key = fixturedef.cache_key(request)
            fixturedef.cached_result = (None, key, (error, error.__traceback__))
        raise
    if inside and fixturedef.argname != "sim":
        # There is no hook around the end of a fixture.
        ends = fixturedef._finalizers
        ends[:] = [partial(_end_fixture, request.node, end) for end in ends]
    return result


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_teardown(item: pytest.Item) -> Generator[None, Any, Any]:
    """End a simulation that pytest has left open: it gives up at what is no Exception."""
    try:
        return (yield)
    except BaseException as error:
        item.stash[_failure] = error
        raise
    finally:
        for request in _open[:]:
            request._fixturedef.finish(request)


def _end_fixture(item: pytest.Item, end: Callable[[], object]) -> None:
    try:
        end()
    except BaseException as error:
        if not _is_report(error):
            raise
        item.stash[_failure] = error
        # What is no Exception keeps pytest from ending the other fixtures: sim would go on.
        failed = pytest.fail.Exception(f"{type(error).__name__}: {error}")
        raise failed.with_traceback(error.__traceback__) from None


def _is_report(error: BaseException) -> bool:
    errors = sys.modules.get("apscheduler_fakes.errors")
    return errors is not None and isinstance(error, errors.SimulationError)


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Forget the FakeSchedulers of earlier tests; leave an explored test's fixtures to it."""
    _owed()
    if text := item.config.stash.get(_wrong, ""):
        pytest.fail(text, pytrace=False)
    if item.get_closest_marker("explore"):
        _imported("marked", "the marker explore").prepare(item)


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> bool | None:
    """Run an explored test under its schedules."""
    __tracebackhide__ = True
    marker = pyfuncitem.get_closest_marker("explore")
    if marker is None:
        return None
    _imported("marked", "the marker explore").run(pyfuncitem, *marker.args, **marker.kwargs)
    return True


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, Any, Any]:
    """Fail a test whose FakeSchedulers have faults that never fired, or errors nobody saw.

    A test that fails by itself keeps its own failure; the rest stands in a section below it.
    """
    __tracebackhide__ = True
    try:
        result = yield
    except BaseException as error:
        _describe(item, error)
        raise
    # What a method of a TestCase has raised is kept for the report, and is not raised here.
    if kept := getattr(item, "_excinfo", None):
        raised = kept[0].value
        _describe(item, raised)
        kept[0] = pytest.ExceptionInfo.from_exception(raised)
    elif report := _report(_owed()):
        pytest.fail(report, pytrace=False)
    return result


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item,
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Leave out that all frames of a ScheduleFailure are hidden: its cause shows the test's."""
    report = yield
    chain: Any = getattr(report.longrepr, "chain", None)
    if chain and item.get_closest_marker("explore"):
        chain[-1][0].extraline = None
    return report


@pytest.hookimpl(tryfirst=True)
def pytest_exception_interact(node: pytest.Item, call: pytest.CallInfo[Any]) -> None:
    """Let ``--pdb`` begin where the program failed under its schedule."""
    assert call.excinfo is not None  # Or nobody would be asked.
    cause = call.excinfo.value.__cause__
    if cause is not None and node.get_closest_marker("explore"):
        call.excinfo = pytest.ExceptionInfo.from_exception(cause)


def _imported(name: str, who: str) -> Any:
    """Import a module that needs the extra."""
    try:
        return import_module(f"apscheduler_fakes.{name}")
    except ImportError as error:
        pytest.fail(
            f"{who} needs greenlet and freezegun ({error}): pip install greenlet freezegun",
            pytrace=False,
        )


def _owed() -> list[BaseException]:
    scheduler = sys.modules.get("apscheduler_fakes.scheduler")
    ledgers = scheduler.unchecked if scheduler else []
    owed = [error for ledger in ledgers for error in ledger.settle()]
    ledgers.clear()
    return owed


def _report(owed: list[BaseException]) -> str:
    """Return what is owed in words, the first of it in the first line; "" if nothing is."""
    if not owed:
        return ""
    never_fired: Any = sys.modules["apscheduler_fakes.faults"].FaultNeverFired
    faults = [error for error in owed if isinstance(error, never_fired)]
    errors = [error for error in owed if not isinstance(error, never_fired)]
    lines = [*map(str, faults), *(f"nobody saw {type(each).__name__}: {each}" for each in errors)]
    lines[0] = f"FakeScheduler: {lines[0]}"
    if errors:
        lines.append(
            "(A job that is meant to fail: FakeScheduler(raise_job_errors=False), or in the test "
            "pytest.raises around scheduler.check().)"
        )
    return "\n".join([*lines, *("".join(traceback.format_exception(each)) for each in errors)])


def _describe(item: pytest.Item, error: BaseException) -> None:
    """Add to a test that failed by itself what else there is to say of it."""
    item.stash[_failure] = error
    _describe_simulation(item, error)
    if report := _report(_owed()):
        item.add_report_section("call", "FakeScheduler", report)


def _describe_simulation(item: pytest.Item, error: BaseException) -> None:
    """Add what every thread was doing, and the last steps, to a test that failed inside ``sim``."""
    # Not its funcargs: they know no fixture that is asked for dynamically, or that a class uses.
    simulation = item.stash.get(_simulation, None)
    if simulation is None:
        return
    from apscheduler_fakes.lanes import lanes  # noqa: PLC0415  # Needs the extra.
    from apscheduler_fakes.report import shorten  # noqa: PLC0415

    shorten(error)
    if not simulation.trace:
        return
    last = None if item.config.getoption("--sim-trace") else LAST_STEPS
    item.add_report_section("call", "simulation, its last steps", lanes(simulation.trace, last))
