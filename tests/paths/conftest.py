"""A path is one scenario, run on the published program and on its corrected twin."""

import os

import pytest

from jobs_synchronizer import corrected, documented
from outcomes import Program
from path_results import BRIEF, EVENTS, FAILED, RESULTS


@pytest.fixture(params=[documented, corrected], ids=["documented", "corrected"])
def program(request: pytest.FixtureRequest) -> Program:
    """The published program and its corrected twin, one after the other."""
    stash = request.node.stash

    def note(outcome: str, brief: str) -> None:
        stash[RESULTS][program.name] = [outcome]
        stash[BRIEF] = program.name, brief

    events = stash[EVENTS] if "SPEC_RUN" in os.environ else None
    program = Program(request.param, note, events)
    note(FAILED, FAILED)
    return program
