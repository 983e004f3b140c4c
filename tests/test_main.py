"""Both programs start from the command line, with the published values as defaults."""

import importlib
import runpy
import sys
from typing import Any

import pytest
from flask import Flask

from jobs_synchronizer import corrected, documented
from threadsim import Simulation


@pytest.fixture
def served(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """What ``main`` asks Flask to serve; nothing listens."""
    asked: dict[str, Any] = {}
    monkeypatch.setattr(Flask, "run", lambda app, **options: asked.update(options, app=app))
    return asked


@pytest.mark.parametrize("module", [documented, corrected], ids=["documented", "corrected"])
def test_a_program_serves_where_it_is_told(module: Any, served: dict[str, Any]) -> None:
    """Unless it is told, the published program listens everywhere, and the corrected one here."""
    with Simulation():
        module.main([])
    everywhere_or_here = {documented: "0.0.0.0", corrected: "127.0.0.1"}
    assert (served["host"], served["port"]) == (everywhere_or_here[module], 12345)
    with Simulation():
        module.main(["--host", "192.0.2.1", "--port", "8080"])
    assert (served["host"], served["port"]) == ("192.0.2.1", 8080)
    for port in (0, 65535):
        with Simulation():
            module.main(["--port", str(port)])
        assert served["port"] == port


def test_the_corrected_program_takes_a_timeout(served: dict[str, Any]) -> None:
    """With --timeout a request of the started program ends then."""
    with Simulation() as sim:
        corrected.main(["--timeout", "2"])
        assert served["app"].test_client().get("/run-tasks").status_code == 504
        assert sim.clock.elapsed == 2.0


def test_the_timeout_is_a_minute(served: dict[str, Any]) -> None:
    """Without --timeout a request of the started program that hears nothing ends after 60 s."""
    with Simulation() as sim:
        corrected.main([])
        served["app"].apscheduler.pause()
        assert served["app"].test_client().get("/run-tasks").status_code == 504
        assert sim.clock.elapsed == 60.0


@pytest.mark.parametrize("module", [documented, corrected], ids=["documented", "corrected"])
@pytest.mark.parametrize("port", [-1, 65536])
def test_what_is_no_port_is_one_sentence(
    module: Any, port: int, capsys: pytest.CaptureFixture[str], served: dict[str, Any]
) -> None:
    """A port outside 0 to 65535 is said without a traceback, and nothing is served."""
    with pytest.raises(SystemExit) as refused:
        module.main([f"--port={port}"])

    assert (refused.value.code, served) == (2, {})
    error = capsys.readouterr().err.splitlines()[-1]
    assert error.startswith("python -m jobs_synchronizer")
    assert error.endswith(f"error: --port {port}: give a number from 0 (any free port) to 65535")


@pytest.mark.parametrize("module", [documented, corrected], ids=["documented", "corrected"])
def test_a_program_starts_as_a_script(
    module: Any, served: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Running its file starts a program, as running the published text does."""
    monkeypatch.setattr(sys, "argv", [module.__file__])
    with Simulation():
        runpy.run_path(module.__file__, run_name="__main__")
    assert served["port"] == 12345


def test_the_package_starts_the_corrected_program(
    served: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """``python -m jobs_synchronizer`` runs the corrected program's main, and an import does not."""
    module = importlib.import_module("jobs_synchronizer.__main__")
    assert module.main is corrected.main
    assert served == {}
    monkeypatch.setattr(sys, "argv", ["jobs_synchronizer", "--port", "8080"])
    with Simulation():
        runpy.run_path(str(module.__file__), run_name="__main__")
    assert served["port"] == 8080
