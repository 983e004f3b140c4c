"""The trace diagram: a lane per thread, a row per step, virtual time at the left."""

from collections.abc import Iterable, Sequence
from shutil import get_terminal_size

from threadsim.reporting.progress import uncaptured
from threadsim.reporting.trace import TraceEntry
from threadsim.reporting.waits import HELD_BY
from threadsim.runtime.formatting import counted, wrapped
from threadsim.runtime.virtual_thread import VirtualThread

RUNS, LIVES, NONE = "●", "│", " "

# The widest line, and how far pytest indents it. A narrower terminal makes lines shorter.
_WIDEST, _INDENT = 120, 4

# The widths of the time, of the gap behind the lanes, and the least width of the words.
_TIME, _GAP, _WORDS = 12, 2, 24

# More lanes than these show only the threads that the failure is about.
_MOST_LANES = 8

_ALONE = "MainThread ran alone, from its beginning to its end."


def draw(
    steps: Sequence[TraceEntry],
    last: int | None = None,
    threads: Iterable[VirtualThread] = (),
) -> str:
    """Return the diagram of a simulation's ``trace``.

    Args:
        steps: The trace.
        last: The number of rows to draw, the last ones; ``None`` draws all.
        threads: All threads, also those that never had a turn.
    """
    if not steps:
        return _ALONE
    idle = {each.name for each in threads} - {step.thread.name for step in steps}
    others = _beside_the_failure(steps)
    steps = [step for step in steps if step.thread not in others]
    left_out = 0 if last is None else max(len(steps) - last, 0)
    shown = steps[left_out:]
    starts: dict[VirtualThread, int] = {}
    ends: dict[VirtualThread, int] = {}
    for row, step in enumerate(steps):
        starts.setdefault(step.thread, row)
        ends[step.thread] = row if step.ends else len(steps)
    width = _width()
    # A thread that ended before these rows has no lane. If there are too many lanes, only the
    # threads that run in these rows have one.
    lanes = [thread for thread in starts if ends[thread] >= left_out]
    if _TIME + len(_numbers(lanes)) + _GAP + _WORDS > width:
        lanes = list({step.thread: None for step in shown})
    lanes.sort(key=lambda thread: thread.number)
    numbers = _numbers(lanes)
    # Names stay whole: a blank within one is no place to wrap the legend.
    legend = [f"{thread.number} {thread.name}" for thread in lanes]
    if others:
        legend.append(f"and {counted(len(others), 'thread')} that the failure does not wait for")
    if idle:
        legend.append(f"never ran: {', '.join(sorted(idle))}")
    legend = [each.replace(" ", "\xa0") for each in legend]
    rows = [line.replace("\xa0", " ") for line in wrapped(", ".join(legend), width)]
    rows.append(f"   seconds  {numbers}")
    if left_out:
        rows.append(f"            … {left_out} steps before these")
    room = max(width - _TIME - len(numbers) - _GAP, _WORDS)
    for row, step in enumerate(shown, left_out):
        marks = {thread: LIVES for thread in lanes if starts[thread] <= row <= ends[thread]}
        marks[step.thread] = RUNS
        first, *more = wrapped(step.words, room, subsequent_indent="  ")
        rows.append(f"{step.at:>10.6f}  {_cells(lanes, marks)}  {first}")
        marks[step.thread] = LIVES if row < ends[step.thread] else NONE
        rows += [f"{'':10}  {_cells(lanes, marks)}  {line}" for line in more]
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


def _width() -> int:
    with uncaptured[-1]():  # Within pytest's capture there is no terminal.
        return min(get_terminal_size().columns, _WIDEST) - _INDENT


def _numbers(threads: list[VirtualThread]) -> str:
    return " ".join(str(thread.number) for thread in threads)


def _cells(threads: list[VirtualThread], marks: dict[VirtualThread, str]) -> str:
    return " ".join(marks.get(each, NONE).ljust(len(str(each.number))) for each in threads)
