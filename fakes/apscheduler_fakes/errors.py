"""What a simulation raises. All of it lies outside ``Exception``.

Flask turns an ``Exception`` into a 500 and APScheduler into an ``EVENT_JOB_ERROR``; a report that a
program hangs must reach the test past both of them.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from apscheduler_fakes.simulation import Simulation


class SimulationError(BaseException):
    """The simulated program cannot go on, or cannot be simulated.

    Attributes:
        simulation: The one whose block it has left; not set before that, nor in a copy.
    """

    # In a slot a copy, or what another process is sent, goes without it.
    __slots__ = ("simulation",)
    simulation: "Simulation"


class Deadlock(SimulationError):
    """Nothing can run any more: every thread waits, and no wait has a deadline."""


class TimeLimit(SimulationError):
    """Virtual time went past ``max_elapsed`` while the main thread was waiting."""


class StepLimit(SimulationError):
    """The program took ``max_steps`` steps: it is busy without end, or the limit is too small."""


class StallLimit(SimulationError):
    """Nothing went on for ``stall_timeout`` seconds of real time: something is really blocked."""


class OutsideThread(SimulationError):
    """A thread from outside the simulation takes part in it: virtual time does not reach it."""


class NotModelled(SimulationError):
    """What was called has no deterministic stand-in; the message names it."""
