"""What the contract tests share: the same program on virtual and on real threads."""

import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from threadsim import Simulation

# How long a real thread may take to do what takes it microseconds, in seconds.
BOUND = 10


@pytest.fixture(params=["virtual", pytest.param("real", marks=pytest.mark.e2e)])
def kind(request: pytest.FixtureRequest) -> Iterator[str]:
    """The threads under contract: those of a simulation, or the real ones."""
    if request.param == "real":
        yield "real"
        _forget_bare_threads()
        return
    with Simulation():
        yield "virtual"


@pytest.fixture
def bare_threads_forgotten() -> Iterator[None]:
    """Forget bare threads that asked who they are, which Python 3.11 and 3.12 never do."""
    yield
    _forget_bare_threads()


def _forget_bare_threads() -> None:
    for thread in threading.enumerate():
        if sys.version_info < (3, 13) and isinstance(thread, threading._DummyThread):
            threading._active.pop(thread.ident, None)  # type: ignore[attr-defined]


@pytest.fixture
def run_program(tmp_path: Path) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Run a program in a Python of its own, where every warning is an error."""

    def run(source: str, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        program = tmp_path / "program.py"
        program.write_text(source)
        return subprocess.run(
            [sys.executable, "-X", "dev", "-W", "error", *arguments, str(program)],
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
            env=environment,
            cwd=tmp_path,
        )

    return run
