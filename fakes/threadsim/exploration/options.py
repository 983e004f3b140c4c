"""A program, how its schedules are made, and the line that runs one of them again."""

import inspect
import shlex
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from operator import attrgetter
from types import FunctionType, ModuleType

from threadsim.exploration.runner import ScheduleRunner
from threadsim.exploration.schedule_string import check_flag


@dataclass(frozen=True)
class Options:
    """A program and how its schedules are made.

    Args:
        program: As for ``explore``.
        spurious_wakeups: As for ``explore``.
        early_timeouts: As for ``explore``.
        switch_in: As for ``explore``.
        test: The id of the test that the program is, if it is one.
        given: Objects from outside that it uses, by their names.
    """

    program: Callable[[], object]
    spurious_wakeups: bool = False
    early_timeouts: bool = False
    switch_in: Sequence[Callable[..., object] | ModuleType] = ()
    test: str = ""
    given: Mapping[str, object] = field(default_factory=dict)

    def __post_init__(self) -> None:
        _check_callable(self.program)
        check_flag("explore(spurious_wakeups", self.spurious_wakeups)
        check_flag("explore(early_timeouts", self.early_timeouts)
        if isinstance(self.switch_in, str) or not isinstance(self.switch_in, Iterable):
            listed = getattr(self.switch_in, "__qualname__", self.switch_in or "")
            raise TypeError(
                f"switch_in={self.switch_in!r}: it takes functions and modules in a list. Pass "
                f"[{listed}]."
            )
        object.__setattr__(self, "switch_in", tuple(self.switch_in))  # It may end when read.

    def world(self) -> ScheduleRunner:
        """Return the world to run it in."""
        return ScheduleRunner(
            self.program,
            early=self.early_timeouts,
            spurious=self.spurious_wakeups,
            given=self.given,
        )

    @property
    def by_itself(self) -> str:
        """In words, what may happen that no thread does."""
        if self.early_timeouts:
            what = "waits may time out between any two steps"
        else:
            what = "time moves only when nothing can run"
        if self.spurious_wakeups:
            what += ", and each thread may wake up by itself once"
        return what

    def line(self, schedule: str) -> str:
        """Return the line that runs a schedule again, and what to put for names that are not."""
        if self.test:
            return f"pytest {shlex.quote(self.test)} --replay-schedule {shlex.quote(schedule)}"
        given = []  # What has no name that holds wherever its module's names do.
        program = _name(self.program)
        if not program:
            named = isinstance(self.program, FunctionType) and self.program.__name__ != "<lambda>"
            program = self.program.__name__ if named else "program"
            kind = getattr(self.program, "__qualname__", type(self.program).__qualname__)
            given.append(f"{program}: the {kind} that explore() was given")
        parts = [
            f", {name}=True"
            for name in ("spurious_wakeups", "early_timeouts")
            if getattr(self, name)
        ]
        if self.switch_in:
            names = [_name(each) for each in self.switch_in]
            if all(names):
                parts.append(f", switch_in=[{', '.join(names)}]")
                if any(isinstance(each, ModuleType) for each in self.switch_in):
                    given.append("import sys")
            else:
                parts.append(", switch_in=switch_in")
                given.append("switch_in: the list that explore() was given")
        where = f"  # {'; '.join(given)}" if given else ""
        return f"replay({program}, {schedule!r}{''.join(parts)}){where}"


def is_asynchronous(function: object) -> bool:
    """Return whether to call a function runs nothing without an event loop."""
    return inspect.iscoroutinefunction(function) or inspect.isasyncgenfunction(function)


def _name(thing: object) -> str:
    """Return how a thing is called wherever its module's names are known; "" if it is not."""
    if isinstance(thing, ModuleType):
        # Not its name alone: a script's is "__main__", and `from a import b` makes no "a.b".
        loaded = sys.modules.get(thing.__name__) is thing
        return f"sys.modules[{thing.__name__!r}]" if loaded else ""
    name: str = getattr(thing, "__qualname__", "")
    module = sys.modules.get(getattr(thing, "__module__", None) or "")
    try:
        found = attrgetter(name)(module)
    except AttributeError:
        return ""
    return name if found == thing else ""


def _check_callable(program: object) -> None:
    """Raise ``TypeError`` if a program would do nothing, or nothing but fail, when it is called."""
    name = getattr(program, "__name__", "") or repr(program)
    if not callable(program):
        raise TypeError(f"{name} is no function. Pass what is to be run, without calling it.")
    if is_asynchronous(program) or inspect.isgeneratorfunction(program):
        raise TypeError(
            f"{name} is asynchronous or a generator: to call it runs nothing. Pass a function that "
            "is neither."
        )
    try:
        inspect.signature(program).bind()
    except ValueError:  # A function that is not written in Python may tell nothing.
        pass
    except TypeError as error:
        raise TypeError(
            f"{name} is called without arguments, and {error}. Pass functools.partial({name}, …), "
            "or a function of its own."
        ) from None
