"""Keep what the README shows true.

``python scripts/readme.py`` writes the table of paths from ``tests/spec.json``.
``tests/test_readme.py`` runs its code blocks and compares the rest.
"""

import json
import re
import sys
from pathlib import Path
from typing import Any

README = Path("README.md")
SPEC = Path("tests/spec.json")

# The paths that the project was made for.
FIRST = (
    "ten jobs",
    "no jobs",
    "a notification before the wait",
    "a job that raises: halfway",
    "more jobs than workers",
    "a job id that is taken",
    "a second request: after a second",
    "a scheduler that does not run: it was never started",
)


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
        test.partition("::test_")[2].replace("_", " ").replace("[", ": ").rstrip("]"): entry
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


def _cell(outcome: str) -> str:
    return re.sub(r"hangs in (\w+) at [\d.]+ s", r"**hangs** in `\1`", outcome)


def main() -> int:
    """Write the table.

    Returns:
        The exit code.
    """
    text = README.read_text(encoding="utf-8")
    spec = json.loads(SPEC.read_text(encoding="utf-8"))
    README.write_text(with_paths_table(text, spec), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
