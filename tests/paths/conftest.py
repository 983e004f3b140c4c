"""A path is one scenario, run on the published program and on its corrected twin."""

from functools import cache
from pathlib import Path

import pytest

from jobs_synchronizer import corrected, documented
from outcomes import Program
from path_results import RESULT


@pytest.fixture(params=[documented, corrected], ids=["documented", "corrected"])
def program(request: pytest.FixtureRequest) -> Program:
    """The published program and its corrected twin, one after the other."""
    result = request.node.stash[RESULT]

    def note(outcome: str, brief: str) -> None:
        result.update(outcome=outcome, brief=brief)

    return Program(request.param, note)


def pytest_assertion_pass(item: pytest.Item, lineno: int, orig: str) -> None:
    """Keep the text of an assert that held: emptying it must not go unseen."""
    # Not in path_results.py: there it would be called, with every value shown, for all tests.
    text = " ".join(orig.split())
    if text in _text_of(item.path):  # Fixtures and the simulation have asserts of their own.
        item.stash[RESULT]["asserts"][lineno] = text


@cache
def _text_of(file: Path) -> str:
    return " ".join(file.read_text(encoding="utf-8").split())
