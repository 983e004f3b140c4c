"""FakeScheduler, and all that knows APScheduler, for tests of APScheduler programs.

FakeScheduler: you decide what happens. Simulation: the real app runs in virtual time.
explore: the test runs in every order that its threads can take.

``faults.py`` has the faults that ``fake_scheduler.py`` injects. ``Simulation`` and ``explore`` are
imported from ``threadsim``, which knows nothing of APScheduler: ``integration.py`` and
``module_schedulers.py`` here tell it.
FakeScheduler needs neither greenlet nor freezegun.
"""

from typing import TYPE_CHECKING, Any

from threadsim.runtime.own_code import add_package

if TYPE_CHECKING:
    from apscheduler_fakes.fake_scheduler import FakeScheduler

__all__ = ["FakeScheduler"]

# Reports leave out the frames of FakeScheduler.
add_package(__name__, __file__)


def __getattr__(name: str) -> Any:
    """Import FakeScheduler, and with it APScheduler, when it is asked for."""
    if name != "FakeScheduler":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from apscheduler_fakes.fake_scheduler import FakeScheduler  # noqa: PLC0415

    return FakeScheduler
