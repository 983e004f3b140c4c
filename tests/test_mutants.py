"""What ``nox -s mutants`` says of mutants that survive, and of its list."""

from typing import Any

import pytest

import mutants

UNEXPLAINED = {
    "file": "corrected.py",
    "line": "if a == b:",
    "mutant": "if a <= b:",
    "followed_by": "return",
}
LEFT = "survived, or ran into the time-out"
LISTED = {**UNEXPLAINED, "reason": "a is never less."}


def result(outcome: str, mutant: str, output: str = "") -> Any:
    """A mutant as cosmic-ray dumps it."""
    lines = ["--- corrected.py", "+++ corrected.py", "@@ -1,3 +1,3 @@", " def f():"]
    lines += ["-    if a == b:", f"+    {mutant}", "         return"]
    mutation = {"module_path": "reference/jobs_synchronizer/corrected.py", "operator_name": "Eq_Is"}
    item = {"mutations": [mutation]}
    return [item, {"test_outcome": outcome, "output": output, "diff": "\n".join(lines)}]


@pytest.mark.parametrize(
    ("results", "listed", "score", "problems"),
    [
        ([result("killed", "if a != b:")], [], "1 of 1 killed, 0 survived", []),
        (
            [result("killed", "if a != b:"), result("survived", "if a <= b:")],
            [LISTED],
            "1 of 2 killed, 1 survived",
            [],
        ),
        (
            [result("survived", "if a is b:")],
            [],
            "0 of 1 killed, 0 survived",
            [f"{LEFT}: corrected.py: `if a == b:` as `if a is b:`, above `return`"],
        ),
        (
            [result("killed", "if a <= b:", "timeout")],
            [],
            "0 of 1 killed, 0 survived",
            [f"{LEFT}: {mutants.Mutant(**UNEXPLAINED)}"],
        ),
        (
            [result("killed", "if a <= b:")],
            [LISTED],
            "1 of 1 killed, 0 survived",
            [f"listed, and killed or gone: {mutants.Mutant(**UNEXPLAINED)}"],
        ),
        (
            [[{"mutations": ["x"]}, None]],
            [{**UNEXPLAINED, "reason": ""}],
            "0 of 0 killed, 0 survived",
            ["not run: x: None"],
        ),
    ],
    ids=["killed", "listed", "survived", "timed out", "listed for nothing", "not run"],
)
def test_every_mutant_is_killed_or_listed_with_a_reason(
    results: list[Any], listed: list[dict[str, str]], score: str, problems: list[str]
) -> None:
    """A survivor without a reason and a reason without a survivor are both named."""
    said, found = mutants.judge(results, listed)
    assert said == f"{score} with a reason in tests/mutants.toml"
    assert found == problems


def test_a_kind_is_listed_once_for_its_file() -> None:
    """Mutants of one kind that nothing can tell share a reason, which some mutant needs."""
    kinds = [{"file": "corrected.py", "operator": "Eq_Is", "reason": "a is b when it equals it."}]
    results = [result("survived", "if a is b:"), result("killed", "if a != b:")]
    score = "1 of 2 killed, 1 survived with a reason in tests/mutants.toml"
    assert mutants.judge(results, [], kinds) == (score, [])
    _, problems = mutants.judge(results[1:], [], kinds)
    assert problems == ["listed, and killed or gone: corrected.py: every Eq_Is"]


@pytest.mark.parametrize(
    ("line", "column", "calculated"),
    [(1, 6, False), (1, 16, False), (1, 30, False), (2, 10, True), (3, 6, True)],
)
def test_what_runs_is_changed(line: int, column: int, *, calculated: bool) -> None:
    """A sign in a signature is no operator."""
    code = "def f(*, a: int | str) -> int | str:\n    b = a + 1\n    b |= 2\n"
    assert mutants.is_calculated(code, line, column) == calculated


def test_every_file_of_the_package_is_in_a_share() -> None:
    """A new file is changed too, or left out by name."""
    files = [file for share in mutants.SHARES for file in share.files]
    assert sorted([*files, *mutants.LEFT_OUT]) == sorted(
        path.name for path in mutants.PROGRAMS.glob("*.py")
    )


def test_the_report_for_the_viewer() -> None:
    """Each mutant has its lines, what they become, its end, and the test or the reason for it."""
    failed = "FAILED tests/paths/test_01_no_jobs.py::test_no_jobs[corrected] - Hang"
    results = [
        result("killed", "if a != b:", failed),
        result("survived", "if a <= b:"),
        result("survived", "if a is b:"),
        result("killed", "if a >= b:", "timeout"),
        [{"mutations": []}, None],
    ]
    report = mutants.as_elements(results, [LISTED])
    (file,) = report["files"].values()
    assert file["source"].startswith('"""The published program made right')
    assert [(each["status"], each["statusReason"]) for each in file["mutants"]] == [
        ("Killed", "tests/paths/test_01_no_jobs.py::test_no_jobs[corrected]"),
        ("Ignored", "a is never less."),
        ("Survived", ""),
        ("Timeout", ""),
    ]
    first = file["mutants"][0]
    assert first["replacement"] == "    if a != b:"
    assert first["location"] == {
        "start": {"line": 2, "column": 1},
        "end": {"line": 2, "column": len("    if a == b:") + 1},
    }
    kinds = [{"file": "corrected.py", "operator": "Eq_Is", "reason": "They are the same."}]
    (file,) = mutants.as_elements(results[2:3], [], kinds)["files"].values()
    assert file["mutants"][0]["statusReason"] == "They are the same."
