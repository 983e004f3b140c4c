"""A program with its options, and the line that replays one of its schedules."""

import inspect
import shlex
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from operator import attrgetter
from types import ModuleType

from threadsim.exploration.strategies.arguments import check_bool

# The values of options that are words.
_WORDS = {"data": ("switch", "report", "off"), "races": ("allow", "fail")}

# More modules are left out of a claim.
_MOST_MODULES = 6


@dataclass(frozen=True)
class Options:
    """A program and its options.

    Args:
        program: As for ``explore``.
        spurious_wakeups: As for ``explore``.
        early_timeouts: As for ``explore``.
        switch_in: As for ``explore``.
        data: As for ``explore``.
        races: As for ``explore``.
        allowed_races: As for ``explore``.
        test: The id of the test that the program is, if it is one.
        given: Objects from outside that it uses, by their names.
    """

    program: Callable[[], object]
    spurious_wakeups: bool = False
    early_timeouts: bool = False
    switch_in: Sequence[Callable[..., object] | ModuleType] = ()
    data: str = "switch"
    races: str = "allow"
    allowed_races: Sequence[str] = ()
    test: str = ""
    given: Mapping[str, object] = field(default_factory=dict)

    def __post_init__(self) -> None:
        _check_callable(self.program)
        check_bool("explore(spurious_wakeups", self.spurious_wakeups)
        check_bool("explore(early_timeouts", self.early_timeouts)
        for name, words in _WORDS.items():
            if (word := getattr(self, name)) not in words:
                raise ValueError(f"explore({name}={word!r}): pass {' or '.join(map(repr, words))}.")
        if self.races == "fail" and self.data == "off":
            raise ValueError("explore(races='fail'): data='off' finds no races. Leave data out.")
        for name in ("switch_in", "allowed_races"):
            value = getattr(self, name)
            if isinstance(value, str) or not isinstance(value, Iterable):
                listed = getattr(value, "__qualname__", value or "")
                raise TypeError(f"{name}={value!r}: it takes a list. Pass [{listed}].")
            object.__setattr__(self, name, tuple(value))  # It may end when read.

    def covered(self, modules: Sequence[str]) -> str:
        """Return in words what was tried.

        Args:
            modules: The names of the modules whose data was watched.
        """
        shown = [*modules[:_MOST_MODULES]]
        shown += [f"{len(modules) - len(shown)} more"] if len(modules) > len(shown) else []
        shown += ["the functions of switch_in"] if self.switch_in else []
        data = f", and at reads and writes in {', '.join(shown)}" if shown else ""
        if data and self.data == "report":
            data = f"; races are reported of reads and writes in {', '.join(shown)}"
        return f"threads switch at operations on locks and the like{data}; {self._time_and_wakeups}"

    @property
    def _time_and_wakeups(self) -> str:
        text = "time moves only when nothing can run"
        if self.early_timeouts:
            text = "waits may time out between any two steps"
        if self.spurious_wakeups:
            text += ", and each thread may wake up by itself once"
        return text

    def replay_line(self, schedule: str) -> str:
        """Return the line that replays a schedule.

        A program without a name in its module stands there as ``program``.
        """
        if self.test:
            return f"pytest {shlex.quote(self.test)} --replay-schedule {shlex.quote(schedule)}"
        arguments = [_name(self.program) or "program", repr(schedule)]
        flags = ("spurious_wakeups", "early_timeouts")
        arguments += [f"{flag}=True" for flag in flags if getattr(self, flag)]
        changed = [name for name in _WORDS if getattr(self, name) != getattr(Options, name)]
        arguments += [f"{name}={getattr(self, name)!r}" for name in changed]
        if self.allowed_races:
            arguments.append(f"allowed_races={[*self.allowed_races]}")
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
