"""Each correction is needed: without it, the test that its first line names turns red.

A file in ``tests/known_bad`` names a fault and a path test, and holds the lines of ``corrected.py``
that are right, what the fault makes of them, and what the test then sees.
"""

import importlib.util
import inspect
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from jobs_synchronizer import corrected
from outcomes import Program

HERE = Path(__file__).parent
KNOWN_BAD = sorted((HERE / "known_bad").glob("*.py"))


def load(file: Path) -> Any:
    """Import a file by its path."""
    spec = importlib.util.spec_from_file_location(f"known_bad_{file.stem}", file)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def named_test(known_bad: Path) -> Callable[..., None]:
    """Return the path test that a known-bad program's first line names."""
    first_line = known_bad.read_text(encoding="utf-8").partition("\n")[0]
    file, _, name = first_line.partition(". Red: ")[2].rstrip('."').partition("::")
    test: Callable[..., None] = getattr(load(HERE / "paths" / file), name)
    return test


def spoilt(known_bad: Path) -> ModuleType:
    """Make ``corrected`` with the fault of a known-bad program."""
    fault = load(known_bad)
    source = inspect.getsource(corrected)
    assert source.count(fault.RIGHT) == 1, (
        f"{known_bad.name}: RIGHT must stand in corrected.py once"
    )
    module = ModuleType(corrected.__name__)
    exec(source.replace(fault.RIGHT, fault.WRONG), vars(module))  # noqa: S102  # Our own source.
    return module


def play(
    test: Callable[..., None], module: ModuleType, completed: list[str], seen: list[str]
) -> None:
    """Run a path test on a program, and keep what it sees."""
    program = Program(module, lambda outcome, _brief: seen.append(outcome))
    fixtures = {"program": program, "completed": completed}
    test(**{name: fixtures[name] for name in inspect.signature(test).parameters})


@pytest.mark.parametrize("known_bad", KNOWN_BAD, ids=lambda file: file.stem)
def test_a_correction_taken_out_turns_its_test_red(known_bad: Path, completed: list[str]) -> None:
    """The named test passes on the corrected program, and without it sees what is named."""
    test, right, wrong = named_test(known_bad), list[str](), list[str]()
    play(test, corrected, completed, right)
    with pytest.raises(AssertionError):
        play(test, spoilt(known_bad), completed, wrong)
    # Not any fault will do, such as a name that corrected.py has no more.
    assert wrong == [load(known_bad).OUTCOME]
    assert wrong != right
