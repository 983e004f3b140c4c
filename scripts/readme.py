"""Keep what the README shows true.

``python scripts/readme.py write`` writes the table of paths from ``tests/spec.json``;
``python scripts/readme.py e2e REPORT`` holds the README's end-to-end lines against a real run's
report. ``tests/test_readme.py`` runs its code blocks and compares the rest.
"""

import argparse
import json
import re
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

README = Path("README.md")
SPEC = Path("tests/spec.json")

# The paths that the project was made for.
FIRST = (
    "the sunny day",
    "no jobs",
    "an id that is pending",
    "a second request meanwhile",
    "a notification before the wait",
    "a job that raises",
)

# How far, in seconds, a measured time may lie from the one in the README.
SLACK = 0.5

_VERDICT = re.compile(r"\w+ +ok +(?P<wall>[\d.]+) s  (?P<figures>.*)")


def block(text: str, name: str) -> str:
    """Return the fenced block below the comment ``<!-- name -->``.

    Raises:
        ValueError: There is none.
    """
    found = re.search(rf"<!-- {re.escape(name)} -->\n```\w+\n(.*?)```", text, re.DOTALL)
    if found is None:
        raise ValueError(f"README.md: below <!-- {name} --> there should be a fenced block.")
    return found.group(1)


def paths_table(spec: dict[str, Any]) -> str:
    """Return the table of the first paths, as Markdown; all of them stand in the docs."""
    rows = ["| path | documented | corrected |", "| --- | --- | --- |"]
    paths = {
        test.partition("::test_")[2].replace("_", " "): entry
        for test, entry in spec["paths"].items()
    }
    for path in FIRST:
        did = paths[path]
        rows.append(f"| {path} | {_cell(did['documented'])} | {_cell(did['corrected'])} |")
    return "\n".join(rows) + "\n"


def with_paths_table(text: str, spec: dict[str, Any]) -> str:
    """Return the README with the table of paths as it is in the specification."""
    head, begin, rest = text.partition("<!-- paths -->\n")
    _, end, tail = rest.partition("<!-- /paths -->\n")
    return f"{head}{begin}{paths_table(spec)}{end}{tail}"


def e2e_problems(shown: str, report: dict[str, Any]) -> list[str]:
    """Say where the README's end-to-end lines are not what a run measured.

    Args:
        shown: The README's block.
        report: The run's ``report.json``.
    """
    runs = {report["scenario"]: report, **report["scenarios"]}
    *verdicts, last = shown.splitlines()
    if [line.split()[0] for line in verdicts] != list(runs):
        return [f"it should show the scenarios {', '.join(runs)}, in this order, and a last line"]
    problems = []
    if not last.startswith(f"{len(runs)} of {len(runs)} scenarios passed in "):
        problems.append(f"the last line is {last!r}, and {len(runs)} of {len(runs)} passed")
    for line, (name, run) in zip(verdicts, runs.items(), strict=True):
        verdict = _VERDICT.fullmatch(line)
        if verdict is None or verdict["figures"] != run["figures"]:
            problems.append(f"{name}: it shows {line!r}, measured was {run['figures']}")
        elif abs(float(verdict["wall"]) - run["wall_seconds"]) > SLACK:
            problems.append(
                f"{name}: it shows {verdict['wall']} s, measured were {run['wall_seconds']} s"
            )
    return problems


def _cell(outcome: str) -> str:
    hang = re.fullmatch(r"hangs in (\w+) at .*", outcome)
    return f"**hangs** in `{hang[1]}`" if hang else outcome.replace("|", "\\|")


def main(argv: Sequence[str] | None = None) -> int:
    """Write or check.

    Args:
        argv: Command-line arguments; ``None`` takes those of the process.

    Returns:
        The exit code.
    """
    parser = argparse.ArgumentParser(description="Keep what the README shows true.")
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("write", help="write the table of paths from tests/spec.json")
    e2e = commands.add_parser("e2e", help="check the end-to-end lines against a run")
    e2e.add_argument("report", type=Path)
    options = parser.parse_args(argv)
    text = README.read_text(encoding="utf-8")
    if options.command == "write":
        spec = json.loads(SPEC.read_text(encoding="utf-8"))
        README.write_text(with_paths_table(text, spec), encoding="utf-8")
        return 0
    report = json.loads(options.report.read_text(encoding="utf-8"))
    problems = e2e_problems(block(text, "e2e"), report)
    for problem in problems:
        print(f"README.md, the end-to-end lines: {problem}.", file=sys.stderr)
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
