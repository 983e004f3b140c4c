"""A Dask cluster on loopback: a scheduler and three workers, each a process of its own."""

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest
from apscheduler.schedulers.background import BackgroundScheduler

HERE = Path(__file__).parent
NO_RERUNS = {"DASK_DISTRIBUTED__SCHEDULER__ALLOWED_FAILURES": "0"}


@pytest.fixture(autouse=True)
def nothing_left_behind() -> None:
    """Dask keeps a few threads for the next client."""


class Cluster:
    """The processes of a cluster.

    Args:
        folder: Where their logs go.
        env: What else they have in their environment.
    """

    def __init__(self, folder: Path, env: dict[str, str]) -> None:
        self._folder, self._env = folder, env
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.address = f"tcp://127.0.0.1:{self.port}"
        self.scheduler: Any = None
        self.workers: list[Any] = []

    @contextmanager
    def running(self) -> Iterator["Cluster"]:
        """Start all, and stop all at the end, also after a failure."""
        with ExitStack() as stack:
            where = ("--host", "127.0.0.1", "--port", str(self.port), "--no-dashboard")
            self.scheduler = self._start(stack, "scheduler", *where)
            name = (self.address, "--nthreads", "1", "--no-nanny", "--no-dashboard")
            self.workers = [self._start(stack, "worker", *name) for _ in range(3)]
            yield self

    def _start(self, stack: ExitStack, kind: str, *args: str) -> Any:
        log = stack.enter_context((self._folder / f"{kind}.log").open("ab"))
        path = os.pathsep.join([str(HERE), *filter(None, sys.path)])
        process = subprocess.Popen(
            [sys.executable, "-m", "distributed.cli.dask_" + kind, *args],
            env={**os.environ, "PYTHONPATH": path, **self._env},
            stdout=log,
            stderr=log,
        )
        stack.callback(process.wait, 30)
        stack.callback(process.kill)
        return process

    def kill(self, pid: int) -> None:
        """Kill a worker, without a word to anybody."""
        assert pid in [each.pid for each in self.workers]
        os.kill(pid, signal.SIGKILL)


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., Cluster]]:
    """Start a cluster; it is stopped at the end of the test."""
    with ExitStack() as stack:

        def start(**env: str) -> Cluster:
            return stack.enter_context(Cluster(tmp_path, {**NO_RERUNS, **env}).running())

        yield start


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """One cluster for the tests of a module that leave it as it was."""
    with Cluster(tmp_path_factory.mktemp("cluster"), NO_RERUNS).running() as cluster:
        yield cluster


@pytest.fixture
def scheduler_of() -> Iterator[Callable[..., Any]]:
    """Start an APScheduler on a cluster; it is shut down at the end of the test."""
    with ExitStack() as stack:

        def start(address: str, **options: Any) -> Any:
            executor = {"type": "dask", "address": address, "timeout": 30, **options}
            scheduler = BackgroundScheduler(executors={"default": executor})
            scheduler.start()
            stack.callback(scheduler.shutdown, wait=False)
            return scheduler

        yield start
