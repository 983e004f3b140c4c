"""What every path test stands on: a program, asked in a simulation, and what came of it.

Each path test runs on the published program and on its corrected twin. What it saw, and the text of
the asserts that it passed, go into ``build/paths`` (for ``tests/spec.json``) and into the table at
the end of the run.
"""

import json
import platform
from collections.abc import Generator
from inspect import cleandoc
from itertools import zip_longest
from pathlib import Path
from textwrap import wrap
from typing import Any

import pytest

from jobs_synchronizer import corrected, documented
from outcomes import Program

RESULTS = Path("build/paths")

# In fewer columns than this the table is written as a list.
NARROW = 72

_RESULTS = pytest.StashKey[dict[str, dict[str, Any]]]()


@pytest.fixture(params=[documented, corrected], ids=["documented", "corrected"])
def program(request: pytest.FixtureRequest) -> Program:
    """The published program and its corrected twin, one after the other."""
    results = request.config.stash[_RESULTS][request.node.nodeid]

    def note(outcome: str, brief: str) -> None:
        results.update(outcome=outcome, brief=brief)

    return Program(request.param, note)


# What was seen, for the table and for tests/spec.json.


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Make room for what a path test will see."""
    name, _, program = item.name.rstrip("]").partition("[")
    function: Any = getattr(item, "function", None)
    item.config.stash.setdefault(_RESULTS, {})[item.nodeid] = {
        "path": name.removeprefix("test_").replace("_", " "),
        "theme": Path(item.path).stem.removeprefix("test_").replace("_", " "),
        "program": program,
        "promise": " ".join(cleandoc(function.__doc__ or "").split()),
        "rows": [row for mark in item.iter_markers("rows") for row in mark.args],
        "outcome": "",
        "brief": "FAILED",
        "asserts": [],
    }


def pytest_assertion_pass(item: pytest.Item, orig: str) -> None:
    """Keep the text of an assert that held: emptying it must not go unseen."""
    results = item.config.stash[_RESULTS][item.nodeid]
    results["asserts"].append(" ".join(orig.split()))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, Any, pytest.TestReport]:
    """Let nothing that a failed test saw stand as what the program does."""
    report: pytest.TestReport = yield
    if report.failed:
        item.config.stash[_RESULTS][item.nodeid]["brief"] = "FAILED"
    return report


@pytest.hookimpl(trylast=True)
def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    """Print a line per path, with what each program did, and keep it for ``nox -s coverage``."""
    results = config.stash.get(_RESULTS, {})
    if not results:
        return
    themes: dict[str, dict[str, dict[str, str]]] = {}
    for result in results.values():
        rows = themes.setdefault(result["theme"], {})
        rows.setdefault(result["path"], {})[result["program"]] = result["brief"]
    RESULTS.mkdir(parents=True, exist_ok=True)
    version = ".".join(platform.python_version_tuple()[:2])
    file = RESULTS / f"{version}.json"
    file.write_text(json.dumps(results, indent=1, sort_keys=True), encoding="utf-8")
    table: list[tuple[str, ...]] = [("path", "documented", "corrected")]
    for theme, rows in themes.items():
        table.append((theme.upper(), "", ""))
        table += [
            (f"  {path}", outcomes.get("documented", ""), outcomes.get("corrected", ""))
            for path, outcomes in rows.items()
        ]
    terminalreporter.section("paths")
    for line in layout(table, terminalreporter._tw.fullwidth):
        terminalreporter.line(line)


def layout(table: list[tuple[str, ...]], width: int) -> list[str]:
    """Lay a table out in columns whose cells wrap; a narrow terminal gets a block for each row.

    A row with one cell is the heading of those below it.
    """
    if width < NARROW:
        _, *names = table[0]
        return [
            line
            for path, *outcomes in table[1:]
            for line in [
                path,
                *(f"  {name}: {said}" for name, said in zip(names, outcomes, strict=True) if said),
            ]
        ]
    longest = [max(len(row[column]) for row in table) for column in range(3)]
    first = min(longest[0], width // 3)
    share = (width - first - 4) // 2
    widths = [first, min(share, longest[1]), min(share, longest[2])]
    lines = []
    for row in table:
        cells = [
            wrap(cell, room, subsequent_indent="    " if cell.startswith(" ") else "")
            for cell, room in zip(row, widths, strict=True)
        ]
        for parts in zip_longest(*cells, fillvalue=""):
            padded = (part.ljust(room) for part, room in zip(parts, widths, strict=True))
            lines.append("  ".join(padded).rstrip())
    return lines
