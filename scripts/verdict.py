"""Whether a run is what its scenario expects, in one sentence either way."""

from collections import Counter
from typing import Any

from run import Run
from scenario import Scenario


def problem(scenario: Scenario, run: Run) -> str | None:
    """Compare a run with what is expected of it.

    The cause comes before its consequence: a wrong answer, lost iterations, jobs that did not
    overlap, and last the wall time, which each of the others changes.

    Args:
        scenario: What is expected.
        run: What was seen.

    Returns:
        The first thing that is wrong, or ``None``.
    """
    return (
        _wrong_answer(scenario, run)
        or _wrong_iterations(scenario, run)
        or _no_overlap(scenario, run)
        or _wrong_wall_time(scenario, run)
    )


def figures(run: Run) -> str:
    """Return the figures of a run that is right, as ``200, 10 done, …``."""
    statuses = run.body["statuses"] if isinstance(run.body, dict) else run.body
    failed = sum(" failed: " in status for status in statuses)
    pending = len(run.body["pending"]) if isinstance(run.body, dict) else 0
    counts = {"done": len(statuses) - failed, "failed": failed, "pending": pending}
    return ", ".join(
        [
            str(run.code),
            *(f"{count} {word}" for word, count in counts.items() if count),
            f"{run.most_jobs_at_once} jobs at once",
            f"{sum(len(job.iterations) for job in run.jobs)} iterations",
        ]
    )


def _wrong_answer(scenario: Scenario, run: Run) -> str | None:
    expected: dict[str, tuple[str, ...]] = {"statuses": scenario.statuses}
    got: dict[str, Any] = {"statuses": run.body}
    shape = "a JSON list of strings"
    shaped = _are_strings(run.body)
    if scenario.pending:
        shape = "a JSON object with error, statuses and pending"
        shaped = isinstance(run.body, dict) and set(run.body) == {"error", "statuses", "pending"}
        expected["pending"] = scenario.pending
        got = run.body
    asked = f"{scenario.name}: asked /run-tasks and expected status {scenario.code} with {shape}"
    compare = "compare the program with the published one"
    if run.code != scenario.code or not shaped or not all(_are_strings(got[k]) for k in expected):
        return f"{asked}, but got status {run.code} with {_short(run.body)}; {compare}."
    differences = [
        f"{what} {key} {', '.join(map(repr, sorted(strings.elements())))}"
        for key in expected
        for what, strings in (
            ("missing", Counter(expected[key]) - Counter(got[key])),
            ("unexpected", Counter(got[key]) - Counter(expected[key])),
        )
        if strings
    ]
    if differences:
        total = sum(len(strings) for strings in expected.values())
        return f"{asked}, {total} of them, each once, but got {'; '.join(differences)}; {compare}."
    return None


def _wrong_iterations(scenario: Scenario, run: Run) -> str | None:
    printed = {job.number: list(job.printed) for job in run.jobs}
    expected = {number: list(range(count)) for number, count in enumerate(scenario.iterations)}
    wrong = [
        f"j{number} printed {_listed(printed.get(number, []))} instead of "
        f"{_listed(expected.get(number, []))}"
        for number in sorted(printed.keys() | expected.keys())
        if printed.get(number) != expected.get(number)
    ]
    if not wrong:
        return None
    more = f" and {len(wrong) - 1} more jobs are wrong" if wrong[1:] else ""
    return (
        f"{scenario.name}: read the iterations that each job printed, but {wrong[0]}{more}; see "
        "what stops or repeats the job."
    )


def _no_overlap(scenario: Scenario, run: Run) -> str | None:
    expected = len(scenario.iterations)
    if run.most_jobs_at_once == expected:
        return None
    return (
        f"{scenario.name}: ran {expected} jobs that have to overlap, but no more than "
        f"{run.most_jobs_at_once} ran at once; give the scheduler's pool {expected} workers."
    )


def _wrong_wall_time(scenario: Scenario, run: Run) -> str | None:
    low, high = scenario.wall_seconds, scenario.wall_seconds + scenario.slack
    if low <= run.wall_seconds <= high:
        return None
    what, advice = (
        ("only", "see whether every iteration sleeps")
        if run.wall_seconds < low
        else ("as long as", "try again on a machine with less to do, or see what delays the jobs")
    )
    return (
        f"{scenario.name}: expected the answer after {low:.1f} s to {high:.1f} s, but it took "
        f"{what} {run.wall_seconds:.2f} s; {advice}."
    )


def _are_strings(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(item, str) for item in value)


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 200 else f"{text[:200]}…"  # noqa: PLR2004  # A line or three.


def _listed(numbers: list[int]) -> str:
    return ", ".join(map(str, numbers)) or "no iteration"
