"""Whatever happens to a job while its caller waits: no hang, no wrong answer, one answer.

The scheduler is APScheduler's own, with real pool and store; its thread looks at the stores once.
"Within n preemptions" is what is tried: see ``docs/exploration.md``.
"""

import concurrent.futures
import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import UTC
from typing import Any

import pytest
from apscheduler.executors.debug import DebugExecutor
from apscheduler.executors.pool import ThreadPoolExecutor
from apscheduler.jobstores.base import JobLookupError
from apscheduler.schedulers.background import BackgroundScheduler
from apscheduler.schedulers.base import BaseScheduler

from apscheduler_fakes import Exhaustive, explore
from caller import DEADLINE, kill
from jobs_synchronizer import JobFuture, JobGroup, JobRefused


@pytest.fixture(autouse=True)
def silence() -> Iterator[None]:
    """Log nothing: there are thousands of schedules."""
    logging.disable(logging.CRITICAL)
    yield
    logging.disable(logging.NOTSET)


class OneLook(BaseScheduler):  # type: ignore[misc]  # APScheduler has no types.
    """APScheduler's scheduler without a thread; the program has one that looks at the stores."""

    def look(self) -> None:
        """Look at the stores once."""
        # A shutdown between a job's hand-over and its removal, which ends the real thread.
        with suppress(JobLookupError):
            self._process_jobs()

    def shutdown(self, wait: bool = True) -> None:
        """Shut down."""
        super().shutdown(wait)

    def wakeup(self) -> None:
        """Look no sooner."""


class Background(BackgroundScheduler):  # type: ignore[misc]  # As above.
    """APScheduler's scheduler with its own thread, which says nothing when it dies."""

    def _main_loop(self) -> None:
        with suppress(JobLookupError, KeyError):
            super()._main_loop()

    def look(self) -> None:
        """Look without being told."""


def remove(scheduler: Any, future: JobFuture) -> None:
    """Remove the job."""
    with suppress(JobLookupError):
        scheduler.remove_job(future.job_id)


def remove_all(scheduler: Any, future: JobFuture) -> None:
    """Remove all jobs."""
    scheduler.remove_all_jobs()


def cancel(scheduler: Any, future: JobFuture) -> None:
    """Cancel the job."""
    future.cancel()


def cancel_twice(scheduler: Any, future: JobFuture) -> None:
    """Cancel the job in two threads; the end of the group does it again."""
    other = threading.Thread(target=future.cancel)
    other.start()
    future.cancel()
    other.join()


def shut_down(scheduler: Any, future: JobFuture) -> None:
    """Shut the scheduler down."""
    scheduler.shutdown()


def refuse(scheduler: Any, future: JobFuture) -> None:
    """Shut the pool down, so that it refuses the job."""
    scheduler._executors["default"].shutdown()


def pause(scheduler: Any, future: JobFuture) -> None:
    """Pause the scheduler."""
    scheduler.pause()


def die(scheduler: Any, future: JobFuture) -> None:
    """Let the scheduler's thread have ended without another look."""
    scheduler._process_jobs = lambda: None
    scheduler._thread = threading.Thread()


def die_for_real(scheduler: Any, future: JobFuture) -> None:
    """Let the scheduler's own thread die."""
    kill(scheduler)


def race(
    happens: Callable[[Any, Any], None],
    executor: Callable[[], Any],
    answers: set[str],
    *,
    early: bool = False,
    kind: type[Any] = OneLook,
) -> Callable[[], None]:
    """Return a program in which something happens while a caller waits for a job.

    Args:
        happens: What happens, in a thread of its own.
        executor: Makes the executor.
        answers: What the caller may get.
        early: Whether it may happen before the job is added.
        kind: The scheduler's class.
    """

    def program() -> None:
        scheduler = kind(timezone=UTC, executors={"default": executor()})
        scheduler.start()
        ran: list[str] = []
        told: list[concurrent.futures.Future[Any]] = []
        answer = "not added"
        with suppress(JobRefused), JobGroup(scheduler) as group:
            other = threading.Thread(target=lambda: happens(scheduler, None if early else future))
            if early:
                other.start()
            future = group.add_job(ran.append, args=["ran"], name="job")
            future.add_done_callback(told.append)
            if not early:
                other.start()
            threading.Thread(target=scheduler.look).start()
            concurrent.futures.wait([future], timeout=DEADLINE)
            answer = answer_of(future)
        other.join()
        if scheduler.running:
            scheduler.shutdown()
        assert answer in ({"not added", *answers} if early else answers)
        assert ran == (["ran"] if answer == "value" else [])
        # One answer; who is pending is cancelled at the end of the block.
        assert len(told) == (answer != "not added")
        assert scheduler._listeners == []
        assert scheduler._job_groups._waiting == {}

    return program


def answer_of(future: JobFuture) -> str:
    """Return what a caller gets, in a word."""
    if not future.done():
        return future.last_seen
    if future.cancelled():
        return "cancelled"
    error = future.exception()
    return type(error).__name__ if error else "value"


def pool() -> Any:
    """Make a pool of one."""
    return ThreadPoolExecutor(1)


SEEN = "added to job store 'default'; the scheduler"
ANSWERS: dict[Any, set[str]] = {
    remove: {"value", "JobRemoved"},
    remove_all: {"value", "JobRemoved"},
    cancel: {"value", "cancelled"},
    cancel_twice: {"value", "cancelled"},
    refuse: {"value", "JobRefused"},
    shut_down: {"value", "JobRefused", "JobRemoved"},
    pause: {"value", f"{SEEN} is paused"},
    die: {"value", f"{SEEN}'s thread has ended"},
    die_for_real: {"value", f"{SEEN}'s thread has ended"},
}


def bounded(*cases: tuple[Any, Any, int]) -> pytest.MarkDecorator:
    """Try as many preemptions as end in a blink, and two in ``nox -s soundness``."""
    long = [(happens, executor, 2) for happens, executor, most in cases if most < 2]
    return pytest.mark.parametrize(
        ("happens", "executor", "preemptions"),
        [*cases, *(pytest.param(*case, marks=pytest.mark.soundness) for case in long)],
    )


@bounded(
    (remove, DebugExecutor, 2),
    (remove, pool, 0),
    (remove_all, DebugExecutor, 1),
    (remove_all, pool, 0),
    (cancel, DebugExecutor, 1),
    (cancel, pool, 0),
    (cancel_twice, DebugExecutor, 0),
    (refuse, DebugExecutor, 2),
    (refuse, pool, 0),
    (shut_down, DebugExecutor, 2),
    (shut_down, pool, 0),
    (pause, DebugExecutor, 2),
    (pause, pool, 2),
    (die, DebugExecutor, 2),
    (die, pool, 2),
)
def test_a_race_with_the_wait(
    happens: Callable[[Any, Any], None], executor: Callable[[], Any], preemptions: int
) -> None:
    """Removed, cancelled, refused, shut down, paused or dead: the caller gets one right answer."""
    program = race(happens, executor, ANSWERS[happens])
    assert explore(program, Exhaustive(max_preemptions=preemptions)).complete


@bounded(
    (remove_all, DebugExecutor, 1),
    (remove_all, pool, 0),
    (refuse, pool, 0),
    (shut_down, DebugExecutor, 1),
    (shut_down, pool, 0),
)
def test_a_race_with_adding(
    happens: Callable[[Any, Any], None], executor: Callable[[], Any], preemptions: int
) -> None:
    """What comes before the job is added, or in the middle of that, does no harm either."""
    program = race(happens, executor, ANSWERS[happens], early=True)
    assert explore(program, Exhaustive(max_preemptions=preemptions)).complete


@pytest.mark.parametrize(
    ("happens", "preemptions"),
    [
        (die_for_real, 0),
        pytest.param(die_for_real, 1, marks=pytest.mark.soundness),
        pytest.param(remove_all, 1, marks=pytest.mark.soundness),
        pytest.param(shut_down, 1, marks=pytest.mark.soundness),
        pytest.param(pause, 1, marks=pytest.mark.soundness),
    ],
)
def test_a_race_with_the_schedulers_own_thread(
    happens: Callable[[Any, Any], None], preemptions: int
) -> None:
    """The same with the scheduler's own thread, which can die for real."""
    program = race(happens, pool, ANSWERS[happens], kind=Background)
    assert explore(program, Exhaustive(max_preemptions=preemptions)).complete


def test_an_id_can_be_used_again_as_soon_as_its_job_is_answered() -> None:
    """Whoever sees a result finds the executor done with that id: the next job is not skipped."""

    def program() -> None:
        scheduler = OneLook(timezone=UTC, executors={"default": ThreadPoolExecutor(2)})
        scheduler.start()
        with JobGroup(scheduler) as group:
            for _ in range(2):
                future = group.add_job(int, id="same")
                scheduler.look()
                assert future.result() == 0
        scheduler.shutdown()

    assert explore(program, Exhaustive(max_preemptions=1)).complete
