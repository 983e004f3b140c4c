"""Write ``docs/what_the_published_program_does.md`` from what is kept elsewhere.

``python scripts/page.py`` writes it. The rows come from ``tests/rows.toml``, what each program did
from ``tests/spec.json``, the difference from the two programs, and what is said of each hunk from
``docs/differences.toml``. ``tests/test_page.py`` fails when the page is not what this would write.
"""

import ast
import difflib
import json
import sys
import tomllib
from pathlib import Path
from typing import Any

PAGE = Path("docs/what_the_published_program_does.md")
DIFFERENCES = Path("docs/differences.toml")
SPEC = Path("tests/spec.json")
ROWS = Path("tests/rows.toml")
PROGRAMS = Path("reference/jobs_synchronizer")
HEADINGS = (
    "# What the published program does",
    "## The paths, by defect",
    "## The rows",
    "## The difference",
)

Entry = dict[str, Any]


class Unexplained(Exception):  # Not an error of this script: the explanations are behind.
    """The explanations of the difference do not fit it."""


def page() -> str:
    """Return the page as it should be.

    Raises:
        Unexplained: A hunk of the difference has no explanation, or an explanation no hunk.
    """
    rows: dict[str, Entry] = tomllib.loads(ROWS.read_text(encoding="utf-8"))
    paths: dict[str, Entry] = json.loads(SPEC.read_text(encoding="utf-8"))["paths"]
    title, *sections = HEADINGS
    parts = [
        f"{title}\n\n{_INTRODUCTION}",
        f"{sections[0]}\n\n{_PATHS}",
        *paths_tables(paths),
        f"{sections[1]}\n\n{_ROWS}\n\n{rows_table(rows, paths)}",
        f"{_NOT_MET}\n\n{not_met_table(rows)}",
        f"{sections[2]}\n\n{_DIFFERENCE}",
        *explained(
            hunks(*(code(PROGRAMS / f"{name}.py") for name in ("documented", "corrected"))),
            tomllib.loads(DIFFERENCES.read_text(encoding="utf-8"))["hunk"],
        ),
    ]
    return "\n\n".join(parts) + "\n"


def rows_table(rows: dict[str, Entry], paths: dict[str, Entry]) -> str:
    """Return the rows that have paths, as Markdown, each with its paths' names."""
    lines = ["| | what happens | paths | source |", "|" + " --- |" * 4]
    for row, entry in rows.items():
        named = "; ".join(words(test) for test, did in paths.items() if row in did["rows"])
        if named:
            lines.append(f"| **{row}** | {entry['what']} | {named} | `{entry['source']}` |")
    return "\n".join(lines)


def not_met_table(rows: dict[str, Entry]) -> str:
    """Return the rows that have no path, as Markdown, each with its reason."""
    lines = ["| | what happens | why there is no path | source |", "|" + " --- |" * 4]
    for row, entry in rows.items():
        if "not_met" in entry:
            source = f"`{entry['source']}`" if "source" in entry else ""
            lines.append(f"| **{row}** | {entry['what']} | {entry['not_met']} | {source} |")
    return "\n".join(lines)


def paths_tables(paths: dict[str, Entry]) -> list[str]:
    """Return what each file of path tests says first, and its table, as Markdown."""
    tables: dict[str, list[str]] = {}
    for test, did in paths.items():
        file = test.partition("::")[0]
        promise = did["promise"].replace("``", "`")
        cells = (words(test), promise, cell(did["documented"]), cell(did["corrected"]))
        begin = ["| path | promise | documented | corrected |", "|" + " --- |" * 4]
        tables.setdefault(file, begin).append(f"| {' | '.join(cells)} |")
    return [
        f"### {said_first(Path(file))}\n\n" + "\n".join(table) for file, table in tables.items()
    ]


def said_first(file: Path) -> str:
    """Return a file's docstring as a heading and text, with a link to the file."""
    text = ast.get_docstring(ast.parse(file.read_text(encoding="utf-8"))) or file.name
    heading, _, rest = text.replace("``", "`").partition("\n\n")
    return f"{heading.rstrip('.')}\n\n{rest} ([{file.name}](../{file.as_posix()}))"


def code(program: Path) -> list[str]:
    """Return a program's lines without its docstrings and without comments of a whole line."""
    text = program.read_text(encoding="utf-8")
    said: set[int] = set()
    nodes = (ast.Module, ast.ClassDef, ast.FunctionDef)
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, nodes) and ast.get_docstring(node):
            said.update(range(node.body[0].lineno, (node.body[0].end_lineno or 0) + 1))
    return [
        line
        for number, line in enumerate(text.splitlines(), 1)
        if number not in said and not line.strip().startswith("#")
    ]


def hunks(before: list[str], after: list[str]) -> list[list[str]]:
    """Return what changes, hunk by hunk, as lines that begin with ``-`` or ``+``."""
    matcher = difflib.SequenceMatcher(None, before, after, autojunk=False)
    changes = [
        [f"-{line}" for line in before[b0:b1]] + [f"+{line}" for line in after[a0:a1]]
        for tag, b0, b1, a0, a1 in matcher.get_opcodes()
        if tag != "equal"
    ]
    # An empty line is no change.
    full = [[line for line in change if line not in {"-", "+"}] for change in changes]
    return [change for change in full if change]


def explained(changes: list[list[str]], explanations: list[Entry]) -> list[str]:
    """Put what is said of each hunk above it.

    Args:
        changes: The hunks.
        explanations: In the hunks' order, ``first`` (the hunk's first line, as in the difference),
            ``lines`` (how many it has), ``why`` and ``known_bad``, or ``no_known_bad``.

    Raises:
        Unexplained: They do not fit together, or one has neither a known-bad program nor a reason.
    """
    programs = [f"{change[0]} … {len(change)} lines" for change in changes]
    explained = [f"{each['first']} … {each['lines']} lines" for each in explanations]
    if programs != explained:
        lines = difflib.unified_diff(explained, programs, "differences.toml", "the programs")
        raise Unexplained(
            f"{DIFFERENCES}: the hunks are not those of the difference between documented.py and "
            "corrected.py. Explain what is new, take out what is gone:\n"
            + "\n".join(line.rstrip("\n") for line in lines)
        )
    for each in explanations:
        if bool(each["known_bad"]) == bool(each.get("no_known_bad")):
            raise Unexplained(
                f"{DIFFERENCES}: {each['first']!r} needs an entry of tests/known_bad.toml, "
                "or a sentence in no_known_bad that says why it has none."
            )
    return [
        f"{each['why']}{_held(each)}\n\n```diff\n" + "\n".join(change) + "\n```"
        for change, each in zip(changes, explanations, strict=True)
    ]


def words(test: str) -> str:
    """Return a path test's name in words."""
    name, _, variant = test.partition("::test_")[2].rstrip("]").partition("[")
    return name.replace("_", " ") + (f": {variant}" if variant else "").replace("-", ", ")


def cell(outcome: str) -> str:
    """Return what a program did as a table's cell."""
    safe = outcome.replace("<", "&lt;")  # Or a browser takes it for a tag.
    return safe.replace("hangs in", "**hangs** in").replace("|", "\\|")


def _held(explanation: Entry) -> str:
    names = ", ".join(f"`{name}`" for name in explanation["known_bad"])
    return f" Known bad: {names}." if names else ""


_INTRODUCTION = """\
Two programs do the same thing: add ten one-off jobs to Flask-APScheduler, wait for them, answer
with their statuses. `documented` is the published program, `corrected` its twin. This page is
generated from the tests (`python scripts/page.py`): what stands here was seen."""

_ROWS = """\
What can go wrong with a group of jobs (D), how one job can end (E), and the paths above that are a
case of it. Sources are APScheduler 3.11.3 and Flask-APScheduler 1.13.1, file and line."""

_NOT_MET = "These the two programs cannot meet:"

_PATHS = """\
One scenario each, run on both programs in virtual time. *Promise* is what the corrected program
keeps. Several outcomes in one cell are those of several requests, in their order."""

_DIFFERENCE = """\
`diff documented.py corrected.py`, docstrings, comments and empty lines left out. A known-bad
program is `corrected.py` with one correction taken out, an entry of
[tests/known_bad.toml](../tests/known_bad.toml), which names the path test that turns red."""


def main() -> int:
    """Write the page.

    Returns:
        The exit code.
    """
    PAGE.write_text(page(), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
