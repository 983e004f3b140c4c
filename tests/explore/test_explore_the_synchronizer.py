"""The two synchronizers under every order of their threads: one hangs, one cannot."""

import re
import threading
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from jobs_synchronizer import corrected, documented
from threadsim import PCT, Deadlock, Exhaustive, Random, ScheduleFailure, explore

LONG = pytest.mark.soundness

DOCS = Path(__file__).parents[2] / "docs" / "explanation" / "explore.md"

# The columns of the table there.
OPTIONS: list[dict[str, Any]] = [
    {},
    {"early_timeouts": True},
    {"spurious_wakeups": True},
    {"early_timeouts": True, "spurious_wakeups": True},
]

# So many schedules take no longer than other tests do.
FEW = 130


def program(
    synchronizer: Callable[[int], corrected.JobsSynchronizer | documented.JobsSynchronizer],
    notifiers: int,
    waiters: int = 1,
    timeout: tuple[float, ...] = (),
) -> Callable[[], None]:
    """Return a program in which so many threads notify and so many, main included, wait."""

    def run() -> None:
        waits_for = synchronizer(notifiers)

        def wait() -> None:
            if waits_for.wait_for_tasks_to_be_completed(*timeout) or not timeout:
                assert len(waits_for.status_list) == notifiers

        for i in range(notifiers):
            threading.Thread(target=waits_for.notify_task_completion, args=(f"{i}",)).start()
        for _ in range(waiters - 1):
            threading.Thread(target=wait).start()
        wait()

    return run


def cells() -> list[Any]:
    """Read the table of the docs: jobs, requests, options and how many schedules there are."""
    found = []
    for line in DOCS.read_text(encoding="utf-8").splitlines():
        if row := re.fullmatch(r"\| (\d) \| (\d) \| (.*) \|", line):
            notifiers, waiters = int(row[1]), int(row[2])
            for options, text in zip(OPTIONS, row[3].split(" | "), strict=True):
                most = None if text == "sampled" else int(text.replace(",", ""))
                marks = [LONG] if (most or 0) > FEW else []
                named = " and ".join(options) or "as it is"
                name = f"{notifiers} and {waiters}, {named}: {text}"
                found.append(pytest.param(notifiers, waiters, options, most, marks=marks, id=name))
    return found


@pytest.mark.parametrize(("notifiers", "waiters", "options", "most"), cells())
def test_the_corrected_synchronizer_never_hangs(
    notifiers: int,
    waiters: int,
    options: dict[str, Any],
    most: int | None,
    whole: bool,
) -> None:
    """In every order, or in a sample where the name says so, every request is answered."""
    timeout = (1.0,) if "early_timeouts" in options else ()
    corrected_one = program(corrected.JobsSynchronizer, notifiers, waiters, timeout)

    if most is None:
        number = 2_000 if whole else 10
        for strategy in (Random(number), PCT(3, number)):
            assert not explore(corrected_one, strategy, **options).complete
    else:
        done = explore(corrected_one, Exhaustive(), **options)
        assert done.complete
        assert done.runs == most


def test_the_docs_have_every_number_of_jobs_and_requests() -> None:
    """One to four jobs, one and two requests, with and without what may come by itself."""
    table = {(cell.values[0], cell.values[1]) for cell in cells()}

    assert table == {(notifiers, waiters) for notifiers in (1, 2, 3, 4) for waiters in (1, 2)}


def telling_both(notifiers: int) -> documented.JobsSynchronizer:
    """Return a published one that wakes up both who wait: what is left is the lost wake-up."""
    synchronizer = documented.JobsSynchronizer(notifiers)
    vars(synchronizer.condition)["notify"] = partial(synchronizer.condition.notify, 2)
    return synchronizer


@pytest.mark.parametrize("notifiers", [0, 1, 2, 3, 4])
@pytest.mark.parametrize("waiters", [1, 2])
@pytest.mark.parametrize("synchronizer", [documented.JobsSynchronizer, telling_both])
@pytest.mark.parametrize(
    "strategy",
    [Exhaustive(), *(pytest.param(each, marks=LONG) for each in (Random(300), PCT(3, 300)))],
)
def test_the_published_synchronizer_loses_the_wake_up(
    synchronizer: Callable[[int], documented.JobsSynchronizer],
    notifiers: int,
    waiters: int,
    strategy: Exhaustive | Random | PCT,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """For every number of jobs and requests there is an order in which a request hangs."""
    monkeypatch.setattr(
        "threadsim.exploration.reports.shrink.MINIMISE", 0
    )  # It need not be a simple one.
    with pytest.raises(ScheduleFailure) as caught:
        explore(program(synchronizer, notifiers, waiters), strategy)

    assert isinstance(caught.value.__cause__, Deadlock)


def test_a_spurious_wake_up_breaks_the_published_wait() -> None:
    """A request that does not look at the count answers before its jobs are done."""
    published = program(documented.JobsSynchronizer, 1)

    with pytest.raises(ExceptionGroup) as caught:
        explore(published, Exhaustive(1), spurious_wakeups=True, keep_going=True)

    kinds = {type(each.__cause__).__name__ for each in caught.value.exceptions}
    assert kinds == {"Deadlock", "AssertionError"}
    line = next(each for each in map(str, caught.value.exceptions) if "Assertion" in each)
    assert "spurious_wakeups=True)" in line.splitlines()[-1]
