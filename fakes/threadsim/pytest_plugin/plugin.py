"""The pytest plugin: the fixture ``sim``, the marker ``explore``, and their reports.

Importing it needs pytest only, so that a missing package of the fakes stops no test run.
"""

from collections.abc import Generator
from contextlib import nullcontext
from functools import partial
from importlib import import_module
from typing import TYPE_CHECKING, Any

import pytest

from threadsim.exploration import run_options
from threadsim.pytest_plugin.failures import contain, save_page, show
from threadsim.pytest_plugin.summary import KEY, summary
from threadsim.reporting.progress import uncaptured
from threadsim.reporting.tracebacks import shorten
from threadsim.runtime.errors import SimulationError
from threadsim.simulation.open_blocks import begin_test, open_simulation

if TYPE_CHECKING:
    from _pytest.fixtures import SubRequest


def pytest_configure(config: pytest.Config) -> None:
    """Add the markers; let an exploration show its progress past pytest's capture."""
    capture: Any = config.pluginmanager.getplugin("capturemanager")
    uncaptured.append(capture.global_and_fixture_disabled if capture else nullcontext)
    config.add_cleanup(partial(uncaptured.__delitem__, -1))
    run_options.runs.append(_run_options(config))
    config.add_cleanup(partial(run_options.runs.__delitem__, -1))
    # pytest takes the text before the first colon for the marker's name.
    config.addinivalue_line(
        "markers",
        "simulation(start='2026-01-01T00Z', *, max_elapsed=86_400.0, max_steps=1_000_000, "
        "stall_timeout=10.0): what the fixture sim passes to its Simulation",
    )
    config.addinivalue_line(
        "markers",
        "explore(strategy=IterativeBound(), *, spurious_wakeups=False, early_timeouts=False, "
        "switch_in=(), data='switch', races='allow', allowed_races=(), "
        "keep_going=False): run the test in every order of its threads",
    )


def _run_options(config: pytest.Config) -> run_options.RunOptions:
    name, number = map(config.getoption, ("--explore-strategy", "--explore-schedules"))
    strategy = getattr(import_module("threadsim"), name)() if name else None  # Needs the extra.
    files = [
        each for at in ("*/__init__.py", "*/*/__init__.py") for each in config.rootpath.glob(at)
    ]
    own = {*config.getini("explore_own"), *(each.parent.name for each in files)}
    return run_options.RunOptions(strategy, number, frozenset(own))


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the options."""
    parser.addini(
        "explore_own",
        type="args",
        help="installed packages that are yours: explore watches their data (default: those whose "
        "source is in the root folder)",
    )
    group = parser.getgroup("threadsim", "simulations")
    group.addoption(
        "--replay-schedule",
        metavar="STRING",
        help="run a test marked explore once, under the schedule that its failure printed",
    )
    group.addoption(
        "--sim-html",
        metavar="DIR",
        help="write a page for each failure of a simulation or an exploration into a folder",
    )
    group.addoption(
        "--explore-schedules",
        metavar="N",
        type=int,
        help="run so many schedules of each test marked explore, or at most so many",
    )
    group.addoption(
        "--explore-strategy",
        choices=("IterativeBound", "Exhaustive", "Random", "PCT"),
        help="explore all tests by this strategy, whatever their markers say",
    )


@pytest.fixture
def sim(request: pytest.FixtureRequest) -> Any:
    """Run the test inside a ``Simulation``: its threads and its time are virtual.

    ``@pytest.mark.simulation(start=…)`` takes the arguments of ``Simulation``.
    """
    from threadsim import Simulation  # noqa: PLC0415  # Needs the extra.

    marker = request.node.get_closest_marker("simulation")
    simulation = Simulation(*marker.args, **marker.kwargs) if marker else Simulation()
    # Ctrl-C may come as soon as the block has begun: a yield would be too late.
    request.addfinalizer(partial(simulation.__exit__, None, None, None))  # noqa: PT021
    return simulation.__enter__()


@pytest.hookimpl(wrapper=True)
def pytest_fixture_setup(
    fixturedef: "pytest.FixtureDef[Any]", request: "SubRequest"
) -> Generator[None, Any, Any]:
    """Let a hang in a fixture be one error of its test; refuse what a schedule cannot make."""
    if request._pyfuncitem.get_closest_marker("explore"):
        _explored_test().check_fixture(request, fixturedef)
    try:
        return (yield)
    except BaseException as error:
        # As pytest does with an Exception. Without this the fixture would be made again.
        key = fixturedef.cache_key(request)
        fixturedef.cached_result = (None, key, (error, error.__traceback__))
        raise


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Check a test's markers; leave an explored test's fixtures to its schedules."""
    begin_test(item.nodeid)
    marked = any(mark.name == "simulation" for mark in item.own_markers)
    if marked and "sim" not in getattr(item, "fixturenames", ["sim"]):
        pytest.fail(
            "@pytest.mark.simulation: the marker is for the fixture sim, and this test does not "
            "ask for it. Let it take sim, or leave the marker out.",
            pytrace=False,
        )
    if item.get_closest_marker("explore"):
        _explored_test().prepare(item)


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_call() -> Generator[None, None, None]:
    """Let Ctrl-C name the program's line, and let no thread go on after a test that has failed."""
    __tracebackhide__ = True
    try:
        yield
    except BaseException as error:
        if (simulation := open_simulation()) is not None:
            simulation.has_failed = True
        if isinstance(error, KeyboardInterrupt):
            shorten(error)
        raise


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> bool | None:
    """Run an explored test under its schedules."""
    __tracebackhide__ = True
    if pyfuncitem.get_closest_marker("explore") is None:
        return None
    _explored_test().run(pyfuncitem)
    return True


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_teardown(item: pytest.Item, nextitem: pytest.Item | None) -> None:
    """Let pytest end all fixtures, also after a report of a simulation."""
    contain(item, nextitem)


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Let a failure in a simulation end at the program's line, and show the last steps."""
    # A TestCase keeps the error of a method for the report.
    excinfo = (getattr(item, "_excinfo", None) or [call.excinfo])[0]
    simulation = open_simulation()
    if (page := getattr(excinfo and excinfo.value, "page", None)) is not None:
        save_page(item, call.when, page)
    if excinfo is not None and (simulation or isinstance(excinfo.value, SimulationError)):
        error = excinfo.value
        if simulation is not None:
            simulation.explain(error)
        show(item, call.when, error, simulation or getattr(error, "simulation", None))
        excinfo.traceback = pytest.ExceptionInfo.from_exception(error).traceback
    report = yield
    # All frames of a ScheduleFailure are hidden: its cause shows those of the test.
    chain: Any = getattr(report.longrepr, "chain", None)
    if chain and item.get_closest_marker("explore"):
        chain[-1][0].extraline = None
    return report


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Sum up what was explored."""
    passed = terminalreporter.stats.get("passed", [])
    if results := [value for each in passed for key, value in each.user_properties if key == KEY]:
        terminalreporter.write_line(summary(results))


@pytest.hookimpl(tryfirst=True)
def pytest_exception_interact(node: pytest.Item, call: pytest.CallInfo[Any]) -> None:
    """Let ``--pdb`` begin where the program failed under its schedule, or waits for ever."""
    assert call.excinfo is not None  # The hook's promise.
    error = call.excinfo.value
    cause = error.__cause__
    # A main thread that has ended stands at no line.
    if cause and cause.__traceback__ and node.get_closest_marker("explore"):
        call.excinfo = pytest.ExceptionInfo.from_exception(cause)
    elif isinstance(error, SimulationError):  # Python 3.12 and older keep the longer traceback.
        call.excinfo = pytest.ExceptionInfo.from_exception(error)


def _explored_test() -> Any:
    from threadsim.pytest_plugin import explored_test  # noqa: PLC0415  # Needs the extra.

    return explored_test
