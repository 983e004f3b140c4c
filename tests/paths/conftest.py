"""A path is one scenario, run on the published program and on its corrected twin."""

import pytest

from jobs_synchronizer import corrected, documented
from outcomes import Program
from path_results import BRIEF, FAILED, RESULTS


@pytest.fixture(params=[documented, corrected], ids=["documented", "corrected"])
def program(request: pytest.FixtureRequest) -> Program:
    """The published program and its corrected twin, one after the other."""
    stash = request.node.stash

    def note(outcome: str, brief: str) -> None:
        stash[RESULTS][program.name] = [outcome]
        stash[BRIEF] = program.name, brief

    program = Program(request.param, note)
    note(FAILED, FAILED)
    return program
