"""JobGroup on a Dask cluster: every job is accounted for, once."""

import json
import threading
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from traceback import format_exception
from typing import Any
from urllib.request import urlopen
from wsgiref.simple_server import WSGIRequestHandler, make_server

import pytest
from apscheduler.schedulers.background import BackgroundScheduler
from flask import Flask
from flask_apscheduler import APScheduler

import cluster_jobs as work
from jobs_synchronizer import JobGroup, JobLost, JobRefused

distributed = pytest.importorskip("distributed", reason="Dask is not installed: nox -s cluster")
dask = pytest.importorskip("jobs_synchronizer.dask")
pytestmark = [
    pytest.mark.e2e,
    pytest.mark.filterwarnings("default"),
    pytest.mark.timeout(120),
]


def notes(folder: Path) -> list[tuple[int, int]]:
    """Return which jobs have run, and in which process."""
    return [(int(each.name.split("-")[0]), int(each.read_text())) for each in folder.iterdir()]


def until(holds: Callable[[], object]) -> None:
    """Wait until something holds, for a minute at most."""
    deadline = time.monotonic() + 60
    while not holds():
        assert time.monotonic() < deadline, "it did not come to hold within a minute"
        time.sleep(0.02)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Where jobs note that they have run."""
    folder = tmp_path / "notes"
    folder.mkdir()
    return folder


def test_ten_jobs_over_http(shared: Any, folder: Path) -> None:
    """A Flask app whose configuration names the cluster answers with what ten jobs came to."""
    app = Flask(__name__)
    executor = {"type": "dask", "address": shared.address, "timeout": 30}
    app.config["SCHEDULER_EXECUTORS"] = {"default": executor}
    scheduler = APScheduler(app=app)
    scheduler.start()

    @app.get("/run-tasks")
    def run_tasks() -> Any:
        with JobGroup(scheduler) as group:
            for number in range(10):
                group.add_job(work.note, args=[str(folder), number, 0.1], name=f"{number}")
            return group.wait(timeout=60).as_json()

    class Silent(WSGIRequestHandler):
        def log_message(self, *args: Any) -> None:
            """Say nothing."""

    with make_server("127.0.0.1", 0, app, handler_class=Silent) as server:
        thread = threading.Thread(target=server.handle_request)
        thread.start()
        url = f"http://127.0.0.1:{server.server_port}/run-tasks"
        with urlopen(url, timeout=60) as answer:
            told = json.load(answer)
        thread.join()
    scheduler.shutdown()
    assert [told["values"][f"{number}"][0] for number in range(10)] == list(range(10))
    assert sorted(number for number, _ in notes(folder)) == list(range(10))


def test_a_thousand_jobs(shared: Any, scheduler_of: Any, folder: Path) -> None:
    """A thousand jobs each run once, and all three workers have some."""
    with JobGroup(scheduler_of(shared.address)) as group:
        for number in range(1000):
            group.add_job(work.note, args=[str(folder), number], name=f"{number}")
        result = group.wait(timeout=100)
    assert [value[0] for value in result.values.values()] == list(range(1000))
    assert Counter(number for number, _ in notes(folder)) == Counter(range(1000))
    assert {pid for _, pid in notes(folder)} == {each.pid for each in shared.workers}


def test_equal_jobs_each_run(shared: Any, scheduler_of: Any, folder: Path) -> None:
    """Two jobs with one function and equal arguments run twice."""
    with JobGroup(scheduler_of(shared.address)) as group:
        for _ in range(2):
            group.add_job(work.note, args=[str(folder), 0])
        assert len(group.wait(timeout=60).values) == len(notes(folder)) == 2


def test_an_error_has_the_workers_traceback(shared: Any, scheduler_of: Any) -> None:
    """A job's exception has the worker's traceback in a note."""
    with JobGroup(scheduler_of(shared.address)) as group:
        error = group.add_job(work.fail, args=["no"]).exception(60)
    assert repr(error) == "ValueError('no')"
    assert "in fail" in "".join(format_exception(error))


def test_no_application_context(shared: Any, scheduler_of: Any) -> None:
    """A job that asks for the application context gets a sentence that says why there is none."""
    with JobGroup(scheduler_of(shared.address)) as group:
        error = group.add_job(work.read_the_app).exception(60)
    said = "has no application context: the app is in another process"
    assert said in "".join(format_exception(error))


@pytest.mark.parametrize(
    ("func", "args", "said", "advice"),
    [
        (work.note, [threading.Lock(), 0], "cannot pickle '_thread.lock'", "It did not begin"),
        (work.give_a_lock, [], "what the job came to cannot be pickled", "It may have run"),
        (work.fail_untaught, [], "missing 1 required positional argument", "It may have run"),
    ],
    ids=["argument", "value", "exception"],
)
def test_what_cannot_be_pickled(
    shared: Any, scheduler_of: Any, *, func: Any, args: list[Any], said: str, advice: str
) -> None:
    """What cannot be pickled, on either side, is a JobLost that says so and whether it began."""
    with JobGroup(scheduler_of(shared.address)) as group:
        error = group.add_job(func, args=args).exception(60)
    assert isinstance(error, JobLost)
    assert said in str(error)
    assert advice in str(error)


def test_a_job_that_raises_is_retried(shared: Any, scheduler_of: Any, folder: Path) -> None:
    """With ``retries`` a job that raises runs again, and its last ending is the answer."""
    scheduler = scheduler_of(shared.address, retries=2)
    with JobGroup(scheduler) as group:
        assert group.add_job(work.fail_at_first, args=[str(folder)]).result(60) == 2
        assert repr(group.add_job(work.fail, args=["no"]).exception(60)) == "ValueError('no')"


def test_cancel_is_refused_after_the_hand_over(
    shared: Any, scheduler_of: Any, folder: Path
) -> None:
    """``cancel`` says False of all that the cluster has, and True of what is not due yet."""
    with JobGroup(scheduler_of(shared.address)) as group:
        sent = [group.add_job(work.note, args=[str(folder), n, 0.5]) for n in range(6)]
        later = group.add_job(work.note, args=[str(folder), 9], run_date="2099-01-01")
        until(lambda: notes(folder))
        assert not any(each.cancel() for each in sent)
        assert later.cancel()
        assert sorted(each.result(60)[0] for each in sent) == list(range(6))
    assert len(notes(folder)) == 6


def test_a_timeout(shared: Any, scheduler_of: Any, folder: Path) -> None:
    """A job that still runs at the timeout is pending, and was handed to the executor."""
    with JobGroup(scheduler_of(shared.address)) as group:
        future = group.add_job(work.note, args=[str(folder), 0, 2], name="slow")
        until(lambda: notes(folder))
        assert group.wait(timeout=0.1).pending == {"slow": "handed to executor 'default'"}
        assert future.running()
        assert future.result(60)[0] == 0


def test_a_killed_worker(start: Any, scheduler_of: Any, folder: Path) -> None:
    """The job of a killed worker is a JobLost that names the worker; the others run once."""
    cluster = start()
    with JobGroup(scheduler_of(cluster.address)) as group:
        for number in range(30):
            group.add_job(work.note, args=[str(folder), number, 0.2], name=f"{number}")
        until(lambda: len({pid for _, pid in notes(folder)}) == 3)
        number, pid = max(notes(folder))
        cluster.kill(pid)
        result = group.wait(timeout=60)
    assert not result.pending
    assert len(result.values) + len(result.errors) == 30
    # The one that it ran, and perhaps one that it had in its queue.
    assert 1 <= len(result.errors) <= 2
    for lost in result.errors.values():
        assert isinstance(lost, JobLost)
        assert "The last worker that attempt to run the task was tcp://127.0.0.1:" in str(lost)
        assert "It may have run" in str(lost)
    ran = Counter(f"{number}" for number, _ in notes(folder))
    assert set(ran.values()) == {1}
    assert f"{number}" in result.errors
    assert result.values.keys() <= ran.keys() <= result.values.keys() | result.errors.keys()


def test_the_cluster_is_closed_while_waiting(start: Any, scheduler_of: Any, folder: Path) -> None:
    """When Dask's scheduler dies, all that the cluster has is lost, and what comes is refused."""
    cluster = start()
    with JobGroup(scheduler_of(cluster.address)) as group:
        sent = [group.add_job(work.note, args=[str(folder), n, 60]) for n in range(5)]
        until(lambda: len(notes(folder)) == 3)
        cluster.scheduler.kill()
        for each in sent:
            error = each.exception(60)
            assert isinstance(error, JobLost)
            assert "the cluster has let go of it" in str(error)
        refused = group.add_job(work.note, args=[str(folder), 9]).exception(60)
    assert isinstance(refused, JobRefused)
    assert "no connection to Dask's scheduler" in str(refused)


def test_no_scheduler_at_start() -> None:
    """An address where nobody answers is an OSError that names it, after the timeout."""
    with pytest.raises(OSError, match=r"tcp://127\.0\.0\.1:9"):
        dask.DaskExecutor("tcp://127.0.0.1:9", timeout=0.5)


def test_a_cluster_that_runs_jobs_again(start: Any) -> None:
    """A warning says that the cluster's scheduler runs the jobs of a killed worker again."""
    cluster = start(DASK_DISTRIBUTED__SCHEDULER__ALLOWED_FAILURES="3")
    with pytest.warns(RuntimeWarning, match="has allowed-failures 3: a job whose worker dies"):
        executor = dask.DaskExecutor(cluster.address, timeout=30)
    executor.shutdown()


def test_another_version(shared: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Dask warns of workers that have other versions."""
    versions = distributed.versions.get_versions

    def other(*args: Any, **kwargs: Any) -> Any:
        told = versions(*args, **kwargs)
        told["packages"]["distributed"] = "1.0"
        return told

    monkeypatch.setattr(distributed.client.version_module, "get_versions", other)
    with pytest.warns(distributed.versions.VersionMismatchWarning, match="distributed"):
        dask.DaskExecutor(shared.address, timeout=30).shutdown()


def test_one_of_address_and_client() -> None:
    """An address and a client cannot both be given."""
    with pytest.raises(ValueError, match="pass one of the two"):
        dask.DaskExecutor("tcp://127.0.0.1:9", client=object())


def test_a_local_cluster(scheduler_of: Any) -> None:
    """Without an address a cluster on this machine is started, and runs no job again."""
    scheduler = scheduler_of(None, workers=1)
    client = scheduler._executors["default"]._pool._client
    with JobGroup(scheduler) as group:
        assert group.add_job(divmod, args=[7, 2]).result(60) == (3, 1)
    assert client.cluster.scheduler.allowed_failures == 0


def test_a_shutdown_lets_go(shared: Any, folder: Path) -> None:
    """At a shutdown that does not wait, a client of the caller's stays, and its jobs are lost."""
    with distributed.Client(shared.address, set_as_default=False) as client:
        executor = dask.DaskExecutor(client=client)
        scheduler = BackgroundScheduler(executors={"default": executor})
        scheduler.start()
        with JobGroup(scheduler) as group:
            future = group.add_job(work.note, args=[str(folder), 0, 1])
            until(lambda: notes(folder))
            scheduler.shutdown(wait=False)
            assert isinstance(future.exception(60), JobLost)
        assert client.submit(divmod, 7, 2).result(60) == (3, 1)
