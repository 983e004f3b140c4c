"""Shortens the tracebacks of errors, and finds the line of the program that raised one."""

from traceback import walk_tb

from threadsim.reporting.frames import at_line, can_wait
from threadsim.runtime.own_code import is_of_program, is_own, shows_errors

# The functions that catch the error of a test in order to show it.
_SHOWING = {("_pytest.runner", "from_call"), ("unittest.case", "testPartExecutor")}


def is_shown(error: BaseException) -> bool:
    """Return whether a test runner caught an error, and shows it."""
    if error.__traceback__ is None:
        return False
    catcher = error.__traceback__.tb_frame
    known = (catcher.f_globals.get("__name__"), catcher.f_code.co_name)
    return catcher.f_code in shows_errors or known in _SHOWING


def shorten(error: BaseException) -> None:
    """Leave the simulation's own frames out of an error's traceback.

    The traceback of a report or a signal ends at the line of the program that waits.
    """
    kept = []
    traceback = error.__traceback__
    while traceback is not None:
        if not is_own(traceback.tb_frame):
            kept.append(traceback)
        traceback = traceback.tb_next
    if not isinstance(error, Exception):
        while len(kept) > 1 and can_wait(kept[-1].tb_frame):
            kept.pop()
    for each in reversed(kept):
        each.tb_next = traceback
        traceback = each
    error.__traceback__ = traceback


def raised_place(error: BaseException) -> tuple[str, int] | None:
    """Return the file and line of the program that raised an error; ``None`` if none did."""
    places = [
        (frame.f_code.co_filename, line)
        for frame, line in walk_tb(error.__traceback__)
        if is_of_program(frame.f_code.co_filename)
    ]
    return places[-1] if places else None


def raised_where(error: BaseException) -> str:
    """Return the line of the program that raised an error, as the trace diagram shows it, or ""."""
    place = raised_place(error)
    return at_line(*place) if place else ""


def headline(error: BaseException) -> str:
    """Return an error's type and the first line of its text."""
    text = str(error).partition("\n")[0]
    return type(error).__name__ + (text and f": {text}")
