"""Both programs start from the command line, with the published values as defaults."""

import importlib
from typing import Any

import pytest
from flask import Flask

from apscheduler_fakes import Simulation
from jobs_synchronizer import corrected, documented


@pytest.fixture
def served(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """What ``main`` asks Flask to serve; nothing listens."""
    asked: dict[str, Any] = {}
    monkeypatch.setattr(Flask, "run", lambda app, **options: asked.update(options, app=app))
    return asked


@pytest.mark.parametrize("module", [documented, corrected], ids=["documented", "corrected"])
def test_a_program_serves_where_it_is_told(module: Any, served: dict[str, Any]) -> None:
    """Host and port are the published ones unless the command line says otherwise."""
    with Simulation():
        module.main([])
    assert (served["host"], served["port"]) == ("0.0.0.0", 12345)
    with Simulation():
        module.main(["--host", "127.0.0.1", "--port", "8080"])
    assert (served["host"], served["port"]) == ("127.0.0.1", 8080)


def test_the_corrected_program_takes_a_deadline(served: dict[str, Any]) -> None:
    """With --timeout a request of the started program ends then."""
    with Simulation() as sim:
        corrected.main(["--timeout", "2"])
        assert served["app"].test_client().get("/run-tasks").status_code == 504
        assert sim.clock.elapsed == 2.0


def test_the_package_starts_the_corrected_program() -> None:
    """``python -m jobs_synchronizer`` runs the corrected program's main."""
    assert importlib.import_module("jobs_synchronizer.__main__").main is corrected.main
