"""The pages that show the two ways to wait have code that runs."""

import ast
import inspect
import re
from pathlib import Path
from typing import Any

import pytest

from jobs_synchronizer import errors, group, pool, run, store, watch
from spec import pages
from threadsim import Simulation

DOCS = Path(__file__).parent.parent / "docs"
PAGE = DOCS / "jobgroup" / "use.md"


@pytest.mark.parametrize(("block", "seconds"), [("synchronizer", 2.0), ("group", 1.0)])
def test_the_code_runs_as_shown(sim: Simulation, block: str, seconds: float) -> None:
    """Each block runs in virtual time, and its assert holds."""
    names: dict[str, Any] = {"__name__": "shown"}
    page = {"synchronizer": DOCS / "how_to" / "choose_a_tool.md", "group": PAGE}[block]
    exec(pages.block(page.read_text(encoding="utf-8"), block), names)  # noqa: S102  # Our own.
    assert sim.clock.elapsed == seconds
    names["app"].apscheduler.shutdown()


def test_an_error_and_a_pending_job_are_shown(sim: Simulation) -> None:
    """The group's view also says what failed, and what was last seen of a job that is late."""
    names: dict[str, Any] = {"__name__": "shown"}
    exec(pages.block(PAGE.read_text(encoding="utf-8"), "group"), names)  # noqa: S102  # Our own.
    client = names["app"].test_client()
    response = client.get("/halves")
    assert response.status_code == 200
    assert list(response.json["errors"]) == ["two"]
    assert response.json["errors"]["two"].startswith("TypeError: ")
    names["app"].apscheduler.pause()
    seen = "added to job store 'default'; the scheduler is paused"
    response = client.get("/halves")
    assert (response.status_code, response.json["values"]) == (504, {})
    assert response.json["pending"] == {"0": seen, "1": seen, "two": seen}
    names["app"].apscheduler.shutdown()


def test_the_page_names_what_a_group_touches() -> None:
    """What a group's modules use or import of others and is not public stands in a table."""
    used, own = set[str](), {"__weakref__"}
    for module in (errors, group, pool, run, store, watch):
        for node in ast.walk(ast.parse(inspect.getsource(module))):
            match node:
                case ast.Attribute(value=ast.Name(id="self"), attr=name, ctx=ast.Store()):
                    own.add(name)
                case ast.Name(id=name, ctx=ast.Store()) | ast.FunctionDef(name=name):
                    own.add(name)
                case ast.Attribute(attr=name) | ast.Constant(value=str(name)):
                    used.add(name)
                case ast.ImportFrom(module=str(path), names=imported):
                    used.update(path.split("."), (each.name for each in imported))
    # What these modules name and others have, too.
    shared = {"_lookup_executor", "_pool", "__slots__"}
    table = (
        PAGE.read_text(encoding="utf-8").partition("## What it touches")[2].partition("\n## ")[0]
    )
    touched = {name for name in used - own | shared if re.fullmatch(r"_[a-z]\w*|__slots__", name)}
    assert set(re.findall(r"[`.](_\w+)`", table)) == touched
