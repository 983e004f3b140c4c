"""How pytest shows a failure inside a simulation, and how a simulation's report ends a fixture.

Importing it needs pytest only.
"""

from collections.abc import Callable
from functools import partial
from typing import Any

import pytest

from threadsim.reporting.tracebacks import shorten
from threadsim.runtime.errors import SimulationError
from threadsim.runtime.own_code import shows_errors
from threadsim.simulation.open_blocks import open_simulation

# How many steps a failure shows.
_LAST_STEPS = 20


def show(item: pytest.Item, when: str, error: BaseException, simulation: Any) -> None:
    """Leave the simulation's frames out of a traceback, and add a section with the last steps."""
    from threadsim.reporting.trace_diagram import draw  # noqa: PLC0415  # Needs the extra.

    shorten(error)
    if simulation is not None and simulation.trace:
        text = draw(simulation.trace, _LAST_STEPS, simulation.threads)
        item.add_report_section(when, "simulation, its last steps", text)


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
