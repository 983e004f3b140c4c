"""One scenario from start to answer: what was seen, and when.

Every time comes from the program's output or from the request itself. ``observe`` says what went
wrong until an answer came; whether the answer is right is for ``verdict``.
"""

import http.client
import json
import re
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from program import Line, Program
from scenario import Scenario

# How long lines may be on their way after an answer, and a death after a broken connection.
_PATIENCE = 0.5
_ITERATION = re.compile(r"Task (\d+) running iteration (\d+)")


class Failure(Exception):  # What it is called in every verdict.
    """A sentence that says what was attempted, what is wrong, and what to do next."""


@dataclass(frozen=True)
class Job:
    """One job, as its printed lines show it.

    Args:
        number: The task's number, from 0.
        printed: The numbers of the iterations it printed, in order.
        iterations: When it printed each, in seconds since the request was sent.
    """

    number: int
    printed: tuple[int, ...]
    iterations: tuple[float, ...]

    @property
    def started(self) -> float:
        """When it began, in seconds since the request was sent.

        A job prints at the *end* of an iteration, so this is its first line less the mean gap
        between its lines; with one line, that line; never before the request.
        """
        first, last = self.iterations[0], self.iterations[-1]
        return max(0.0, first - (last - first) / max(1, len(self.iterations) - 1))

    @property
    def ended(self) -> float:
        """When it printed its last line, in seconds since the request was sent."""
        return self.iterations[-1]


@dataclass(frozen=True)
class Run:
    """What one scenario showed.

    Args:
        code: The HTTP status of the answer.
        body: The answer, parsed where it is JSON, else its text.
        wall_seconds: From sending the request to the whole answer.
        jobs: The jobs that printed something, by number.
    """

    code: int
    body: Any
    wall_seconds: float
    jobs: tuple[Job, ...]

    @property
    def most_jobs_at_once(self) -> int:
        """The largest number of jobs that were between their first and last line together."""
        return max(
            (
                sum(other.iterations[0] <= job.iterations[0] <= other.ended for other in self.jobs)
                for job in self.jobs
            ),
            default=0,
        )

    def report(self) -> dict[str, Any]:
        """Return what goes into ``report.json``; times in seconds since the request was sent."""
        answer = self.body if isinstance(self.body, dict) else {"statuses": self.body}
        return {
            "status_code": self.code,
            "wall_seconds": round(self.wall_seconds, 4),
            **answer,
            "most_jobs_at_once": self.most_jobs_at_once,
            "jobs": [
                {
                    "id": f"j{job.number}",
                    "started": round(job.started, 4),
                    "ended": round(job.ended, 4),
                    "iterations": [round(instant, 4) for instant in job.iterations],
                }
                for job in self.jobs
            ],
        }


def iterations_in(text: str) -> list[tuple[int, int]]:
    """Find the iterations in a line of output; two jobs may have printed into one line.

    Args:
        text: The line.

    Returns:
        Pairs of a task's number and an iteration's number, both from 0.
    """
    return [(int(task), int(iteration)) for task, iteration in _ITERATION.findall(text)]


def jobs_in(lines: Iterable[Line], sent: float) -> tuple[Job, ...]:
    """Gather each job's iterations from the output.

    Args:
        lines: The output.
        sent: When the request was sent, in seconds of ``time.monotonic``.

    Returns:
        The jobs that printed something, by number.
    """
    found: dict[int, list[tuple[int, float]]] = defaultdict(list)
    for line in lines:
        for task, iteration in iterations_in(line.text):
            found[task].append((iteration, line.instant - sent))
    return tuple(
        Job(
            number,
            tuple(iteration for iteration, _ in found[number]),
            tuple(instant for _, instant in found[number]),
        )
        for number in sorted(found)
    )


def observe(
    program: Program,
    scenario: Scenario,
    address: tuple[str, int],
    *,
    timeout: float,
    on_asked: Callable[[], None],
) -> Run:
    """Wait until the program answers ``/``, ask ``/run-tasks``, and follow its jobs to their end.

    Args:
        program: The started program.
        scenario: What it runs.
        address: Host and port to ask.
        timeout: Longest wait in seconds for the start, and again for the answer.
        on_asked: Called when ``/`` has answered, just before the request.

    Raises:
        Failure: The program died or did not answer in time.
    """
    deadline = time.monotonic() + timeout
    listening = re.compile(rf"Running on http://\S+:{address[1]}\b")

    # The server says this after it has bound the port: from here on it is our program that
    # answers, and before it whoever answers is a stranger.
    if not program.wait_for(lambda lines: any(listening.search(e.text) for e in lines), deadline):
        attempt = f"waited for it to listen on port {address[1]}"
        patience = 0.0 if time.monotonic() >= deadline else _PATIENCE
        raise _died(program, scenario, attempt, patience) or _silent(
            program, scenario, attempt, timeout
        )

    code, _ = _get(program, scenario, address, "/", deadline, timeout)
    if code != HTTPStatus.OK:
        raise Failure(
            f"{scenario.name}: asked {_url(address, '/')} whether the program is ready: expected "
            f"status 200, got {code}; the end of its output says why:\n{program.tail()}"
        )

    on_asked()
    sent = time.monotonic()
    code, body = _get(program, scenario, address, "/run-tasks", sent + timeout, timeout)
    answered = time.monotonic()

    # The last lines may arrive after the answer; at a deadline the jobs run on.
    def complete(lines: Sequence[Line]) -> bool:
        return sum(len(iterations_in(e.text)) for e in lines) >= sum(scenario.iterations)

    jobs_end = sent + scenario.job_seconds + scenario.slack
    if code == scenario.code:
        program.wait_for(complete, jobs_end if scenario.pending else answered + _PATIENCE)
    return Run(code, body, answered - sent, jobs_in(program.lines, sent))


def _get(  # noqa: PLR0917  # One request, with all that its failure has to name.
    program: Program,
    scenario: Scenario,
    address: tuple[str, int],
    path: str,
    deadline: float,
    timeout: float,
) -> tuple[int, Any]:
    attempt = f"asked {_url(address, path)}"
    connection = http.client.HTTPConnection(
        *address, timeout=max(0.001, deadline - time.monotonic())
    )
    try:
        connection.request("GET", path)
        response = connection.getresponse()
        text = response.read().decode("utf-8", "replace")
    except TimeoutError:
        raise _silent(program, scenario, attempt, timeout) from None
    except (OSError, http.client.HTTPException) as error:
        raise _died(program, scenario, attempt) or Failure(
            f"{scenario.name}: {attempt}, but the connection ended without an answer "
            f"({type(error).__name__}); the end of the program's output says why:\n{program.tail()}"
        ) from None
    finally:
        connection.close()
    try:
        return response.status, json.loads(text)
    except ValueError:
        return response.status, text


def _url(address: tuple[str, int], path: str) -> str:
    host, port = address
    return f"http://{f'[{host}]' if ':' in host else host}:{port}{path}"


def _died(
    program: Program, scenario: Scenario, attempt: str, patience: float = _PATIENCE
) -> Failure | None:
    exit_code = program.exit_code(patience)
    if exit_code is None:
        return None
    # Take in what the program left behind.
    program.wait_for(lambda _: False, time.monotonic() + _PATIENCE)
    if any("Address already in use" in line.text for line in program.lines):
        return Failure(
            f"{scenario.name}: {attempt}, but another program took that port first; stop it, or "
            "leave --port out for a free one."
        )
    return Failure(
        f"{scenario.name}: started {_shown(program)} and {attempt}, but it ended with exit code "
        f"{exit_code}; repair what the end of its output names:\n{program.tail()}"
    )


def _silent(program: Program, scenario: Scenario, attempt: str, timeout: float) -> Failure:
    return Failure(
        f"{scenario.name}: started {_shown(program)} and {attempt}, but nothing came within "
        f"{timeout:g} s; give it longer with --timeout, or see where the end of its output "
        f"stops:\n{program.tail()}"
    )


def _shown(program: Program) -> str:
    return f"`python {' '.join(program.command[1:])}`"
