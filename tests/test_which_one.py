"""The page that compares the two ways to wait shows code that runs."""

from pathlib import Path
from typing import Any

import pytest

import readme
from apscheduler_fakes import Simulation

PAGE = Path(__file__).parent.parent / "docs" / "which_one.md"


@pytest.mark.parametrize(("block", "seconds"), [("synchronizer", 2.0), ("group", 1.0)])
def test_the_code_runs_as_shown(sim: Simulation, block: str, seconds: float) -> None:
    """Each block runs in virtual time, and its assert holds."""
    names: dict[str, Any] = {"__name__": "shown"}
    exec(readme.block(PAGE.read_text(encoding="utf-8"), block), names)  # noqa: S102  # Our own.
    assert sim.clock.elapsed == seconds
    names["app"].apscheduler.shutdown()


def test_an_error_and_a_pending_job_are_shown(sim: Simulation) -> None:
    """The group's view also says what failed, and what was last seen of a job that is late."""
    names: dict[str, Any] = {"__name__": "shown"}
    exec(readme.block(PAGE.read_text(encoding="utf-8"), "group"), names)  # noqa: S102  # Our own.
    client = names["app"].test_client()
    errors = client.get("/halves").json["errors"]
    assert list(errors) == ["two"]
    assert errors["two"].startswith("TypeError(")
    names["app"].apscheduler.pause()
    seen = "added to job store 'default'; the scheduler is paused"
    assert client.get("/halves").json["pending"] == {"0": seen, "1": seen, "two": seen}
    names["app"].apscheduler.shutdown()
