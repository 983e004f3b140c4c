"""Run the published app a thousand times: one trace, no memory that grows, no greenlet left.

``nox -s soak`` runs this. It takes about a minute, so ``tests`` has a shorter form of each promise.
"""

import argparse
import contextlib
import gc
import hashlib
import io
import os
import subprocess
import sys
import tracemalloc
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from greenlet import greenlet

from jobs_synchronizer.documented import create_app
from threadsim import Simulation

# How much more memory may be in use after all runs than after a tenth of them.
MOST_GROWTH = 0.01


@dataclass(frozen=True)
class Soak:
    """What came of many runs.

    Attributes:
        digests: One for each trace that differed from all before it.
        growth: Memory after all runs over that after a tenth of them, less 1.
        greenlets: How many were alive at the end that were not at the beginning.
    """

    digests: set[str]
    growth: float
    greenlets: int

    def problem(self) -> str | None:
        """Return what is wrong, or ``None``."""
        if len(self.digests) > 1:
            return f"{len(self.digests)} different traces of one program"
        if self.growth > MOST_GROWTH:
            return f"{self.growth:.1%} more memory after all runs than after a tenth of them"
        if self.greenlets:
            return f"{self.greenlets} greenlets alive after the last run"
        return None


def published() -> None:
    """Ask the published app once."""
    with contextlib.redirect_stdout(io.StringIO()):
        create_app().test_client().get("/run-tasks")


def digest(program: Callable[[], object]) -> str:
    """Run a program in a simulation and return what stands for its trace."""
    with Simulation() as sim:
        program()
    return hashlib.sha256("\n".join(map(str, sim.trace)).encode()).hexdigest()


def soak(program: Callable[[], object], runs: int) -> Soak:
    """Run a program again and again.

    Args:
        program: What to run in a simulation.
        runs: How often, at least ten times.
    """
    tracemalloc.start()
    try:
        digests = {digest(program)}
        greenlets = _greenlets()
        used = []
        for run in range(1, runs + 1):
            digests.add(digest(program))
            if run in {runs // 10, runs}:
                gc.collect()
                used.append(tracemalloc.get_traced_memory()[0])
    finally:
        tracemalloc.stop()
    return Soak(digests, used[-1] / used[0] - 1, _greenlets() - greenlets)


def digest_elsewhere(*arguments: str, seed: str) -> str:
    """Return the trace's digest in a process of its own.

    Args:
        arguments: Arguments of the interpreter, such as what measures coverage.
        seed: Its hash seed.
    """
    command = [sys.executable, *arguments, __file__, "--digest"]
    environment = os.environ | {"PYTHONHASHSEED": seed}
    return subprocess.run(  # noqa: S603  # Our own script.
        command, env=environment, check=True, capture_output=True, text=True
    ).stdout.strip()


def main(argv: Sequence[str] | None = None) -> int:
    """Run, print what was seen, and return 1 if that is wrong.

    Args:
        argv: Command-line arguments; ``None`` takes those of the process.
    """
    parser = argparse.ArgumentParser(description="Run the published app a thousand times.")
    parser.add_argument("--runs", type=int, default=1_000, help="how often (default: %(default)s)")
    parser.add_argument("--digest", action="store_true", help="print one trace's digest, no more")
    options = parser.parse_args(argv)
    if options.runs < 10:  # noqa: PLR2004  # Memory is compared with a tenth of them.
        parser.error(f"--runs {options.runs}: give 10 or more")
    if options.digest:
        print(digest(published))
        return 0
    print(f"soak: the published app, {options.runs:,} times …", flush=True)
    seen = soak(published, options.runs)
    measured = ("-m", "coverage", "run", f"--data-file={os.devnull}")
    for arguments, seed in (((), "0"), ((), "1"), (measured, "random")):
        seen.digests.add(digest_elsewhere(*arguments, seed=seed))
    print(
        f"soak: {len(seen.digests)} trace in {options.runs + 4:,} runs and 4 processes, memory "
        f"{seen.growth:+.2%}, {seen.greenlets} greenlets left"
    )
    problem = seen.problem()
    if problem is not None:
        print(f"soak: {problem}.", file=sys.stderr)
    return 0 if problem is None else 1


def _greenlets() -> int:
    gc.collect()
    return sum(isinstance(each, greenlet) and bool(each) for each in gc.get_objects())


if __name__ == "__main__":
    sys.exit(main())
