"""An app as Flask-APScheduler's documentation lays it out: the scheduler is made at import."""

import re
import sys
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from apscheduler.schedulers.background import BackgroundScheduler

from threadsim import Deadlock, Exhaustive, ScheduleFailure, Simulation, explore

SHOP = """
from flask import Flask
from flask_apscheduler import APScheduler

scheduler = APScheduler()
beats = []

@scheduler.task("interval", id="beat", seconds=3)
def beat():
    beats.append("beat")

def create_app():
    app = Flask(__name__)
    scheduler.init_app(app)
    scheduler.start()

    @app.get("/beats")
    def count():
        return str(len(beats))

    return app
"""


@pytest.fixture
def shop(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """The app's module, imported just now."""
    module = ModuleType("shop")
    module.__file__ = "shop.py"
    monkeypatch.setitem(sys.modules, "shop", module)
    exec(compile(SHOP, "shop.py", "exec"), vars(module))  # noqa: S102  # Ours.
    yield module
    assert not module.scheduler.running


@pytest.mark.parametrize("again", [1, 2, 3])
def test_each_block_starts_the_app_anew(shop: Any, again: int) -> None:
    """The declared job runs in the first block, and in each later one as in the first."""
    for _ in range(again):
        with Simulation(start="now") as sim:
            client = shop.create_app().test_client()
            sim.clock.tick(4)  # By then the first has run.
            shop.beats.clear()
            sim.clock.tick(30)
            assert client.get("/beats").text == "10"


def test_the_block_may_begin_now() -> None:
    """In whole seconds."""
    before = datetime.now(UTC)
    with Simulation(start="now"):
        began = datetime.now(UTC)
    assert began.microsecond == 0
    assert before - timedelta(seconds=1) <= began <= datetime.now(UTC)


def test_a_declared_job_that_would_never_run_is_named(shop: Any) -> None:
    """Its first run counts from the real time of the import; a hang says so, too."""
    text = r"the first run of job 'beat' is [0-9,.]+ days after this instant.*start=\"now"
    with pytest.raises(Deadlock, match=text), Simulation("2020-01-01T00:00:00Z"):
        with pytest.warns(RuntimeWarning, match=text):
            shop.create_app()
        shop.scheduler.remove_job("beat")
        threading.Event().wait()


@pytest.mark.parametrize(
    ("trigger", "options"),
    [
        ("interval", {"weeks": 1, "start_date": "2020-01-01T00:00:00+00:00"}),
        ("cron", {"month": 6}),
        ("date", {"run_date": "2020-01-01T00:00:10+00:00"}),
        ("date", {"run_date": "2020-02-01T00:00:00+00:00"}),
    ],
)
def test_a_job_that_a_test_can_wait_for_is_not_named(trigger: str, options: Any) -> None:
    """Only what was declared later than the block begins is."""
    scheduler = BackgroundScheduler(timezone="UTC")
    scheduler.add_job(print, trigger, **options)
    far = options.get("run_date", "").startswith("2020-02")
    with Simulation("2020-01-01T00:00:00Z"):
        if far:
            with pytest.warns(RuntimeWarning, match="31.0 days"):
                scheduler.start()
        else:
            scheduler.start()
    assert not scheduler.running


def test_a_modules_scheduler_is_as_before_its_start(shop: Any) -> None:
    """A block leaves nothing in it: it can be configured, and waits for its start."""
    real = shop.scheduler.scheduler
    lock = real._jobstores_lock
    with Simulation(start="now"):
        shop.create_app()
        shop.scheduler.add_job("later", print, trigger="interval", seconds=1)
    assert [job.id for job, *_ in real._pending_jobs] == ["beat"]
    assert not hasattr(real._pending_jobs[0][0], "next_run_time")
    assert real._jobstores_lock is lock
    assert real._thread is None
    real.configure(timezone="UTC")


def test_locks_of_such_a_scheduler_are_virtual_in_the_block(shop: Any) -> None:
    """Two virtual threads contend for the lock of its stores, and time goes on."""
    with Simulation(start="now") as sim:
        shop.create_app()
        lock = shop.scheduler.scheduler._jobstores_lock

        def hold() -> None:
            with lock:
                time.sleep(1)

        threads = [threading.Thread(target=hold) for _ in range(2)]
        for each in threads:
            each.start()
        for each in threads:
            each.join()
        assert sim.clock.elapsed == 2.0


def test_each_schedule_of_an_exploration_starts_it_anew(shop: Any) -> None:
    """The first one leaves nothing to the second."""

    def program() -> None:
        assert shop.scheduler.get_jobs()[0].id == "beat"
        shop.scheduler.start(paused=True)
        threading.Thread(target=shop.scheduler.get_jobs).start()
        shop.scheduler.get_jobs()

    with pytest.warns(RuntimeWarning, match="job 'beat'.*let the program add the job"):
        assert explore(program).schedules > 1


@pytest.mark.filterwarnings("ignore:the first run of job:RuntimeWarning")
def test_jobs_of_a_modules_scheduler_run_in_each_schedule(shop: Any) -> None:
    """What its thread waits on is made anew by each start."""

    def program() -> None:
        shop.create_app()
        done = threading.Event()
        shop.scheduler.add_job("done", done.set)
        done.wait()

    assert explore(program, Exhaustive(max_preemptions=1)).complete


@pytest.mark.filterwarnings("ignore:the first run of job:RuntimeWarning")
def test_a_modules_scheduler_is_put_back_where_its_thread_has_ended(
    shop: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No thread is left then that the end of a schedule ends."""

    def program() -> None:
        shop.scheduler.start()
        shop.scheduler._scheduler._thread.join()

    with monkeypatch.context() as patch, pytest.raises(ScheduleFailure, match="TypeError"):
        patch.setattr(BackgroundScheduler, "_process_jobs", None)
        explore(program)
    assert not shop.scheduler.running


def test_a_scheduler_that_the_block_made_may_be_shut_down_after_it() -> None:
    """As by atexit or a fixture's end."""
    with Simulation():
        scheduler = BackgroundScheduler()
        scheduler.start()
    scheduler.shutdown()


def test_the_example_of_the_documentation_runs(pytester: pytest.Pytester) -> None:
    """The two files of the page, as they stand there."""
    page = (Path(__file__).parents[2] / "docs" / "how_to" / "test_your_app.md").read_text("utf-8")
    for name in ("shop", "test_shop"):
        [block] = re.findall(rf"```python\n# {name}\.py\n(.*?)```", page, re.DOTALL)
        pytester.makepyfile(**{name: block})

    pytester.runpytest_inprocess("-p", "no:cacheprovider").assert_outcomes(passed=1)
