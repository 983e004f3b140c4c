"""FakeScheduler: which jobs run and when, and where their exceptions are raised."""

import asyncio
import gc
import subprocess
import sys
import threading
import weakref
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from apscheduler.events import EVENT_JOB_EXECUTED
from apscheduler.executors.debug import DebugExecutor
from apscheduler.executors.pool import ThreadPoolExecutor
from apscheduler.jobstores.base import ConflictingIdError, JobLookupError
from apscheduler.jobstores.memory import MemoryJobStore
from apscheduler.schedulers import SchedulerAlreadyRunningError, SchedulerNotRunningError
from apscheduler.schedulers.base import STATE_PAUSED, STATE_RUNNING, STATE_STOPPED
from flask import Flask
from flask_apscheduler import APScheduler
from freezegun import freeze_time

from apscheduler_fakes.fake_scheduler import FakeScheduler
from jobs_synchronizer.corrected import TaskReport, create_app
from threadsim import Clock

NEW_YEAR = datetime(2026, 1, 1, tzinfo=UTC)


def ids(jobs: list[Any]) -> list[str]:
    """Return the jobs' ids."""
    return [job.id for job in jobs]


def boom() -> None:
    """Raise a ValueError."""
    raise ValueError("boom")


def nothing() -> None:
    """Do nothing."""


def say_done(report: TaskReport, task_id: int) -> None:
    """Report at once."""
    report.notify_task_completion(f"Task {task_id} done")


# Plain use


def test_a_view_is_tested_in_six_lines() -> None:
    """A view's job runs when the test says so, with plain freeze_time."""
    ran: list[str] = []

    def create_my_app(scheduler: Any) -> Flask:
        app = Flask(__name__)
        jobs = APScheduler(scheduler=scheduler, app=app)
        jobs.start()

        @app.post("/remind")
        def remind() -> tuple[str, int]:
            jobs.add_job("mail", ran.append, trigger="interval", args=["mail"], hours=1)
            return "", 202

        return app

    with freeze_time("2026-01-01") as time:
        scheduler = FakeScheduler()
        create_my_app(scheduler).test_client().post("/remind")
        time.tick(3600)
        scheduler.run_due()
        assert ran == ["mail"]


@pytest.mark.e2e
def test_importing_it_needs_neither_greenlet_nor_freezegun() -> None:
    """A project without the extra can import FakeScheduler and Clock."""
    code = """if True:
        import sys
        sys.modules["greenlet"] = sys.modules["freezegun"] = None
        import threadsim.simulation.clock, apscheduler_fakes.fake_scheduler
        print("imported")
    """
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )

    assert result.stdout == "imported\n"


def test_it_works_without_any_frozen_time() -> None:
    """Jobs that are due by the real clock run."""
    fake = FakeScheduler()
    fake.start()
    fake.add_job(nothing, id="now")

    assert ids(fake.run_due()) == ["now"]


def test_it_is_true_and_has_no_length() -> None:
    """Flask-APScheduler's ``scheduler or BackgroundScheduler()`` keeps it."""
    fake = FakeScheduler()

    assert APScheduler(scheduler=fake).scheduler is fake
    assert not hasattr(fake, "__len__")


def test_only_what_is_due_runs_in_order_of_its_time(scheduler: FakeScheduler) -> None:
    """Jobs run by time and then by id; a later one stays."""
    for id_, seconds in {"b": 0, "a": 0, "late": 1, "early": -1}.items():
        scheduler.add_job(
            nothing,
            "date",
            [NEW_YEAR + timedelta(seconds=seconds)][:0],
            id=id_,
            run_date=NEW_YEAR + timedelta(seconds=seconds),
        )

    assert ids(scheduler.run_due()) == ["early", "a", "b"]
    assert ids(scheduler.get_jobs()) == ["late"]


def test_nothing_due_is_an_empty_list(scheduler: FakeScheduler) -> None:
    """No job is due, and no job runs."""
    assert scheduler.run_due() == []


def test_added_lists_every_job_in_order(scheduler: FakeScheduler) -> None:
    """Jobs that have run or were removed stay in the list."""
    scheduler.add_job(nothing, id="ran")
    scheduler.run_due()
    scheduler.add_job(nothing, id="removed").remove()

    scheduler.scheduled_job("interval", id="every", hours=1)(nothing)

    assert ids(scheduler.added) == ["ran", "removed", "every"]


def test_added_lists_jobs_that_wait_for_start_once() -> None:
    """A job added before the start is one job."""
    fake = FakeScheduler()
    fake.add_job(nothing, id="early")
    assert ids(fake.added) == ["early"]
    fake.start()

    assert ids(fake.added) == ["early"]


def test_added_leaves_out_a_refused_duplicate(scheduler: FakeScheduler) -> None:
    """The same id twice in one store is an error, as for real."""
    scheduler.add_job(nothing, "interval", id="one", hours=1)
    with pytest.raises(ConflictingIdError):
        scheduler.add_job(nothing, id="one")

    assert ids(scheduler.added) == ["one"]


def test_two_early_jobs_with_one_id_end_the_start() -> None:
    """Duplicates that wait for the start are found there, as for real."""
    fake = FakeScheduler()
    fake.add_job(nothing, id="one")
    fake.add_job(nothing, id="one")
    with pytest.raises(ConflictingIdError):
        fake.start()

    assert ids(fake.added) == ["one", "one"]


def test_replace_existing_takes_the_old_jobs_place(scheduler: FakeScheduler) -> None:
    """Only the new job of that id runs."""
    said: list[str] = []
    scheduler.add_job(said.append, args=["old"], id="one")
    scheduler.add_job(said.append, args=["new"], id="one", replace_existing=True)

    assert ids(scheduler.run_due()) == ["one"]
    assert said == ["new"]


# Triggers and misfires


@pytest.mark.parametrize(
    ("options", "runs"),
    [
        ({"coalesce": True, "misfire_grace_time": 1}, 1),
        ({"coalesce": True, "misfire_grace_time": None}, 1),
        ({"coalesce": False, "misfire_grace_time": None}, 3),
        ({"coalesce": False, "misfire_grace_time": 70}, 2),
    ],
)
def test_a_jump_over_several_run_times_is_apschedulers_to_judge(
    scheduler: FakeScheduler, frozen: Any, options: dict[str, Any], runs: int
) -> None:
    """Coalescing and misfires are the real ones: plain freezegun jumps over run times."""
    ran: list[str] = []
    scheduler.add_job(ran.append, "interval", ["run"], id="minute", minutes=1, **options)
    frozen.tick(180)

    assert ids(scheduler.run_due()) == ["minute"]
    assert len(ran) == runs


def test_a_job_that_is_too_late_is_missed(scheduler: FakeScheduler, frozen: Any) -> None:
    """A jump of more than the grace lets a date job be missed, as it would be for real."""
    scheduler.add_job(boom, id="late")
    frozen.tick(1.000001)

    assert scheduler.run_due() == []
    assert scheduler.get_jobs() == []


def test_a_cron_job_runs_at_its_hour(scheduler: FakeScheduler, frozen: Any) -> None:
    """Cron triggers read the same time."""
    scheduler.add_job(nothing, "cron", id="five", hour=5)
    assert scheduler.run_due() == []
    frozen.tick(5 * 3600)

    assert ids(scheduler.run_due()) == ["five"]


# Jobs that use the scheduler. tests/contract/ has more, which hold for a real scheduler as well.


def test_a_job_added_by_a_job_runs_in_the_same_call(scheduler: FakeScheduler) -> None:
    """A job that becomes due meanwhile runs after the others."""
    scheduler.add_job(lambda: scheduler.add_job(nothing, id="second"), id="first")

    assert ids(scheduler.run_due()) == ["first", "second"]


def test_a_job_that_adds_itself_without_end_is_an_error(
    scheduler: FakeScheduler, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A run without an end is an error."""
    monkeypatch.setattr("apscheduler_fakes.fake_scheduler.MOST_LOOKS", 10)

    def again() -> None:
        scheduler.add_job(again)

    scheduler.add_job(again)

    with pytest.raises(RuntimeError, match="still due after 10 looks"):
        scheduler.run_due()


def test_a_job_may_change_jobs_that_are_not_due(scheduler: FakeScheduler) -> None:
    """Later jobs, paused jobs, unknown jobs and jobs it added itself are all within reach."""

    def body() -> None:
        scheduler.remove_job("later")
        scheduler.resume_job("paused")
        scheduler.add_job(nothing, id="own")
        scheduler.remove_job("own")
        scheduler.add_job(nothing, id="new", replace_existing=True)
        scheduler.remove_job("unknown")

    scheduler.add_job(body, id="a")
    scheduler.add_job(nothing, "interval", id="later", hours=1)
    scheduler.add_job(nothing, "interval", id="paused", hours=1, next_run_time=None)

    with pytest.raises(JobLookupError, match="unknown"):
        scheduler.run_due()
    assert ids(scheduler.get_jobs()) == ["paused"]


def test_running_jobs_from_within_a_job_is_refused(scheduler: FakeScheduler) -> None:
    """The run that is under way is the one that runs jobs."""
    scheduler.add_job(scheduler.run_due, id="due")

    with pytest.raises(RuntimeError, match="a job or a listener"):
        scheduler.run_due()


def test_a_coroutine_function_counts_as_run_and_never_runs(scheduler: FakeScheduler) -> None:
    """As in a thread pool: EXECUTED, and the body was never entered."""
    values: list[Any] = []

    async def body() -> None:
        """Never begin."""

    scheduler.add_listener(lambda event: values.append(event.retval), EVENT_JOB_EXECUTED)
    scheduler.add_job(body, id="async")

    assert ids(scheduler.run_due()) == ["async"]
    assert [asyncio.iscoroutine(value) for value in values] == [True]
    values[0].close()


# run_job


def test_one_job_runs_whatever_its_date(scheduler: FakeScheduler) -> None:
    """What is due besides runs, too. The others stay."""
    for id_, hours in {"past": -1, "now": 0, "later": 1, "even later": 2}.items():
        scheduler.add_job(
            nothing,
            "date",
            id=id_,
            run_date=NEW_YEAR + timedelta(hours=hours),
            misfire_grace_time=1,
        )
    scheduler.run_job("past")
    assert ids(scheduler.get_jobs()) == ["later", "even later"]
    scheduler.run_job("later")
    assert ids(scheduler.get_jobs()) == ["even later"]


def test_a_job_that_is_due_now_runs_without_a_change_of_its_date(scheduler: FakeScheduler) -> None:
    """Its interval goes on from there, and its exception is the caller's."""
    scheduler.add_job(boom, "interval", id="one", hours=1, next_run_time=NEW_YEAR)

    with pytest.raises(ValueError, match="boom"):
        scheduler.run_job("one", "default")
    assert [job.next_run_time for job in scheduler.get_jobs()] == [NEW_YEAR + timedelta(hours=1)]


def test_an_unknown_job_cannot_run(scheduler: FakeScheduler) -> None:
    """The error is APScheduler's."""
    with pytest.raises(JobLookupError, match="No job by the id of x was found"):
        scheduler.run_job("x")


def test_jobs_of_several_stores_and_of_the_only_one_asked_for(scheduler: FakeScheduler) -> None:
    """One of two jobs with the same id is named by its store."""
    scheduler.add_jobstore(MemoryJobStore(), "other")
    ran: list[str] = []
    for alias in ("default", "other"):
        scheduler.add_job(ran.append, "interval", [alias], id="one", hours=1, jobstore=alias)
    scheduler.run_job("one", "other")

    assert ran == ["other"]


# A scheduler that does not run


def test_a_scheduler_never_started_says_what_may_be_the_reason() -> None:
    """Flask-APScheduler's start() returns without a word in two cases."""
    fake = FakeScheduler()
    fake.add_job(nothing)

    with pytest.raises(
        RuntimeError,
        match=r"never started, or is shut down; jobs that wait for start\(\): 1\. .*FLASK_DEBUG",
    ):
        fake.run_due()


def test_flask_debug_keeps_the_scheduler_from_starting(monkeypatch: pytest.MonkeyPatch) -> None:
    """The reason that run_due() names is the real one."""
    monkeypatch.setenv("FLASK_DEBUG", "1")
    fake = FakeScheduler()
    APScheduler(scheduler=fake, app=Flask(__name__)).start()

    with pytest.raises(RuntimeError, match="FLASK_DEBUG"):
        fake.run_due()


def test_a_scheduler_shut_down_says_so_and_can_start_again(scheduler: FakeScheduler) -> None:
    """Its memory store is empty then, as for real."""
    scheduler.add_job(nothing)
    scheduler.shutdown()
    with pytest.raises(RuntimeError, match="is shut down"):
        scheduler.run_due()
    with pytest.raises(SchedulerNotRunningError):
        scheduler.shutdown()
    scheduler.start()

    assert scheduler.run_due() == []


def test_a_paused_scheduler_runs_nothing_until_resumed(frozen: Any) -> None:
    """No job runs while it is paused. A job that was due may be missed then."""
    fake = FakeScheduler()
    fake.start(paused=True)
    fake.add_job(nothing, id="one")
    assert fake.state == STATE_PAUSED
    assert fake.run_due() == []
    fake.run_job("one")
    assert ids(fake.get_jobs()) == ["one"]
    fake.resume()
    assert fake.state == STATE_RUNNING
    assert ids(fake.run_due()) == ["one"]
    fake.add_job(nothing, id="two")
    fake.pause()
    frozen.tick(5)
    fake.resume()

    assert fake.run_due() == []


def test_it_starts_once(scheduler: FakeScheduler) -> None:
    """A second start is an error, as for real."""
    with pytest.raises(SchedulerAlreadyRunningError):
        scheduler.start()


def test_a_job_that_shuts_down_without_waiting_ends_the_run(scheduler: FakeScheduler) -> None:
    """The jobs that were submitted with it run, as in a pool. A job that it adds does not."""

    def body() -> None:
        scheduler.add_job(nothing, id="c")
        scheduler.shutdown(wait=False)

    scheduler.add_job(body, id="a")
    scheduler.add_job(nothing, id="b")

    assert ids(scheduler.run_due()) == ["a", "b"]
    assert scheduler.state == STATE_STOPPED


@pytest.mark.parametrize("trigger", ["date", "interval"])
def test_a_job_that_has_shut_down_finds_no_jobs(scheduler: FakeScheduler, trigger: str) -> None:
    """It may ask, as in a pool's worker: its own job is gone with the store, too."""
    seen: list[object] = []

    def body() -> None:
        scheduler.shutdown(wait=False)
        seen.extend([scheduler.get_jobs(), scheduler.get_job("a")])

    scheduler.add_job(body, trigger, id="a", next_run_time=NEW_YEAR)
    scheduler.run_due()

    assert seen == [[], None]


def test_a_debug_executor_is_the_real_one(frozen: Any) -> None:
    """Its jobs run inside the look at the stores, which fails when one of them shuts down."""
    fake = FakeScheduler(executors={"default": DebugExecutor()}, raise_job_errors=False)
    fake.start()
    fake.add_job(fake.shutdown, args=[False], id="a")

    with pytest.raises(JobLookupError):
        fake.run_due()
    fake.start()
    fake.add_job(nothing, id="b")
    assert ids(fake.run_due()) == ["b"]


# Exceptions in jobs


def test_an_exception_in_a_job_comes_out_when_all_have_run(scheduler: FakeScheduler) -> None:
    """The job beside it has run, and its events are out."""
    events: list[str] = []
    scheduler.add_listener(lambda event: events.append(event.job_id), EVENT_JOB_EXECUTED)
    scheduler.add_job(boom, id="a")
    scheduler.add_job(nothing, id="b")

    with pytest.raises(ValueError, match="boom"):
        scheduler.run_due()
    assert events == ["b"]
    assert [str(error) for error in scheduler.job_errors] == ["boom"]


def test_several_exceptions_come_as_a_group(scheduler: FakeScheduler) -> None:
    """One that ends programs is among them, as APScheduler catches all."""
    scheduler.add_job(boom, id="a")
    scheduler.add_job(sys.exit, args=[3], id="b")

    with pytest.raises(BaseExceptionGroup) as failure:
        scheduler.run_due()
    assert [type(error) for error in failure.value.exceptions] == [ValueError, SystemExit]


def test_a_test_may_say_that_jobs_fail(frozen: Any) -> None:
    """Then the exceptions are kept for it and nothing is raised."""
    fake = FakeScheduler(raise_job_errors=False)
    fake.start()
    fake.add_job(boom, id="a")

    assert ids(fake.run_due()) == ["a"]
    assert [str(error) for error in fake.job_errors] == ["boom"]
    fake.check()


# immediate


@pytest.fixture
def immediate(frozen: Any) -> FakeScheduler:
    """Make a started FakeScheduler that runs jobs inside add_job."""
    fake = FakeScheduler(immediate=True)
    fake.start()
    return fake


def test_immediate_runs_a_due_job_inside_add_job(immediate: FakeScheduler) -> None:
    """It is over before add_job returns; a later one is not."""
    ran: list[str] = []
    immediate.add_job(ran.append, args=["now"])
    immediate.add_job(ran.append, "interval", ["later"], hours=1)

    assert ran == ["now"]


def test_immediate_runs_a_job_of_a_job_after_it(immediate: FakeScheduler) -> None:
    """``added`` has the jobs in the order in which ``add_job`` returned."""
    ran: list[str] = []

    def first() -> None:
        immediate.add_job(ran.append, args=["second"], id="second")
        ran.append("first")

    immediate.add_job(first, id="first")

    assert ran == ["first", "second"]
    assert ids(immediate.added) == ["second", "first"]


def test_immediate_runs_early_jobs_at_the_start_and_paused_ones_at_resume(frozen: Any) -> None:
    """A scheduler's thread would be woken there too."""
    fake = FakeScheduler(immediate=True)
    ran: list[int] = []
    fake.add_job(ran.append, args=[1])
    fake.wakeup()
    fake.start()
    assert ran == [1]
    fake.pause()
    fake.add_job(ran.append, args=[2])
    assert ran == [1]
    fake.resume()

    assert ran == [1, 2]


def test_immediate_runs_one_job_on_request(immediate: FakeScheduler) -> None:
    """A job that it adds runs too."""
    ran: list[int] = []
    immediate.add_job(lambda: immediate.add_job(ran.append, args=[1]), "interval", id="x", hours=1)
    immediate.run_job("x")

    assert ran == [1]


def test_an_exception_never_comes_out_of_add_job(immediate: FakeScheduler) -> None:
    """The real add_job raises none; it waits for the end of the test."""
    immediate.add_job(boom)

    with pytest.raises(ValueError, match="boom"):
        immediate.check()
    immediate.check()


# Executors


@pytest.fixture
def pool() -> Iterator[ThreadPoolExecutor]:
    """APScheduler's thread pool, with one worker."""
    executor = ThreadPoolExecutor(1)
    yield executor
    executor.shutdown()


def test_a_thread_pool_runs_the_jobs_when_it_is_given(pool: ThreadPoolExecutor) -> None:
    """run_due() hands over and does not wait."""
    fake = FakeScheduler(executors={"default": pool})
    fake.start()
    free = threading.Event()
    fake.add_job(free.wait, id="waits")

    assert ids(fake.run_due()) == ["waits"]
    free.set()


def test_a_pools_exception_waits_for_the_end_of_the_test(pool: ThreadPoolExecutor) -> None:
    """run_due() has returned when the exception comes."""
    fake = FakeScheduler(executors={"default": pool})
    fake.start()
    fake.add_job(boom)
    fake.run_due()
    fake.shutdown()

    with pytest.raises(ValueError, match="boom"):
        fake.check()


def test_an_executor_can_be_configured_twice(pool: ThreadPoolExecutor) -> None:
    """Flask-APScheduler configures a scheduler again; each job runs once."""
    fake = FakeScheduler(executors={"default": pool})
    fake.configure(executors={"default": pool})
    fake.start()
    ran: list[int] = []
    fake.add_job(ran.append, args=[1])
    fake.run_due()
    fake.shutdown()

    assert ran == [1]


def test_what_becomes_due_while_a_job_runs_is_run_too(
    scheduler: FakeScheduler, frozen: Any
) -> None:
    """APScheduler's thread would not wait before it looks again."""
    ran: list[datetime] = []

    def take_a_second() -> None:
        ran.append(datetime.now(UTC))
        if len(ran) < 3:
            frozen.tick(1)

    job = scheduler.add_job(take_a_second, "interval", seconds=1)
    frozen.tick(1)

    assert scheduler.run_due() == [job] * 3
    assert [instant - ran[0] for instant in ran] == [timedelta(seconds=each) for each in range(3)]


def test_an_executor_that_a_test_has_changed_stays_so(frozen: Any) -> None:
    """A method that a test replaced before add_executor() is still called."""
    handed: list[str] = []
    executor: Any = DebugExecutor()
    submit = executor._do_submit_job

    def note(job: Any, run_times: list[datetime]) -> None:
        handed.append(job.id)
        submit(job, run_times)

    executor._do_submit_job = note
    fake = FakeScheduler(timezone="UTC")
    fake.add_executor(executor)
    fake.start()
    fake.miss("late")
    fake.add_job(nothing, id="one")
    fake.add_job(nothing, id="late")
    fake.run_due()
    assert handed == ["late", "one"]
    fake.shutdown()

    again = FakeScheduler(timezone="UTC")
    again.add_executor(executor)
    again.start()
    again.add_job(nothing, id="two")
    again.run_due()
    assert handed == ["late", "one", "two"]
    fake.miss("two")
    with pytest.raises(AssertionError, match=r"came up to run \('late', 'one'\)"):
        fake.check()


def test_unknown_options_are_refused() -> None:
    """A typing error is not ignored."""
    with pytest.raises(TypeError, match=r"^FakeScheduler has no option daemon, imediate\.$"):
        FakeScheduler(imediate=True, daemon=True)


def test_apschedulers_own_configuration_is_taken() -> None:
    """The dictionary form works as for any scheduler."""
    fake = FakeScheduler({"apscheduler.job_defaults.max_instances": "3", "else": 1}, timezone="UTC")
    fake.start()

    assert fake.add_job(nothing).max_instances == 3


# Flask-APScheduler


def test_jobs_from_the_flask_configuration_and_the_decorator(frozen: Any) -> None:
    """SCHEDULER_JOBS and @scheduler.task add jobs as for any scheduler."""
    fake = FakeScheduler()
    app = Flask(__name__)
    app.config["SCHEDULER_JOBS"] = [
        {"id": "config", "func": nothing, "trigger": "interval", "seconds": 5}
    ]
    app.config["SCHEDULER_TIMEZONE"] = "UTC"
    scheduler = APScheduler(scheduler=fake, app=app)

    scheduler.task("cron", id="task", second=5)(nothing)
    scheduler.start()
    frozen.tick(5)

    assert ids(fake.run_due()) == ["config", "task"]
    assert ids(fake.added) == ["config", "task"]


def test_nothing_keeps_a_scheduler_alive() -> None:
    """A scheduler that its test forgot is gone after a garbage collection."""
    fake = FakeScheduler()
    fake.start()
    gone = weakref.ref(fake)
    del fake
    gc.collect()

    assert gone() is None


def test_the_view_of_this_project_is_tested_in_six_lines() -> None:
    """A view that waits for its jobs is answered inside the request that adds them."""
    # What stands in the README.
    with freeze_time("2026-01-01"):
        scheduler = FakeScheduler(immediate=True)
        app = create_app(num_tasks=3, task=say_done, scheduler=scheduler, timeout=0)
        scheduler.refuse(lambda job: job.args[-1] == 1)
        response = app.test_client().get("/run-tasks")
        assert response.get_json()["pending"] == ["Task 1"]


# Ctrl-C


def press_ctrl_c() -> None:
    """Do what Python does when Ctrl-C is pressed meanwhile."""
    raise KeyboardInterrupt


@pytest.mark.parametrize(
    "call", ["scheduler.run_due()", "scheduler.run_job('one')", "clock.tick(5)"]
)
def test_ctrl_c_in_a_job_comes_out_at_once(call: str) -> None:
    """It is no error of the job: the jobs behind it do not run, and none is reported."""
    ran: list[str] = []
    with Clock(NEW_YEAR) as clock:
        scheduler = FakeScheduler(timezone="UTC")
        scheduler.start()
        scheduler.add_job(press_ctrl_c, id="one")
        scheduler.add_job(ran.append, args=["two"], id="two")
        with pytest.raises(KeyboardInterrupt):
            eval(call, {"scheduler": scheduler, "clock": clock})  # noqa: S307  # Ours.
        scheduler.check()

    assert ran == []
