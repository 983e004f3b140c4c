"""What workers of the tests' clusters run; they import it by its name."""

import os
import threading
import time
from pathlib import Path
from typing import Any

import flask


class Untaught(Exception):
    """It can be pickled, and not be read again."""

    def __init__(self, one: str, two: str) -> None:
        super().__init__(one + two)


def note(folder: str, number: int, seconds: float = 0) -> tuple[int, int]:
    """Note that the job has run, and where; take some time."""
    (Path(folder) / f"{number}-{time.monotonic_ns()}").write_text(str(os.getpid()))
    time.sleep(seconds)
    return number, os.getpid()


def fail(text: str) -> None:
    """Raise."""
    raise ValueError(text)


def fail_at_first(folder: str) -> int:
    """Raise, but for the third time."""
    times = len(list(Path(folder).iterdir()))
    note(folder, times)
    if times < 2:
        raise ValueError(times)
    return times


def give_a_lock() -> Any:
    """Return what cannot be pickled."""
    return threading.Lock()


def fail_untaught() -> None:
    """Raise what cannot be read."""
    raise Untaught("a", "b")


def read_the_app() -> str:
    """Ask for the application context, which is in another process."""
    return flask.current_app.name
