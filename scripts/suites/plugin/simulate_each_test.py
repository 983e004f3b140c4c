"""A pytest plugin: write down how each test ends, and with ``--simulate`` run it in a Simulation.

The simulation begins before the first fixture of the test itself, ``setup_method`` and ``setUp``
included, and ends after the last. Fixtures that tests share are made before it, for real.
"""

import json
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import Any

import pytest

from threadsim import NotModelled

pytest_plugins = ["threadsim.pytest_plugin.plugin"]

# The worst of a test's three phases is its outcome.
_ORDER = ("passed", "skipped", "failed", "refused")


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the two options."""
    parser.addoption("--outcomes", type=Path, help="the file that is given a line for each test")
    parser.addoption("--simulate", action="store_true", help="run each test in a Simulation")


class _Outcomes:
    """Writes a line when a test begins, and another when it has ended."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._outcome, self._error = "passed", ""

    def _write(self, *line: str) -> None:
        with self._path.open("a") as file:
            print(json.dumps(line), file=file)

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Generator[None, Any, Any]:
        self._outcome, self._error = "passed", ""
        self._write("began", item.nodeid)
        result = yield
        self._write("ended", item.nodeid, self._outcome, self._error)
        return result

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_makereport(
        self, item: pytest.Item, call: pytest.CallInfo[None]
    ) -> Generator[None, Any, Any]:
        # A TestCase keeps the error of a method for the report.
        excinfo = (getattr(item, "_excinfo", None) or [call.excinfo])[0]
        error = None if excinfo is None else excinfo.value
        report = yield
        outcome = "refused" if _is_refused(error) else report.outcome
        if _ORDER.index(outcome) > _ORDER.index(self._outcome):
            text = report.longrepr if error is None else f"{type(error).__name__}: {error}"
            self._outcome, self._error = outcome, str(text).partition("\n")[0]
        return report


def _is_refused(error: BaseException | None) -> bool:
    """Return whether a test failed for what is not modelled."""
    if error is None:
        return False
    # At the end of a fixture the plugin of threadsim makes a plain failure of it.
    if isinstance(error, NotModelled) or str(error).startswith("NotModelled: "):
        return True
    of_group = error.exceptions if isinstance(error, BaseExceptionGroup) else ()
    return any(map(_is_refused, (error.__cause__ or error.__context__, *of_group)))


def pytest_configure(config: pytest.Config) -> None:
    """Write down the outcomes."""
    config.pluginmanager.register(_Outcomes(config.getoption("--outcomes")))


@pytest.fixture
def settled_sim(sim: Any) -> Iterator[None]:
    """Let threads that a test has left go on as far as they can now, as they do for real."""
    yield
    sim.settle()


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[Any]) -> None:
    """Let each test ask for a simulation before any other fixture of its own."""
    for item in items if config.getoption("--simulate") else ():
        known = item._fixtureinfo.name2fixturedefs  # noqa: SLF001  # pytest has no public name.
        shared = [
            name
            for name in item.fixturenames
            if name in known and known[name][-1].scope != "function"
        ]
        own = [name for name in item.fixturenames if name not in shared]
        item.fixturenames[:] = [*shared, "settled_sim", *own]
