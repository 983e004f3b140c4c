"""Formats numbers for texts."""

from threadsim.runtime.durations import as_seconds


def seconds(nanoseconds: int) -> str:
    """Return nanoseconds as a text in seconds with six places."""
    return f"{as_seconds(nanoseconds):.6f}"


def counted(number: int, noun: str) -> str:
    """Return a number with its noun, as "1 step" or "2,000 steps"."""
    return f"{number:,} {noun}" + ("s" if number != 1 else "")
