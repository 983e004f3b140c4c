"""Checks the arguments of strategies and of ``explore``."""


def check_int(name: str, value: object, least: int | None = None, *, or_none: str = "") -> None:
    """Check an argument that is an int.

    Args:
        name: Its name, as "Random(schedules".
        value: Its value.
        least: The smallest number that it may be.
        or_none: What ``None`` stands for, if it may be passed.

    Raises:
        TypeError: It is no int.
        ValueError: It is too small.
    """
    if value is None and or_none:
        return
    remedy = "pass a whole number" + ("" if least is None else f", {least} or more")
    remedy += f", or None for {or_none}." if or_none else "."
    if isinstance(value, bool) or not isinstance(value, int):
        if callable(value):  # pytest passes the marked function as a marker's only argument.
            remedy += f" A test is marked with @pytest.mark.explore({name.partition('(')[0]}())."
        raise TypeError(f"{name}={value!r}): {remedy}")
    if least is not None and value < least:
        raise ValueError(f"{name}={value!r}): {remedy}")


def check_bool(name: str, value: object) -> None:
    """Raise ``TypeError`` if an argument, as "Exhaustive(reduction", is no bool."""
    if not isinstance(value, bool):
        raise TypeError(f"{name}={value!r}): pass True or False.")
