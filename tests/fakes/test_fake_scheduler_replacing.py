"""FakeScheduler in an app whose module makes the scheduler, as Flask-APScheduler's docs do."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from apscheduler.schedulers.background import BackgroundScheduler
from flask import Flask
from flask_apscheduler import APScheduler

from apscheduler_fakes import FakeScheduler
from threadsim import Clock, Simulation

NEW_YEAR = datetime(2026, 1, 1, tzinfo=UTC)


def make_module() -> Any:
    """Return what an app's module has after its import: a scheduler, a job, and a factory."""
    scheduler = APScheduler()
    ran: list[str] = []

    @scheduler.task("interval", id="beat", seconds=3, start_date=NEW_YEAR)  # type: ignore[untyped-decorator]
    def beat() -> None:
        ran.append("beat")

    def task(number: int) -> None:
        ran.append(f"task {number}")

    def create_app() -> Flask:
        app = Flask("shop")
        scheduler.init_app(app)
        scheduler.start()

        @app.get("/run")
        def run() -> str:
            scheduler.add_job("one", task, trigger="date", run_date=in_ten_seconds(), args=[1])
            return "added"

        return app

    return SimpleNamespace(scheduler=scheduler, create_app=create_app, ran=ran, task=task)


def in_ten_seconds() -> datetime:
    return datetime.now(UTC) + timedelta(seconds=10)


@pytest.fixture
def module() -> Iterator[Any]:
    made = make_module()
    yield made
    if made.scheduler.running:
        made.scheduler.shutdown()


def test_a_modules_scheduler_is_replaced_and_put_back(module: Any) -> None:
    """The app's factory starts the fake; no thread is made."""
    real = module.scheduler.scheduler

    with Clock(NEW_YEAR) as clock, FakeScheduler.replacing(module.scheduler) as fake:
        module.create_app().test_client().get("/run")
        assert module.scheduler.scheduler is fake
        clock.tick(10)

    assert module.ran == ["beat", "beat", "beat", "beat", "task 1"]
    assert module.scheduler.scheduler is real
    assert not fake.running
    assert not real.running


@pytest.mark.parametrize("again", range(2))
def test_declared_jobs_are_there_each_time(module: Any, again: int) -> None:
    """A second block has them, too: the real scheduler keeps its own."""
    for _ in range(1 + again):
        with Clock(NEW_YEAR), FakeScheduler.replacing(module.scheduler) as fake:
            assert [job.id for job in fake.get_jobs()] == ["beat"]
            assert fake.added == []


def test_a_fake_that_no_app_starts_starts_itself(module: Any) -> None:
    """An app may leave its scheduler out in tests."""
    with Clock(NEW_YEAR) as clock, FakeScheduler.replacing(module.scheduler) as fake:
        assert [job.id for job in fake.run_due()] == ["beat"]
        clock.tick(3)

    assert module.ran == ["beat", "beat"]


def test_a_clock_starts_it_too(module: Any) -> None:
    """A tick runs what is due, although nobody has called ``start``."""
    with Clock(NEW_YEAR) as clock, FakeScheduler.replacing(module.scheduler):
        clock.tick(0)

    assert module.ran == ["beat"]


def test_a_declared_job_that_a_clock_would_not_reach_is_named() -> None:
    """As in a simulation: its first run counts from the real time of the import."""
    scheduler = APScheduler()
    scheduler.task("interval", id="beat", seconds=3)(print)
    text = r"the first run of job 'beat' is .* days after this instant.*Clock\(\"now\"\)"
    with (
        FakeScheduler.replacing(scheduler) as fake,
        Clock("2020-01-01T00:00:00Z"),
        pytest.warns(RuntimeWarning, match=text),
    ):
        fake.run_due()


@pytest.mark.parametrize("block", [Clock, Simulation])
def test_the_app_may_start_it_in_a_block_that_begins_later(module: Any, block: Any) -> None:
    """It starts by itself when time passes, not when a block begins."""
    with FakeScheduler.replacing(module.scheduler), block() as running:
        module.create_app()
        clock = running if block is Clock else running.clock
        clock.tick(6)
    assert module.ran == ["beat"] * 3


def test_a_scheduler_that_runs_is_paused_meanwhile(module: Any) -> None:
    """Its jobs are those of the fake, and it goes on afterwards."""
    module.create_app()
    real = module.scheduler.scheduler

    with FakeScheduler.replacing(module.scheduler) as fake:
        assert not module.scheduler.running
        assert [job.id for job in fake.get_jobs()] == ["beat"]

    assert real.state == 1


def test_the_fixture_replaces_until_the_test_ends(pytester: pytest.Pytester) -> None:
    """The next test finds the module's own scheduler."""
    pytester.makepyfile(
        tasks="from flask_apscheduler import APScheduler\nscheduler = APScheduler()",
        test_it="""
import tasks

def test_replaced(fake_scheduler):
    fake_scheduler.replace(tasks.scheduler)
    assert tasks.scheduler.scheduler is fake_scheduler

def test_put_back(fake_scheduler):
    assert type(tasks.scheduler.scheduler).__name__ == "BackgroundScheduler"
""",
    )

    pytester.runpytest_inprocess("-p", "no:cacheprovider").assert_outcomes(passed=2)


def test_another_scheduler_is_refused() -> None:
    """The error says how to replace one of APScheduler itself."""
    scheduler = BackgroundScheduler()

    with pytest.raises(TypeError, match="monkeypatch"):
        FakeScheduler.replacing(scheduler).__enter__()


# What was added


@pytest.fixture
def fake() -> FakeScheduler:
    fake = FakeScheduler(timezone="UTC")
    fake.start()
    fake.add_job(print, "date", run_date=NEW_YEAR + timedelta(days=9999), args=[1], id="first")
    fake.add_job(print, "date", run_date=NEW_YEAR + timedelta(days=9999), args=[2], id="second")
    return fake


def test_an_added_job_is_found_by_what_it_has(fake: FakeScheduler) -> None:
    """Arguments may be a list, a date may be a text."""
    job = fake.assert_added(func=print, args=[2], run_date="2053-05-18 00:00:00")

    assert job.id == "second"


def test_what_differs_is_said_of_each_job(fake: FakeScheduler) -> None:
    """Nobody has to look for the difference."""
    with pytest.raises(AssertionError) as caught:
        fake.assert_added(func=print, args=(3,), seconds=1)

    assert str(caught.value) == (
        "no job was added with func=<built-in function print>, args=(3,), seconds=1. Added:\n"
        "  'first': args=(1,), not (3,); seconds='unknown', not 1\n"
        "  'second': args=(2,), not (3,); seconds='unknown', not 1"
    )


def test_where_nothing_was_added_it_says_so() -> None:
    """There is nothing to compare."""
    with pytest.raises(AssertionError, match="Added: none"):
        FakeScheduler().assert_added(id="one")


def test_where_nothing_is_expected_any_job_will_do(fake: FakeScheduler) -> None:
    """The first one is returned."""
    assert fake.assert_added().id == "first"
