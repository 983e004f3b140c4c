"""Deterministic simulation of threads and time, for tests.

Simulation: the real app runs in virtual time. explore: the test runs in every order that its
threads can take. Clock: one time that moves when the test says so.

Each public name is imported from here. Clock needs freezegun; Simulation and explore need
greenlet, too: ``pip install greenlet freezegun``. Importing this package needs neither.

The rooms, lower ones first; imports go from later to earlier ones only (``tests/test_rooms.py``):
``runtime``, ``reporting``, ``primitives``, ``patching``, ``simulation``, ``exploration``,
``pytest_plugin``.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from threadsim.exploration.data.accesses import DataRace
    from threadsim.exploration.explore import Exploration, ExplorationIncomplete, explore
    from threadsim.exploration.replay import replay
    from threadsim.exploration.reports.failure import ScheduleFailure
    from threadsim.exploration.schedule_string import ScheduleDiverged
    from threadsim.exploration.strategies.exhaustive import Exhaustive
    from threadsim.exploration.strategies.iterative_bound import IterativeBound
    from threadsim.exploration.strategies.pct import PCT
    from threadsim.exploration.strategies.random_walk import Random
    from threadsim.runtime.errors import (
        Deadlock,
        NotModelled,
        OutsideThread,
        SimulationError,
        StallLimit,
        StepLimit,
        TimeLimit,
    )
    from threadsim.simulation.clock import Clock
    from threadsim.simulation.simulation import Simulation

__all__ = ["Clock", "Simulation", "explore", "replay"]
# What an exploration returns and raises, its strategies, and the errors of a block.
__all__ += ["DataRace", "Exploration", "ExplorationIncomplete"]
__all__ += ["ScheduleDiverged", "ScheduleFailure"]
__all__ += ["PCT", "Exhaustive", "IterativeBound", "Random"]
__all__ += ["Deadlock", "NotModelled", "OutsideThread", "SimulationError", "StallLimit"]
__all__ += ["StepLimit", "TimeLimit"]

_MODULES = {
    "Clock": "simulation.clock",
    "DataRace": "exploration.data.accesses",
    "Exhaustive": "exploration.strategies.exhaustive",
    "IterativeBound": "exploration.strategies.iterative_bound",
    "PCT": "exploration.strategies.pct",
    "Random": "exploration.strategies.random_walk",
    "ScheduleDiverged": "exploration.schedule_string",
    "ScheduleFailure": "exploration.reports.failure",
    "Simulation": "simulation.simulation",
    "replay": "exploration.replay",
    **dict.fromkeys(("Exploration", "ExplorationIncomplete", "explore"), "exploration.explore"),
}


def __getattr__(name: str) -> Any:
    """Import a public name, and with it only what that needs."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_MODULES.get(name, 'runtime.errors')}"), name)
