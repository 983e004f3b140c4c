"""Write down that a part of `nox -s soundness` has passed, and say which parts are missing.

A part counts for the last commit that changed the code or the tests: others change nothing of it.
"""

import argparse
import json
import subprocess
import sys
from pathlib import Path

PARTS = Path("build/soundness.json")
ROOMS = ("fakes", "reference", "tests")


def engine() -> str:
    """Return the last commit that changed the code or the tests.

    Raises:
        SystemExit: There are changes that are in no commit.
    """
    if _git("status", "--porcelain", "--", *ROOMS):
        sys.exit("soundness: passed, but not written down: commit your changes first.")
    return _git("log", "-1", "--format=%h", "--", *ROOMS)


def _git(*arguments: str) -> str:
    done = subprocess.run(["git", *arguments], capture_output=True, text=True, check=False)  # noqa: S603, S607
    return done.stdout.strip()


def part_of(text: str) -> tuple[int, int]:
    """Read a part, as ``2/4``.

    Raises:
        argparse.ArgumentTypeError: It is none.
    """
    number, slash, parts = text.partition("/")
    if not (slash and number.isdecimal() and parts.isdecimal() and 1 <= int(number) <= int(parts)):
        raise argparse.ArgumentTypeError(f"{text!r} is no part: give K/N, with K from 1 to N")
    return int(number), int(parts)


def main(part: str) -> None:
    """Write down one part, as ``2/4``."""
    commit = engine()
    passed: dict[str, str] = json.loads(PARTS.read_text("utf-8")) if PARTS.exists() else {}
    passed[part] = commit
    PARTS.parent.mkdir(exist_ok=True)
    PARTS.write_text(json.dumps(passed, indent=1, sort_keys=True), encoding="utf-8")
    _, parts = part_of(part)
    every = [f"{number}/{parts}" for number in range(1, parts + 1)]
    missing = [each for each in every if passed.get(each) != commit]
    print(f"part {part} passed on {commit}; missing: {', '.join(missing) or 'none'}")


if __name__ == "__main__":
    main(sys.argv[1])
