"""Whether a program does the same in two runs of one schedule, and where it does not."""

import re
from collections.abc import Callable, Hashable
from itertools import pairwise

from threadsim.exploration.dependence import CLOCK, EXIT, SHARED
from threadsim.exploration.execution import Execution, is_thread
from threadsim.exploration.schedule_string import DIFFERENT, LOOK, ScheduleDiverged
from threadsim.reporting.trace_diagram import draw
from threadsim.reporting.tracebacks import error_text, raised_at
from threadsim.runtime.errors import SimulationError

# How many steps are drawn up to the first divergence.
_SHOWN = 10

# Objects that no thread makes, in words.
_NAMES: dict[Hashable, str] = {
    CLOCK: "the clock",
    EXIT: "the program's end",
    SHARED: "what the functions of switch_in share",
}

_ADDRESS = re.compile(r"\b0x[0-9a-fA-F]+")


def failure_signature(error: BaseException) -> object:
    """Return what two failures with one reason share: the error's type and the line that raised."""
    place: object = None
    if not isinstance(error, SimulationError):
        place = raised_at(error) or normalised_text(error)
    return _type(error), place


def normalised_text(error: BaseException | None) -> object:
    """Return an error's type and text without addresses: the same in two runs of one schedule."""
    # The text of a SimulationError has stacks of threads, which may stand anywhere in a loop.
    text = "" if isinstance(error, SimulationError) else _ADDRESS.sub("0x…", error_text(error))
    return _type(error), text


def _type(error: BaseException | None) -> tuple[str, str]:
    """Return the name of an error's type: each run may make a class of its own."""
    return type(error).__module__, type(error).__qualname__


def fails_with(execution: Execution, signature: object) -> bool:
    """Return whether a schedule fails with an error that has a signature."""
    return any(failure_signature(error) == signature for error in execution.errors)


def run_until_equal(run: Callable[[], Execution], first: Execution | None) -> Execution:
    """Run a schedule again, and once more if that run differs from the first.

    The first run may have filled a cache.

    Raises:
        ScheduleDiverged: No two runs in a row are the same.
    """
    __tracebackhide__ = True
    second = run()
    if first is not None and not first_divergence(first, second):
        return second
    third = run()
    check_same(second, third)
    return third


def check_same(first: Execution, second: Execution) -> None:
    """Raise ``ScheduleDiverged`` if two runs of one schedule are not the same."""
    __tracebackhide__ = True
    if where := first_divergence(first, second):
        raise ScheduleDiverged(f"{DIFFERENT}: {where}")


def first_divergence(first: Execution, second: Execution) -> str:
    """Return where two runs of one schedule begin to differ, in words; "" if they do not.

    If one was cut, the steps that both have are compared.
    """
    for step in range(min(len(first.steps), len(second.steps))):
        if difference := _difference(first, second, step):
            return f"step {step}, {difference}. {LOOK}{_diagram(second, step)}"
    if first.cut or second.cut:
        return ""
    lengths = [len(first.steps), len(second.steps)]
    if lengths[0] != lengths[1]:
        return (
            f"it took {lengths[0]} steps, and then {lengths[1]}. {LOOK}"
            f"{_diagram(second, max(lengths))}"
        )
    for now, then in zip(first.trace, second.trace, strict=False):
        if now.at != then.at:
            return (
                f"{now.thread.name} {now.then} at {now.at:.6f} s, and then at "
                f"{then.at:.6f} s. {LOOK}"
            )
    if list(map(normalised_text, first.errors)) != list(map(normalised_text, second.errors)):
        return f"it {_ending(first)}, and then {_ending(second)}. {LOOK}"
    return ""


def headline(error: BaseException) -> str:
    """Return an error's type and the first line of its text."""
    text = error_text(error).partition("\n")[0]
    return type(error).__name__ + (text and f": {text}")


def _ending(execution: Execution) -> str:
    errors = " and ".join(map(headline, execution.errors))
    return f"failed with {errors}" if errors else "did not fail"


def _difference(first: Execution, second: Execution, step: int) -> str:
    """Return in what a step differs in two runs, in words; "" if it does not."""
    one, other = first.steps[step], second.steps[step]
    if (one.chosen, one.enabled) != (other.chosen, other.enabled):
        before = first.names[first.steps[step - 1].chosen]
        enabled = (
            f"{first.names_of(one.enabled)}, in the second by {second.names_of(other.enabled)}"
        )
        return f"after one of {before}, could be taken in the first run by {enabled}"
    if one.footprint != other.footprint:
        touched = _objects(first, step, other.footprint)
        touched += ", and in the second " + _objects(second, step, one.footprint)
        return f"of {first.names[one.chosen]}, used in the first run {touched}"
    return ""


def _objects(execution: Execution, step: int, other: dict[Hashable, int]) -> str:
    """Return the objects that a step touched in another way than in the other run, in words."""
    touched = execution.steps[step].footprint
    names = [_name(execution, key) for key in touched if touched[key] != other.get(key)]
    return ", ".join(names) or "nothing else"


def _name(execution: Execution, key: Hashable) -> str:
    """Return what a key of a footprint stands for, in words."""
    if isinstance(key, tuple):
        maker, number = key
        if key not in execution.origins:
            return f"{maker} (object {number})"
        kind, file, line = execution.origins[key]
        made = f"{execution.names[maker]} made at {file}:{line}"
        return f"the {kind} that {made} (its object {number})"
    if key in execution.names:
        return f"the end of {execution.names[key]}"
    return _NAMES.get(key, str(key))


def _diagram(execution: Execution, step: int) -> str:
    """Draw a run up to a step."""
    # Steps of one thread in a row share a row of the trace.
    threads = [each.chosen for each in execution.steps[: step + 1] if is_thread(each.chosen)]
    row = sum(one != other for one, other in pairwise(threads))
    return f"\n\n{draw(execution.trace[: row + 1], _SHOWN)}"
