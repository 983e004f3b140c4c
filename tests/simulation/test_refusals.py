"""What cannot be virtual is refused inside a simulation, and is the real thing outside."""

import asyncio
import gc
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from datetime import UTC, datetime
from multiprocessing import Pool, Process
from multiprocessing.pool import ThreadPool
from os import fork
from types import SimpleNamespace
from typing import Any

import pytest
from apscheduler.schedulers.background import BackgroundScheduler
from freezegun import freeze_time
from greenlet import greenlet

from beside import beside
from threadsim import Clock, NotModelled, Simulation


def of_a_thread() -> int:
    """Return the identifier of a thread that lives."""
    thread = threading.Thread(target=time.sleep, args=(1,))
    thread.start()
    assert thread.ident is not None
    return thread.ident


@pytest.mark.parametrize(
    ("call", "text"),
    [
        (
            lambda: Simulation().__enter__(),
            r"a Simulation or explore\(\) beside or inside another one has no",
        ),
        (lambda: freeze_time("2020-01-01").start(), "or use sim.clock.move_to"),
        (lambda: Clock().__enter__(), "freeze_time or Clock inside a Simulation has no model"),
        (lambda: [os.fork()], r"os.fork\(\) inside a Simulation has no model"),
        (lambda: Process(target=int).start(), "a Process started inside a Simulation has no"),
        (lambda: ThreadPool(1), "a ThreadPool of multiprocessing inside a Simulation has no"),
        (lambda: Pool(1), "a Process started inside a Simulation"),
        (lambda: ProcessPoolExecutor(1).submit(int), "inside a Simulation has no model"),
        (lambda: [fork()], "Do it outside the block, or use threads"),
        (lambda: signal.pthread_kill(of_a_thread(), 0), r"^signal.pthread_kill\(\) inside"),
        (lambda: time.clock_gettime(time.CLOCK_REALTIME), r"time.clock_gettime\(\) "),
        (lambda: time.pthread_getcpuclockid(of_a_thread()), r"time.pthread_getcpuclockid\(\) "),
    ],
)
def test_what_has_no_model_is_refused(call: Callable[[], object], text: str) -> None:
    """The message names the call and says what to do instead."""
    with pytest.raises(NotModelled, match=text), Simulation():
        call()


def test_a_refused_clock_leaves_nothing_behind() -> None:
    """Dates are frozen again when somebody freezes them outside, whoever keeps the clock."""
    clock = Clock()
    with pytest.raises(NotModelled), Simulation():
        clock.__enter__()
    with freeze_time("2020-01-01"):
        del clock
        assert datetime.now(UTC).year == 2020


@pytest.mark.e2e
@pytest.mark.usefixtures("bare_threads_forgotten")
def test_a_simulation_beside_another_is_refused() -> None:
    """There is one at a time in a process; whoever comes second is told so."""
    errors: list[BaseException] = []

    def enter_in_a_bare_thread() -> None:
        try:
            Simulation().__enter__()
        except NotModelled as error:
            errors.append(error)

    with Simulation():
        beside(enter_in_a_bare_thread)

    assert "Let one end before the other begins" in str(errors[0])


def test_a_refusal_that_is_swallowed_is_raised_when_the_block_ends() -> None:
    """APScheduler logs what its executor raises, and goes on without the job."""
    with pytest.raises(NotModelled, match="a Process started inside"), Simulation() as sim:
        scheduler = BackgroundScheduler(executors={"default": {"type": "processpool"}})
        scheduler.start()
        scheduler.add_job(int)
        sim.clock.tick(1)


@pytest.mark.parametrize("seconds", [0, 1])
@pytest.mark.parametrize("made_in", ["main", "w"])
def test_a_greenlet_of_the_programs_own_may_not_wait(made_in: str, seconds: int) -> None:
    """The threads of a simulation are greenlets, and it would take that one for its thread."""
    caught = pytest.raises(NotModelled, match="a greenlet of the program's own waits in thread 'w'")
    with caught, Simulation():
        assert greenlet(lambda: "one that does not wait works").switch()
        made = greenlet(lambda: time.sleep(seconds))
        run = made.switch if made_in == "main" else lambda: greenlet(made.run).switch()
        thread = threading.Thread(target=run, name="w")
        thread.start()
        thread.join()


def test_an_event_loop_is_refused() -> None:
    """A loop waits for real; made before the block it can be used outside again."""
    loop = asyncio.new_event_loop()
    with pytest.raises(NotModelled, match="an asyncio event loop inside"), Simulation():
        kept = loop.run_forever
        kept()
    loop.call_soon(loop.stop)
    kept()
    loop.close()


def run_in_a_runner(main: Any) -> Any:
    with asyncio.Runner() as runner:
        return runner.run(main)


def run_in_a_loop(main: Any) -> Any:
    loop = asyncio.new_event_loop()
    try:
        return loop.run_until_complete(main)
    finally:
        loop.close()


@pytest.mark.filterwarnings("ignore:coroutine .* was never awaited:RuntimeWarning")
@pytest.mark.parametrize("run", [asyncio.run, run_in_a_runner, run_in_a_loop])
def test_a_refused_coroutine_runs_outside(run: Callable[[Any], Any]) -> None:
    """Whoever keeps the functions from inside has the real ones outside."""

    async def main() -> str:
        return "ran"

    with pytest.raises(NotModelled, match="an asyncio event loop inside"), Simulation():
        kept = asyncio.Runner.run
        run(main())
    gc.collect()
    assert run(main()) == "ran"
    with asyncio.Runner() as runner:
        assert kept(runner, main()) == "ran"


def test_a_block_in_a_coroutine_is_refused() -> None:
    """A loop that runs already would wait in real time at an await."""

    async def main() -> None:
        with pytest.raises(NotModelled, match="in a coroutine has no model"), Simulation():
            ...  # It does not come here.

    asyncio.run(main())
    with Simulation():
        time.sleep(1)


def test_a_loop_of_a_real_thread_goes_on_beside_a_block() -> None:
    """What is refused is a loop in the simulation's own thread."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    ran = threading.Lock()
    ran.acquire()
    loop.call_soon_threadsafe(loop.call_later, 0.01, ran.release)
    with Simulation():
        assert ran.acquire(timeout=10)
    loop.call_soon_threadsafe(loop.stop)
    thread.join()
    loop.close()


def test_a_submit_that_was_kept_from_inside_is_the_pools_outside() -> None:
    """It asks where it is called, not where it was found."""
    with Simulation():
        kept = ThreadPoolExecutor.submit
    with ThreadPoolExecutor(1) as pool:
        assert kept(pool, int).result() == 0


@pytest.mark.e2e
def test_a_process_is_awaited_for_real() -> None:
    """A program that is run inside takes real time, and no virtual time."""
    with Simulation() as sim:
        done = subprocess.run([sys.executable, "-c", "print(1)"], check=True, capture_output=True)
        assert (done.stdout.strip(), sim.clock.elapsed) == (b"1", 0.0)


@pytest.mark.e2e
@pytest.mark.parametrize("wait", ["wait", "communicate"])
def test_a_process_has_no_virtual_deadline(wait: str) -> None:
    """With a time-out a process would be given up before it had had a moment of real time."""
    with (
        subprocess.Popen([sys.executable, "-c", "pass"]) as process,
        pytest.raises(NotModelled, match="a timeout of subprocess inside"),
        Simulation(),
    ):
        getattr(process, wait)(timeout=5)
    assert process.returncode == 0


@pytest.mark.e2e
def test_a_real_thread_beside_is_refused_nothing() -> None:
    """Outside the simulation, in another thread too, each is the real thing."""
    seen: list[object] = []

    def use_them_in_a_bare_thread() -> None:
        seen.append(signal.alarm(0))
        with subprocess.Popen([sys.executable, "-c", "pass"]) as process:
            seen.append(process.wait(timeout=20))

    with Simulation():
        beside(use_them_in_a_bare_thread)

    assert seen == [0, 0]


def test_time_machine_is_refused_where_it_is_loaded(monkeypatch: pytest.MonkeyPatch) -> None:
    """Virtual time is moved by the simulation's own clock; outside it works as ever."""

    class Travel:
        def start(self) -> str:
            return "started"

    monkeypatch.setitem(sys.modules, "time_machine", SimpleNamespace(travel=Travel))
    text = r"time_machine\.travel inside a Simulation has no model.*sim\.clock\.move_to"
    with pytest.raises(NotModelled, match=text), Simulation():
        Travel().start()
    assert Travel().start() == "started"
