"""The thread table of a failure: every thread, what it waits for, and where."""

import sys
import threading
from itertools import chain, groupby
from textwrap import indent
from traceback import FrameSummary, format_list
from types import FrameType

from threadsim.reporting.frames import can_wait, program_frames
from threadsim.reporting.tracebacks import raised_where
from threadsim.reporting.waits import HELD_BY, wait_site, wait_text, with_name
from threadsim.runtime.formatting import seconds
from threadsim.runtime.kernel import Kernel
from threadsim.runtime.own_code import is_of_program
from threadsim.runtime.virtual_thread import VirtualThread

# How many frames of a stack are shown, the innermost ones.
MOST_FRAMES = 12


def thread_table(kernel: Kernel, runs: str = "is still running") -> str:
    """Return a text with every living thread of a simulation, in the order of their starts.

    Threads that do the same in the same place, such as a pool's idle workers, share an entry.
    The threads that crashed stand below.

    Args:
        kernel: The threads' kernel.
        runs: What the running thread does if it does not wait.
    """
    entries: dict[tuple[str, str], list[str]] = {}
    for thread in list(kernel.threads.values()):  # Another thread may ask while threads start.
        daemon = " (daemon)" if thread.daemon else ""
        doing = _doing(kernel, thread, runs if thread is kernel.running else "can run")
        entries.setdefault((daemon, doing), []).append(thread.name)
    lines = [
        f"  {', '.join(names)}{daemon}{': each' if len(names) > 1 else ''} {doing}"
        for (daemon, doing), names in entries.items()
    ]
    return "\n".join([*lines, *kernel.crashed_threads, *kernel.remarks])


def crashed(kernel: Kernel, error: BaseException) -> str:
    """Return the line of the running thread, which an error ends; the trace shows it, too."""
    daemon = " (daemon)" if kernel.running.daemon else ""
    kind = f"{type(error).__name__}{raised_where(error)}"
    kernel.running.ending = f"ended: {kind}"
    return f"  {kernel.running.name}{daemon} ended at {seconds(kernel.now)} s with {kind}"


def threads_outside(kernel: Kernel) -> list[threading.Thread]:
    """Return the living threads that are not the simulation's."""
    # Not by threading.enumerate: a virtual thread may hold its lock.
    living = list(threading._active.values())  # type: ignore[attr-defined]
    return [each for each in living if each.ident not in kernel.threads]


def name_locks(kernel: Kernel) -> None:
    """Name the locks in the trace that threads still wait for, as the table does."""
    rows = {row[1]: number for number, row in enumerate(kernel.trace)}
    for thread, number in rows.items():
        at, _, doing, site = kernel.trace[number]
        if doing == thread.waiting_for:
            doing = with_name(doing, thread.waiting_on, _frame(kernel, thread))
            kernel.trace[number] = at, thread, doing, site


def _frame(kernel: Kernel, thread: VirtualThread) -> FrameType | None:
    if thread.frame is None and thread is kernel.running:
        return sys._current_frames()[kernel.os_ident]
    return thread.frame


def _doing(kernel: Kernel, thread: VirtualThread, able: str) -> str:
    frame = _frame(kernel, thread)
    lines = [able]
    if thread.waiting_for:
        wait = wait_text(thread, thread.waiting_for, wait_site(thread, frame))
        wait = with_name(wait, thread.waiting_on, frame)
        lines = [f"{wait}{',' if HELD_BY in wait else ''} since {seconds(thread.since)} s"]
    frames = program_frames(frame)
    while len(frames) > 1 and can_wait(frames[0]):
        frames.pop(0)  # A thread begins there.
    # The text of a wait names the call. The line before that stays, whoever's it is.
    while thread.waiting_for and len(frames) > 1 and can_wait(frames[-1]):
        frames.pop()
    stack = []
    by_owner = groupby(frames[:-1], lambda each: is_of_program(each.f_code.co_filename))
    for is_of_users, group in by_owner:
        entries = list(group)
        stack += [_shown(each) for each in entries] if is_of_users else [_folded(entries)]
    stack += map(_shown, frames[-1:])
    if len(stack) > MOST_FRAMES:
        lines.append(f"    … {len(stack) - MOST_FRAMES} outer frames")
    return "\n".join(chain(lines, *stack[-MOST_FRAMES:]))


def _folded(frames: list[FrameType]) -> list[str]:
    """Return one line for frames of libraries; one such frame stays as it is."""
    if len(frames) == 1:
        return _shown(frames[0])
    names = [str(each.f_globals.get("__name__", "?")).partition(".")[0] for each in frames]
    return [f"    … {len(frames)} frames in {', '.join(dict.fromkeys(names))}"]


def _shown(frame: FrameType) -> list[str]:
    code = frame.f_code
    summary = FrameSummary(code.co_filename, frame.f_lineno, code.co_qualname)
    return indent("".join(format_list([summary])), "  ").splitlines()
