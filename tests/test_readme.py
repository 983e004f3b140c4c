"""What the README shows is so: its code runs, its output is printed, its table is the spec's."""

import re
import textwrap
from pathlib import Path
from typing import Any

import pytest
from flask import Flask

import apscheduler_fakes
import jobs_synchronizer
from jobs_synchronizer import documented
from spec import pages
from threadsim import Deadlock, Simulation
from threadsim.runtime import own_code

ROOT = Path(__file__).parent.parent


@pytest.fixture(scope="module")
def text() -> str:
    return (ROOT / "README.md").read_text(encoding="utf-8")


def test_the_hang_is_caught_as_shown(text: str, pytester: pytest.Pytester) -> None:
    """The smallest test fails with the lines that the README shows, in their order."""
    pytester.makepyfile(pages.block(text, "hang: test"))
    result = pytester.runpytest()
    result.assert_outcomes(failed=1)
    printed = [" ".join(line.split()) for line in result.outlines]
    for line in pages.block(text, "hang: output").splitlines():
        assert " ".join(line.split()) in printed
        del printed[: printed.index(" ".join(line.split())) + 1]


# What the README's view is a part of.
MODULE = """
from flask import Flask
from flask_apscheduler import APScheduler
from jobs_synchronizer import JobGroup

scheduler = APScheduler()

def create_app():
    app = Flask(__name__)
    scheduler.init_app(app)
    scheduler.start()
{view}
    return app
"""


def module(text: str) -> str:
    """Return a module with the view in its function ``create_app``."""
    return MODULE.format(view=textwrap.indent(pages.block(text, "group"), "    "))


def test_the_view_hangs_at_the_line_that_is_marked(text: str) -> None:
    """The published view, as it is shown, waits for ever there when its last job raises."""
    code = pages.block(text, "view")
    assert len(code.splitlines()) <= 10
    [marked] = [n for n, line in enumerate(code.splitlines(), 1) if "hangs here" in line]

    def task(synchronizer: documented.JobsSynchronizer, number: int) -> None:
        if number == 9:
            raise ValueError(number)
        synchronizer.notify_task_completion(f"Task {number} done")

    with pytest.raises(Deadlock) as caught, Simulation():
        app = documented.create_app(num_tasks=0)
        shown = Flask(__name__)
        names = {"app": shown, "task": task, "JobsSynchronizer": documented.JobsSynchronizer}
        vars(shown)["apscheduler"] = vars(app)["apscheduler"]
        exec(compile(code, "view", "exec"), names)  # noqa: S102  # Our own README.
        shown.test_client().get("/run-tasks")
    [line] = [each.lineno for each in caught.traceback if each.path == "view"]
    assert line + 1 == marked


def test_fake_scheduler_decides_how_a_job_ends_as_shown(
    text: str, pytester: pytest.Pytester
) -> None:
    """The FakeScheduler block passes beside a module with the view that is shown above it."""
    pytester.makepyfile(powers=module(text), test_powers=pages.block(text, "fakescheduler"))
    pytester.runpytest().assert_outcomes(passed=1)


def test_a_group_answers_as_shown(text: str) -> None:
    """The JobGroup block makes a view that answers with its jobs' values."""
    names: dict[str, Any] = {"__name__": __name__}
    with Simulation() as sim:
        exec(module(text), names)  # noqa: S102  # Our own README.
        answer = names["create_app"]().test_client().get("/powers").json
        values = {f"2 ** {n}": 2**n for n in range(10)}
        assert answer == {"values": values, "errors": {}, "pending": {}}
        assert sim.clock.elapsed == 0.0


def test_the_lost_wake_up_is_found_as_shown(
    text: str, pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The explored test fails with the lanes and the line that the README shows, word for word."""
    # As for whoever has it installed, the package is no part of the program.
    package = str(Path(jobs_synchronizer.__file__).parent)
    libraries = own_code._libraries
    monkeypatch.setattr(own_code, "_libraries", (*libraries, package))
    test = pages.block(text, "explore: test")
    pytester.makepyfile(test_lost=test)
    shown = pages.block(text, "explore: output").splitlines()
    for arguments in ((), shown[-1].split()[1:]):
        result = pytester.runpytest(*arguments)
        result.assert_outcomes(failed=1)
        printed = [line for line in result.outlines if line in shown]
        assert printed == shown

    pytester.makepyfile(test_lost=test.replace(".documented", ""))
    pytester.runpytest().assert_outcomes(passed=1)


def test_the_tree_names_what_exists(text: str) -> None:
    """Every file and folder of the README's tree is there."""
    (tree,) = re.findall(r"## The tree\n\n```text\n(.*?)```", text, re.DOTALL)
    for line in tree.splitlines():
        for name in line.partition("  ")[0].split(", "):
            assert (ROOT / name).exists(), line


def test_the_commands_are_those_of_ci(text: str) -> None:
    """CI runs the README's two commands, word for word."""
    commands = re.findall(r"```sh\n(.*?)\n```", text)
    ci = (ROOT / ".ci" / "run").read_text(encoding="utf-8").splitlines()
    assert len(commands) == 2
    assert [command for command in commands if command not in ci] == []


def test_the_guide_is_the_package_s(text: str) -> None:
    """The three sentences are those of ``help(apscheduler_fakes)``."""
    (guide,) = re.findall(r"\*\*(FakeScheduler: you .*?)\*\*", text, re.DOTALL)
    said = " ".join(str(apscheduler_fakes.__doc__).split())
    assert " ".join(guide.split()) in said


def test_it_is_short(text: str) -> None:
    """The README has at most 150 lines."""
    assert len(text.splitlines()) <= 150
