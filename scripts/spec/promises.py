"""What tests promise: a sentence for each, and what a program did or a caller got."""

import json
import tomllib
from collections.abc import Container
from pathlib import Path
from typing import Any

SPEC = Path("tests/spec.toml")

# Test ids, each with "promise", "rows" and what was seen: "documented", "corrected", "gets".
Spec = dict[str, dict[str, Any]]

_HEAD = """\
# What the tests promise, a line each: the sentence, and what was seen. Read the diff of it.
# `nox -s tests coverage` compare it with what they see, `nox -s coverage -- --accept` writes it.

"""


def read(run: Path) -> tuple[Spec, list[str]]:
    """Read what a run of the tests left.

    Args:
        run: The file that the tests were given in ``SPEC_RUN``.

    Returns:
        The specification as the run has it, and the tests that failed. The cases of one test are
        one behaviour, whose results are listed; those of a path are one each.
    """
    spec: Spec = {}
    failed = []
    for case, seen in json.loads(run.read_text(encoding="utf-8")).items():
        if seen["failed"]:
            failed.append(case)
        test = behaviour(case, seen["results"])
        entry = spec.setdefault(test, {"promise": seen["promise"]})
        if seen["rows"]:
            entry["rows"] = sorted({*entry.get("rows", ()), *seen["rows"]}, key=_number)
        for who, results in seen["results"].items():
            entry[who] = list(dict.fromkeys([*entry.get(who, []), *results]))
    return spec, failed


def behaviour(case: str, programs: Container[str]) -> str:
    """Return the id of the behaviour that a case is of: of a path, without the program."""
    test, _, variant = case.rstrip("]").partition("[")
    program, _, variant = variant.partition("-")
    return f"{test}[{variant}]" if variant and program in programs else test


def _number(row: str) -> tuple[str, int]:
    return row[0], int(row[1:])


def committed() -> Spec:
    """Return the specification as it stands in the repository."""
    return tomllib.loads(SPEC.read_text(encoding="utf-8")) if SPEC.exists() else {}


def written(spec: Spec) -> str:
    """Return a specification as TOML, file by file."""

    def line(test: str) -> str:
        # A JSON text is one of TOML, too.
        pairs = (
            f"{key} = {json.dumps(value, ensure_ascii=False)}" for key, value in spec[test].items()
        )
        return f"{json.dumps(test)} = {{ {', '.join(pairs)} }}\n"

    return _HEAD + "".join(map(line, sorted(spec, key=file_of)))


def compare(old: Spec, new: Spec) -> list[str]:
    """Name everything that is in one and not in the other.

    Args:
        old: The specification as committed.
        new: The specification as seen now.

    Returns:
        A sentence per difference, sorted by test.
    """
    differences = []
    for test in sorted(old.keys() | new.keys()):
        if test not in new:
            differences.append(f"lost: {test} ({old[test]['promise']})")
        elif test not in old:
            differences.append(f"new: {test} ({new[test]['promise']})")
        else:
            before, now = old[test], new[test]
            differences += [
                f"changed: {test}: {key} was {before.get(key)}, is {now.get(key)}"
                for key in sorted(before.keys() | now.keys())
                if before.get(key) != now.get(key)
            ]
    return differences


def of_the_files_in(run: Spec, spec: Spec) -> Spec:
    """Return the part of a specification that is of the same test files as a run."""
    files = set(map(file_of, run))
    return {test: entry for test, entry in spec.items() if file_of(test) in files}


def file_of(test: str) -> str:
    """Return the file of a test."""
    return test.partition("::")[0]


def not_held(report: dict[str, Any]) -> list[str]:
    """Quote what no path test runs through in a function of the two programs, ``main`` apart.

    Args:
        report: coverage's JSON report of the two programs, restricted to path tests.
    """
    problems = []
    for file, measured in report["files"].items():
        lines = Path(file).read_text(encoding="utf-8").splitlines()
        for name, region in measured["functions"].items():
            # Lines that run when the module is imported belong to no test.
            if name in {"", "main"}:
                continue
            function = f"{Path(file).stem}.{name}"
            problems += [
                f"no path test runs `{lines[number - 1].strip()}` in {function}"
                for number in region["missing_lines"]
            ]
            problems += [
                f"no path test goes from `{lines[start - 1].strip()}` to "
                f"`{lines[end - 1].strip() if end > 0 else 'the end'}` in {function}"
                for start, end in region["missing_branches"]
            ]
    return problems
