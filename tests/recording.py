"""Facts that stand in ``tests/recorded``, and how a test compares what it finds with them.

A test with ``RECORD=1`` in its environment writes its facts anew, says so, and compares nothing:
``RECORD=1 pytest -k recorded``, and again with ``--soundness 1/1``; never with ``-n``.
"""

import json
import os
from collections.abc import Iterable
from difflib import unified_diff
from pathlib import Path
from typing import Any

import pytest

HOME = Path(__file__).parent / "recorded"

NOTHING = "nothing"


def recorded(file: str) -> dict[str, Any]:
    """Return all facts of a file by their names."""
    path = HOME / file
    facts: dict[str, Any] = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    return facts


def compare(file: str, name: str, now: Any) -> None:
    """Fail a test that finds something else than what is recorded.

    Args:
        file: The file's name in ``tests/recorded``.
        name: The fact's name in it.
        now: What is found now, as JSON knows it.
    """
    __tracebackhide__ = True
    facts = recorded(file)
    if "RECORD" in os.environ:
        _write(file, facts | {name: now})
        pytest.skip(f"{name} is recorded anew in {file}")
    before = facts.get(name, NOTHING)
    if now != before:
        lines = unified_diff(_lines(before), _lines(now), "what was", "what is", lineterm="", n=2)
        pytest.fail(f"{name} is not as in tests/recorded/{file}:\n" + "\n".join(lines))


def compare_names(file: str, names: Iterable[str]) -> None:
    """Fail a test that finds other things than those of which facts are recorded."""
    __tracebackhide__ = True
    facts, known = recorded(file), set(names)
    if "RECORD" in os.environ:
        _write(file, {name: fact for name, fact in facts.items() if name in known})
        pytest.skip(f"what is gone is no longer in {file}")
    lost, new = sorted(facts.keys() - known), sorted(known - facts.keys())
    if lost or new:
        pytest.fail(f"tests/recorded/{file}: lost: {lost or NOTHING}; new: {new or NOTHING}")


def _write(file: str, facts: dict[str, Any]) -> None:
    HOME.mkdir(exist_ok=True)
    (HOME / file).write_text("\n".join(_lines(facts)) + "\n", encoding="utf-8")


def _lines(facts: Any) -> list[str]:
    return json.dumps(facts, indent=1, sort_keys=True, ensure_ascii=False).splitlines()
