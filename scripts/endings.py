"""Write ``docs/endings.md``: every way in which a job can end, and what its caller gets.

``python scripts/endings.py`` writes it. The rows come from ``tests/rows.toml``, what the caller
gets from the tests in ``tests/group`` that name a row: the texts that they compare with by ``gets``
and ``refused``. ``tests/test_endings_page.py`` fails when the page is not what this would write.
"""

import ast
import sys
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

PAGE = Path("docs/endings.md")
ROWS = Path("tests/rows.toml")
TESTS = Path("tests/group")
# The fixtures that compare what a caller gets with their last argument.
COMPARE = {"gets", "refused"}


class RowWithoutTest(Exception):  # Not an error of this script: a test is missing.
    """No test shows how a job of a group ends in this way."""


@dataclass(frozen=True)
class Ending:
    """A test of an ending.

    Attributes:
        test: Its id.
        rows: The rows that it is a case of.
        promise: Its docstring.
        told: What its callers get, in its own words.
    """

    test: str
    rows: list[str]
    promise: str
    told: list[str]


def page() -> str:
    """Return the page as it should be.

    Raises:
        RowWithoutTest: A row has no test.
    """
    rows = tomllib.loads(ROWS.read_text(encoding="utf-8"))
    ways = {row: entry for row, entry in rows.items() if row.startswith("E")}
    return f"{_INTRODUCTION}\n{table(ways, list(endings(TESTS)))}\n"


def table(rows: dict[str, dict[str, str]], tests: list[Ending]) -> str:
    """Return the rows as Markdown, a line for each test of a row.

    Raises:
        RowWithoutTest: A row has no test.
    """
    lines = ["| | how it ends | what the caller gets | test | source |", "|" + " --- |" * 5]
    for row, entry in rows.items():
        held = [ending for ending in tests if row in ending.rows]
        if not held:
            raise RowWithoutTest(f"{ROWS}: no test in {TESTS} names row {row} ({entry['what']})")
        for number, ending in enumerate(held):
            first = (f"**{row[1:]}**", entry["what"], f"`{entry['source']}`")
            number_cell, what, source = first if number == 0 else ("", "", "")
            told = "<br>".join(f"`{text}`" for text in ending.told) or ending.promise
            test = f"[`{ending.test}`](../{ending.test.partition('::')[0]})"
            cells = (number_cell, what, told.replace("|", "\\|"), test, source)
            lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def endings(folder: Path) -> Iterator[Ending]:
    """Read the tests of a folder that name rows, in the order in which they stand there."""
    for file in sorted(folder.glob("test_*.py")):
        tree = ast.parse(file.read_text(encoding="utf-8"))
        texts = {
            target.id: node.value
            for node in tree.body
            if isinstance(node, ast.Assign)
            for target in node.targets
            if isinstance(target, ast.Name)
        }
        for node in tree.body:
            # What is skipped, or may fail, shows nothing.
            if isinstance(node, ast.FunctionDef) and (rows := _rows_of(node)) and _counts(node):
                yield Ending(
                    f"{file.as_posix()}::{node.name}",
                    rows,
                    " ".join((ast.get_docstring(node) or "").split()),
                    list(_told(node, texts)),
                )


def _rows_of(test: ast.FunctionDef) -> list[str]:
    return [
        ast.literal_eval(argument)
        for mark in test.decorator_list
        if isinstance(mark, ast.Call) and ast.unparse(mark.func) == "pytest.mark.rows"
        for argument in mark.args
    ]


def _counts(test: ast.FunctionDef) -> bool:
    source = ast.unparse(test)
    return not any(f"pytest.{word}" in source for word in ("mark.skip", "mark.xfail", "skip("))


def _told(test: ast.FunctionDef, texts: dict[str, ast.expr]) -> Iterator[str]:
    calls = [node for node in ast.walk(test) if isinstance(node, ast.Call)]
    for call in sorted(calls, key=lambda call: call.lineno):
        if isinstance(call.func, ast.Name) and call.func.id in COMPARE:
            text = call.args[-1]
            if isinstance(text, ast.Name):
                text = texts[text.id]
            yield ast.literal_eval(text)


_INTRODUCTION = """\
# How a job of a group can end

The 34 ways in which a one-off job can end, and what a caller gets who waits for it in a
[`JobGroup`](which_one.md) for 30 seconds. This page is generated from the tests
(`python scripts/endings.py`): each text was compared, word for word, with what a test saw. *After*
counts virtual seconds from the test's beginning, on the real scheduler; *at once* is within five
real ones, where other processes take part; what names no time is raised by `add_job` itself. What
nobody can know is *pending*, and `last_seen` says what was last seen of the job. Sources are
APScheduler 3.11.3 and Flask-APScheduler 1.13.1, file and line.
"""


def main() -> int:
    """Write the page.

    Returns:
        The exit code.
    """
    PAGE.write_text(page(), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
