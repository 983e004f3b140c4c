"""Runs a command to its end, or ends it; runs pytest and reads how each test ended."""

import json
import os
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from suites.table import Suite

# How long a command runs between two looks, in seconds.
LOOK = 0.1

_ENDED = os.WEXITED | os.WNOHANG | os.WNOWAIT
_HERE = Path(__file__).resolve()


def run_to_end(
    command: Sequence[str | Path],
    folder: Path,
    limit: float,
    environment: Mapping[str, str] | None = None,
    look: Callable[[], None] = lambda: None,
) -> tuple[int | None, str]:
    """Run a command; return its code and its output. Whatever it started ends with it.

    Args:
        command: The program and its arguments.
        folder: Where it runs.
        limit: Longest real time in seconds; after that the code is ``None``.
        environment: Its environment; ``None`` is this process's.
        look: Called while it runs.
    """
    ended, end = False, time.monotonic() + limit
    with tempfile.TemporaryFile() as output:
        own: dict[str, Any] = {"stdin": subprocess.DEVNULL, "start_new_session": True}
        process = subprocess.Popen(  # noqa: S603  # The table's own commands.
            command, cwd=folder, env=environment, stdout=output, stderr=subprocess.STDOUT, **own
        )
        try:
            while not ended and time.monotonic() < end:
                look()
                time.sleep(LOOK)
                # It is not reaped: until then no other group can have its number.
                ended = os.waitid(os.P_PID, process.pid, _ENDED) is not None
        finally:  # At Ctrl-C too.
            os.killpg(process.pid, signal.SIGKILL)
            code = process.wait()
        output.seek(0)
        return (code if ended else None), output.read().decode(errors="replace")


@dataclass
class Run:
    """How the tests of a suite ended.

    Attributes:
        outcomes: "passed", "skipped", "failed" or "refused", by the test's id.
        errors: The first line of what a test ended with, by its id.
        seconds: Real time.
        problem: Why the suite could not be run; "" if it could.
    """

    outcomes: dict[str, str] = field(default_factory=dict)
    errors: dict[str, str] = field(default_factory=dict)
    seconds: float = 0.0
    problem: str = ""

    def count(self, outcome: str) -> int:
        """Return how many tests ended like that."""
        return list(self.outcomes.values()).count(outcome)


def run(
    suite: Suite, python: Path, folder: Path, *, simulate: bool, tell: Callable[[int], None]
) -> Run:
    """Run a suite's tests and return how they ended.

    Args:
        suite: What is run.
        python: The interpreter with the library.
        folder: Where it runs.
        simulate: Whether each test runs in a Simulation.
        tell: Is given the number of tests that have ended, again and again.
    """
    path = os.pathsep.join(map(str, (_HERE.parents[2] / "fakes", _HERE.parent / "plugin")))
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as temporary:
        outcomes, files = Path(temporary, "outcomes"), Path(temporary, "files")
        outcomes.touch()
        files.mkdir()  # What a run leaves there, the next one would find by the same random ids.
        environment = {"PYTHONPATH": path, "PYTHONDONTWRITEBYTECODE": "1", "TMPDIR": str(files)}
        ours = ("-p", "simulate_each_test", f"--outcomes={outcomes}", "--tb=short", "--rootdir=.")
        # What a suite adds, as coverage or several processes, is left out.
        theirs = ("-p", "no:cacheprovider", "-o", "addopts=", *suite.arguments)
        code, output = run_to_end(
            (python, "-m", "pytest", *ours, *theirs, *(("--simulate",) if simulate else ())),
            folder,
            suite.limit,
            os.environ | environment,
            lambda: tell(outcomes.read_text().count("\n") // 2),
        )
        lines = [json.loads(line) for line in outcomes.read_text().splitlines()]
    (folder / f"{'simulated' if simulate else 'plain'}.txt").write_text(output)
    result = Run(seconds=time.monotonic() - began)
    for state, test, *end in lines:
        if state == "ended":
            result.outcomes[test], result.errors[test] = end
    last = lines[-1][1] if lines else "its start"
    if code is None:
        result.problem = f"it was not over after {suite.limit:g} s, in {last}"
    elif code not in {0, 1}:
        result.problem = f"pytest ended with {code} in {last}: {output[-300:]}"
    return result
