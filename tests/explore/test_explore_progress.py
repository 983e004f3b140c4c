"""A long exploration says how far it is, and how far it was when something ends it."""

import io
import queue
import threading
from contextlib import nullcontext, redirect_stderr

import pytest
import written_programs

from threadsim import Random, ScheduleDiverged, ScheduleFailure, explore, replay
from threadsim.reporting.progress import uncaptured


def test_a_long_search_says_every_ten_seconds_how_far_it_is(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The lines stay, on a terminal as in a log."""
    stderr = io.StringIO()
    monkeypatch.setattr(
        "threadsim.reporting.progress.uncaptured", [lambda: redirect_stderr(stderr)]
    )
    explore(written_programs.queue_join, Random(2))
    assert stderr.getvalue() == ""

    monkeypatch.setattr("threadsim.reporting.progress.EVERY", 0.0)
    explore(written_programs.queue_join, Random(2))

    assert stderr.getvalue().split("\n") == [
        *("", "explore: 1 of 2 schedules, 0 s"),
        *("", "explore: 2 of 2 schedules, 0 s", ""),
    ]


def test_shrinking_a_failure_says_how_far_it_is(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is done about a failure takes its time, too."""
    monkeypatch.setattr("threadsim.reporting.progress.uncaptured", [nullcontext])
    monkeypatch.setattr("threadsim.reporting.progress.EVERY", 0.0)
    with pytest.raises(ScheduleFailure):
        explore(written_programs.lost_wake_up)

    assert "\nexplore: a failure, made simpler in " in capsys.readouterr().err


def test_no_standard_error_is_no_matter(monkeypatch: pytest.MonkeyPatch) -> None:
    """As under pythonw."""
    monkeypatch.setattr("threadsim.reporting.progress.uncaptured", [nullcontext])
    monkeypatch.setattr("threadsim.reporting.progress.EVERY", 0.0)
    monkeypatch.setattr("sys.stderr", None)

    explore(written_programs.queue_join, Random(1))
    replay(written_programs.queue_join, "0")


@pytest.mark.parametrize("error", [KeyboardInterrupt, pytest.fail.Exception])
def test_what_ends_an_exploration_says_how_far_it_was(
    error: type[BaseException], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ctrl-C and the alarm of pytest-timeout: with the remedy, and without our frames."""

    def end(*_: object) -> None:
        raise error

    monkeypatch.setattr("threadsim.reporting.progress.Progress.tell", end)
    with pytest.raises(error) as caught:
        explore(written_programs.queue_join, Random(2))

    [note] = caught.value.__notes__
    assert note == (
        "explore: 1 schedule without a failure so far; give it a bound: "
        "Exhaustive(max_preemptions=1) or Random(200)."
    )
    shown = [each.name for each in caught.traceback.filter(caught)]
    assert not {"explore", "explore_with", "_interruptions", "schedules"}.intersection(shown)


@pytest.mark.parametrize("when", ["at once", "while shrinking", "after a failure"])
def test_an_exploration_that_was_ended_claims_no_more_than_it_knows(
    when: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No note says "without a failure" where none has run, or where one has failed."""
    where = {
        "at once": "exploration.runner.ScheduleRunner.run",
        "while shrinking": "exploration.explore.shrunk_failure",
        "after a failure": "reporting.progress.Progress.tell",
    }

    def program() -> None:
        written_programs.queue_join()
        raise ValueError

    def end(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(f"threadsim.{where[when]}", end)
    with pytest.raises(KeyboardInterrupt) as caught:
        explore(program, Random(2), keep_going=True)
    assert not hasattr(caught.value, "__notes__")


def test_what_an_exploration_finds_says_nothing_of_an_end_from_outside() -> None:
    """Neither several failures, nor a program that behaves differently."""

    def fails_in_two_ways() -> None:
        items = queue.SimpleQueue[type[Exception]]()
        for each in (ValueError, TypeError):
            threading.Thread(target=items.put, args=(each,)).start()
        raise items.get()

    runs = iter(range(100))

    def diverges() -> None:
        for _ in range(next(runs)):
            threading.Event().set()

    with pytest.raises(ExceptionGroup) as several:
        explore(fails_in_two_ways, keep_going=True)
    with pytest.raises(ScheduleDiverged) as diverged:
        explore(diverges)
    for each in (several.value, diverged.value):
        assert not any("so far" in note for note in getattr(each, "__notes__", []))


def test_a_replay_that_passes_says_so(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever has mended the fault reads that the schedule does not show it."""
    monkeypatch.setattr("threadsim.reporting.progress.uncaptured", [nullcontext])
    replay(written_programs.queue_join, "0")

    assert capsys.readouterr().err == "\nreplay: schedule 0 does not fail any more.\n"


CAPTURED = """
import sys

from threadsim.reporting.progress import uncaptured


def test_it(capsys):
    with uncaptured[-1]():
        sys.stderr.write("to the terminal")
    assert capsys.readouterr().err == ""
"""


@pytest.mark.parametrize(
    ("options", "shown", "passed"),
    [((), "to the terminal", 1), (("-s",), "to the terminal", 1), (("-p", "no:capture"), "", 0)],
)
def test_pytest_lets_progress_through(
    options: tuple[str, ...], shown: str, passed: int, pytester: pytest.Pytester
) -> None:
    """What a test writes is captured, but not its progress."""
    before = list(uncaptured)
    pytester.makepyfile(CAPTURED)

    result = pytester.runpytest(*options)

    result.assert_outcomes(passed=passed, errors=1 - passed)
    assert result.stderr.str() == shown
    assert uncaptured == before
