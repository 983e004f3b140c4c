"""Measure, print each figure as soon as it is there, and write all into ``build/bench.json``.

A missed aim is said, not failed.
"""

import argparse
import json
import platform
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from bench import bugs, explore, group, simulation
from bench.figure import Figure

REPORT = Path("build/bench.json")


def main(argv: Sequence[str] | None = None) -> int:
    """Measure what is chosen.

    Args:
        argv: Command-line arguments; ``None`` takes those of the process.

    Returns:
        The exit code, 0.
    """
    parser = argparse.ArgumentParser(prog="bench", description="Measure what things cost.")
    names = ("simulation", "explore", "bugs", "group")
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(names)}")
    parser.add_argument("--threads", type=int, default=10_000, help="most virtual threads")
    parser.add_argument("--jobs", type=int, default=10_000, help="most jobs of a group")
    options = parser.parse_args(argv)
    measurements: dict[str, Callable[[], Iterator[Figure]]] = {
        "simulation": lambda: simulation.figures(options.threads),
        "explore": explore.figures,
        "bugs": bugs.figures,
        "group": lambda: group.figures(options.jobs),
    }
    figures = list[Figure]()
    for name in options.names or names:
        for figure in measurements[name]():
            print(figure, flush=True)
            figures.append(figure)
    written = {"python": platform.python_version(), "figures": [each._asdict() for each in figures]}
    REPORT.parent.mkdir(exist_ok=True)
    REPORT.write_text(json.dumps(written, indent=1, ensure_ascii=False), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
