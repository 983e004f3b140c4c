"""Run a small Flask app on JobGroup end to end: a real process, a real port, real seconds.

``nox -s e2e`` runs this. Every scenario is held against what has to come out of it, in time too,
and has a figure in ``build/e2e/group.json``. The exit code is 0 when all passed, else 1. Only
loopback is contacted, and no process is left behind.
"""

import http.client
import json
import os
import signal
import sys
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from program import Program, stopped_at_the_end
from settings import Settings, free_ports

OUTPUT = Path("build/e2e/group.json")
# How much longer than it has to an answer may take, in seconds.
SLACK = 1.0


@dataclass(frozen=True)
class Answer:
    """What came back.

    Attributes:
        code: The HTTP status.
        body: Its JSON, or its text.
        sent: When the request was sent, in seconds of ``time.monotonic``.
        came: When the answer was there.
    """

    code: int
    body: Any
    sent: float
    came: float


@dataclass(frozen=True)
class Verdict:
    """How a scenario ended.

    Attributes:
        name: The scenario's name.
        seconds: Its figure.
        meaning: What that is the time of.
        least: The least that it has to be, in seconds.
        wrong: What is wrong, or nothing.
    """

    name: str
    seconds: float
    meaning: str
    least: float
    wrong: str = ""

    def __str__(self) -> str:
        state = f"FAILED: {self.wrong}" if self.wrong else "ok"
        return f"group {self.name:<9} {state}  {self.seconds:.3f} s  {self.meaning}"


class App:
    """The app's process, asked over HTTP.

    Args:
        settings: Where it listens.
        port: Its port.
    """

    def __init__(self, settings: Settings, port: int) -> None:
        self._address = settings.loopback, port
        self._threads = ThreadPoolExecutor(10)

    def get(self, path: str) -> Answer:
        """Ask for a path and wait for the answer."""
        connection = http.client.HTTPConnection(*self._address, timeout=30)
        sent = time.monotonic()
        connection.request("GET", path)
        response = connection.getresponse()
        text = response.read().decode()
        came = time.monotonic()
        connection.close()
        kind = response.getheader("Content-Type", "")
        body = json.loads(text) if "json" in kind else text
        return Answer(response.status, body, sent, came)

    def ask(self, path: str) -> "Future[Answer]":
        """Ask for a path meanwhile."""
        return self._threads.submit(self.get, path)

    def wait_until_ready(self, deadline: float) -> None:
        """Wait until the app answers.

        Args:
            deadline: When to give up, in seconds of ``time.monotonic``.

        Raises:
            OSError: It did not.
        """
        while True:
            try:
                self.get("/")
            except OSError:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.02)
            else:
                return


def requests_at_once(app: App) -> Verdict:
    """Ask for ten jobs of 0.3 s three times at once: three rounds on ten workers."""
    begun = time.monotonic()
    asked = [app.ask("/run?count=10&seconds=0.3") for _ in range(3)]
    answers = [each.result() for each in asked]
    right = all(each.code == 200 and each.body["values"] == list(range(10)) for each in answers)  # noqa: PLR2004
    last = max(each.came for each in answers)
    return _verdict(
        "requests", (last - begun, "3 requests at once, 30 jobs", 0.9), answers, right=right
    )


def queue(app: App) -> Verdict:
    """Ask for twenty-five jobs of 0.3 s on ten workers: none is missed."""
    answer = app.get("/run?count=25&seconds=0.3")
    right = (answer.code, answer.body["values"]) == (200, list(range(25)))
    meaning = "25 jobs on 10 workers"
    return _verdict("queue", (answer.came - answer.sent, meaning, 0.9), answer, right=right)


def raising(app: App) -> Verdict:
    """Let one job of ten raise."""
    answer = app.get("/run?count=10&seconds=0.3&raising=3")
    right = answer.code == 200 and answer.body["errors"] == {"Task 3": "ValueError: boom"}  # noqa: PLR2004
    right = right and len(answer.body["values"]) == 9  # noqa: PLR2004
    meaning = "9 values and 1 ValueError"
    return _verdict("raising", (answer.came - answer.sent, meaning, 0.3), answer, right=right)


def deadline(app: App) -> Verdict:
    """Ask for more jobs than end before the deadline; those in the queue are cancelled."""
    answer = app.get("/run?count=15&seconds=1&timeout=0.5")
    seen = sorted(answer.body["pending"].values())
    right = (answer.code, seen) == (
        504,
        ["handed to executor 'default'"] * 5 + ["running"] * 10,
    )
    after = app.get("/run?count=1")
    right = right and after.came - answer.came < 1
    meaning = "504: 10 jobs running, 5 in the queue"
    return _verdict(
        "deadline", (answer.came - answer.sent, meaning, 0.5), [answer, after], right=right
    )


def killed(app: App) -> Verdict:
    """Kill a process pool's worker while it runs a job; the next request has a new pool."""
    app.get("/run?count=2&executor=processes")
    asked = app.ask("/run?count=1&seconds=20&executor=processes")
    time.sleep(0.3)
    at = time.monotonic()
    for pid in app.get("/workers").body:
        os.kill(pid, signal.SIGKILL)
    answer = asked.result()
    after = app.get("/run?count=2&executor=processes")
    right = answer.body["errors"]["Task 0"].startswith("JobLost: ") and after.code == 200  # noqa: PLR2004
    meaning = "from kill -9 of a process pool's worker to the answer"
    return _verdict("killed", (answer.came - at, meaning, 0.0), [answer, after], right=right)


def restart(app: App) -> Verdict:
    """Restart the scheduler while a request waits for jobs in memory that are not yet due."""
    asked = app.ask("/run?count=3&in=20")
    time.sleep(0.3)
    at = time.monotonic()
    restarted = app.get("/restart")
    answer = asked.result()
    after = app.get("/run?count=10")
    kinds = {each.partition(":")[0] for each in answer.body["errors"].values()}
    right = (restarted.code, kinds, after.code) == (200, {"JobRemoved"}, 200)
    meaning = "from a restart of the scheduler to the answer"
    return _verdict("restart", (answer.came - at, meaning, 0.0), [answer, after], right=right)


def restart_with_a_file(app: App) -> Verdict:
    """Restart it while one request waits for jobs in an SQLite file and another one's jobs run."""
    running = app.ask("/run?count=3&seconds=2&store=file")
    waiting = app.ask("/run?count=3&in=20&store=file")
    patience = time.monotonic() + 10
    while (before := app.get("/jobs")).body != [3, 3] and time.monotonic() < patience:
        time.sleep(0.05)
    at = time.monotonic()
    restarted = app.get("/restart")
    answer = waiting.result()
    ended, left = running.result(), app.get("/jobs")
    after = app.get("/run?count=3&store=file")
    kinds = {each.partition(":")[0] for each in answer.body["errors"].values()}
    right = (restarted.code, kinds, before.body) == (200, {"JobLost"}, [3, 3])
    # Those that run end, in the pool that is shut down, and nothing is left to run later.
    right = right and left.body == [0, 0]
    right = right and all(each.body["values"] == [0, 1, 2] for each in (ended, after))
    meaning = "the same, with jobs in an SQLite file"
    got = [before, answer, ended, left, after]
    return _verdict("file", (answer.came - at, meaning, 0.0), got, right=right)


SCENARIOS: tuple[Callable[[App], Verdict], ...] = (
    requests_at_once,
    queue,
    raising,
    deadline,
    killed,
    restart,
    restart_with_a_file,
)


def _verdict(name: str, figure: tuple[float, str, float], got: Any, *, right: bool) -> Verdict:
    seconds, meaning, least = figure
    wrong = "" if right else f"got {got}"
    if right and not least <= seconds <= least + SLACK:
        wrong = f"it should take {least} s to {least + SLACK} s"
    return Verdict(name, round(seconds, 4), meaning, least, wrong)


def main(argv: Sequence[str] | None = None) -> int:
    """Run every scenario on one app and print the verdicts.

    Args:
        argv: The interpreter of the app, if it is another one.

    Returns:
        The exit code.
    """
    try:
        return _run(sys.argv[1:] if argv is None else argv)
    except KeyboardInterrupt:
        message = "group: SIGINT came before the end; every program was stopped."
        print(message, file=sys.stderr)
        return 128 + signal.SIGINT


def _run(arguments: Sequence[str]) -> int:
    settings = Settings(arguments[0] if arguments else sys.executable)
    (port,) = free_ports(settings, 1)
    command = (settings.python, str(Path(__file__).with_name("group_program.py")))
    listen = ("--host", settings.host, "--port", str(port))
    # Deleted last, when nothing has it open.
    with TemporaryDirectory() as folder, stopped_at_the_end() as programs:
        store = ("--store", f"{folder}/jobs.sqlite")
        programs.append(program := Program((*command, *listen, *store), lambda _line: None))
        app = App(settings, port)
        try:
            app.wait_until_ready(time.monotonic() + settings.timeout)
        except OSError as error:
            print(f"group: the app does not answer ({error}); it wrote\n{program.tail()}")
            return 1
        verdicts = []
        for scenario in SCENARIOS:
            verdicts.append(scenario(app))
            print(verdicts[-1], flush=True)
            if verdicts[-1].wrong:
                print(program.tail())
    OUTPUT.parent.mkdir(parents=True, exist_ok=True)
    figures = [asdict(verdict) for verdict in verdicts]
    OUTPUT.write_text(json.dumps(figures, indent=2) + "\n", encoding="utf-8")
    return 1 if any(verdict.wrong for verdict in verdicts) else 0


if __name__ == "__main__":
    sys.exit(main())
