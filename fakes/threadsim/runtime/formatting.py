"""Formats numbers and names for texts, and wraps texts."""

from functools import partial
from textwrap import wrap

from threadsim.runtime.durations import as_seconds


def seconds(nanoseconds: int) -> str:
    """Return nanoseconds as a text in seconds with six places."""
    return f"{as_seconds(nanoseconds):.6f}"


def counted(number: int, noun: str) -> str:
    """Return a number with its noun, as "1 step" or "2,000 steps"."""
    return f"{number:,} {noun}" + ("s" if number != 1 else "")


def printable(name: str) -> str:
    """Return a name on one line; characters that would control a terminal are escaped."""
    if name.isprintable():
        return name
    return "".join(each if each.isprintable() else repr(each)[1:-1] for each in name)


# For texts of words, which stay whole.
wrapped = partial(wrap, break_long_words=False, break_on_hyphens=False)
