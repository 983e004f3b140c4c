"""Both whole programs, real Flask and real APScheduler, two jobs and two requests, sampled.

Within no bound does an exhaustive search of them end in minutes, so they are searched by PCT and at
random, and nothing is claimed about what was not tried.
"""

import threading
from collections.abc import Callable
from types import ModuleType
from typing import Any

import pytest

from apscheduler_fakes import PCT, Deadlock, Random, ScheduleFailure, explore, replay
from jobs_synchronizer import corrected, documented


def task(job_synchronizer: Any, task_id: int) -> None:
    """Report at once."""
    job_synchronizer.notify_task_completion(f"Task {task_id}")


def program(module: ModuleType) -> Callable[[], None]:
    """Return a program in which two requests of one app add two jobs each."""

    def two_requests() -> None:
        app = module.create_app(num_tasks=2, task=task)
        answers: list[int] = []

        def request() -> None:
            answers.append(app.test_client().get("/run-tasks").status_code)

        other = threading.Thread(target=request)
        other.start()
        request()
        other.join()
        assert answers == [200, 200]

    return two_requests


@pytest.mark.parametrize("schedules", [3, pytest.param(100, marks=pytest.mark.soundness)])
@pytest.mark.parametrize("strategy", [PCT, Random])
def test_no_fault_of_the_corrected_program_is_found(
    strategy: type[PCT | Random], schedules: int
) -> None:
    """Both requests are answered in each of so many orders."""
    done = explore(program(corrected), strategy(schedules=schedules))

    assert done.schedules == schedules
    assert not done.complete


@pytest.mark.parametrize(
    ("schedules", "tries"), [(6, 0), pytest.param(100, 500, marks=pytest.mark.soundness)]
)
def test_the_published_program_hangs_and_refuses(
    schedules: int, tries: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It loses a wake-up in one order and its second request's jobs in another, again and again."""
    monkeypatch.setattr("apscheduler_fakes.exploration._MINIMISE", tries)
    with pytest.raises(ExceptionGroup) as caught:
        explore(program(documented), PCT(3, schedules), keep_going=True)

    failures = {type(each.__cause__): each for each in caught.value.exceptions}
    assert set(failures) == {Deadlock, AssertionError}
    for failure in failures.values():
        assert isinstance(failure, ScheduleFailure)
        with pytest.raises(ScheduleFailure) as again:
            replay(program(documented), failure.schedule)
        assert str(again.value) == str(failure)
