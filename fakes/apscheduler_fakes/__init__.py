"""Deterministic stand-ins for tests of programs that use APScheduler, threads and time.

FakeScheduler: you decide what happens. Simulation: what would happen, happens.

This package imports nothing from ``jobs_synchronizer`` or ``tests`` (``tests/test_rooms.py``).
Importing it, and FakeScheduler, needs neither greenlet nor freezegun; Clock needs freezegun, and
Simulation both: ``pip install 'jobs-synchronizer[fakes]'``.
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
    from apscheduler_fakes.scheduler import FakeScheduler
    from apscheduler_fakes.simulation import Simulation

__all__ = [
    "Clock",
    "Deadlock",
    "FakeScheduler",
    "NotModelled",
    "OutsideThread",
    "Simulation",
    "SimulationError",
    "StallLimit",
    "StepLimit",
    "TimeLimit",
]

_HOMES = {"Clock": "clock", "FakeScheduler": "scheduler", "Simulation": "simulation"}


def __getattr__(name: str) -> Any:
    """Import what is asked for, and with it only what that needs."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES.get(name, 'errors')}"), name)
