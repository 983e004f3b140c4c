"""What ``nox -s soak`` says of a program that has no single trace, or leaves something behind."""

import time
from typing import Any

import greenlet
import pytest

import soak

# What a program has in memory anyway, from its first run on.
BALLAST: list[bytes] = []


@pytest.fixture(autouse=True)
def no_ballast() -> None:
    """Let the first run of each test fill the memory."""
    BALLAST.clear()


def rest(seconds: float = 1.0) -> None:
    """Sleep twice."""
    if not BALLAST:
        BALLAST.append(bytes(10_000_000))
    time.sleep(seconds)
    time.sleep(1)


def test_a_program_that_leaves_nothing_passes() -> None:
    """One trace, no growth, no greenlet."""
    assert soak.soak(rest, 10).problem() is None


def test_a_program_that_leaves_something_is_found_out() -> None:
    """One run with another trace is enough, as is a thousandth of the memory, kept by each run."""
    lengths, kept = iter([1] * 9 + [2] * 2), list[Any]()

    def leave() -> None:
        rest(next(lengths))
        BALLAST.append(bytes(20_000))
        kept.append(greenlet.greenlet(greenlet.getcurrent().switch))
        kept[-1].switch()

    seen = soak.soak(leave, 10)
    assert (len(seen.digests), seen.greenlets) == (2, 10)
    assert seen.growth > soak.MOST_GROWTH
    for each in kept:
        each.throw()


@pytest.mark.parametrize(
    ("seen", "problem"),
    [
        (soak.Soak({"a"}, 0.01, 0), None),
        (soak.Soak({"a", "b"}, 0.0, 0), "2 different traces of one program"),
        (soak.Soak({"a"}, 0.018, 0), "1.8% more memory after all runs than after a tenth of them"),
        (soak.Soak({"a"}, 0.0, 10), "10 greenlets alive after the last run"),
    ],
)
def test_what_a_program_leaves_is_named(seen: soak.Soak, problem: str | None) -> None:
    """Each kind has its own words."""
    assert seen.problem() == problem


@pytest.mark.parametrize(("elsewhere", "code"), [("same", 0), ("other", 1)])
def test_the_verdict_is_the_exit_code(
    elsewhere: str, code: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Another trace in another process is a failure too."""
    monkeypatch.setattr(soak, "soak", lambda _program, _runs: soak.Soak({"same"}, 0.0, 0))
    monkeypatch.setattr(soak, "digest_elsewhere", lambda *_arguments, **_seed: elsewhere)
    assert soak.main(["--runs", "10"]) == code
    error = "" if code == 0 else "soak: 2 different traces of one program.\n"
    assert capsys.readouterr().err == error


@pytest.mark.e2e
def test_a_process_of_its_own_has_the_same_trace() -> None:
    """What the session compares is what a process prints."""
    assert soak.digest_elsewhere(seed="1") == soak.digest(soak.published)


def test_too_few_runs_are_refused(capsys: pytest.CaptureFixture[str]) -> None:
    """There has to be a tenth of them."""
    with pytest.raises(SystemExit):
        soak.main(["--runs", "9"])
    assert "--runs 9: give 10 or more" in capsys.readouterr().err
