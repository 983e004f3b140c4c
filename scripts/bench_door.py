"""Measure what entering and leaving a Simulation costs, a switch, and the published app in one.

``python scripts/bench_door.py --against REVISION`` measures another commit in turn with this tree,
in processes of their own, and prints the ratios. A busy neighbour is a process that keeps one core.
"""

import argparse
import contextlib
import importlib
import io
import json
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from statistics import median
from typing import Any
from unittest import mock

import apscheduler.schedulers.background  # noqa: F401  # An app has these modules loaded.
import pytest  # noqa: F401
from apscheduler.executors.debug import DebugExecutor
from apscheduler.schedulers.base import BaseScheduler
from greenlet import getcurrent, greenlet

from figure import Figure, now
from jobs_synchronizer import documented

cpu = time.process_time

# Where Simulation is. Commits from before threadsim have it in apscheduler_fakes.
PACKAGE = "threadsim"

# How often each side is measured when two commits are compared.
_TURNS = 5


def simulation() -> Any:
    """Return the class ``Simulation`` of the tree that is measured."""
    return importlib.import_module(PACKAGE).Simulation


def door(rounds: int) -> tuple[float, float]:
    """Return the milliseconds of entering plus leaving: of processor time, and of real time.

    Returns:
        The smallest processor time, and the median of real time.
    """
    kind = simulation()
    spent, took = [], []
    for _ in range(rounds):
        used, begun = cpu(), now()
        with kind():
            pass
        took.append(now() - begun)
        spent.append(cpu() - used)
    return min(spent) * 1e3, median(took) * 1e3


@contextlib.contextmanager
def busy_neighbour() -> Iterator[None]:
    """Keep a core busy with another process."""
    with subprocess.Popen([sys.executable, "-c", "while True: pass"]) as neighbour:
        try:
            yield
        finally:
            neighbour.kill()


def round_trip(rounds: int) -> float:
    """Return the seconds of a bare switch to a greenlet and back."""
    main = getcurrent()

    def bounce() -> None:
        while True:
            main.switch()

    other = greenlet(bounce)
    used = cpu()
    for _ in range(rounds):
        other.switch()
    return (cpu() - used) / rounds


def plain_switch(rounds: int) -> float:
    """Return the seconds of one ``sleep(0)`` of two threads that let each other go first."""

    def let_go() -> None:
        for _ in range(rounds // 2):
            time.sleep(0)

    return _of_two(lambda: (let_go, let_go)) / rounds


def semaphores(rounds: int) -> float:
    """Return the seconds of handing over to another thread by a Semaphore: release, acquire."""

    def players() -> tuple[Callable[[], None], Callable[[], None]]:
        ping, pong = threading.Semaphore(0), threading.Semaphore(0)

        def begin() -> None:
            for _ in range(rounds):
                ping.release()
                pong.acquire()

        def answer() -> None:
            for _ in range(rounds):
                ping.acquire()
                pong.release()

        return begin, answer

    return _of_two(players) / (2 * rounds)


def _of_two(make: Callable[[], tuple[Callable[[], None], Callable[[], None]]]) -> float:
    """Return the seconds of two virtual threads, whose functions are made in the block."""
    with simulation()(max_steps=10**9):
        one, other = make()
        thread = threading.Thread(target=other)
        thread.start()
        used = cpu()
        one()
        spent = cpu() - used
        thread.join()
    return spent


class Threadless(BaseScheduler):  # type: ignore[misc]  # APScheduler has no types.
    """A scheduler without a thread, whose jobs run in the thread of the caller."""

    def wakeup(self) -> None:
        """Do nothing: no thread waits."""

    def shutdown(self, wait: bool = True) -> None:  # noqa: FBT001, FBT002  # As there.
        """Shut down."""
        super().shutdown(wait)

    def _create_default_executor(self) -> Any:
        return DebugExecutor()


def app_without_threads() -> float:
    """Return the seconds of the published app's calls of Flask and APScheduler, without threads."""
    scheduler = Threadless()
    used = cpu()
    with (
        mock.patch.object(  # noqa: PT008  # It is called with the synchronizer.
            documented.JobsSynchronizer,
            "wait_for_tasks_to_be_completed",
            lambda _: scheduler._process_jobs(),  # noqa: SLF001
        ),
        mock.patch("time.sleep"),
    ):
        answer = documented.create_app(scheduler=scheduler).test_client().get("/run-tasks")
    spent = cpu() - used
    assert len(json.loads(answer.text)) == 10  # noqa: PLR2004  # The published number.
    return spent


def app_in_a_simulation() -> float:
    """Return the seconds of the published app, entering and leaving included."""
    kind = simulation()
    used = cpu()
    with kind():
        answer = documented.create_app().test_client().get("/run-tasks")
    spent = cpu() - used
    assert len(json.loads(answer.text)) == 10  # noqa: PLR2004  # The published number.
    return spent


def measure() -> dict[str, float]:
    """Return all figures of this tree, by name."""
    door(20)  # The first blocks fill caches.
    spent, took = door(100)
    with busy_neighbour(), busy_neighbour():
        _, beside = door(100)
    bare = min(round_trip(20_000) for _ in range(5))
    with contextlib.redirect_stdout(io.StringIO()):
        pairs = [(app_in_a_simulation(), app_without_threads()) for _ in range(30)][5:]
    inside, without = (min(each) for each in zip(*pairs, strict=True))
    return {
        "enter and leave, processor time, ms": spent,
        "enter and leave, real time, ms": took,
        "enter and leave beside busy cores, real time, ms": beside,
        "plain switch against a bare round trip": min(plain_switch(20_000) for _ in range(5))
        / bare,
        "Semaphore hand-over against bare round trips": min(semaphores(5_000) for _ in range(5))
        / bare,
        "published app against its calls without threads": inside / without,
    }


def figures() -> list[Figure]:
    """Return the figures of this tree, with their aims."""
    aims = {"plain switch": 3.5, "Semaphore": 15, "published app": 1.6, "enter and leave, real": 1}
    return [
        Figure(
            name.removesuffix(", ms"),
            value,
            "ms" if name.endswith("ms") else "times",
            aim=next((aim for words, aim in aims.items() if name.startswith(words)), None),
        )
        for name, value in measure().items()
    ]


def _measured_in(tree: Path) -> dict[str, float]:
    """Measure a tree in a process of its own, with this file."""
    folders = [str(tree / "reference"), str(tree / "fakes"), str(Path(__file__).parent)]
    package = "threadsim" if (tree / "fakes" / "threadsim").is_dir() else "apscheduler_fakes"
    code = (
        f"import sys; sys.path[:0] = {folders!r}\n"
        f"import json, bench_door; bench_door.PACKAGE = {package!r}\n"
        "print(json.dumps(bench_door.measure()))"
    )
    done = subprocess.run(  # noqa: S603
        [sys.executable, "-c", code], stdout=subprocess.PIPE, text=True, check=True
    )
    measured: dict[str, float] = json.loads(done.stdout)
    return measured


def compare(revision: str) -> None:
    """Measure another commit in turn with this tree, and print both and their ratio."""
    root = Path(__file__).parent.parent
    with tempfile.TemporaryDirectory() as folder:
        other = Path(folder) / "other"
        git = ["git", "-C", str(root), "worktree"]
        subprocess.run([*git, "add", "-q", "--detach", str(other), revision], check=True)  # noqa: S603
        try:
            turns = [(_measured_in(other), _measured_in(root)) for _ in range(_TURNS)]
        finally:
            subprocess.run([*git, "remove", "-f", str(other)], check=True)  # noqa: S603
    print(f"{'':<52}{revision:>10}{'now':>10}{'ratio':>8}")
    for name in turns[0][0]:
        before, after = (median(turn[side][name] for turn in turns) for side in (0, 1))
        print(f"{name:<52}{before:>10.3f}{after:>10.3f}{after / before:>8.2f}")


def main(argv: Sequence[str] | None = None) -> int:
    """Compare two commits.

    Args:
        argv: Command-line arguments; ``None`` takes those of the process.

    Returns:
        The exit code, 0.
    """
    parser = argparse.ArgumentParser(description="Compare what a block costs with another commit.")
    parser.add_argument("--against", required=True, metavar="REVISION")
    compare(parser.parse_args(argv).against)
    return 0


if __name__ == "__main__":
    sys.exit(main())
