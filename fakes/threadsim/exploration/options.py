"""A program with its options, and the line that replays one of its schedules."""

import inspect
import shlex
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from operator import attrgetter
from types import ModuleType

from threadsim.exploration.runner import ScheduleRunner
from threadsim.exploration.strategies.arguments import check_bool

_DATA = ("switch", "off")


@dataclass(frozen=True)
class Options:
    """A program and its options.

    Args:
        program: As for ``explore``.
        spurious_wakeups: As for ``explore``.
        early_timeouts: As for ``explore``.
        switch_in: As for ``explore``.
        data: As for ``explore``.
        test: The id of the test that the program is, if it is one.
        given: Objects from outside that it uses, by their names.
    """

    program: Callable[[], object]
    spurious_wakeups: bool = False
    early_timeouts: bool = False
    switch_in: Sequence[Callable[..., object] | ModuleType] = ()
    data: str = "switch"
    test: str = ""
    given: Mapping[str, object] = field(default_factory=dict)

    def __post_init__(self) -> None:
        _check_callable(self.program)
        check_bool("explore(spurious_wakeups", self.spurious_wakeups)
        check_bool("explore(early_timeouts", self.early_timeouts)
        if self.data not in _DATA:
            raise ValueError(f"explore(data={self.data!r}): pass {' or '.join(map(repr, _DATA))}.")
        if isinstance(self.switch_in, str) or not isinstance(self.switch_in, Iterable):
            listed = getattr(self.switch_in, "__qualname__", self.switch_in or "")
            raise TypeError(
                f"switch_in={self.switch_in!r}: it takes functions and modules in a list. Pass "
                f"[{listed}]."
            )
        object.__setattr__(self, "switch_in", tuple(self.switch_in))  # It may end when read.

    def runner(self) -> ScheduleRunner:
        """Return a runner of its schedules."""
        return ScheduleRunner(
            self.program,
            early=self.early_timeouts,
            spurious=self.spurious_wakeups,
            given=self.given,
            data=self.data == "switch",
            switch_in=self.switch_in,
        )

    @property
    def time_and_wakeups(self) -> str:
        """In words, when time moves and threads wake up by themselves."""
        text = "time moves only when nothing can run"
        if self.early_timeouts:
            text = "waits may time out between any two steps"
        if self.spurious_wakeups:
            text += ", and each thread may wake up by itself once"
        return text

    @property
    def data_watched(self) -> str:
        """In words, whose reads and writes of data are watched."""
        watched = ["your own code"] if self.data == "switch" else []
        watched += ["the functions of switch_in"] if self.switch_in else []
        return f", and of reads and writes by {' and '.join(watched)}" if watched else ""

    def replay_line(self, schedule: str) -> str:
        """Return the line that replays a schedule.

        A program without a name in its module stands there as ``program``.
        """
        if self.test:
            return f"pytest {shlex.quote(self.test)} --replay-schedule {shlex.quote(schedule)}"
        arguments = [_name(self.program) or "program", repr(schedule)]
        flags = ("spurious_wakeups", "early_timeouts")
        arguments += [f"{flag}=True" for flag in flags if getattr(self, flag)]
        if self.data != Options.data:
            arguments.append(f"data={self.data!r}")
        names = [_name(each) for each in self.switch_in]
        if names:
            listed = f"[{', '.join(names)}]" if all(names) else "switch_in"
            arguments.append(f"switch_in={listed}")
        return f"replay({', '.join(arguments)})"


def is_asynchronous(function: object) -> bool:
    """Return whether to call a function runs nothing without an event loop."""
    return inspect.iscoroutinefunction(function) or inspect.isasyncgenfunction(function)


def _name(function: object) -> str:
    """Return the name of a function in its module; "" if it has none there."""
    name: str = getattr(function, "__qualname__", "")
    module = sys.modules.get(getattr(function, "__module__", None) or "")
    try:
        found = attrgetter(name)(module)
    except AttributeError:
        return ""
    return name if found == function else ""


def _check_callable(program: object) -> None:
    """Raise ``TypeError`` if a call of a program runs nothing, or only fails."""
    name = getattr(program, "__name__", "") or repr(program)
    if not callable(program):
        raise TypeError(f"{name} is no function. Pass what is to be run, without calling it.")
    if is_asynchronous(program) or inspect.isgeneratorfunction(program):
        raise TypeError(
            f"{name} is asynchronous or a generator: to call it runs nothing. Pass a function that "
            "is neither."
        )
    try:
        with suppress(ValueError):  # A function that is not written in Python may have none.
            inspect.signature(program).bind()
    except TypeError as error:
        raise TypeError(
            f"{name} is called without arguments, and {error}. Pass functools.partial({name}, …), "
            "or a function of its own."
        ) from None
