"""Whether a program does the same in two runs of one schedule, and where it does not."""

import re
from collections.abc import Hashable
from functools import partial
from itertools import pairwise

from threadsim.exploration.execution import Execution, Step, is_thread
from threadsim.exploration.runner import ScheduleRunner
from threadsim.exploration.schedule_string import Replay, ScheduleDiverged, choices_of, diverged
from threadsim.reporting.frames import at_line
from threadsim.reporting.tracebacks import raised_where
from threadsim.runtime.errors import SimulationError
from threadsim.runtime.formatting import counted, seconds

_ADDRESS = re.compile(r"\b0x[0-9a-fA-F]+")


def failure_signature(error: BaseException) -> object:
    """Return what two failures with one reason share: the error's type and the line that raised."""
    text = normalised_text(error)
    if isinstance(error, SimulationError):
        return text
    # By its name: each run may make a class of its own.
    return type(error).__qualname__, raised_where(error) or text


def normalised_text(error: BaseException | None) -> str:
    """Return an error's type and text without addresses: the same in two runs of one schedule."""
    # The text of a SimulationError has stacks of threads, which may stand anywhere in a loop.
    text = "" if isinstance(error, SimulationError) else f": {error}"
    return type(error).__qualname__ + _ADDRESS.sub("0x…", text)


def rerun(runner: ScheduleRunner, execution: Execution, *, shown: bool = False) -> Execution:
    """Run a schedule again, and once more if that run differs from the first.

    The first run may have filled a cache.

    Raises:
        ScheduleDiverged: No two runs in a row are the same.
    """
    __tracebackhide__ = True
    replay = partial(Replay, choices_of(execution.steps))
    run = partial(runner.run, switch_points=execution.switch_points, shown=shown)
    second = run(replay())
    if first_divergence(execution, second) is None:
        return second
    third = run(replay())
    if (error := first_divergence(second, third)) is not None:
        raise error
    return third


def first_divergence(first: Execution, second: Execution) -> ScheduleDiverged | None:
    """Return the error of two runs of one schedule that differ; ``None`` if they do not.

    If one was cut, the steps that both have are compared.
    """
    runs = first, second
    for step, (one, other) in enumerate(zip(first.steps, second.steps, strict=False)):
        same = one.chosen == other.chosen and one.enabled == other.enabled
        if not same or one.footprint != other.footprint:
            now, then = (_taken(run, run.steps[step]) for run in runs)
            where = f"step {step} was taken by {now} in the first run, and then by {then}"
            break
    else:
        now, then = map(_end, runs)
        if first.cut or second.cut or now == then:
            return None
        step, where = len(second.steps), f"it {now}, and then {then}"
    # Steps of one thread in a row share a row of the trace.
    threads = [each.chosen for each in second.steps[: step + 1] if is_thread(each.chosen)]
    row = sum(one != other for one, other in pairwise(threads))
    return diverged(where, second.trace[: row + 1])


def _end(execution: Execution) -> str:
    """Return how a run ended, in words."""
    errors = " and ".join(map(normalised_text, execution.errors)) or "no error"
    at = seconds(execution.switches[-1][0]) if execution.switches else "0"
    return f"ended with {errors} after {counted(len(execution.steps), 'step')} at {at} s"


def _taken(execution: Execution, step: Step) -> str:
    """Return who took a step, of whom, and with what objects, in words."""
    names = ", ".join(_name(execution, key) for key in step.footprint) or "nothing"
    by = f"{execution.names_of([step.chosen])}, of {execution.names_of(step.enabled)}"
    return f"{by}, using {names}"


def _name(execution: Execution, key: Hashable) -> str:
    """Return what a key of a footprint stands for, in words."""
    if key in execution.origins:
        kind, file, line = execution.origins[key]
        return f"the {kind} made{at_line(file, line)}"
    return f"the end of {execution.names[key]}" if key in execution.names else str(key)
