"""The trace diagram: a lane per thread, a row per step, virtual time at the left."""

from collections.abc import Sequence
from shutil import get_terminal_size

from threadsim.reporting.progress import uncaptured
from threadsim.reporting.trace import TraceEntry
from threadsim.runtime.formatting import wrapped
from threadsim.runtime.virtual_thread import VirtualThread

RUNS, LIVES, NONE = "●", "│", " "

# The widest line, and how far pytest indents it. A narrower terminal makes lines shorter.
_WIDEST, _INDENT = 120, 4

# The widths of the time, of the gap behind the lanes, and the least width of the words.
_TIME, _GAP, _WORDS = 12, 2, 24

_ALONE = "MainThread ran alone, from its beginning to its end."


def draw(steps: Sequence[TraceEntry], last: int | None = None) -> str:
    """Return the diagram of a simulation's ``trace``.

    Args:
        steps: The trace.
        last: The number of rows to draw, the last ones; ``None`` draws all.
    """
    if not steps:
        return _ALONE
    left_out = 0 if last is None else max(len(steps) - last, 0)
    shown = steps[left_out:]
    starts: dict[VirtualThread, int] = {}
    ends: dict[VirtualThread, int] = {}
    for row, step in enumerate(steps):
        starts.setdefault(step.thread, row)
        ends[step.thread] = row if step.then == "ends" or step.fails else len(steps)
    width = _width()
    # A thread that ended before these rows has no lane. If there are too many lanes, only the
    # threads that run in these rows have one.
    threads = [thread for thread in starts if ends[thread] >= left_out]
    if _TIME + len(_numbers(threads)) + _GAP + _WORDS > width:
        threads = list({step.thread: None for step in shown})
    threads.sort(key=lambda thread: thread.number)
    numbers = _numbers(threads)
    # Names stay whole: a blank within one is no place to wrap the legend.
    legend = [f"{thread.number} {thread.name}".replace(" ", "\xa0") for thread in threads]
    rows = [line.replace("\xa0", " ") for line in wrapped(", ".join(legend), width)]
    rows.append(f"   seconds  {numbers}")
    if left_out:
        rows.append(f"            … {left_out} steps before these")
    room = max(width - _TIME - len(numbers) - _GAP, _WORDS)
    for row, step in enumerate(shown, left_out):
        marks = {thread: LIVES for thread in threads if starts[thread] <= row <= ends[thread]}
        marks[step.thread] = RUNS
        first, *more = wrapped(step.words, room, rest="  ")
        rows.append(f"{step.at:>10.6f}  {_cells(threads, marks)}  {first}")
        marks[step.thread] = LIVES if row < ends[step.thread] else NONE
        rows += [f"{'':10}  {_cells(threads, marks)}  {line}" for line in more]
    return "\n".join(rows)


def _width() -> int:
    with uncaptured[-1]():  # Within pytest's capture there is no terminal.
        return min(get_terminal_size().columns, _WIDEST) - _INDENT


def _numbers(threads: list[VirtualThread]) -> str:
    return " ".join(str(thread.number) for thread in threads)


def _cells(threads: list[VirtualThread], marks: dict[VirtualThread, str]) -> str:
    return " ".join(marks.get(each, NONE).ljust(len(str(each.number))) for each in threads)
