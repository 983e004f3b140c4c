"""The pytest plugin: the fixture ``sim``, the marker ``explore``, and their reports.

Importing it needs pytest only, so that a missing package of the fakes stops no test run.
"""

import sys
from collections.abc import Callable, Generator
from contextlib import nullcontext
from functools import partial
from importlib import import_module
from typing import TYPE_CHECKING, Any

import pytest

from threadsim.reporting.progress import uncaptured
from threadsim.runtime.errors import SimulationError
from threadsim.runtime.own_code import shows_errors

if TYPE_CHECKING:
    from _pytest.fixtures import SubRequest

# How many steps a failure report shows without --sim-trace.
LAST_STEPS = 20

# What is wrong with the options, in a worker.
_wrong = pytest.StashKey[str]()


def pytest_configure(config: pytest.Config) -> None:
    """Add the markers; let an exploration show its progress past pytest's capture."""
    capture: Any = config.pluginmanager.getplugin("capturemanager")
    uncaptured.append(capture.global_and_fixture_disabled if capture else nullcontext)
    config.add_cleanup(partial(uncaptured.__delitem__, -1))
    # Before its first colon pytest looks for a marker's name.
    config.addinivalue_line(
        "markers",
        "simulation(start='2026-01-01T00Z', *, max_elapsed=86_400.0, max_steps=1_000_000, "
        "stall_timeout=10.0): what the fixture sim passes to its Simulation",
    )
    config.addinivalue_line(
        "markers",
        "explore(strategy=Exhaustive(), *, spurious_wakeups=False, early_timeouts=False, "
        "switch_in=(), keep_going=False): run the test in every order of its threads",
    )


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add ``--sim-trace`` and ``--replay-schedule``."""
    group = parser.getgroup("threadsim", "simulations")
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
    """Run the test inside a ``Simulation``: its threads and its time are virtual.

    What ``Simulation`` takes is given as ``@pytest.mark.simulation(start=…)``.
    """
    simulation = _imported("simulation.simulation", "the fixture sim").Simulation
    marker = request.node.get_closest_marker("simulation")
    try:
        simulation = simulation(*marker.args, **marker.kwargs) if marker else simulation()
    except (TypeError, ValueError) as error:
        pytest.fail(f"@pytest.mark.simulation: {error}", pytrace=False)
    # Ctrl-C may come as soon as it has begun: a yield would be too late.
    request.addfinalizer(partial(simulation.__exit__, None, None, None))  # noqa: PT021
    return simulation.__enter__()


@pytest.hookimpl(wrapper=True)
def pytest_fixture_setup(
    fixturedef: "pytest.FixtureDef[Any]", request: "SubRequest"
) -> Generator[None, Any, Any]:
    """Let a hang in a fixture be one error of its test, and nothing more."""
    if request._pyfuncitem.get_closest_marker("explore"):
        _imported("pytest_plugin.explored_test", "the marker explore").check_anew(
            request, fixturedef
        )
    before = _running()
    try:
        result = yield
    except BaseException as error:
        # As pytest does with an Exception: what was not kept is not ended, and not made again.
        key = fixturedef.cache_key(request)
        fixturedef.cached_result = (None, key, (error, error.__traceback__))
        raise
    lasts = fixturedef.scope != "function" and _running() is not before
    if lasts and hasattr(request.config, "workerinput"):
        fixturedef.finish(request)
        pytest.fail(
            f"the fixture {fixturedef.argname} of scope {fixturedef.scope} leaves a Simulation "
            "open between two tests, where a worker of pytest-xdist waits for the next one: it "
            "would wait in virtual time, for ever. Let its scope be function, or leave out -n.",
            pytrace=False,
        )
    return result


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_teardown(item: pytest.Item, nextitem: pytest.Item | None) -> None:
    """Let pytest end all that there is: it gives up at what is no Exception."""
    contain(item, nextitem)


def contain(item: pytest.Item, node: pytest.Item | pytest.Collector | None) -> None:
    """Turn reports into failures, at which pytest does not give up ending what is left.

    Args:
        item: The test that is about to end.
        node: What of it and of what it stands in is not to end, with all that this stands in.
    """
    staying = [] if node is None else node.listchain()
    for each, (ends, _) in item.session._setupstate.stack.items():
        if each not in staying:
            ends[:] = [partial(_end, item, end) for end in ends]


@shows_errors
def _end(item: pytest.Item, end: Callable[[], object]) -> None:
    simulation = _running()  # It may be what ends.
    try:
        end()
    except BaseException as error:
        if not _is_report(error):
            raise
        failed = pytest.fail.Exception(f"{type(error).__name__}: {error}")
        failed.__notes__ = getattr(error, "__notes__", [])
        failed.__traceback__ = error.__traceback__
        _shorten(failed)
        _add_last_steps(item, "teardown", simulation)
        raise failed from None


def _is_report(error: BaseException) -> bool:
    return isinstance(error, SimulationError)


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Check a test's markers; leave an explored test's fixtures to its schedules."""
    if text := item.config.stash.get(_wrong, ""):
        pytest.fail(text, pytrace=False)
    marked = any(mark.name == "simulation" for mark in item.own_markers)
    if marked and "sim" not in getattr(item, "fixturenames", ["sim"]):
        pytest.fail(
            "@pytest.mark.simulation tells the fixture sim what to pass to its Simulation, and "
            "this test does not ask for it. Let it take sim, or leave the marker out.",
            pytrace=False,
        )
    lasting = _running()
    if lasting is not None and lasting.has_failed:
        pytest.fail(
            "the Simulation that a fixture has left open for several tests failed in an earlier "
            "one, and nothing waits in it any more. Let that fixture's scope be function.",
            pytrace=False,
        )
    if item.get_closest_marker("explore"):
        _imported("pytest_plugin.explored_test", "the marker explore").prepare(item)


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> bool | None:
    """Run an explored test under its schedules."""
    __tracebackhide__ = True
    marker = pyfuncitem.get_closest_marker("explore")
    if marker is None:
        return None
    _imported("pytest_plugin.explored_test", "the marker explore").run(
        pyfuncitem, *marker.args, **marker.kwargs
    )
    return True


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Let what failed in a simulation end at the program's line, and show the last steps."""
    kept = _kept(item)
    excinfo = kept[0] if kept else call.excinfo
    if excinfo is not None and (_is_report(excinfo.value) or _running() is not None):
        _shorten(excinfo.value)
        excinfo.traceback = pytest.ExceptionInfo.from_exception(excinfo.value).traceback
        ended = getattr(excinfo.value, "simulation", None)
        _add_last_steps(item, call.when, _running() or ended)
    report = yield
    # All frames of a ScheduleFailure are hidden: its cause shows the test's.
    chain: Any = getattr(report.longrepr, "chain", None)
    if chain and item.get_closest_marker("explore"):
        chain[-1][0].extraline = None
    return report


@pytest.hookimpl(tryfirst=True)
def pytest_exception_interact(node: pytest.Item, call: pytest.CallInfo[Any]) -> None:
    """Let ``--pdb`` begin where the program failed under its schedule, or waits for ever."""
    assert call.excinfo is not None  # Or nobody would be asked.
    error = call.excinfo.value
    if error.__cause__ is not None and node.get_closest_marker("explore"):
        # Where the main thread has ended nothing stands at any line.
        if error.__cause__.__traceback__ is not None:
            call.excinfo = pytest.ExceptionInfo.from_exception(error.__cause__)
    elif _is_report(error):  # Before Python 3.13 it begins where the traceback ended at first.
        call.excinfo = pytest.ExceptionInfo.from_exception(error)


def _imported(name: str, who: str) -> Any:
    """Import a module that needs the extra."""
    try:
        return import_module(f"threadsim.{name}")
    except ImportError as error:
        pytest.fail(
            f"{who} needs greenlet and freezegun ({error}): pip install greenlet freezegun",
            pytrace=False,
        )


def _kept(item: pytest.Item) -> list[pytest.ExceptionInfo[BaseException]]:
    """Return what a method of a TestCase has raised: it is kept for the report, not raised."""
    return getattr(item, "_excinfo", None) or []


def _running() -> Any:
    """Return the simulation that is running, be it one of ``sim`` or not."""
    module = sys.modules.get("threadsim.simulation.simulation")
    return module.running() if module else None


def _shorten(error: BaseException) -> None:
    from threadsim.reporting.tracebacks import shorten  # noqa: PLC0415  # Needs the extra.

    shorten(error)


def _add_last_steps(item: pytest.Item, when: str, simulation: Any) -> None:
    """Add what ran last to a test that failed inside a simulation."""
    if simulation is None or not simulation.trace:
        return
    from threadsim.reporting.trace_diagram import draw  # noqa: PLC0415  # Needs the extra.

    last = None if item.config.getoption("--sim-trace") else LAST_STEPS
    lines = [draw(simulation.trace, last), *simulation.outlook]
    section = (when, "simulation, its last steps")
    # An earlier subtest's has been shown.
    item._report_sections[:] = [each for each in item._report_sections if each[:2] != section]
    item.add_report_section(*section, "\n".join(lines))
