"""The two synchronizers under every order of their threads: one hangs, one cannot."""

import threading
from collections.abc import Callable

import pytest

from apscheduler_fakes import PCT, Deadlock, Exhaustive, Random, ScheduleFailure, explore, replay
from jobs_synchronizer import corrected, documented

LONG = pytest.mark.soundness


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
            waits_for.wait_for_tasks_to_be_completed(*timeout)

        for i in range(notifiers):
            threading.Thread(target=waits_for.notify_task_completion, args=(f"{i}",)).start()
        for _ in range(waiters - 1):
            threading.Thread(target=wait).start()
        wait()
        if not timeout:
            assert len(waits_for.get_status_list()) == notifiers

    return run


@pytest.mark.parametrize(
    ("notifiers", "waiters", "most"), [(1, 1, 6), (2, 1, 40), (3, 1, 300), (4, 1, 3000), (1, 2, 80)]
)
def test_the_corrected_synchronizer_never_hangs(notifiers: int, waiters: int, most: int) -> None:
    """In every order of so many jobs and requests, every request is answered."""
    done = explore(program(corrected.JobsSynchronizer, notifiers, waiters))

    assert done.complete
    assert done.schedules <= most


@pytest.mark.parametrize("notifiers", [2, pytest.param(3, marks=LONG)])
def test_two_requests_never_hang(notifiers: int) -> None:
    """Two requests that wait for the same jobs are both answered."""
    assert explore(program(corrected.JobsSynchronizer, notifiers, 2)).complete


@pytest.mark.parametrize("notifiers", [1, pytest.param(2, marks=LONG)])
def test_the_corrected_synchronizer_stands_time_outs_and_spurious_wake_ups(notifiers: int) -> None:
    """A wait that ends early or by itself harms nobody."""
    timed = program(corrected.JobsSynchronizer, notifiers, timeout=(1.0,))
    assert explore(timed, early_timeouts=True).complete
    plain = program(corrected.JobsSynchronizer, notifiers)
    assert explore(plain, spurious_wakeups=True).complete


@pytest.mark.parametrize("notifiers", [0, 1, 2, 3, 4])
@pytest.mark.parametrize(
    "strategy",
    [Exhaustive(), *(pytest.param(each, marks=LONG) for each in (Random(300), PCT(3, 300)))],
)
def test_the_published_synchronizer_loses_the_wake_up(
    notifiers: int, strategy: Exhaustive | Random | PCT
) -> None:
    """For every number of jobs there is an order in which the published request hangs."""
    published = program(documented.JobsSynchronizer, notifiers)

    with pytest.raises(ScheduleFailure) as caught:
        explore(published, strategy)

    assert isinstance(caught.value.__cause__, Deadlock)
    with pytest.raises(ScheduleFailure):
        replay(published, caught.value.schedule)


def test_a_spurious_wake_up_breaks_the_published_wait() -> None:
    """A request that does not look at the count answers before its jobs are done."""
    published = program(documented.JobsSynchronizer, 1)

    with pytest.raises(ExceptionGroup) as caught:
        explore(published, Exhaustive(1), spurious_wakeups=True, keep_going=True)

    kinds = {type(each.__cause__).__name__ for each in caught.value.exceptions}
    assert kinds == {"Deadlock", "AssertionError"}
    line = next(each for each in map(str, caught.value.exceptions) if "Assertion" in each)
    assert line.endswith("spurious_wakeups=True)")
