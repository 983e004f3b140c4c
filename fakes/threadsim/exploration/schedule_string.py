"""A schedule as a short string, and back.

Only deviations are written down. Wherever more than one can go on, the default is that the running
thread does or, if it cannot, the one that has waited longest. Small letters stand for as many
defaults in a row (``a`` one, ``z`` 26), a digit for the place of who went on instead among those
that could, in brackets from 10 on. Defaults at the end are left out. ``0`` is the schedule of
defaults. A leading ``+`` stands for ``SwitchPoints.ALL``.
"""

import re
from collections.abc import Iterable

from threadsim.exploration.execution import Execution, Step, SwitchPoints
from threadsim.reporting.trace_diagram import draw
from threadsim.runtime.errors import SimulationError

_TOKEN = re.compile(r"[a-z]|[1-9]|\(([1-9][0-9]{1,5})\)")
_LONGEST = 26

# How many steps up to where a program no longer fits are shown.
_SHOWN = 20

NO_LONGER = "the program no longer fits the schedule"
_AGAIN = "Give replay() the options that explore() had; or explore again."

_ALL = "+"


class ScheduleDiverged(SimulationError):
    """The program does not do what it did under the same schedule."""


def check_whole(option: str, value: object, least: int | None = None, *, or_none: str = "") -> None:
    """Check an option of a chooser.

    Args:
        option: Its name, as "Random(schedules".
        value: What was passed.
        least: The smallest number that makes sense.
        or_none: What ``None`` stands for, if it may be passed.

    Raises:
        TypeError: It is no whole number.
        ValueError: It is too small.
    """
    if value is None and or_none:
        return
    pass_one = "pass a whole number" + ("" if least is None else f", {least} or more")
    pass_one += f", or None for {or_none}." if or_none else "."
    if isinstance(value, bool) or not isinstance(value, int):
        if callable(value):  # pytest takes a marker's only argument for what is to be marked.
            chooser = option.partition("(")[0]
            pass_one += f" A test is marked with @pytest.mark.explore({chooser}())."
        raise TypeError(f"{option}={value!r}): {pass_one}")
    if least is not None and value < least:
        raise ValueError(f"{option}={value!r}): {pass_one}")


def check_flag(option: str, value: object) -> None:
    """Check an option that is on or off.

    Args:
        option: Its name, as "Exhaustive(reduction".
        value: What was passed.

    Raises:
        TypeError: It is neither.
    """
    if not isinstance(value, bool):
        raise TypeError(f"{option}={value!r}): pass True or False.")


def choices_of(steps: Iterable[Step]) -> list[int]:
    """Return, for each step at which more than one could go on, the place of who did."""
    return [step.enabled.index(step.chosen) for step in steps if len(step.enabled) > 1]


def write(choices: Iterable[int], points: SwitchPoints) -> str:
    """Return the string of a schedule.

    Args:
        choices: As ``choices_of`` returns them.
        points: Where it can switch threads.
    """
    parts = []
    defaults = 0
    for choice in choices:
        if choice == 0:
            defaults += 1
            continue
        while defaults:
            run = min(defaults, _LONGEST)
            parts.append(chr(ord("a") + run - 1))
            defaults -= run
        parts.append(str(choice) if choice < 10 else f"({choice})")  # noqa: PLR2004  # One digit.
    return _ALL * points + ("".join(parts) or "0")


def read(schedule: str) -> tuple[list[int], SwitchPoints]:
    """Return the choices of a schedule's string, and where it switches.

    Raises:
        TypeError: It is no string.
        ValueError: It is not such a string.
    """
    if not isinstance(schedule, str):
        raise TypeError(
            f"schedule={schedule!r} is no string. Pass the one that the failure printed."
        )
    points = SwitchPoints(schedule.startswith(_ALL))
    text = schedule.removeprefix(_ALL)
    choices: list[int] = []
    position = 0
    if text == "0":
        return choices, points
    while position < len(text):
        token = _TOKEN.match(text, position)
        if token is None:
            break
        position = token.end()
        symbol = token.group()
        if symbol.isalpha():
            choices.extend([0] * (ord(symbol) - ord("a") + 1))
        else:
            choices.append(int(token.group(1) or symbol))
    if position < len(text) or not text:
        raise ValueError(
            f"{schedule!r} is no schedule: it cannot be read from character {position} on. Copy "
            "the string that the failure printed, whole."
        )
    if symbol.isalpha():
        raise ValueError(
            f"{schedule!r} is no schedule: it ends in {symbol!r}, and defaults at the end are "
            "never written. Copy the string that the failure printed, whole."
        )
    return choices, points


class Replay:
    """The chooser that follows a schedule's choices and then the defaults.

    Args:
        choices: As ``read`` returns them.
    """

    def __init__(self, choices: list[int]) -> None:
        self._choices = choices
        self._next = 0
        self._enabled: tuple[int, ...] | None = None  # When the schedule names none of them.

    def choose(self, enabled: tuple[int, ...], current: int, steps: list[Step]) -> int:  # noqa: ARG002
        """Return who goes on; see ``Chooser``."""
        if len(enabled) == 1 or self._next >= len(self._choices):
            return enabled[0]
        choice = self._choices[self._next]
        self._next += 1
        if choice >= len(enabled):
            self._enabled = enabled
            raise ScheduleDiverged(NO_LONGER)
        return enabled[choice]

    def check_fits(self, ran: Execution) -> None:
        """Check that a program did what the schedule says.

        Args:
            ran: How it ran under this chooser.

        Raises:
            ScheduleDiverged: The schedule names one who could not run, or goes on at its end.
        """
        __tracebackhide__ = True
        step, before = len(ran.steps), ran.names[ran.steps[-1].chosen]
        if self._enabled is not None:
            what = (
                f"at step {step}, after one of {before}, it names number "
                f"{self._choices[self._next - 1] + 1} of those that can run, and there are "
                f"{len(self._enabled)}: {ran.names_of(self._enabled)}"
            )
        elif self._next < len(self._choices):
            what = (
                f"it ended with step {step - 1}, of {before}, after {self._next} of its "
                f"{len(self._choices)} choices"
            )
        else:
            return
        raise ScheduleDiverged(f"{NO_LONGER}: {what}. {_AGAIN}\n\n{draw(ran.trace, _SHOWN)}")
