"""Both whole programs, real Flask and real APScheduler, two jobs and two requests.

Of the published one every order without a preemption is searched. Of the corrected one that does
not end in minutes: it is searched by PCT and at random, where nothing is claimed about what was not
tried, and with one request or one job in every order within a preemption.
"""

import sys
import threading
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from searching import outcomes

from jobs_synchronizer import corrected, documented
from threadsim import PCT, Deadlock, Exhaustive, Random, ScheduleFailure, explore, replay

PAGE = Path(__file__).parents[2] / "docs" / "explanation" / "explore.md"

LONG = pytest.mark.soundness

# How many schedules there are from Python 3.12 on; the pools of 3.11 have other steps.
AS_COUNTED = sys.version_info >= (3, 12)

# How many end how; in a sample that depends on who else listens to Flask's logger.
PUBLISHED: list[tuple[str, PCT | Random | Exhaustive, dict[str, int]]] = [
    ("PCT(3, 13)", PCT(3, 13), {}),
    ("PCT(3, 100)", PCT(3, 100), {}),
    ("Random(100)", Random(100), {}),
    (
        "Exhaustive(max_preemptions=0)",
        Exhaustive(max_preemptions=0),
        {"Deadlock": 2, "AssertionError": 12, "True": 1_398},
    ),
]

# Jobs, requests, and how many schedules with one preemption there are.
CORRECTED = [(1, 1, 52), (2, 1, 1_247), (1, 2, 11_137)]


def task(job_synchronizer: Any, task_id: int) -> None:
    """Report at once."""
    job_synchronizer.notify_task_completion(f"Task {task_id}")


def program(module: ModuleType, jobs: int = 2, requests: int = 2) -> Callable[[], bool]:
    """Return a program in which so many requests of one app add so many jobs each."""

    def run() -> bool:
        app = module.create_app(num_tasks=jobs, task=task)
        # A list for each request: they share nothing but the app.
        answers: list[list[int]] = [[] for _ in range(requests)]

        def request(answer: list[int]) -> None:
            answer.append(app.test_client().get("/run-tasks").status_code)

        first, *later = answers
        others = [threading.Thread(target=request, args=(answer,)) for answer in later]
        for other in others:
            other.start()
        request(first)
        for other in others:
            other.join()
        assert answers == [[200]] * requests
        return True

    return run


def test_the_page_has_these_figures() -> None:
    """What was searched and found stands in the documentation."""
    page = PAGE.read_text(encoding="utf-8")
    for name, _, ends in PUBLISHED[1:]:
        numbers = (sum(ends.values()), *ends.values()) if ends else (100,)
        row = " | ".join(f"{number:,}" for number in numbers)
        assert f"| published, 2 and 2 | `{name}` | {row} |" in page
    for jobs, requests, schedules in CORRECTED:
        row = f"{schedules:,} | 0 | 0 | {schedules:,}"
        assert (
            f"| corrected, {jobs} and {requests} | `Exhaustive(max_preemptions=1)` | {row} |"
            in page
        )


@pytest.mark.parametrize(
    ("strategy", "ends"),
    [
        pytest.param(*each, id=name, marks=LONG if number else ())
        for number, (name, *each) in enumerate(PUBLISHED)
    ],
)
def test_each_search_finds_both_faults_of_the_published_program(
    strategy: PCT | Random | Exhaustive, ends: dict[str, int]
) -> None:
    """In some orders a wake-up is lost, in others the second request's jobs are refused."""
    found = Counter[str]()
    for outcome, number in outcomes(program(documented), strategy).items():
        found[str(outcome).partition(":")[0]] += number

    assert found.keys() == {"Deadlock", "AssertionError", "True"}
    assert not (AS_COUNTED and ends) or found == ends


@pytest.mark.parametrize(
    ("jobs", "requests", "schedules"),
    [CORRECTED[0], *(pytest.param(*each, marks=LONG) for each in CORRECTED[1:])],
)
def test_one_request_or_one_job_of_the_corrected_program_is_answered_in_every_order(
    jobs: int, requests: int, schedules: int
) -> None:
    """All requests are, whichever thread the processor is taken from once."""
    done = explore(program(corrected, jobs, requests), Exhaustive(max_preemptions=1))

    assert done.complete
    assert not AS_COUNTED or done.runs == schedules


@pytest.mark.parametrize("schedules", [3, pytest.param(100, marks=pytest.mark.soundness)])
@pytest.mark.parametrize("strategy", [PCT, Random])
def test_no_fault_of_the_corrected_program_is_found(
    strategy: type[PCT | Random], schedules: int
) -> None:
    """Both requests are answered in each of so many orders."""
    done = explore(program(corrected), strategy(schedules=schedules))

    assert done.runs == schedules
    assert not done.complete


@pytest.mark.parametrize(
    ("schedules", "steps"), [(6, 0), pytest.param(100, 10_000, marks=pytest.mark.soundness)]
)
def test_the_published_program_hangs_and_refuses(
    schedules: int, steps: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It loses a wake-up in one order and its second request's jobs in another, again and again."""
    monkeypatch.setattr("threadsim.exploration.reports.shrink.MINIMISE", steps)
    with pytest.raises(ExceptionGroup) as caught:
        explore(program(documented), PCT(3, schedules), keep_going=True)

    failures = {type(each.__cause__): each for each in caught.value.exceptions}
    assert set(failures) == {Deadlock, AssertionError}
    for failure in failures.values():
        assert isinstance(failure, ScheduleFailure)
        with pytest.raises(ScheduleFailure) as again:
            replay(program(documented), failure.schedule)
        assert str(again.value) == str(failure)
