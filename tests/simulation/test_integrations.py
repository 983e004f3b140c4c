"""A library adds to a block what it needs, by an entry point."""

import threading
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, nullcontext
from types import SimpleNamespace
from typing import Any

import pytest

from threadsim import Deadlock, Simulation, explore
from threadsim.runtime.kernel import Kernel
from threadsim.simulation import integrations


class ThirdParty:
    """The integration of a library that is told what happens, and when."""

    def __init__(self) -> None:
        self.calls: list[str] = []

    def patches(self) -> list[tuple[Any, str, Any]]:
        """Replace the library's connection."""
        return [(library_module, "connect", lambda: "virtual")]

    def check_before_time_passes(self, kernel: Kernel, call: str) -> None:
        """Note the call."""
        assert kernel.now == 0
        self.calls.append(call)

    def end_of_block(self) -> None:
        """Note it."""
        self.calls.append("end")

    def errors_of_a_schedule(self) -> AbstractContextManager[list[BaseException]]:
        """Report an error that nobody raised."""
        return nullcontext([ValueError("a message was lost")])


library_module = type(threading)("library")
vars(library_module)["connect"] = lambda: "real"


def load(monkeypatch: pytest.MonkeyPatch, *installed: object) -> list[str]:
    """Let some integrations be installed, and return the groups that are asked for."""
    asked: list[str] = []

    def entry_points(group: str) -> list[Any]:
        asked.append(group)
        return [SimpleNamespace(load=lambda each=each: each) for each in installed]

    monkeypatch.setattr(integrations, "entry_points", entry_points)
    integrations.integrations.cache_clear()
    return asked


@pytest.fixture(autouse=True)
def loaded_anew() -> Iterator[None]:
    """Let the next block find what is really installed."""
    yield
    integrations.integrations.cache_clear()


@pytest.fixture
def third_party(monkeypatch: pytest.MonkeyPatch) -> Iterator[ThirdParty]:
    """An installed integration of a third package."""
    integration = ThirdParty()
    asked = load(monkeypatch, integration)
    yield integration
    assert asked == ["threadsim.integrations"]


def test_an_installed_integration_takes_part_in_each_block(third_party: ThirdParty) -> None:
    """Its names are replaced and put back, and it hears of time that passes."""
    for _ in range(2):
        with Simulation() as sim:
            threading.Thread(target=time.sleep, args=(5,)).start()
            assert library_module.connect() == "virtual"
            sim.clock.tick(1)
        assert library_module.connect() == "real"
    assert third_party.calls == ["Clock.tick(1)", "end"] * 2


@pytest.mark.usefixtures("third_party")
def test_an_integration_fails_a_schedule() -> None:
    """An error that the program has not raised fails its schedule."""
    with pytest.raises(AssertionError, match="a message was lost"):
        explore(lambda: None)


def test_no_integration_is_needed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Threadsim works alone, as where apscheduler_fakes is not installed."""
    load(monkeypatch)
    with Simulation() as sim:
        sim.clock.tick(5)
        assert sim.clock.elapsed == 5.0
    with pytest.raises(Deadlock), Simulation():
        threading.Event().wait()
    assert explore(lambda: None).complete
