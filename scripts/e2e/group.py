"""What a small Flask app on JobGroup has to do, in time too."""

import os
import signal
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

from e2e.program import Answer, Failure, Program
from e2e.scenarios import SLACK

Ask = Callable[[str], Future[Answer]]


class Seen(NamedTuple):
    """What came of a scenario: its figure in seconds, what came back, and what should have."""

    seconds: float
    got: Any
    expected: Any


def requests_at_once(ask: Ask) -> Seen:
    """Ask three times at once for ten jobs of 0.3 s, one of which raises: three rounds."""
    asked = [ask("/run?count=10&seconds=0.3&raising=3") for _ in range(3)]
    answers = [each.result() for each in asked]
    seconds = max(each.came for each in answers) - min(each.sent for each in answers)
    got = [(each.code, each.body["values"], each.body["errors"]) for each in answers]
    values = [number for number in range(10) if number != 3]  # noqa: PLR2004
    return Seen(seconds, got, [(200, values, {"Task 3": "ValueError: boom"})] * 3)


def timeout(ask: Ask) -> Seen:
    """Ask for more jobs than end in time; those in the queue are cancelled."""
    answer = ask("/run?count=15&seconds=1&timeout=0.5").result()
    after = ask("/run?count=1").result()
    got = answer.code, sorted(answer.body["pending"].values()), after.came - answer.came < 1
    pending = ["handed to executor 'default'"] * 5 + ["running"] * 10
    return Seen(answer.seconds, got, (504, pending, True))


def killed(ask: Ask) -> Seen:
    """Kill a process pool's worker while it runs a job; the next request has a new pool."""
    ask("/run?count=2&executor=processes").result()
    asked = ask("/run?count=1&seconds=20&executor=processes")
    time.sleep(0.3)
    at = time.monotonic()
    for pid in ask("/workers").result().body:
        os.kill(pid, signal.SIGKILL)
    answer = asked.result()
    after = ask("/run?count=2&executor=processes").result()
    return Seen(answer.came - at, (_kinds(answer), after.code), ({"JobLost"}, 200))


def restart(ask: Ask) -> Seen:
    """Restart the scheduler while requests wait for jobs in memory and in a file, and jobs run."""
    running = ask("/run?count=3&seconds=2&store=file")
    waiting = [ask("/run?count=3&in=20"), ask("/run?count=3&in=20&store=file")]
    patience = time.monotonic() + 10
    while (before := ask("/jobs").result().body) != [3, 3] and time.monotonic() < patience:
        time.sleep(0.05)
    at = time.monotonic()
    restarted = ask("/restart").result()
    answers = [each.result() for each in waiting]
    # Those that run end, in the pool that is shut down, and nothing is left to run later.
    ended, left = running.result().body["values"], ask("/jobs").result().body
    after = ask("/run?count=3&store=file").result().body["values"]
    got = before, restarted.code, *map(_kinds, answers), ended, left, after
    three = [0, 1, 2]
    expected = [3, 3], 200, {"JobRemoved"}, {"JobLost"}, three, [0, 0], three
    return Seen(max(each.came for each in answers) - at, got, expected)


# The scenario, the least that it takes in seconds, and what its figure is the time of.
SCENARIOS: tuple[tuple[Callable[[Ask], Seen], float, str], ...] = (
    (requests_at_once, 0.9, "3 requests at once, 27 values and 3 errors"),
    (timeout, 0.5, "504: 10 jobs running, 5 in the queue"),
    (killed, 0.0, "from kill -9 of a process pool's worker to the answer"),
    (restart, 0.0, "from a restart of the scheduler to the answers"),
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
        # It ends first, and with it each wait for it; the folder last.
        Program(command, "--store", f"{folder}/jobs") as program,
    ):
        try:
            program.listen(30.0)
            for scenario, least, meaning in SCENARIOS:
                title = scenario.__name__.replace("_", " ")
                seen = scenario(lambda path: threads.submit(program.get, path))
                wrong = problem(title, seen, least)
                state = "FAILED" if wrong else "ok"
                print(f"group {title:<16}  {state}  {seen.seconds:.3f} s  {meaning}", flush=True)
                found += [f"{wrong}; it wrote\n{program.tail()}"] if wrong else []
        except Failure as failure:
            found.append(f"group: {failure}")
    return found


def _kinds(answer: Answer) -> set[str]:
    return {each.partition(":")[0] for each in answer.body["errors"].values()}
