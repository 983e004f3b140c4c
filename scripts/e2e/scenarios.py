"""What the two programs have to do, what one run of them did, and where the two differ.

The expectations are written out here, not imported from the programs: a changed string or a lost
iteration must not change what is expected of it. Times are seconds since the request was sent.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from e2e.program import Answer

COMPLETED = tuple(f"Task {i} completed execution" for i in range(10))
# How much longer than it has to an answer may take, in seconds.
SLACK = 1.0


@dataclass(frozen=True)
class Scenario:
    """One program, asked once for ``/run-tasks``, and what is expected.

    Attributes:
        name: Its name in options, verdicts and file names.
        command: Arguments for the interpreter.
        iterations: How many iterations each job prints, job 0 first.
        seconds: The shortest time from request to answer.
        job_seconds: How long the longest job runs.
    """

    name: str
    command: tuple[str, ...]
    code: int = 200
    statuses: tuple[str, ...] = COMPLETED
    pending: tuple[str, ...] = ()
    iterations: tuple[int, ...] = (10,) * 10
    seconds: float = 10.0
    job_seconds: float = 10.0


SCENARIOS = (
    Scenario("documented", ("-m", "jobs_synchronizer.documented")),
    Scenario("corrected", ("-m", "jobs_synchronizer")),
    Scenario(
        "raising",
        (str(Path(__file__).with_name("raising_app.py")),),
        statuses=(*COMPLETED[:3], "Task 3 failed: ValueError('boom')", *COMPLETED[4:]),
        iterations=(10, 10, 10, 4, 10, 10, 10, 10, 10, 10),
    ),
    Scenario(
        "deadline",
        ("-m", "jobs_synchronizer", "--timeout", "2"),
        code=504,
        statuses=(),
        pending=tuple(f"Task {i}" for i in range(10)),
        seconds=2.0,
    ),
)


@dataclass(frozen=True)
class Job:
    """One job: the numbers of the iterations that it printed, and when each line came."""

    number: int
    printed: tuple[int, ...]
    ticks: tuple[float, ...]

    @property
    def started(self) -> float:
        """When it began: a gap before its first line, for a job prints *after* its sleep."""
        first, last = self.ticks[0], self.ticks[-1]
        return max(0.0, first - (last - first) / max(1, len(self.ticks) - 1))


@dataclass(frozen=True)
class Run:
    """What one scenario showed; a text that is no JSON stands for a status."""

    code: int
    statuses: list[Any]
    pending: list[Any]
    seconds: float
    jobs: tuple[Job, ...]

    @property
    def at_once(self) -> int:
        """The largest number of jobs that were between their first and last line together."""
        spans = [(job.ticks[0], job.ticks[-1]) for job in self.jobs]
        return max((sum(a <= at <= b for a, b in spans) for at, _ in spans), default=0)

    def __str__(self) -> str:
        failed = sum(" failed: " in str(status) for status in self.statuses)
        done, pending = len(self.statuses) - failed, len(self.pending)
        counts = {"done": done, "failed": failed, "pending": pending}
        some = (f"{count} {word}" for word, count in counts.items() if count)
        iterations = sum(len(job.ticks) for job in self.jobs)
        words = (str(self.code), *some, f"{self.at_once} jobs at once", f"{iterations} iterations")
        return ", ".join(words)


def iterations_in(text: str) -> list[tuple[int, int]]:
    """Return pairs of a task and an iteration; two jobs may have printed into one line."""
    found = re.findall(r"Task (\d+) running iteration (\d+)", text)
    return [(int(task), int(iteration)) for task, iteration in found]


def run_of(answer: Answer, lines: list[tuple[float, str]]) -> Run:
    """Return what an answer and the output show."""
    printed: dict[int, list[tuple[int, float]]] = {}
    for instant, text in lines:
        for task, iteration in iterations_in(text):
            printed.setdefault(task, []).append((iteration, instant - answer.sent))
    jobs = (Job(task, *zip(*pairs, strict=True)) for task, pairs in sorted(printed.items()))
    body = answer.body if isinstance(answer.body, dict | list) else [answer.body]
    parts = body if isinstance(body, dict) else {"statuses": body}
    statuses, pending = (parts.get(each, []) for each in ("statuses", "pending"))
    return Run(answer.code, statuses, pending, answer.seconds, tuple(jobs))


def problems(scenario: Scenario, run: Run) -> Iterator[str]:
    """Yield a sentence for each thing that is not as expected."""
    compared = {
        "status": (scenario.code, run.code),
        "statuses": (sorted(scenario.statuses), sorted(run.statuses, key=str)),
        "pending jobs": (sorted(scenario.pending), sorted(run.pending, key=str)),
        "iterations of each job": (
            {job: [*range(count)] for job, count in enumerate(scenario.iterations)},
            {job.number: [*job.printed] for job in run.jobs},
        ),
        "number of jobs at once": (len(scenario.iterations), run.at_once),
    }
    for what, (expected, got) in compared.items():
        if got != expected:
            yield f"{scenario.name}: the {what} should be {expected}, not {got}"
    if not scenario.seconds <= run.seconds <= scenario.seconds + SLACK:
        most = scenario.seconds + SLACK
        yield f"{scenario.name}: it took {run.seconds:.2f} s, not {scenario.seconds} s to {most} s"
