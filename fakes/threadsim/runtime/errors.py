"""What a simulation raises. All of it lies outside ``Exception``.

Flask turns an ``Exception`` into a 500 and APScheduler into an ``EVENT_JOB_ERROR``; a report that a
program hangs must reach the test past both of them.
"""


class SimulationError(BaseException):
    """The simulated program cannot go on, or cannot be simulated.

    Attributes:
        simulation: The one whose block it has left; not set before that, nor in a copy.
    """

    # In a slot a copy, or what another process is sent, goes without it.
    __slots__ = ("simulation",)
    simulation: object


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


def raise_together(message: str, errors: list[BaseException]) -> None:
    """Raise one error as it is, several as a group, none not at all.

    Raises:
        BaseExceptionGroup: There are several; an ``ExceptionGroup`` where that can hold them.
    """
    if len(errors) == 1:
        raise errors[0]
    if errors:
        raise BaseExceptionGroup(message, errors)


# Errors are shown, and pickled, by the name from which they are imported.
for _error in (SimulationError, *SimulationError.__subclasses__()):
    _error.__module__ = "threadsim"
