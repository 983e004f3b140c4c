"""Jobs in other processes, for real: what a pool loses is known at once."""

import concurrent.futures
import os
import pickle
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from datetime import UTC
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from apscheduler.executors.pool import ProcessPoolExecutor
from apscheduler.schedulers.background import BackgroundScheduler

from caller import Gets, sqlite_store
from jobs_synchronizer import JobGroup, JobLost

pytestmark = pytest.mark.e2e


class NeedsTwo(Exception):  # It is no error that somebody should copy.
    """An exception that cannot be unpickled."""

    def __init__(self, one: str, two: str) -> None:
        super().__init__(one + two)


def raise_it_untraced() -> None:
    """Raise, in another process, when another job waits there."""
    time.sleep(0.2)
    raise NeedsTwo("one", "two")


@pytest.fixture(scope="module")
def scheduler(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """A real scheduler with a process pool of one and a store in an SQLite file."""
    store = sqlite_store(tmp_path_factory.mktemp("store") / "jobs.sqlite")
    scheduler = BackgroundScheduler(
        timezone=UTC, executors={"default": ProcessPoolExecutor(1)}, jobstores={"db": store}
    )
    scheduler.start()
    yield scheduler
    scheduler.shutdown()


@pytest.fixture(autouse=True)
def nothing_left_behind() -> None:
    """The pool's own threads live as long as the module."""


@pytest.mark.rows("E1")
@pytest.mark.parametrize("store", ["default", "db"])
def test_a_job_in_another_process(scheduler: Any, gets: Gets, store: str) -> None:
    """The caller gets the value that a job in another process returned."""
    with JobGroup(scheduler) as group:
        assert group.add_job("os:getpid", jobstore=store).result(30) != os.getpid()
        gets(group.add_job("operator:add", args=[1, 2], jobstore=store), "3 at once")


@pytest.mark.rows("E2")
@pytest.mark.parametrize("store", ["default", "db"])
def test_a_job_in_another_process_that_raises(scheduler: Any, gets: Gets, store: str) -> None:
    """The caller gets the exception that a job in another process raised."""
    with JobGroup(scheduler) as group:
        error: Any = group.add_job("os:stat", args=["/nowhere"], jobstore=store)
        gets(error, "FileNotFoundError at once: [Errno 2] No such file or directory: '/nowhere'")
        (note,) = error.exception().__notes__
        assert note.startswith("In the pool's process:\n  File ")
        assert "in run_job" in note


def make_function_untraced() -> Any:
    """Return what only its own process knows."""
    return lambda: None


@pytest.mark.rows("E14")
def test_what_cannot_be_sent_to_another_process(scheduler: Any, gets: Gets) -> None:
    """A job whose function, arguments or result cannot be pickled is known at once to be lost."""
    with JobGroup(scheduler) as group:
        function = group.add_job(lambda: None, name="function")
        arguments = group.add_job(id, args=[threading.Lock()], name="arguments")
        result = group.add_job("threading:Lock", name="result")
        local = group.add_job(make_function_untraced)
        gets(
            arguments,
            "JobLost at once: Job 'arguments' (id …) was lost by executor 'default': TypeError: "
            "cannot pickle '_thread.lock' object. It did not begin: mend what is wrong, and add "
            "it again. The executor's log has more.",
        )
        assert "ValueError: This Job cannot be serialized" in str(function.exception(30))
        assert "It did not begin" in str(function.exception())
        gets(
            result,
            "JobLost at once: Job 'result' (id …) was lost by executor 'default': TypeError: "
            "cannot pickle '_thread.lock' object. It may have run, in part or whole: add it again "
            "only if it may run twice. The executor's log has more.",
        )
        assert isinstance(function.exception(), JobLost)
        assert "local" in str(local.exception(30))


@pytest.mark.rows("E13")
def test_a_job_that_is_cancelled_before_it_goes_to_another_process(
    scheduler: Any, gets: Gets
) -> None:
    """A job that a process pool drops from its queue has not begun."""
    scheduler.add_executor(ProcessPoolExecutor(1), "other")
    pool = scheduler._executors["other"]._pool
    with JobGroup(scheduler) as group:
        futures = [group.add_job("time:sleep", args=[0.1], executor="other") for _ in range(9)]
        futures[0].result(30)
        pool.shutdown(wait=False, cancel_futures=True)
        gets(
            futures[-1],
            "JobLost at once: Job 'sleep' (id …) was lost by executor 'other': CancelledError: "
            "the pool cancelled it. It did not begin: mend what is wrong, and add it again. The "
            "executor's log has more.",
        )


def read_untraced(pipe: Path) -> str:
    """Wait for a pipe's end."""
    return pipe.read_text(encoding="utf-8")


def test_jobs_in_the_queue_of_a_process_pool_can_be_cancelled(
    scheduler: Any, tmp_path: Path
) -> None:
    """What a process pool has not put on its way is not running, and never runs if cancelled."""
    scheduler.add_executor(ProcessPoolExecutor(1), "queue")
    os.mkfifo(pipe := tmp_path / "pipe")
    with JobGroup(scheduler) as group:
        make = partial(group.add_job, "os:mkdir", executor="queue")
        futures = [group.add_job(read_untraced, args=[pipe], executor="queue")]
        futures += [make(args=[f"{tmp_path}/{name}"]) for name in ["1", "2", "cancelled", "left"]]
        first_job = pipe.open("w")  # As soon as it has begun; it ends when this is closed.
        assert [future.running() for future in futures[-2:]] == [False, False]
        assert futures[-2].cancel()
    first_job.close()
    assert [future.cancelled() for future in futures[-2:]] == [True, True]
    concurrent.futures.wait(futures, timeout=30)
    assert {each.name for each in tmp_path.iterdir()} <= {"1", "2", "pipe"}


async def answer_untraced() -> None:
    """Be a coroutine."""


def make_coroutine_untraced() -> Any:
    """Return a coroutine."""
    return answer_untraced()


@pytest.mark.rows("E5")
def test_a_job_in_another_process_that_returns_a_coroutine(scheduler: Any, gets: Gets) -> None:
    """A coroutine is no result that a process can send back."""
    with JobGroup(scheduler) as group:
        gets(
            group.add_job(make_coroutine_untraced),
            "JobLost at once: Job 'make_coroutine_untraced' (id …) was lost by executor "
            "'default': TypeError: cannot pickle 'coroutine' object. It may have run, in part or "
            "whole: add it again only if it may run twice. The executor's log has more.",
        )


@pytest.mark.rows("E15")
def test_an_exception_that_cannot_be_unpickled(scheduler: Any, gets: Gets) -> None:
    """An exception that cannot be unpickled breaks its pool; the next job has a new one."""
    with pytest.raises(TypeError, match="two"):
        pickle.loads(pickle.dumps(NeedsTwo("one", "two")))  # noqa: S301  # Our own.
    with JobGroup(scheduler) as group:
        lost = group.add_job(raise_it_untraced)
        queued = group.add_job("time:sleep", args=[60])
        gets(
            lost,
            "JobLost at once: Job 'raise_it_untraced' (id …) was lost by executor 'default': "
            "BrokenProcessPool: A process in the process pool was terminated abruptly while the "
            "future was running or pending. It may have run, in part or whole: add it again only "
            "if it may run twice. The executor's log has more.",
        )
        assert isinstance(queued.exception(1), JobLost)
        assert group.add_job("os:getpid").result(30)


@pytest.mark.rows("E16")
def test_a_worker_that_is_killed(scheduler: Any, gets: Gets) -> None:
    """A killed worker's job, and those behind it, are known at once to be lost; then it goes on."""
    with JobGroup(scheduler) as group:
        worker = group.add_job("os:getpid").result(30)
        # The worker has one, and its pipe two.
        running, _, _, cancelled, queued = (
            group.add_job("time:sleep", args=[60], id=id_) for id_ in "12345"
        )
        concurrent.futures.wait([running], timeout=0.1)
        assert cancelled.cancel()
        os.kill(worker, signal.SIGKILL)
        gets(
            running,
            "JobLost at once: Job 'sleep' (id …) was lost by executor 'default': "
            "BrokenProcessPool: A process in the process pool was terminated abruptly while the "
            "future was running or pending. It may have run, in part or whole: add it again only "
            "if it may run twice. The executor's log has more.",
        )
        assert "It did not begin" in str(queued.exception(1))
        assert group.add_job("os:getpid").result(30) != worker


KILLED = """
import os, signal, sys
from apscheduler.schedulers.background import BackgroundScheduler
from jobs_synchronizer import JobGroup
scheduler = BackgroundScheduler(jobstores={"default": {"type": "sqlalchemy", "url": sys.argv[1]}})
scheduler.start()
with JobGroup(scheduler) as group:
    group.add_job("os:getpid", id="kept", run_date="2100-01-01").add_done_callback(print)
    os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.mark.rows("E34")
def test_a_process_that_is_killed(tmp_path: Path) -> None:
    """Nobody is left to be answered; a persistent store keeps the job, a plain one, for later."""
    url = f"sqlite:///{tmp_path}/jobs.sqlite"
    done = subprocess.run([sys.executable, "-c", KILLED, url], capture_output=True, check=False)
    assert (done.returncode, done.stdout) == (-signal.SIGKILL, b"")
    with sqlite3.connect(tmp_path / "jobs.sqlite") as connection:
        ((state,),) = connection.execute("select job_state from apscheduler_jobs where id='kept'")
    connection.close()
    kept = pickle.loads(state)  # noqa: S301  # Our own.
    assert (kept["func"], kept["args"]) == ("os:getpid", ())
