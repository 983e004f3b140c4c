"""How pytest shows a failure inside a simulation, and how a simulation's report ends a fixture.

Importing it needs pytest only.
"""

import re
from collections.abc import Callable
from functools import partial
from pathlib import Path
from traceback import format_exception
from typing import Any

import pytest

from threadsim.reporting.tracebacks import headline, shorten
from threadsim.runtime.errors import SimulationError
from threadsim.runtime.own_code import shows_errors
from threadsim.simulation.open_blocks import open_simulation

# How many steps a failure shows.
_LAST_STEPS = 20


def show(item: pytest.Item, when: str, error: BaseException, simulation: Any) -> None:
    """Leave the simulation's frames out of a traceback, and add a section with the last steps."""
    # These need the extra.
    from threadsim.reporting.failure_page import failure_page  # noqa: PLC0415
    from threadsim.reporting.trace_diagram import draw  # noqa: PLC0415

    shorten(error)
    if simulation is not None and simulation.trace:
        trace = simulation.trace
        text = draw(trace, _LAST_STEPS, simulation.threads)
        item.add_report_section(when, "simulation, its last steps", text)
        if item.config.getoption("--sim-html"):
            page = failure_page(headline(error), "".join(format_exception(error)), trace)
            save_page(item, when, page)


def save_page(item: pytest.Item, when: str, page: Any) -> None:
    """Save a failure's page in the folder of ``--sim-html``, if it is given, and name the file."""
    if folder := item.config.getoption("--sim-html"):
        name = re.sub(r"[^\w.-]+", "-", item.nodeid).strip("-")
        file = Path(item.config.invocation_params.dir, folder, f"{name}.html")
        file.parent.mkdir(parents=True, exist_ok=True)
        page.save_html(file)
        item.add_report_section(when, "page", file.as_uri())


def contain(item: pytest.Item, node: pytest.Item | pytest.Collector | None) -> None:
    """Let reports of a simulation be failures when fixtures end: pytest goes on after a failure.

    Args:
        item: The test that is about to end.
        node: The collector whose fixtures stay, with those around it.
    """
    staying = [] if node is None else node.listchain()
    for each, (ends, _) in item.session._setupstate.stack.items():
        if each not in staying:
            ends[:] = [partial(_end, item, end) for end in ends]


@shows_errors
def _end(item: pytest.Item, end: Callable[[], object]) -> None:
    __tracebackhide__ = True
    simulation = open_simulation()  # It may be the simulation that ends.
    try:
        end()
    except SimulationError as error:
        failed = pytest.fail.Exception(f"{type(error).__name__}: {error}")
        failed.__notes__ = getattr(error, "__notes__", [])
        show(item, "teardown", failed.with_traceback(error.__traceback__), simulation)
        raise failed from None
