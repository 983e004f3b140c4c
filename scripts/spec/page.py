"""The living specification: one page with all that a run of the tests has shown, in pictures.

Its data are what the tests left (``tests/path_results.py``), coverage's report of the path tests,
and the rows and explanations of the pages in ``docs``.
"""

import ast
import html
import json
import re
import tomllib
from difflib import SequenceMatcher
from functools import cache
from itertools import groupby, pairwise, zip_longest
from pathlib import Path
from typing import Any, NamedTuple

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup, escape

from spec import promises
from spec.pages import DIFFERENCES, NAMES, PROGRAMS, ROWS, code, words
from spec.timelines import Picture, times
from spec.viewer import MUTANTS

# What a program can do, the worst first.
KINDS = ("FAILED", "hangs", "500", "504", "503", "200", "other")

Entry = dict[str, Any]
Holders = dict[str, dict[int, list[str]]]


class Outcome(NamedTuple):
    """What was seen, as a chip: its kind, its text, and the words beside it."""

    kind: str
    chip: str
    rest: str


def written(run: Path, held: Path, *, has_viewer: bool = False) -> str:
    """Return the page as HTML.

    Args:
        run: What the tests left in ``SPEC_RUN``.
        held: coverage's report of the two programs, with contexts.
        has_viewer: Whether ``mutants.html`` stands beside it.
    """
    cases = json.loads(run.read_text(encoding="utf-8"))
    seen, failed = promises.read(run)
    committed = promises.committed()
    changed = promises.compare(promises.of_the_files_in(seen, committed), seen)
    holders = held_by(json.loads(held.read_text(encoding="utf-8"))["files"])
    rows = tomllib.loads(ROWS.read_text(encoding="utf-8"))
    behaviours = [
        behaviour(test, entry, cases, holders)
        for test, entry in seen.items()
        if "documented" in entry
    ]
    number_pictures([each for behaviour in behaviours for each in behaviour["runs"].values()])
    files = groupby(behaviours, lambda each: promises.file_of(each["test"]))
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(prose=prose, words=words, code=code_of, ranges=ranges, chip=chip)
    environment.filters["by_class"] = lambda tests: groupby(tests, class_of)
    known = {
        "groups": [group(file, list(each), rows) for file, each in files],
        "totals": {name: totals(behaviours, name) for name in NAMES},
        "kinds": KINDS,
        "source": source(holders),
        "endings": {row: entry for row, entry in rows.items() if row.startswith("E")},
        "of_group": {test: entry for test, entry in seen.items() if "/group/" in test},
        "contract": {
            file: list(tests)
            for file, tests in groupby(
                (test for test in seen if "/contract/" in test), promises.file_of
            )
        },
        "seen": seen,
        "explorations": explorations(cases),
        "problems": [f"failed: {test}" for test in failed] + changed,
        "committed": len(committed),
        "mutants": mutants(),
        "has_viewer": has_viewer,
    }
    return environment.get_template("page.html.jinja").render(known)


def behaviour(test: str, entry: Entry, cases: Entry, holders: Holders) -> Entry:
    """Return what the page shows of one scenario on both programs."""
    of_test = {
        name: seen["events"]
        for case, seen in cases.items()
        for name in seen["results"]
        if promises.behaviour(case, seen["results"]) == test
    }
    span = max([1.0, *(at[0] for events in of_test.values() for at in times(events))])
    runs: Entry = {}
    for name in NAMES:
        lines = sorted(number for number, tests in holders[name].items() if test in tests)
        runs[name] = {
            "outcomes": [outcome(part) for text in entry[name] for part in text.split("; ")],
            "picture": Picture(of_test[name], span) if of_test.get(name) else None,
            "answers": [e["body"] for e in of_test.get(name, ()) if e.get("body") is not None],
            "lines": lines,
            "alone": [number for number in lines if holders[name][number] == [test]],
        }
    kinds = {name: {each.kind for each in run["outcomes"]} for name, run in runs.items()}
    differ = entry["documented"] != entry["corrected"]
    return {**entry, "test": test, "runs": runs, "span": span, "kinds": kinds, "differ": differ}


def number_pictures(runs: list[Entry]) -> None:
    """Give each picture a number. Equal ones have the same: only the first is in the page."""
    numbers: dict[str, int] = {}
    for run in runs:
        it = run["picture"]
        shape = it and f"{it.paths} {it.texts} {it.end}"
        run["first"] = shape not in numbers
        run["number"] = numbers.setdefault(shape, len(numbers))


def outcome(text: str) -> Outcome:
    """Read what a program did in words."""
    if hangs := re.fullmatch(r"hangs in \w+ at (.*)", text):
        return Outcome("hangs", "hangs", f"at {hangs[1]}")
    kind, _, rest = text.partition(" ")
    return Outcome(kind, kind, rest) if kind in KINDS else Outcome("other", text, "")


def chip(text: str) -> Outcome:
    """Read what the caller of a group gets."""
    head, rest = re.fullmatch(r"('[^']*'|\w+)(.*)", text, re.DOTALL).groups()  # type: ignore[union-attr]
    kind = "504" if head == "pending" else "500" if re.match("[A-Z].*[a-z][A-Z]", head) else "200"
    return Outcome(kind, head, rest.lstrip(": "))


def totals(behaviours: list[Entry], name: str) -> dict[str, int]:
    """Count behaviours by the worst that a program does in each."""
    worst = [min(each["kinds"][name], key=KINDS.index) for each in behaviours]
    return {kind: worst.count(kind) for kind in KINDS if kind in worst}


def group(file: str, behaviours: list[Entry], rows: dict[str, Entry]) -> Entry:
    """Return a file of path tests as a group: its heading, its sentences, and the cause."""
    heading, _, text = (ast.get_docstring(parsed(file)) or file).partition("\n\n")
    defect = "".join(re.findall(r"^D\d", heading))
    causes = {}
    for name in NAMES if defect else ():
        lines = code(PROGRAMS / f"{name}.py").items()
        (causes[name],) = (each for each in lines if rows[defect][name] in each[1])
    return {
        "heading": heading.rstrip("."),
        "id": defect or Path(file).stem,
        "text": text,
        "causes": causes,
        "behaviours": behaviours,
    }


def held_by(files: Entry) -> Holders:
    """Return the behaviours that run each line of each program, signatures apart.

    From Python 3.14 on, whoever first looks at a function's annotations runs its signature.
    """
    held: Holders = {}
    for file, report in files.items():
        name, functions = Path(file).stem, ast.walk(parsed(file))
        signatures = {
            number
            for each in functions
            if isinstance(each, ast.FunctionDef)
            for number in range(each.lineno, each.body[0].lineno)
        }
        held[name] = {
            int(number): sorted({promises.behaviour(case, NAMES) for case in cases if name in case})
            for number, cases in report["contexts"].items()
            if int(number) not in signatures
        }
    return held


def source(holders: Holders) -> list[Entry]:
    """Return the two programs side by side, part by part, with what is said of each change."""
    programs = [list(code(PROGRAMS / f"{name}.py").items()) for name in NAMES]
    explanations = enumerate(tomllib.loads(DIFFERENCES.read_text(encoding="utf-8"))["hunk"], 1)
    before, after = ([line for _, line in program] for program in programs)
    parts = []
    for tag, b0, b1, a0, a1 in SequenceMatcher(None, before, after, autojunk=False).get_opcodes():
        sides = [
            [(name, number, line, len(holders[name].get(number, ()))) for number, line in lines]
            for name, lines in zip(NAMES, (programs[0][b0:b1], programs[1][a0:a1]), strict=True)
        ]
        changes = tag != "equal" and any(line.strip() for line in before[b0:b1] + after[a0:a1])
        said = next(explanations) if changes else None
        parts.append({"said": said, "rows": list(zip_longest(*sides))})
    return parts


def explorations(cases: Entry) -> list[Entry]:
    """Sum up what each test explored without a failure."""
    explored: dict[str, Entry] = {}
    for case, seen in cases.items():
        for schedules, claim, seconds in seen["explorations"]:
            test = case.partition("[")[0]
            entry = explored.setdefault(
                test, {"promise": seen["promise"], "schedules": 0, "seconds": 0.0, "claims": {}}
            )
            entry["schedules"] += schedules
            entry["seconds"] += seconds
            entry["claims"][claim.partition(";")[0]] = None
    return [{"test": test, **entry} for test, entry in explored.items()]


def mutants() -> dict[str, int]:
    """Count the last run's mutants by what became of them, if there was one."""
    if not MUTANTS.exists():
        return {}
    report = json.loads(MUTANTS.read_text(encoding="utf-8"))
    became = [each["status"] for file in report["files"].values() for each in file["mutants"]]
    return {status: became.count(status) for status in sorted(set(became))}


@cache
def parsed(file: str) -> ast.Module:
    """Parse a file."""
    return ast.parse(Path(file).read_text(encoding="utf-8"))


def code_of(test: str) -> Markup:
    """Return the code of a test, without its docstring and rows, as HTML."""
    name = test.partition("[")[0].rpartition("::")[2]
    (found,) = (
        node
        for node in ast.walk(parsed(promises.file_of(test)))
        if isinstance(node, ast.FunctionDef) and node.name == name
    )
    lines = Path(promises.file_of(test)).read_text(encoding="utf-8").splitlines()
    said = found.body[0]
    first = min([found.lineno, *(each.lineno for each in found.decorator_list)])
    kept = lines[first - 1 : said.lineno - 1] + lines[said.end_lineno or 0 : found.end_lineno]
    indent = found.col_offset
    shown = (line[indent:] for line in kept if "@pytest.mark.rows(" not in line)
    text = "\n".join(line.replace("    ", "\t") for line in shown)
    return Markup(html.escape(text, quote=False))  # noqa: S704  # Escaped.


def class_of(test: str) -> str:
    """Return the class of a test in words, or nothing."""
    name = test.partition("::Test")[2].partition("::")[0]
    return re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name).capitalize()


def ranges(numbers: list[int]) -> str:
    """Return numbers as ranges: ``1-3 7``."""
    gaps = [(n, following) for n, following in pairwise(numbers) if following != n + 1]
    starts = [*numbers[:1], *(following for _, following in gaps)]
    ends = [*(n for n, _ in gaps), *numbers[-1:]]
    return " ".join(f"{a}-{b}" if a < b else f"{a}" for a, b in zip(starts, ends, strict=True))


def prose(text: str) -> Markup:
    """Return a text as HTML: paragraphs, with what stands in backticks as code, in stars as em."""
    marked = re.sub(r"(`+)(.+?)\1", r"<code>\2</code>", str(escape(text.strip())))
    marked = re.sub(r"(?<!\w)\*(\w+)\*", r"<em>\1</em>", marked)
    return Markup("</p><p>".join(marked.split("\n\n")))  # noqa: S704  # Escaped above.
