"""Whether a program does the same under the same schedule, and where it does not."""

import re
from collections.abc import Callable, Hashable
from itertools import pairwise

from threadsim.exploration.dependence import CLOCK, EXIT, SHARED
from threadsim.exploration.execution import Execution, is_thread
from threadsim.exploration.schedule_string import ScheduleDiverged
from threadsim.exploration.strategies.exhaustive import LOOK
from threadsim.reporting.trace_diagram import draw
from threadsim.reporting.tracebacks import error_text, raised_at
from threadsim.runtime.errors import SimulationError

DIFFERENT = "the program behaves differently under the same schedule"

# How many steps up to where two runs part are shown of each.
_SHOWN = 10

# What is not made by any thread, in words.
_NAMES: dict[Hashable, str] = {
    CLOCK: "the clock",
    EXIT: "the program's end",
    SHARED: "what the functions of switch_in share",
}

_ADDRESS = re.compile(r"\b0x[0-9a-fA-F]+")


def kind(error: BaseException) -> object:
    """Return what makes two failures one fault: their type, and the program's line that raised.

    Their texts may say what was different each time.
    """
    place: object = None
    if not isinstance(error, SimulationError):
        place = raised_at(error) or wording(error)
    return _type(error), place


def wording(error: BaseException | None) -> object:
    """Return what is the same in two runs of one schedule: addresses are no part of it."""
    # A report of the simulation has the stacks of all threads, each of them somewhere in a loop.
    text = "" if isinstance(error, SimulationError) else _ADDRESS.sub("0x…", error_text(error))
    return _type(error), text


def _type(error: BaseException | None) -> tuple[str, str]:
    """Return the name of an error's type: each run may make a class of its own."""
    return type(error).__module__, type(error).__qualname__


def has(ran: Execution, fault: object) -> bool:
    """Return whether a schedule fails with an error of a kind."""
    return any(kind(error) == fault for error in ran.errors)


def repeated(run: Callable[[], Execution], first: Execution | None) -> Execution:
    """Run a schedule again and return how that went.

    Once, what a run has filled for good, as a cache, may tell it from the next one.

    Args:
        run: Runs it.
        first: How it went before; ``None`` when that is not known.

    Raises:
        ScheduleDiverged: No two runs in a row are the same.
    """
    __tracebackhide__ = True
    second = run()
    if first is not None and not parting(first, second):
        return second
    third = run()
    check_same(second, third)
    return third


def check_same(first: Execution, second: Execution) -> None:
    """Raise ``ScheduleDiverged`` if two runs of one schedule are not the same."""
    __tracebackhide__ = True
    if where := parting(first, second):
        raise ScheduleDiverged(f"{DIFFERENT}: {where}")


def parting(first: Execution, second: Execution) -> str:
    """Return where two runs of one schedule part, in words; "" if they do not.

    They are compared as far as both went, if one was cut short.
    """
    for step, (one, other) in enumerate(zip(first.steps, second.steps, strict=False)):
        if (one.chosen, one.enabled, one.footprint) != (
            other.chosen,
            other.enabled,
            other.footprint,
        ):
            return f"{_different(first, second, step)}. {LOOK}{_way(first, second, step)}"
    if first.cut or second.cut:
        return ""
    if len(first.steps) != len(second.steps):
        longest = max(len(first.steps), len(second.steps))
        return (
            f"it took {len(first.steps)} steps, and then {len(second.steps)}. {LOOK}"
            f"{_way(first, second, longest)}"
        )
    for now, then in zip(first.trace, second.trace, strict=False):
        if now.at != then.at:
            return (
                f"{now.thread.name} {now.then} at {now.at:.6f} s, and then at "
                f"{then.at:.6f} s. {LOOK}"
            )
    if [wording(each) for each in first.errors] != [wording(each) for each in second.errors]:
        return f"it {_ending(first)}, and then {_ending(second)}. {LOOK}"
    return ""


def headline(error: BaseException) -> str:
    """Return an error's kind and the first line of its text."""
    text = error_text(error).partition("\n")[0]
    return type(error).__name__ + (text and f": {text}")


def _ending(ran: Execution) -> str:
    errors = " and ".join(map(headline, ran.errors))
    return f"failed with {errors}" if errors else "did not fail"


def _different(first: Execution, second: Execution, step: int) -> str:
    """Say what is different about a step."""
    one, other = first.steps[step], second.steps[step]
    if (one.chosen, one.enabled) != (other.chosen, other.enabled):
        before = first.names[first.steps[step - 1].chosen]
        return (
            f"step {step}, after one of {before}, could be taken by {first.names_of(one.enabled)}, "
            f"and then by {second.names_of(other.enabled)}"
        )
    touched = [
        ", ".join(_thing(ran, key) for key in mine if mine[key] != theirs.get(key))
        for ran, mine, theirs in (
            (first, one.footprint, other.footprint),
            (second, other.footprint, one.footprint),
        )
    ]
    what = f"{touched[0]}, and then {touched[1]}"
    if not all(touched):
        what = (
            f"{touched[0]} the first time only"
            if touched[0]
            else f"{touched[1]} the second time only"
        )
    return f"step {step}, of {first.names[one.chosen]}, touched {what}"


def _thing(ran: Execution, key: Hashable) -> str:
    """Return what a footprint's key stands for: objects are named after who made them."""
    if isinstance(key, tuple):
        maker, number = key
        if key not in ran.origins:
            return f"{maker} (object {number})"
        kind, file, line = ran.origins[key]
        return f"the {kind} that {ran.names[maker]} made at {file}:{line} (its object {number})"
    if key in ran.names:
        return f"the end of {ran.names[key]}"
    return _NAMES.get(key, str(key))


def _way(first: Execution, second: Execution, step: int) -> str:
    """Draw two runs up to a step, or one of them where they look alike, to be set below a text."""
    drawn = [draw(ran.trace[: _row(ran, step) + 1], _SHOWN) for ran in (first, second)]
    if drawn[0] == drawn[1]:
        return f"\n\n{drawn[0]}"
    return f"\n\nthe first time:\n{drawn[0]}\n\nthe second time:\n{drawn[1]}"


def _row(ran: Execution, step: int) -> int:
    """Return the row of the trace in which a step is: those of one thread in a row share it."""
    who = [each.chosen for each in ran.steps[: step + 1] if is_thread(each.chosen)]
    return sum(one != other for one, other in pairwise(who))
