"""What is run end to end, and what has to come out of it.

The expectations are written out here, not imported from the programs: a changed string or a lost
iteration must not change what is expected of it.
"""

from dataclasses import dataclass
from pathlib import Path

NUM_JOBS = 10
NUM_ITERATIONS = 10
RAISING_JOB = 3
RAISING_AFTER = 4

COMPLETED = tuple(f"Task {i} completed execution" for i in range(NUM_JOBS))


@dataclass(frozen=True)
class Scenario:
    """One program, asked once for ``/run-tasks``.

    Args:
        name: What the scenario is called in options, verdicts and file names.
        command: Arguments for the interpreter; ``--host`` and ``--port`` are added to them.
        code: The expected HTTP status.
        statuses: The expected statuses, in any order, each as often as it stands here.
        pending: The expected names of jobs that had not reported; with any, the answer is an
            object with ``error``, ``statuses`` and ``pending``, else the list of statuses.
        iterations: How many iterations each job prints, job 0 first.
        wall_seconds: Shortest time from request to answer, in seconds.
        job_seconds: How long the longest job runs, in seconds.
        slack: How much longer than that either may take, in seconds.
    """

    name: str
    command: tuple[str, ...]
    code: int = 200
    statuses: tuple[str, ...] = COMPLETED
    pending: tuple[str, ...] = ()
    iterations: tuple[int, ...] = (NUM_ITERATIONS,) * NUM_JOBS
    wall_seconds: float = 10.0
    job_seconds: float = 10.0
    slack: float = 1.0


DOCUMENTED = Scenario(name="documented", command=("-m", "jobs_synchronizer.documented"))
CORRECTED = Scenario(name="corrected", command=("-m", "jobs_synchronizer"))
RAISING = Scenario(
    name="raising",
    command=(str(Path(__file__).with_name("raising_program.py")),),
    statuses=tuple(
        f"Task {RAISING_JOB} failed: ValueError: boom" if i == RAISING_JOB else completed
        for i, completed in enumerate(COMPLETED)
    ),
    iterations=tuple(
        RAISING_AFTER if i == RAISING_JOB else NUM_ITERATIONS for i in range(NUM_JOBS)
    ),
)
DEADLINE = Scenario(
    name="deadline",
    command=("-m", "jobs_synchronizer", "--timeout", "2"),
    code=504,
    statuses=(),
    pending=tuple(f"Task {i}" for i in range(NUM_JOBS)),
    wall_seconds=2.0,
)
SCENARIOS = (DOCUMENTED, CORRECTED, RAISING, DEADLINE)
