"""The rooms keep their rules: what one ships knows nothing of its tests."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
RULES = {
    "reference/jobs_synchronizer": {
        "apscheduler_fakes",
        "tests",
        "freezegun",
        "greenlet",
        "pytest",
    },
    "fakes/apscheduler_fakes": {"jobs_synchronizer", "tests"},
}


def imports(file: Path) -> set[str]:
    names = set()
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            names.add(node.module or "")
    return {name.partition(".")[0] for name in names}


@pytest.mark.parametrize("room", RULES)
def test_a_room_imports_nothing_that_its_rule_forbids(room: str) -> None:
    """reference/ stands alone, and fakes/ know nothing of the programs they are used on."""
    files = sorted((ROOT / room).rglob("*.py"))
    assert files
    assert {file.name: imports(file) & RULES[room] for file in files} == {
        file.name: set() for file in files
    }


@pytest.mark.parametrize(
    ("statement", "absent"),
    [
        ("from apscheduler_fakes import FakeScheduler", {"greenlet", "freezegun", "pytest"}),
        ("from threadsim import Clock", {"greenlet", "freezegun", "pytest"}),
        (
            "import threadsim.pytest_plugin.plugin",
            {"greenlet", "freezegun", "flask", "apscheduler"},
        ),
        ("import jobs_synchronizer", {"greenlet", "freezegun", "pytest", "apscheduler_fakes"}),
    ],
)
def test_an_import_brings_only_what_it_needs(statement: str, absent: set[str]) -> None:
    """The plugin never stops a pytest run, and FakeScheduler works without the extra."""
    code = f"{statement}\nimport sys\nprint(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )
    assert absent.isdisjoint(done.stdout.split())
