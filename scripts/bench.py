"""Measure what simulations and explorations cost, each figure beside what it is compared with.

``nox -s bench`` runs this. Machines differ and are noisy: read the ratios. Figures go to
``build/bench/report.json``, with the aims they are held against; a missed aim is said, not failed.
"""

import argparse
import contextlib
import io
import resource
import sys
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import median

from apscheduler.executors.pool import ThreadPoolExecutor
from apscheduler.schedulers.background import BackgroundScheduler

import bench_door
import bench_explore
from figure import Figure, now, report
from jobs_synchronizer.documented import create_app
from threadsim import Simulation

REPORT = Path("build/bench/report.json")

# The published scenario in real time, in seconds.
REAL_SECONDS = 10.0

SLEEPS = 10


def published_app(runs: int) -> list[Figure]:
    """Run the published app again and again, after a first time that does not count."""
    alone, whole = [], []
    for _ in range(runs + 1):
        with contextlib.redirect_stdout(io.StringIO()):
            begun = now()
            with Simulation() as sim:
                entered = now()
                create_app().test_client().get("/run-tasks")
                ran = now()
            left = now()
        assert sim.clock.elapsed == REAL_SECONDS
        alone.append((ran - entered) * 1e3)
        whole.append((left - begun) * 1e3)
    return [
        Figure("published app, the run itself", median(alone[1:]), "ms", aim=4),
        Figure("published app, with entering and leaving", median(whole[1:]), "ms", aim=8),
        Figure("real time against virtual", REAL_SECONDS * 1e3 / median(whole[1:]), "times"),
    ]


def sleep_and_wake_up(rounds: int, threads: int) -> float:
    """Return the seconds of a virtual sleep, from its call to its return.

    Args:
        rounds: How many sleeps altogether.
        threads: How many threads share them. One alone goes on without a switch; two take turns.
    """

    def sleeper() -> None:
        for _ in range(rounds // threads):
            time.sleep(0.001)

    with Simulation(max_steps=10 * rounds):
        others = [threading.Thread(target=sleeper) for _ in range(threads - 1)]
        for other in others:
            other.start()
        begun = now()
        sleeper()
        spent = now() - begun
        for other in others:
            other.join()
    return spent / rounds


def switches(rounds: int) -> list[Figure]:
    """Compare sleeps with a bare round trip, the best of five in turn."""
    runs = [
        (
            bench_door.round_trip(rounds),
            sleep_and_wake_up(rounds, threads=1),
            sleep_and_wake_up(rounds, threads=2),
        )
        for _ in range(5)
    ]
    bare, alone, in_turn = (min(times) for times in zip(*runs, strict=True))
    return [
        Figure("bare greenlet round trip", bare * 1e6, "µs"),
        Figure("sleep and wake-up", alone * 1e6, "µs"),
        Figure("sleep and wake-up of two threads in turn", in_turn * 1e6, "µs"),
        Figure("sleep against bare round trip", alone / bare, "times", aim=5),
        Figure("sleep of two in turn against bare round trip", in_turn / bare, "times", aim=5),
    ]


def many_threads(count: int) -> tuple[float, float]:
    """Run threads of ten sleeps each.

    Returns:
        Microseconds a switch, and KiB a thread.
    """

    def sleeper() -> None:
        for _ in range(SLEEPS):
            time.sleep(1)

    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with Simulation(max_steps=100 * SLEEPS * count + 1_000) as sim:
        begun = now()
        threads = [threading.Thread(target=sleeper) for _ in range(count)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        spent = now() - begun
        steps = len(sim.trace)
    after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return spent / steps * 1e6, (after - before) / count


def thread_counts(largest: int) -> list[Figure]:
    """Measure from ten threads up to the largest number, in powers of ten."""
    figures, costs = [], {}
    count = 10
    while count <= largest:
        costs[count], memory = many_threads(count)
        figures.append(Figure(f"{count:,} threads, a switch", costs[count], "µs"))
        if count >= 10_000:  # noqa: PLR2004  # Below, the process's own growth hides the threads.
            figures.append(Figure(f"{count:,} threads, memory a thread", memory, "KiB", aim=12))
        count *= 10
    most = max(costs)
    if most <= 1_000:  # noqa: PLR2004  # Nothing to hold it against.
        return figures
    ratio = costs[most] / costs[1_000]
    name = f"a switch among {most:,} threads against 1,000"
    return [*figures, Figure(name, ratio, "times", aim=2)]


def nap() -> None:
    """Take ten seconds."""
    time.sleep(10)


def many_jobs(count: int) -> list[Figure]:
    """Run real APScheduler jobs on as many virtual workers."""
    with Simulation(max_steps=1_000 * count) as sim:
        scheduler = BackgroundScheduler(executors={"default": ThreadPoolExecutor(count)})
        begun = now()
        scheduler.start()
        for _ in range(count):
            scheduler.add_job(nap)
        sim.clock.tick(20)
        spent = now() - begun
    return [Figure(f"{count:,} real APScheduler jobs, a job", spent / count * 1e3, "ms", aim=0.4)]


def main(argv: Sequence[str] | None = None) -> int:
    """Measure, print and write the report.

    Args:
        argv: Command-line arguments; ``None`` takes those of the process.

    Returns:
        The exit code, 0.
    """
    parser = argparse.ArgumentParser(description="Measure what a simulation costs.")
    parser.add_argument(
        "--threads",
        type=int,
        default=10_000,
        help="largest number of virtual threads (default: %(default)s; 100000 takes a minute)",
    )
    options = parser.parse_args(argv)
    measurements: list[Callable[[], list[Figure]]] = [
        bench_door.figures,
        lambda: published_app(50),
        lambda: switches(20_000),
        lambda: thread_counts(max(1_000, options.threads)),
        lambda: many_jobs(1_000),
        bench_explore.schedules_to_completeness,
        bench_explore.schedules_to_the_first_failure,
        bench_explore.whole_programs,
    ]
    report(measurements, REPORT)
    return 0


if __name__ == "__main__":
    sys.exit(main())
