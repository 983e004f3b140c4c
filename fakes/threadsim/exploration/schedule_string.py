"""A schedule as a short string, and back; and the chooser that replays it.

The string holds only choices that differ from the default. The default is the running thread, or
the thread that has waited longest if the running one cannot go on. A small letter stands for a
number of defaults in a row (``a`` one, ``z`` 26). A number stands for another choice: its place
among the threads that can run, in brackets from 10 on. Defaults at the end are left out. ``0`` is
the schedule of defaults. A leading ``+`` stands for ``SwitchPoints.every``. Behind an ``@`` stand
the kinds of data before whose reads and writes threads are switched.
"""

import re
from collections.abc import Iterable, Sequence
from string import ascii_lowercase
from urllib.parse import quote, unquote

from threadsim.exploration.execution import Execution, Step, SwitchPoints
from threadsim.reporting.trace import TraceEntry
from threadsim.reporting.trace_diagram import draw
from threadsim.runtime.errors import SimulationError

_ALL = "+"
_PLAIN = ":<>@/"  # What stands for itself in the name of a kind, beside letters and the like.
_CHOICE = r"[1-9]|\([1-9][0-9]{1,5}\)"
_SCHEDULE = re.compile(rf"0|([a-z]*({_CHOICE}))+")

# How many steps are shown up to the one at which a program diverges.
_SHOWN = 10


class ScheduleDiverged(SimulationError):
    """The program behaves differently under the same schedule."""

    __module__ = "threadsim"


def diverged(where: str, trace: Sequence[TraceEntry]) -> ScheduleDiverged:
    """Return the error of a program that has another step, with the trace up to there."""
    return ScheduleDiverged(
        f"the program behaves differently under the same schedule: {where}. Look for its own "
        "random numbers, real time, objects ordered by their address, and what is kept from one "
        f"run to the next.\n\n{draw(trace, _SHOWN)}"
    )


def choices_of(steps: Iterable[Step]) -> list[int]:
    """Return the place of the chosen thread at each step at which several could run."""
    return [step.enabled.index(step.chosen) for step in steps if len(step.enabled) > 1]


def write(choices: Iterable[int], switch_points: SwitchPoints) -> str:
    """Return the string of a schedule's choices and switch points."""
    text, defaults = "", 0
    for choice in choices:
        if choice == 0:
            defaults += 1
            continue
        letters, rest = divmod(defaults, len(ascii_lowercase))
        text += "z" * letters + ascii_lowercase[rest - 1 : rest]
        text += str(choice) if choice < 10 else f"({choice})"  # noqa: PLR2004  # One digit.
        defaults = 0
    kinds = ",".join(quote(kind, _PLAIN) for kind in sorted(switch_points.data))
    return _ALL * switch_points.every + (text or "0") + (kinds and f"@{kinds}")


def read(schedule: str) -> tuple[list[int], SwitchPoints]:
    """Return the choices and switch points of a schedule's string.

    Raises:
        ValueError: It has not the form of a string that ``write`` returns.
    """
    text, _, kinds = str(schedule).partition("@")
    if not isinstance(schedule, str) or not _SCHEDULE.fullmatch(text.removeprefix(_ALL)):
        raise ValueError(
            f"{schedule!r} is no schedule. Copy the string that the failure printed, whole."
        )
    choices: list[int] = []
    for token in re.findall(rf"[a-z]|{_CHOICE}", text):
        letter = token.isalpha()
        choices += [0] * (ascii_lowercase.index(token) + 1) if letter else [int(token.strip("()"))]
    data = frozenset(unquote(kind) for kind in kinds.split(",") if kind)
    return choices, SwitchPoints(text.startswith(_ALL), data)


class Replay:
    """The chooser that follows a schedule's choices, and then the defaults.

    Args:
        choices: As ``read`` returns them.
    """

    def __init__(self, choices: list[int]) -> None:
        self._choices = choices
        self._next = 0

    def __call__(self, enabled: tuple[int, ...], current: int, steps: list[Step]) -> int:  # noqa: ARG002
        """Return the next thread; see ``Chooser``."""
        if len(enabled) == 1 or self._next >= len(self._choices):
            return enabled[0]
        choice = self._choices[self._next]
        if choice >= len(enabled):
            raise ScheduleDiverged("the program no longer fits the schedule")
        self._next += 1
        return enabled[choice]

    def check_fits(self, execution: Execution) -> None:
        """Raise ``ScheduleDiverged`` if a program that ran under this chooser did not fit."""
        __tracebackhide__ = True
        if self._next < len(self._choices):
            raise ScheduleDiverged(
                f"the program no longer fits the schedule: in {len(execution.steps)} steps it made "
                f"{self._next} of its {len(self._choices)} choices. Give replay() the options that "
                f"explore() had; or explore again.\n\n{draw(execution.trace, _SHOWN)}"
            )
