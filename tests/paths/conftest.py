"""A path is one scenario, run on the published program and on its corrected twin."""

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


def pytest_assertion_pass(item: pytest.Item, orig: str) -> None:
    """Keep the text of an assert that held: emptying it must not go unseen."""
    # Not in path_results.py: there it would be called, with every value shown, for all tests.
    item.stash[RESULT]["asserts"].append(" ".join(orig.split()))
