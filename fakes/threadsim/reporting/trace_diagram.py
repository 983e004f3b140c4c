"""The trace diagram: a lane per thread, a row per step, virtual time at the left."""

from collections.abc import Iterable, Sequence

from threadsim.reporting.trace import TraceEntry
from threadsim.reporting.waits import HELD_BY
from threadsim.runtime.formatting import counted
from threadsim.runtime.virtual_thread import VirtualThread

RUNS, LIVES, NONE = "●", "│", " "

# More threads than these fold to those that the failure is about.
_MOST_LANES = 8


def draw(
    steps: Sequence[TraceEntry],
    last: int | None = None,
    threads: Iterable[VirtualThread] = (),
) -> str:
    """Return the diagram of a simulation's ``trace``. The threads that run in it have lanes.

    Args:
        steps: The trace.
        last: The number of rows to draw, the last ones; ``None`` draws all.
        threads: All threads, also those that never had a turn.
    """
    if not steps:
        return "MainThread ran alone, from its beginning to its end."
    idle = {each.name for each in threads} - {step.thread.name for step in steps}
    others = _beside_the_failure(steps)
    steps = [step for step in steps if step.thread not in others]
    left_out = 0 if last is None else max(len(steps) - last, 0)
    starts = {step.thread: row for row, step in reversed([*enumerate(steps)])}
    ends = {step.thread: row if step.ends else len(steps) for row, step in enumerate(steps)}
    lanes = sorted({step.thread for step in steps[left_out:]}, key=lambda each: each.number)
    legend = [f"{thread.number} {thread.name}" for thread in lanes]
    if others:
        legend.append(f"and {counted(len(others), 'thread')} that the failure does not wait for")
    if idle:
        legend.append(f"never ran: {', '.join(sorted(idle))}")
    rows = [", ".join(legend), f"   seconds  {' '.join(str(each.number) for each in lanes)}"]
    if left_out:
        rows.append(f"            … {left_out} steps before these")
    for row, step in enumerate(steps[left_out:], left_out):
        cells = [
            (RUNS if each is step.thread else LIVES if starts[each] <= row <= ends[each] else NONE)
            + " " * (len(str(each.number)) - 1)
            for each in lanes
        ]
        rows.append(f"{step.at:>10.6f}  {' '.join(cells)}  {step.words}")
    return "\n".join(rows)


def _beside_the_failure(steps: Sequence[TraceEntry]) -> set[VirtualThread]:
    """Return the threads to leave out if there are many: those without a part in the failure."""
    ends = {step.thread: step for step in steps}
    if len(ends) <= _MOST_LANES:
        return set()
    about = [step for step in ends.values() if HELD_BY in step.then]
    texts = " ".join(step.then for step in about)
    part = {step.thread for step in about} | {each for each in ends if each.name in texts}
    return {each for each in ends if each not in part and each.number} if about else set()
