"""Write down that a part of `nox -s soundness` has passed, and say which parts are missing.

A part counts for the last commit that changed ``fakes/``: a later one changes nothing of it.
"""

import json
import subprocess
import sys
from pathlib import Path

PARTS = Path("build/soundness.json")


def engine() -> str:
    """Return the last commit that changed ``fakes/``; nothing where git knows none."""
    command = ["git", "log", "-1", "--format=%h", "--", "fakes"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603
    return done.stdout.strip()


def main(part: str) -> None:
    """Write down one part, as ``2/4``."""
    commit = engine()
    passed: dict[str, str] = json.loads(PARTS.read_text("utf-8")) if PARTS.exists() else {}
    passed[part] = commit
    PARTS.parent.mkdir(exist_ok=True)
    PARTS.write_text(json.dumps(passed, indent=1, sort_keys=True), encoding="utf-8")
    parts = int(part.partition("/")[2])
    every = [f"{number}/{parts}" for number in range(1, parts + 1)]
    missing = [each for each in every if passed.get(each) != commit]
    print(f"part {part} passed on {commit}; missing: {', '.join(missing) or 'none'}")


if __name__ == "__main__":
    main(sys.argv[1])
