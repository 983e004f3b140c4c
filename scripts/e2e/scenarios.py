"""What the two programs have to do, what one run of them did, and where the two differ.

The expectations are written out here, not imported from the programs: a changed string or a lost
iteration must not change what is expected of it.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from e2e.program import Answer, Line

COMPLETED = tuple(f"Task {i} completed execution" for i in range(10))
# How much longer than it has to an answer may take, in seconds.
SLACK = 1.0


@dataclass(frozen=True)
class Scenario:
    """One program, asked once for ``/run-tasks``.

    Attributes:
        name: Its name in options, verdicts and file names.
        command: Arguments for the interpreter.
        code: The expected HTTP status.
        statuses: The expected statuses, in any order.
        pending: The expected pending jobs.
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
    """One job, as its printed lines show it; times in seconds since the request was sent.

    Attributes:
        number: The task's number, from 0.
        printed: The numbers of its iterations, in the order of the lines.
        ticks: When each line came.
    """

    number: int
    printed: tuple[int, ...]
    ticks: tuple[float, ...]

    @property
    def started(self) -> float:
        """When it began: a gap before its first line, for a job prints *after* its sleep."""
        first, last = self.ticks[0], self.ticks[-1]
        return max(0.0, first - (last - first) / max(1, len(self.ticks) - 1))

    @property
    def ended(self) -> float:
        """When its last line came."""
        return self.ticks[-1]


@dataclass(frozen=True)
class Run:
    """What one scenario showed.

    Attributes:
        code: The HTTP status.
        statuses: The statuses of the answer; a text that is no JSON stands for one.
        pending: Its pending jobs.
        seconds: From sending the request to the whole answer.
        jobs: The jobs that printed something, by number.
    """

    code: int
    statuses: list[Any]
    pending: list[Any]
    seconds: float
    jobs: tuple[Job, ...]

    @property
    def at_once(self) -> int:
        """The largest number of jobs that were between their first and last line together."""
        begun = [job.ticks[0] for job in self.jobs]
        return max((sum(j.ticks[0] <= at <= j.ended for j in self.jobs) for at in begun), default=0)

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


def run_of(answer: Answer, lines: list[Line]) -> Run:
    """Return what an answer and the output show."""
    printed: dict[int, list[tuple[int, float]]] = {}
    for line in lines:
        for task, iteration in iterations_in(line.text):
            printed.setdefault(task, []).append((iteration, line.instant - answer.sent))
    jobs = (Job(task, *zip(*pairs, strict=True)) for task, pairs in sorted(printed.items()))
    statuses, pending = answer.body, []
    if isinstance(answer.body, dict):
        statuses, pending = answer.body.get("statuses", []), answer.body.get("pending", [])
    elif not isinstance(answer.body, list):
        statuses = [answer.body]
    return Run(answer.code, statuses, pending, answer.came - answer.sent, tuple(jobs))


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
