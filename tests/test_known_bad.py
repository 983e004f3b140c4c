"""Each correction is needed: without it a path test turns red.

An entry of ``tests/known_bad.toml`` names the correction that is taken out, the lines of
``corrected.py`` that are right, what stands in their place, and what its path test then sees.
"""

import importlib.util
import inspect
import tomllib
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from jobs_synchronizer import corrected
from outcomes import Program

HERE = Path(__file__).parent
KNOWN_BAD: dict[str, dict[str, str]] = tomllib.loads(
    (HERE / "known_bad.toml").read_text(encoding="utf-8")
)


def load(file: Path) -> Any:
    """Import a file by its path."""
    spec = importlib.util.spec_from_file_location(f"path_test_{file.stem}", file)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def spoilt(right: str, wrong: str) -> ModuleType:
    """Make ``corrected`` without a correction."""
    source = inspect.getsource(corrected)
    assert source.count(right) == 1, "right must stand in corrected.py once"
    module = ModuleType(corrected.__name__)
    exec(source.replace(right, wrong), vars(module))  # noqa: S102  # Our own source.
    return module


def play(red: str, module: ModuleType, completed: list[str], seen: list[str]) -> None:
    """Run a path test on a program, and keep what it sees."""
    file, _, test_id = red.partition("::")
    name, _, variant = test_id.rstrip("]").partition("[")
    test = getattr(load(HERE / "paths" / file), name)
    program = Program(module, lambda outcome, _brief: seen.append(outcome))
    fixtures = {"program": program, "completed": completed}
    # A variant is a text, which is its id.
    test(**{each: fixtures.get(each, variant) for each in inspect.signature(test).parameters})


@pytest.mark.parametrize("known_bad", KNOWN_BAD.values(), ids=KNOWN_BAD)
def test_a_correction_taken_out_turns_its_test_red(
    known_bad: dict[str, str], completed: list[str]
) -> None:
    """The path test passes on the corrected program, and without the correction it fails."""
    right: list[str] = []
    wrong: list[str] = []
    play(known_bad["red"], corrected, completed, right)
    with pytest.raises(AssertionError):
        play(known_bad["red"], spoilt(known_bad["right"], known_bad["wrong"]), completed, wrong)
    # Not any fault will do, such as a name that corrected.py has no more.
    assert wrong == [known_bad["outcome"]]
    assert wrong != right
