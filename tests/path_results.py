"""What path tests saw: kept for ``nox -s coverage``, and shown as a table when the run ends.

A pytest plugin of this suite. What a path test saw, and the text of the asserts that it passed,
travel with its report, from pytest-xdist's workers too; they go into the table and, when ``nox``
names one in ``PATHS_FILE``, into a file (for ``tests/spec.json``).
"""

import json
import os
from collections.abc import Generator, Sequence
from inspect import cleandoc
from itertools import zip_longest
from pathlib import Path
from textwrap import wrap
from typing import Any

import pytest

# What a program did in a path test that failed.
FAILED = "FAILED"

# In fewer columns than this the table is written as a list.
NARROW = 72

# What one path test saw.
RESULT = pytest.StashKey[dict[str, Any]]()

# What all of them saw, by test id.
_ALL = pytest.StashKey[dict[str, dict[str, Any]]]()


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Make room for what a path test will see."""
    if item.config.rootpath / "tests" / "paths" not in item.path.parents:
        return
    name, _, rest = item.name.rstrip("]").partition("[")
    program, _, variant = rest.partition("-")
    function: Any = getattr(item, "function", None)
    item.stash[RESULT] = {
        "test": item.nodeid.partition("[")[0] + (f"[{variant}]" if variant else ""),
        "line": item.location[1],
        "path": name.removeprefix("test_").replace("_", " ")
        + (f": {variant}" if variant else "").replace("-", ", "),
        "theme": item.path.stem.removeprefix("test_").replace("_", " "),
        "program": program,
        "promise": " ".join(cleandoc(function.__doc__ or "").split()),
        "rows": [row for mark in item.iter_markers("rows") for row in mark.args],
        "outcome": FAILED,
        "brief": FAILED,
        "asserts": {},
    }


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, Any, pytest.TestReport]:
    """Send what a path test saw with its report; what a failed one saw does not stand."""
    report: pytest.TestReport = yield
    if RESULT in item.stash:
        if report.failed:
            item.stash[RESULT].update(outcome=FAILED, brief=FAILED)
        report.user_properties.append(("path", item.stash[RESULT]))
    return report


def pytest_configure(config: pytest.Config) -> None:
    """Collect what comes with the reports."""
    config.pluginmanager.register(_Collector(config))


class _Collector:
    """Gathers what the path tests saw.

    Args:
        config: Where it is kept.
    """

    def __init__(self, config: pytest.Config) -> None:
        self._all = config.stash[_ALL] = {}

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Keep the last word of each test."""
        seen: dict[str, Any] = dict(report.user_properties)
        if "path" in seen:
            self._all[report.nodeid] = seen["path"]


@pytest.hookimpl(trylast=True)
def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    """Print a line per path, with what each program did, and keep it for ``nox -s coverage``."""
    # As they are written down, whichever worker ran them.
    order = sorted(config.stash[_ALL].items(), key=lambda each: (each[1]["theme"], each[1]["line"]))
    results = dict(order)
    if not results:
        return
    themes: dict[str, dict[str, dict[str, str]]] = {}
    for result in results.values():
        rows = themes.setdefault(result["theme"], {})
        rows.setdefault(result["path"], {})[result["program"]] = result["brief"]
    if "PATHS_FILE" in os.environ:
        file = Path(os.environ["PATHS_FILE"])
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(json.dumps(results, indent=1), encoding="utf-8")
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


def layout(table: Sequence[tuple[str, ...]], width: int) -> list[str]:
    """Lay a table out in columns whose cells wrap; a narrow terminal gets a block for each row.

    A row with one cell is the heading of those below it.
    """
    if width < NARROW:
        _, *names = table[0]
        said = [
            text
            for path, *outcomes in table[1:]
            for text in [
                path,
                *(f"  {name}: {what}" for name, what in zip(names, outcomes, strict=True) if what),
            ]
        ]
        return [line for text in said for line in wrap(text, width, subsequent_indent="    ")]
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
