"""Formats numbers and names for texts."""


def seconds(microseconds: int) -> str:
    """Return microseconds as a text in seconds with all six places."""
    return f"{microseconds // 1_000_000}.{microseconds % 1_000_000:06d}"


def counted(number: int, noun: str) -> str:
    """Return a number with its noun, as "1 step" or "2,000 steps"."""
    return f"{number:,} {noun}" + ("s" if number != 1 else "")


def printable(name: str) -> str:
    """Return a name on one line; characters that would control a terminal are escaped."""
    return "".join(each if each.isprintable() else repr(each)[1:-1] for each in name)
