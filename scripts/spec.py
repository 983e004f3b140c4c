"""Compare what the path tests promise and hold with ``tests/spec.json``.

``nox -s coverage`` measures the tests and runs this; with ``-- --accept`` it writes the file anew.
``nox -s tests`` only compares the Pythons (``--same FOLDER``).
It holds, per path test, its sentence, the rows of ``tests/rows.toml`` that it names, and for each
program what it did and the asserts that held; and per function of the two programs the path tests
that run through it and the text of the lines that none does.
Names and texts only, no line numbers: it changes when the promise does.
"""

import argparse
import json
import sys
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

SPEC = Path("tests/spec.json")

Spec = dict[str, dict[str, dict[str, Any]]]


class Incomplete(Exception):  # Not an error of this script: what it needs is missing.
    """What the tests left behind is not enough for a comparison."""


def paths(runs: Iterable[Path]) -> dict[str, dict[str, Any]]:
    """Read what the path tests of each Python saw.

    Args:
        runs: The files in ``build/paths``, one per Python.

    Returns:
        Per path test ``promise``, ``rows``, what each program did, and its ``asserts`` on each.

    Raises:
        Incomplete: There is no run, or two Pythons saw different things.
    """
    seen: dict[str, dict[str, Any]] = {}
    first = ""
    for run in runs:
        read: dict[str, dict[str, Any]] = {}
        for result in json.loads(run.read_text(encoding="utf-8")).values():
            entry = read.setdefault(
                result["test"],
                {"promise": result["promise"], "rows": result["rows"], "asserts": {}},
            )
            entry[result["program"]] = result["outcome"]
            entry["asserts"][result["program"]] = list(result["asserts"].values())
        if seen and read != seen:
            differences = "\n".join(compare({"paths": seen}, {"paths": read}))
            raise Incomplete(f"Pythons {first} and {run.stem} differ:\n{differences}")
        seen, first = read, run.stem
    if not seen:
        raise Incomplete("no path test has left a result. Run `nox -s coverage`, which runs them.")
    return seen


def since_the_last_change(folder: Path) -> list[Path]:
    """Return what the path tests left of each Python since code or tests were changed."""
    sources = [
        each for room in ("reference", "fakes", "tests") for each in Path(room).rglob("*.py")
    ]
    changed = max(each.stat().st_mtime for each in sources)
    return sorted(each for each in folder.glob("3.*.json") if each.stat().st_mtime > changed)


def functions(report: dict[str, Any]) -> tuple[dict[str, dict[str, Any]], list[str]]:
    """Read which path tests run through which function.

    Args:
        report: coverage's JSON report of the two programs, with contexts, restricted to path tests.

    Returns:
        Per function ``held_by`` (tests) and ``held_by_none`` (texts of lines), and a sentence for
        each function other than ``main`` with a line or branch that no path test holds.
    """
    entries: dict[str, dict[str, Any]] = {}
    problems = []
    for file, measured in report["files"].items():
        lines = Path(file).read_text(encoding="utf-8").splitlines()
        for name, region in measured["functions"].items():
            if not name:
                continue  # Lines that run when the module is imported belong to no test.
            full = f"{Path(file).stem}.{name}"
            tests = {
                context.partition("[")[0]
                for line in region["executed_lines"]
                for context in measured["contexts"].get(str(line), [])
            }
            missing = [lines[number - 1].strip() for number in region["missing_lines"]]
            entries[full] = {"held_by": sorted(tests), "held_by_none": missing}
            if name == "main":
                continue
            problems += [f"{full}: no path test runs through `{line}`" for line in missing]
            problems += [
                f"{full}: no path test goes from `{lines[start - 1].strip()}` to "
                + (f"`{lines[end - 1].strip()}`" if end > 0 else "the end")
                for start, end in region["missing_branches"]
            ]
    return entries, problems


def compare(old: Spec, new: Spec) -> list[str]:
    """Name everything that is in one and not in the other.

    Args:
        old: The specification as committed.
        new: The specification as measured now.

    Returns:
        A sentence per difference, sorted by test and function.
    """
    differences = []
    for kind, word in (("paths", "path test"), ("functions", "function")):
        before, now = old.get(kind, {}), new.get(kind, {})
        for name in sorted(before.keys() | now.keys()):
            if name not in now:
                differences.append(f"lost {word}: {name}{_promise(before[name])}")
            elif name not in before:
                differences.append(f"new {word}: {name}{_promise(now[name])}")
            else:
                differences += _changes(f"{word} {name}", before[name], now[name])
    return differences


def _promise(entry: dict[str, Any]) -> str:
    return f" ({entry['promise']})" if "promise" in entry else ""


def _changes(name: str, before: dict[str, Any], now: dict[str, Any]) -> list[str]:
    changes = []
    for key in sorted(before.keys() | now.keys()):
        old, new = before.get(key, []), now.get(key, [])
        if isinstance(old, dict) and isinstance(new, dict):
            changes += _changes(f"{name}: {key}", old, new)
        elif isinstance(old, list) and isinstance(new, list):
            lost, come = Counter(old) - Counter(new), Counter(new) - Counter(old)
            changes += [f"{name}: {key} lost: {each}" for each in lost.elements()]
            changes += [f"{name}: {key} new: {each}" for each in come.elements()]
        elif old != new:
            changes.append(f"{name}: {key} was: {old or 'nothing'}; is: {new or 'nothing'}")
    return changes


def main(argv: Sequence[str] | None = None) -> int:
    """Compare, or accept.

    Args:
        argv: Command-line arguments; ``None`` takes those of the process.

    Returns:
        The exit code: 0 when nothing differs, 1 otherwise.
    """
    parser = argparse.ArgumentParser(description="Compare the path tests with tests/spec.json.")
    parser.add_argument("--same", type=Path, help="only compare what each Python left here")
    parser.add_argument(
        "files",
        type=Path,
        nargs="*",
        help="coverage's JSON report of the path tests, and what they left",
    )
    parser.add_argument("--accept", action="store_true", help="write tests/spec.json anew")
    options = parser.parse_args(argv)
    try:
        if options.same:
            runs = since_the_last_change(options.same)
            pythons = ", ".join(run.stem for run in runs)
            print(f"spec: {len(paths(runs))} paths, the same on Python {pythons}")
            return 0
        report, *runs = options.files
        held, problems = functions(json.loads(report.read_text(encoding="utf-8")))
        measured: Spec = {"paths": paths(runs), "functions": held}
    except Incomplete as error:
        sys.exit(f"spec: {error}")
    failed = [test for test, entry in measured["paths"].items() if "FAILED" in entry.values()]
    problems += [f"path test {test}: it failed" for test in failed]
    if options.accept and not problems:
        text = json.dumps(measured, indent=2, ensure_ascii=False)
        SPEC.write_text(text + "\n", encoding="utf-8")
    committed = json.loads(SPEC.read_text(encoding="utf-8")) if SPEC.exists() else {}
    differences = compare(committed, measured)
    for line in [*problems, *differences]:
        print(f"spec: {line}")
    if differences:
        print("spec: mend what was lost, or accept: nox -s coverage -- --accept")
    if problems or differences:
        return 1
    print(
        f"spec: {len(measured['paths'])} path tests and {len(held)} functions are as in {SPEC}; "
        "every line and branch of the two programs' functions, main apart, is held by a path test"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
