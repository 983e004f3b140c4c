"""What a library needs to be told by a simulation. APScheduler's is in ``apscheduler_fakes``.

A package registers an object with these methods as an entry point of the group
``threadsim.integrations``. Integrations are loaded once per process, at the first block.
"""

from contextlib import AbstractContextManager
from importlib.metadata import entry_points
from typing import Any, Protocol

from threadsim.runtime.errors import SimulationError
from threadsim.runtime.kernel import Kernel

GROUP = "threadsim.integrations"


class Integration(Protocol):
    """What a simulation asks of a library's integration."""

    def patches(self) -> list[tuple[Any, str, Any]]:
        """Return what to replace inside a block: owner, name and new value."""
        ...

    def diagnose(self, kernel: Kernel) -> SimulationError | None:
        """Return a better error than ``Deadlock`` when no thread can run, or ``None``."""
        ...

    def check_before_time_passes(self, kernel: Kernel, call: str) -> None:
        """Raise an error if ``call`` is about to let time pass in vain.

        Raises:
            OutsideThread: What should act as time passes is outside the simulation.
        """
        ...

    def end_of_block(self, kernel: Kernel) -> AbstractContextManager[None]:
        """Enclose the end of a block's threads: what outlives them is left without threads."""
        ...

    def errors_of_a_schedule(self) -> AbstractContextManager[list[BaseException]]:
        """Enclose one schedule; the list holds at its end what nobody has raised yet."""
        ...


_loaded: list[Integration] | None = None


def integrations() -> list[Integration]:
    """Return the integrations of all installed packages."""
    global _loaded  # noqa: PLW0603  # Once per process.
    if _loaded is None:
        _loaded = [each.load() for each in entry_points(group=GROUP)]
    return _loaded


def diagnose(kernel: Kernel) -> SimulationError | None:
    """Return what an integration knows better than ``Deadlock``, if one does."""
    return next(filter(None, (each.diagnose(kernel) for each in integrations())), None)


def more_patches() -> list[tuple[Any, str, Any]]:
    """Return what all integrations replace inside a block."""
    return [change for each in integrations() for change in each.patches()]
