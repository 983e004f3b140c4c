"""Change the programs a little, everywhere, and see whether a test notices: ``nox -s mutants``.

cosmic-ray makes the mutants of the two programs and of JobGroup and runs their tests on each one,
in a process of its own that is killed after a minute: a mutant may hang for real. (mutmut runs its
mutants in forks of a process that has run the suite.) It works on copies in ``build/mutants``, one
for each share, as many side by side as there are processors. A mutant that survives fails, unless
``tests/mutants.toml`` lists it, or all of its kind in its file, with a reason; so does an entry of
that list that no mutant needs.
"""

import ast
import json
import os
import re
import shutil
import sqlite3
import subprocess
import sys
import tomllib
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import closing
from itertools import repeat
from pathlib import Path
from typing import Any, NamedTuple

from rich.progress import Progress

from progress import progress

BUILD = Path("build/mutants")
REPORT = Path("build/mutants.json")
LISTED = Path("tests/mutants.toml")
PROGRAMS = Path("reference/jobs_synchronizer")
COPIED = ("reference", "fakes", "tests", "scripts", "pyproject.toml")
# Longest run of the tests on one mutant, in seconds; they take two to twenty.
TIMEOUT = 60.0


class Share(NamedTuple):
    """What is mutated in one copy, on a core of its own.

    Attributes:
        files: The files' names.
        tests: What is run on each mutant of theirs.
    """

    files: tuple[str, ...]
    tests: tuple[str, ...]


OF_PROGRAMS = ("tests/paths", "tests/test_main.py", "tests/test_published_facts.py")
# What takes long comes last: most mutants have been killed by then.
OF_GROUPS = tuple(
    sorted(
        (file.as_posix() for file in Path("tests/group").glob("test_*.py")),
        key=lambda file: ("explored" in file, "processes" in file, file),
    )
)
# The longest first: they end at about the same time.
SHARES = (
    Share(("watch.py", "store.py", "errors.py"), OF_GROUPS),
    Share(("run.py", "pool.py", "group.py"), OF_GROUPS),
    Share(("corrected.py",), OF_PROGRAMS),
    Share(("documented.py", "__init__.py", "__main__.py"), OF_PROGRAMS),
)
# Its tests need a cluster.
LEFT_OUT = ("dask.py",)


class Kind(NamedTuple):
    """All changes of one kind in one file.

    Attributes:
        file: The file's name.
        operator: cosmic-ray's name for the change.
    """

    file: str
    operator: str

    def __str__(self) -> str:
        return f"{self.file}: every {self.operator}"


class Mutant(NamedTuple):
    """One small change.

    Attributes:
        file: The changed file's name.
        line: The line as it is.
        mutant: What it becomes.
        followed_by: The line below it, to tell equal lines apart.
    """

    file: str
    line: str
    mutant: str
    followed_by: str

    def __str__(self) -> str:
        return f"{self.file}: `{self.line}` as `{self.mutant}`, above `{self.followed_by}`"


def run(share: Share, bars: Progress) -> list[Any]:
    """Run the tests on every mutant of a share.

    Args:
        share: What is mutated, and what is run.
        bars: Where it is shown how many have been run.

    Returns:
        Per mutant cosmic-ray's pair of work item and result.

    Raises:
        subprocess.CalledProcessError: The tests fail without any change, or cosmic-ray does.
    """
    copy = BUILD / Path(share.files[0]).stem
    for name in COPIED:
        source, target = Path(name), copy / name
        if source.is_dir():
            shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy2(source, target)
    rooms = os.pathsep.join(str((copy / room).resolve()) for room in ("reference", "fakes"))
    environment = {**os.environ, "PYTHONPATH": rooms}
    tests = [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider"]
    tests += share.tests

    def call(*command: str) -> str:
        done = subprocess.run(  # noqa: S603  # Every word of it stands in this file.
            command, cwd=copy, env=environment, check=True, stdout=subprocess.PIPE, text=True
        )
        return done.stdout

    call(*tests)
    # Bytecode of the unchanged programs must not stand in for a mutant.
    shutil.rmtree(copy / PROGRAMS / "__pycache__", ignore_errors=True)
    files = [(PROGRAMS / name).as_posix() for name in share.files]
    config = {"module-path": files, "timeout": TIMEOUT, "test-command": " ".join(tests)}
    lines = ["[cosmic-ray]", *(f"{key} = {json.dumps(value)}" for key, value in config.items())]
    lines += ["excluded-modules = []", "[cosmic-ray.distributor]", 'name = "local"', ""]
    (copy / "mutants.toml").write_text("\n".join(lines), encoding="utf-8")
    call("cosmic-ray", "init", "mutants.toml", "session.sqlite")
    drop_those_that_do_nothing(copy)
    bar = bars.add_task(", ".join(share.files), total=None)
    with ThreadPoolExecutor() as pool, closing(sqlite3.connect(copy / "session.sqlite")) as session:
        running = pool.submit(call, "cosmic-ray", "exec", "mutants.toml", "session.sqlite")
        while wait([running], timeout=1).not_done:
            number, done = (
                session.execute(f"select count(*) from {table}").fetchone()[0]  # noqa: S608
                for table in ("work_items", "work_results")
            )
            bars.update(bar, total=number, completed=done)
        running.result()
    return [json.loads(line) for line in call("cosmic-ray", "dump", "session.sqlite").splitlines()]


def drop_those_that_do_nothing(copy: Path) -> None:
    """Take changes of ``|`` in annotations, and of ``*`` in signatures, out of a session."""
    with closing(sqlite3.connect(copy / "session.sqlite")) as session, session:
        found = session.execute(
            "select job_id, module_path, start_pos_row, start_pos_col from mutation_specs "
            "where operator_name like '%BinaryOperator%'"
        ).fetchall()
        for job, file, *place in found:
            if not is_calculated((copy / file).read_text(encoding="utf-8"), *place):
                session.execute("delete from mutation_specs where job_id = ?", [job])
                session.execute("delete from work_items where job_id = ?", [job])


def is_calculated(code: str, line: int, column: int) -> bool:
    """Return whether a binary operator stands in what is calculated when a program runs.

    Args:
        code: The program.
        line: The operator's line, from 1.
        column: Its column, from 0.
    """

    def spans(node: ast.expr | ast.stmt) -> bool:
        end = node.end_lineno or 0, node.end_col_offset or 0
        return (node.lineno, node.col_offset) <= (line, column) < end

    nodes = list(ast.walk(ast.parse(code)))
    said = [getattr(node, name, None) for node in nodes for name in ("annotation", "returns")]
    calculated = [node for node in nodes if isinstance(node, ast.BinOp | ast.AugAssign)]
    return any(map(spans, calculated)) and not any(map(spans, filter(None, said)))


def mutant_of(item: Any, result: Any) -> Mutant:
    """Read one mutant from cosmic-ray's work item and result."""
    file = Path(item["mutations"][0]["module_path"]).name
    lines = [line for line in result["diff"].splitlines() if line[:3] not in {"---", "+++"}]
    gone, come = (
        " ".join(line[1:].strip() for line in lines if line.startswith(sign)) for sign in "-+"
    )
    last = max(number for number, line in enumerate(lines) if line[:1] in {"-", "+"})
    below = next((line.strip() for line in lines[last + 1 :] if line.strip()), "")
    return Mutant(file, gone, come, below)


def kind_of(item: Any) -> Kind:
    """Read one mutant's kind from cosmic-ray's work item."""
    (mutation,) = item["mutations"]
    return Kind(Path(mutation["module_path"]).name, mutation["operator_name"])


def judge(
    results: Iterable[Any],
    listed: Sequence[dict[str, str]],
    listed_kinds: Sequence[dict[str, str]] = (),
) -> tuple[str, list[str]]:
    """Hold what survived against the list.

    Args:
        results: Pairs of work item and result.
        listed: The entries of ``tests/mutants.toml`` of single mutants.
        listed_kinds: Its entries of all mutants of a kind in a file.

    Returns:
        The score in words, and a sentence per problem.
    """
    killed, problems = 0, []
    survivors: list[tuple[Mutant, Kind]] = []
    for item, result in results:
        match result:
            case {"test_outcome": "killed", "output": output} if output != "timeout":
                killed += 1
            case {"test_outcome": "killed" | "survived"}:
                # No test has failed: a limit that was hit is no test.
                survivors.append((mutant_of(item, result), kind_of(item)))
            case _:
                problems.append(f"not run: {item['mutations'][0]}: {result}")
    known: list[Mutant | Kind] = [
        Mutant(*(entry[field] for field in Mutant._fields)) for entry in listed if entry["reason"]
    ]
    known += [Kind(entry["file"], entry["operator"]) for entry in listed_kinds if entry["reason"]]
    without = [each for each, kind in survivors if each not in known and kind not in known]
    needed = {each for survivor in survivors for each in survivor}
    problems += [f"survived, or ran into the time-out: {each}" for each in without]
    problems += [f"listed, and killed or gone: {each}" for each in known if each not in needed]
    score = (
        f"{killed} of {killed + len(survivors)} killed, "
        f"{len(survivors) - len(without)} survived with a reason in {LISTED}"
    )
    return score, problems


def element(number: int, item: Any, result: Any, reason: str) -> Any:
    """Return a mutant as mutation-testing.org has it: its lines, what they become, and its end.

    Args:
        number: Its number.
        item: cosmic-ray's work item.
        result: Its result.
        reason: Why it may survive.
    """
    _, _, hunk = result["diff"].partition("@@ -")
    first, *lines = hunk.splitlines()
    kept = [line for line in lines if line[:1] != "+"]
    changed = [index for index, line in enumerate(kept) if line[:1] == "-"]
    top = int(first.partition(",")[0])
    start = {"line": top + changed[0], "column": 1}
    end = {"line": top + changed[-1], "column": len(kept[changed[-1]])}
    status = "Killed" if result["test_outcome"] == "killed" else "Survived"
    if result["output"] == "timeout":
        status = "Timeout"
    failed = re.findall(r"^FAILED (\S+)", result["output"] or "", re.MULTILINE)
    return {
        "id": f"{number}",
        "mutatorName": kind_of(item).operator.removeprefix("core/"),
        "replacement": "\n".join(line[1:] for line in lines if line[:1] == "+"),
        "location": {"start": start, "end": end},
        "status": "Ignored" if reason else status,
        "statusReason": reason or ", ".join(failed),
    }


def as_elements(
    results: Iterable[Any],
    listed: Sequence[dict[str, str]],
    listed_kinds: Sequence[dict[str, str]] = (),
) -> Any:
    """Return the mutants that ran in the schema of mutation-testing.org, for ``nox -s spec``."""
    reasons: dict[Mutant | Kind, str] = {
        Mutant(*(entry[field] for field in Mutant._fields)): entry["reason"] for entry in listed
    }
    reasons |= {Kind(entry["file"], entry["operator"]): entry["reason"] for entry in listed_kinds}
    files: dict[str, Any] = {}
    for number, (item, result) in enumerate(results):
        if result is None:
            continue
        path = item["mutations"][0]["module_path"]
        source = Path(path).read_text(encoding="utf-8")
        file = files.setdefault(path, {"language": "python", "source": source, "mutants": []})
        survived = result["test_outcome"] == "survived" or result["output"] == "timeout"
        known = (reasons.get(mutant_of(item, result)), reasons.get(kind_of(item)))
        reason = next(filter(None, known), "") if survived else ""
        file["mutants"].append(element(number, item, result, reason))
    return {"schemaVersion": "2", "thresholds": {"high": 100, "low": 99}, "files": files}


def main() -> int:
    """Run everything, and judge.

    Returns:
        The exit code: 0 when every mutant is killed or listed.
    """
    shutil.rmtree(BUILD, ignore_errors=True)
    with ThreadPoolExecutor(os.cpu_count()) as pool, progress() as bars:
        results = [pair for pairs in pool.map(run, SHARES, repeat(bars)) for pair in pairs]
    listed = tomllib.loads(LISTED.read_text(encoding="utf-8"))
    report = as_elements(results, listed["mutant"], listed.get("kind", ()))
    REPORT.write_text(json.dumps(report, indent=1), encoding="utf-8")
    score, problems = judge(results, listed["mutant"], listed.get("kind", ()))
    for problem in problems:
        print(f"mutants: {problem}")
    print(f"mutants: {score}")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
