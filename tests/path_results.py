"""What tests promise: kept for ``tests/spec.toml``; of the paths, shown when the run ends.

A pytest plugin of this suite. A test's sentence, and what a path or a caller of a group saw, travel
with its report, from pytest-xdist's workers too; they go into the table of paths and, when ``nox``
names one in ``SPEC_RUN``, into a file.
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

# The folders whose tests are promises to users.
PROMISES = ("contract", "explore", "fakes", "group", "paths", "simulation")

# What a program did in a path test that failed.
FAILED = "FAILED"

# In fewer columns than this the table is written as a list.
NARROW = 72

# What one test saw: by "documented", "corrected" or "gets", a list of texts.
RESULTS = pytest.StashKey[dict[str, list[str]]]()

# What a program did in one path test, in few words: its name, and that.
BRIEF = pytest.StashKey[tuple[str, str]]()

# What happened in one path test, event by event (``timeline``); empty unless it is recorded.
EVENTS = pytest.StashKey[list[dict[str, Any]]]()

# The explorations of the test that runs: how many schedules, what holds now, seconds.
explorations: list[tuple[int, str, float]] = []

# What all of them saw, by test id.
_ALL = pytest.StashKey[dict[str, dict[str, Any]]]()


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Make room for what a test will see."""
    item.stash[RESULTS] = {}
    item.stash[EVENTS] = []
    explorations.clear()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, Any, pytest.TestReport]:
    """Send what a test promises, and saw, with its report."""
    report: pytest.TestReport = yield
    if item.path.relative_to(item.config.rootpath / "tests").parts[0] in PROMISES:
        function: Any = getattr(item, "function", None)
        seen = {
            "line": item.location[1],
            "promise": " ".join(cleandoc(function.__doc__ or "").split()),
            "rows": sorted({row for mark in item.iter_markers("rows") for row in mark.args}),
            "results": item.stash.get(RESULTS, {}),
            "brief": item.stash.get(BRIEF, None),
            "events": item.stash.get(EVENTS, []),
            "explorations": explorations.copy(),
            "failed": report.failed,
        }
        report.user_properties.append(("promise", seen))
    return report


def pytest_configure(config: pytest.Config) -> None:
    """Collect what comes with the reports."""
    config.pluginmanager.register(_Collector(config))


class _Collector:
    """Gathers what the tests promise.

    Args:
        config: Where it is kept.
    """

    def __init__(self, config: pytest.Config) -> None:
        self._all = config.stash[_ALL] = {}

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Keep the last word of each test, and every failure."""
        seen: dict[str, Any] = dict(report.user_properties).get("promise", {})  # type: ignore[assignment]
        if seen:
            failed = self._all.get(report.nodeid, seen)["failed"]
            self._all[report.nodeid] = {**seen, "failed": failed or seen["failed"]}


@pytest.hookimpl(trylast=True)
def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    """Print a line per path, with what each program did, and keep all for ``tests/spec.toml``."""
    # As they are written down, whichever worker ran them.
    seen = config.stash[_ALL]
    results = {each: seen[each] for each in sorted(seen, key=lambda each: _place(each, seen[each]))}
    if results and "SPEC_RUN" in os.environ:
        file = Path(os.environ["SPEC_RUN"])
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(json.dumps(results, indent=1), encoding="utf-8")
    table = paths_table(results)
    if len(table) > 1:
        terminalreporter.section("paths")
        for line in layout(table, terminalreporter._tw.fullwidth):
            terminalreporter.line(line)


def _place(test: str, seen: dict[str, Any]) -> tuple[str, int]:
    return test.partition("::")[0], seen["line"]


def paths_table(results: dict[str, dict[str, Any]]) -> list[tuple[str, ...]]:
    """Return a row per path, below a heading per file, with what each program did."""
    files: dict[str, dict[str, dict[str, str]]] = {}
    for test, seen in results.items():
        if seen["brief"]:
            program, brief = seen["brief"]
            file, _, name = test.rpartition("/")[2].partition(".py::test_")
            name, _, variant = name.rstrip("]").partition("[")
            variant = variant.removeprefix(program).removeprefix("-")
            title = file.removeprefix("test_").replace("_", " ").upper()
            case = f": {variant}".replace("-", ", ") if variant else ""
            row = name.replace("_", " ") + case
            did = files.setdefault(title, {}).setdefault(row, {})
            did[program] = FAILED if seen["failed"] else brief
    table: list[tuple[str, ...]] = [("path", "documented", "corrected")]
    for title, paths in files.items():
        table.append((title, "", ""))
        table += [
            (f"  {name}", did.get("documented", ""), did.get("corrected", ""))
            for name, did in paths.items()
        ]
    return table


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
