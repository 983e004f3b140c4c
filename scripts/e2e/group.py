"""What a small Flask app on JobGroup has to do, in time too."""

import os
import signal
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from e2e.program import Answer, Failure, Program
from e2e.scenarios import SLACK


class App:
    """The app's process, asked over HTTP.

    Args:
        program: The process.
        threads: What waits for several answers at once.
    """

    def __init__(self, program: Program, threads: ThreadPoolExecutor) -> None:
        self.get = program.get
        self._threads = threads

    def ask(self, path: str) -> Future[Answer]:
        """Ask for a path meanwhile."""
        return self._threads.submit(self.get, path)


@dataclass(frozen=True)
class Seen:
    """What came of a scenario.

    Attributes:
        seconds: Its figure.
        got: What came back.
        expected: What should have.
    """

    seconds: float
    got: Any
    expected: Any


def requests_at_once(app: App) -> Seen:
    """Ask for ten jobs of 0.3 s three times at once: three rounds on ten workers."""
    begun = time.monotonic()
    asked = [app.ask("/run?count=10&seconds=0.3") for _ in range(3)]
    answers = [each.result() for each in asked]
    last = max(each.came for each in answers)
    got = [(each.code, each.body["values"]) for each in answers]
    return Seen(last - begun, got, [(200, list(range(10)))] * 3)


def queue(app: App) -> Seen:
    """Ask for twenty-five jobs of 0.3 s on ten workers: none is missed."""
    answer = app.get("/run?count=25&seconds=0.3")
    return Seen(_took(answer), (answer.code, answer.body["values"]), (200, list(range(25))))


def raising(app: App) -> Seen:
    """Let one job of ten raise."""
    answer = app.get("/run?count=10&seconds=0.3&raising=3")
    got = answer.code, answer.body["errors"], len(answer.body["values"])
    return Seen(_took(answer), got, (200, {"Task 3": "ValueError: boom"}, 9))


def timeout(app: App) -> Seen:
    """Ask for more jobs than end in time; those in the queue are cancelled."""
    answer = app.get("/run?count=15&seconds=1&timeout=0.5")
    after = app.get("/run?count=1")
    got = answer.code, sorted(answer.body["pending"].values()), after.came - answer.came < 1
    pending = ["handed to executor 'default'"] * 5 + ["running"] * 10
    return Seen(_took(answer), got, (504, pending, True))


def killed(app: App) -> Seen:
    """Kill a process pool's worker while it runs a job; the next request has a new pool."""
    app.get("/run?count=2&executor=processes")
    asked = app.ask("/run?count=1&seconds=20&executor=processes")
    time.sleep(0.3)
    at = time.monotonic()
    for pid in app.get("/workers").body:
        os.kill(pid, signal.SIGKILL)
    answer = asked.result()
    after = app.get("/run?count=2&executor=processes")
    return Seen(answer.came - at, (_kinds(answer), after.code), ({"JobLost"}, 200))


def restart(app: App) -> Seen:
    """Restart the scheduler while a request waits for jobs in memory that are not yet due."""
    asked = app.ask("/run?count=3&in=20")
    time.sleep(0.3)
    at = time.monotonic()
    restarted = app.get("/restart")
    answer = asked.result()
    after = app.get("/run?count=10")
    got = restarted.code, _kinds(answer), after.code
    return Seen(answer.came - at, got, (200, {"JobRemoved"}, 200))


def restart_with_a_file(app: App) -> Seen:
    """Restart it while one request waits for jobs in an SQLite file and another one's jobs run."""
    running = app.ask("/run?count=3&seconds=2&store=file")
    waiting = app.ask("/run?count=3&in=20&store=file")
    patience = time.monotonic() + 10
    while (before := app.get("/jobs").body) != [3, 3] and time.monotonic() < patience:
        time.sleep(0.05)
    at = time.monotonic()
    restarted = app.get("/restart")
    answer = waiting.result()
    # Those that run end, in the pool that is shut down, and nothing is left to run later.
    ended, left = running.result().body["values"], app.get("/jobs").body
    after = app.get("/run?count=3&store=file").body["values"]
    got = before, restarted.code, _kinds(answer), ended, left, after
    three = [0, 1, 2]
    return Seen(answer.came - at, got, ([3, 3], 200, {"JobLost"}, three, [0, 0], three))


# The scenario, the least that it takes in seconds, and what its figure is the time of.
SCENARIOS: tuple[tuple[Callable[[App], Seen], float, str], ...] = (
    (requests_at_once, 0.9, "3 requests at once, 30 jobs"),
    (queue, 0.9, "25 jobs on 10 workers"),
    (raising, 0.3, "9 values and 1 ValueError"),
    (timeout, 0.5, "504: 10 jobs running, 5 in the queue"),
    (killed, 0.0, "from kill -9 of a process pool's worker to the answer"),
    (restart, 0.0, "from a restart of the scheduler to the answer"),
    (restart_with_a_file, 0.0, "the same, with jobs in an SQLite file"),
)


def problem(title: str, seen: Seen, least: float) -> str:
    """Return what is wrong with a scenario, or nothing."""
    if seen.got != seen.expected:
        return f"group {title}: got {seen.got}, not {seen.expected}"
    if not least <= seen.seconds <= least + SLACK:
        return f"group {title}: it took {seen.seconds:.2f} s, not {least} s to {least + SLACK} s"
    return ""


def run() -> list[str]:
    """Run every scenario on one app, print a line for each, and return what is wrong."""
    command = str(Path(__file__).with_name("group_app.py"))
    found = []
    with (
        TemporaryDirectory() as folder,
        ThreadPoolExecutor(10) as threads,
        # It ends first, and with it each wait for it.
        Program(command, "--store", f"{folder}/jobs") as program,
    ):
        try:
            program.listen(30.0)
            app = App(program, threads)
            for scenario, least, meaning in SCENARIOS:
                title = scenario.__name__.replace("_", " ")
                seen = scenario(app)
                wrong = problem(title, seen, least)
                state = "FAILED" if wrong else "ok"
                print(f"group {title:<19}  {state}  {seen.seconds:.3f} s  {meaning}", flush=True)
                found += [f"{wrong}; it wrote\n{program.tail()}"] if wrong else []
        except Failure as failure:
            found.append(f"group: {failure}")
    return found


def _took(answer: Answer) -> float:
    return answer.came - answer.sent


def _kinds(answer: Answer) -> set[str]:
    return {each.partition(":")[0] for each in answer.body["errors"].values()}
