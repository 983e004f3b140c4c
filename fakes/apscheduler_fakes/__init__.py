"""Deterministic stand-ins for tests of programs that use APScheduler, threads and time.

FakeScheduler: you decide what happens. Simulation: what would happen, happens.
explore: everything that can happen, happens.

This package imports nothing from ``jobs_synchronizer`` or ``tests`` (``tests/test_rooms.py``).
Importing it, and FakeScheduler, needs neither greenlet nor freezegun; Clock needs freezegun, and
Simulation and explore both: ``pip install greenlet freezegun``.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from apscheduler_fakes.clock import Clock
    from apscheduler_fakes.errors import (
        Deadlock,
        NotModelled,
        OutsideThread,
        SimulationError,
        StallLimit,
        StepLimit,
        TimeLimit,
    )
    from apscheduler_fakes.exhaustive import Exhaustive
    from apscheduler_fakes.exploration import Exploration, ExplorationIncomplete, explore
    from apscheduler_fakes.failing import ScheduleFailure
    from apscheduler_fakes.pct import PCT
    from apscheduler_fakes.replaying import replay
    from apscheduler_fakes.sampling import Random
    from apscheduler_fakes.scheduler import FakeScheduler
    from apscheduler_fakes.schedules import ScheduleDiverged
    from apscheduler_fakes.simulation import Simulation

__all__ = [
    "PCT",
    "Clock",
    "Deadlock",
    "Exhaustive",
    "Exploration",
    "ExplorationIncomplete",
    "FakeScheduler",
    "NotModelled",
    "OutsideThread",
    "Random",
    "ScheduleDiverged",
    "ScheduleFailure",
    "Simulation",
    "SimulationError",
    "StallLimit",
    "StepLimit",
    "TimeLimit",
    "explore",
    "replay",
]

_HOMES = {
    "Clock": "clock",
    "Exhaustive": "exhaustive",
    "FakeScheduler": "scheduler",
    "PCT": "pct",
    "Random": "sampling",
    "ScheduleDiverged": "schedules",
    "ScheduleFailure": "failing",
    "Simulation": "simulation",
    "replay": "replaying",
    **dict.fromkeys(("Exploration", "ExplorationIncomplete", "explore"), "exploration"),
}


def __getattr__(name: str) -> Any:
    """Import what is asked for, and with it only what that needs."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    try:
        module = import_module(f"{__name__}.{_HOMES.get(name, 'errors')}")
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError(
            f"{name} needs a package that is not installed ({error}): pip install greenlet "
            "freezegun",
            name=error.name,
        ) from error
    return getattr(module, name)
