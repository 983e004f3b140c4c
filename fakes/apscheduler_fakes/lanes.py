"""The lane diagram: a column per thread, a row per step, virtual time at the left."""

from collections.abc import Sequence

from apscheduler_fakes.report import seconds
from apscheduler_fakes.virtual import Step, VirtualThread

RUNS, LIVES, NONE = "●", "│", " "

MOST_LANES = 24

# How wide the legend may be, in characters.
_WIDTH = 80

ALONE = "MainThread ran alone, from its beginning to its end."


def lanes(steps: Sequence[Step], last: int | None = None) -> str:
    """Draw what ran, and what each thread did next.

    Args:
        steps: A simulation's ``trace``.
        last: How many rows to draw, the last ones; ``None`` draws all.

    Returns:
        A legend, a head with the threads' numbers and a row per step, or that there was none.
    """
    if not steps:
        return ALONE
    left_out = 0 if last is None else max(len(steps) - last, 0)
    shown = steps[left_out:]
    starts: dict[VirtualThread, int] = {}
    ends: dict[VirtualThread, int] = {}
    for row, step in enumerate(steps):
        starts.setdefault(step.thread, row)
        ends[step.thread] = row if step.then == "ends" or step.fails else len(steps)
    # A thread that ended before these rows has no lane; among many only those that run have one.
    threads = [thread for thread in starts if ends[thread] >= left_out]
    if len(threads) > MOST_LANES:
        threads = list({step.thread: None for step in shown})
    threads.sort(key=lambda thread: thread.number)
    widths = [len(str(thread.number)) for thread in threads]
    rows = [_legend([f"{thread.number} {thread.name}" for thread in threads])]
    rows.append("   seconds  " + " ".join(str(thread.number) for thread in threads))
    if left_out:
        rows.append(f"            … {left_out} steps before these")
    for row, step in enumerate(shown, left_out):
        cells = [
            RUNS
            if thread is step.thread
            else LIVES
            if starts[thread] <= row <= ends[thread]
            else NONE
            for thread in threads
        ]
        drawn = " ".join(cell.ljust(width) for cell, width in zip(cells, widths, strict=True))
        rows.append(f"{seconds(step.at):>10}  {drawn}  {step.words}")
    return "\n".join(rows)


def _legend(entries: list[str]) -> str:
    """Return entries one behind the other, in as many lines as it takes."""
    lines = entries[:1]
    for entry in entries[1:]:
        if len(lines[-1]) + len(", ,") + len(entry) > _WIDTH:
            lines.append(entry)
        else:
            lines[-1] += f", {entry}"
    return ",\n".join(lines)
