"""The texts of failures: every thread, what it waits for, and where."""

from __future__ import annotations

import linecache
import sys
import threading
from pathlib import Path
from textwrap import fill
from types import CodeType, FrameType, TracebackType
from typing import TYPE_CHECKING, Any

from threadsim.runtime.formatting import printable, seconds
from threadsim.runtime.own_code import (
    is_of_program,
    is_own,
    makes_for_others,
    runs_program,
    shows_errors,
)

if TYPE_CHECKING:
    from threadsim.runtime.kernel import Kernel
    from threadsim.runtime.virtual_thread import VirtualThread

# How many frames of a stack are shown, the innermost ones.
MOST_FRAMES = 12

# How wide a list of names may be, in characters.
_WIDTH = 100

# The main thread's stack begins in these, which say nothing of the program.
_RUNNER = {"_pytest", "pluggy", "unittest.case"}

# What catches an error of a test to show it: not all that these modules catch is shown.
_SHOWING = {
    ("_pytest.runner", "from_call"),
    ("unittest.case", "testPartExecutor"),
}


def said(error: BaseException | None) -> str:
    """Return what an error says, in the words of Python's tracebacks where it fails to."""
    try:
        return str(error)
    except Exception:  # noqa: BLE001  # It is a class of the program's.
        return "<exception str() failed>"


def thread_table(kernel: Kernel, runs: str = "is still running") -> str:
    """Return a text with every living thread of a simulation, in the order of their starts.

    Below stand the last ones that an exception has ended.

    Threads that do the same in the same place, such as a pool's idle workers, share an entry.

    Args:
        kernel: Whose threads they are.
        runs: What the running one does if it does not wait.
    """
    entries: dict[tuple[str, str], list[str]] = {}
    for thread in list(kernel.threads.values()):  # The watch asks while more of them start.
        daemon = " (daemon)" if thread.daemon else ""
        doing = _doing(kernel, thread, runs if thread is kernel.running else "can run")
        entries.setdefault((daemon, doing), []).append(thread.name)
    lines = [
        f"{_listed(names)}{daemon}{': each' if len(names) > 1 else ''} {doing}"
        for (daemon, doing), names in entries.items()
    ]
    lines += kernel.crashed_threads
    outside = [printable(each.name) for each in threads_outside(kernel)]
    if outside:
        lines.append(
            f"  outside the simulation: {', '.join(outside)}. If one of them should wake somebody, "
            "create it inside."
        )
    return "\n".join(lines)


def _listed(names: list[str]) -> str:
    """Return names one behind the other, in as many lines as it takes."""
    return fill(
        ", ".join(names),
        _WIDTH,
        initial_indent="  ",
        subsequent_indent="    ",
        break_long_words=False,
        break_on_hyphens=False,
    )


def crashed(kernel: Kernel, error: BaseException) -> str:
    """Return in words that an error ends the running thread."""
    daemon = " (daemon)" if kernel.running.daemon else ""
    what = f"{printable(type(error).__name__)}{raised_where(error)}"
    return f"  {kernel.running.name}{daemon} ended at {seconds(kernel.now)} s with {what}"


def threads_outside(kernel: Kernel) -> list[threading.Thread]:
    """Return the living threads that are not the simulation's."""
    # Not by threading.enumerate: its lock may be a virtual thread's just now.
    living = list(threading._active.values())  # type: ignore[attr-defined]
    return [each for each in living if each.ident not in kernel.threads]


def own_frames(frame: FrameType | None) -> list[FrameType]:
    """Return a stack without own frames and those of what runs the program, outermost first."""
    frames: list[FrameType] = []
    while frame is not None and frame not in runs_program:
        name = frame.f_globals.get("__name__", "")
        if frames and not _RUNNER.isdisjoint((name, name.partition(".")[0])):
            break
        if not is_own(frame):
            frames.append(frame)
        frame = frame.f_back
    return frames[::-1]


def is_shown(error: BaseException) -> bool:
    """Return whether an error was caught by what runs tests, which shows it."""
    if error.__traceback__ is None:
        return False
    catcher = error.__traceback__.tb_frame
    known = (catcher.f_globals.get("__name__"), catcher.f_code.co_name)
    return catcher in shows_errors or known in _SHOWING


def shorten(error: BaseException) -> None:
    """Leave the simulation's own frames out of an error's traceback.

    That of a report, or of a signal, ends at the line where the program waits, not in what waits
    there for it.
    """
    kept = []
    traceback = error.__traceback__
    while traceback is not None:
        if not is_own(traceback.tb_frame):
            kept.append(traceback)
        traceback = traceback.tb_next
    if not isinstance(error, Exception):
        while len(kept) > 1 and kept[-1].tb_frame.f_globals.get("__name__") in STANDARD:
            kept.pop()
    for each in reversed(kept):
        line = each.tb_lineno or _line_before_untraced(each)
        traceback = TracebackType(traceback, each.tb_frame, each.tb_lasti, line)
    error.__traceback__ = traceback


def _line_before_untraced(traceback: TracebackType) -> int:
    """Return the last line before a place without one, as the jump at the end of a loop may be."""
    lines = traceback.tb_frame.f_code.co_lines()
    return [line for start, _, line in lines if line and start <= traceback.tb_lasti][-1]


def raised_at(error: BaseException) -> tuple[str, int] | None:
    """Return the file and line of the program that raised an error; ``None`` if none did."""
    place = None
    traceback = error.__traceback__
    while traceback is not None:
        file = traceback.tb_frame.f_code.co_filename
        if is_of_program(file):
            place = file, traceback.tb_lineno
        traceback = traceback.tb_next
    return place


def raised_where(error: BaseException) -> str:
    """Return the same as lanes name it; "" if none did."""
    place = raised_at(error)
    return at_line(*place) if place else ""


def at_line(file: str, line: int) -> str:
    """Return a file and a line of it as lanes name them."""
    return f" at {printable(Path(file).name)}:{line}"


def _doing(kernel: Kernel, thread: VirtualThread, able: str) -> str:
    frame = thread.frame
    if frame is None and thread is kernel.running:
        frame = sys._current_frames()[kernel.os_ident]
    frames = own_frames(frame)
    lines = [_wait(thread, frame) or able]
    left_out = len(frames) - MOST_FRAMES
    if left_out > 0:
        lines.append(f"    … {left_out} outer frames")
    for each in frames[-MOST_FRAMES:]:
        code = each.f_code
        lines.append(f'    File "{code.co_filename}", line {each.f_lineno}, in {code.co_qualname}')
        if line := linecache.getline(code.co_filename, each.f_lineno).strip():
            lines.append(f"      {line}")
    return "\n".join(lines)


def _wait(thread: VirtualThread, frame: FrameType | None) -> str:
    if not thread.waiting_for:
        return ""
    doing, held = _wait_and_holder(thread, thread.waiting_for, wait_site(thread, frame))
    return f"{doing}{held and held + ','} since {seconds(thread.since)} s"


def in_words(thread: VirtualThread, doing: str, site: WaitSite) -> str:
    """Return what a thread waits for, with the call into the standard library and the holder.

    Args:
        thread: One that waits, or is about to do something.
        doing: What it waits for.
        site: What ``wait_site`` returned when it began to wait.
    """
    return "".join(_wait_and_holder(thread, doing, site))


WaitSite = tuple[str, "VirtualThread | None", bool] | str | None
"""The call into the standard library, the lock's holder, and whether that has ended.

The text of an import, which is of interest instead; ``None`` for a thread that does not wait.
"""


def wait_site(thread: VirtualThread, frame: FrameType | None) -> WaitSite:
    """Return from where a thread waits, and for which lock's holder.

    Args:
        thread: One that waits, or is about to do something.
        frame: Its innermost frame.
    """
    if not thread.waiting_for.startswith("waits "):
        return None
    call = ""
    while frame is not None:
        name = frame.f_code.co_qualname
        if frame.f_globals.get("__name__") in STANDARD and name not in _OUTERMOST:
            if name == "_ModuleLock.acquire":
                return _import_in_words(frame.f_locals["self"])
            call = name
        elif not is_own(frame):
            break
        frame = frame.f_back
    holder = getattr(thread.waiting_on, "holder", None)
    return call, holder, holder is not None and holder.done


def _wait_and_holder(thread: VirtualThread, doing: str, site: WaitSite) -> tuple[str, str]:
    if site is None:
        return doing, ""
    if isinstance(site, str):
        return site, ""
    call, holder, ended = site
    if call and holder is thread:
        # Condition and all that stands on it wait on a lock of their own that nobody else has.
        return f"waits in {call}", ""
    held = f", held by {holder.name}{', which has ended' if ended else ''}" if holder else ""
    return f"{doing} in {call}" if call else doing, held


def _import_in_words(lock: Any) -> str:
    # The lock that it waits on is held by the first who waits.
    importer = threading._active.get(lock.owner)  # type: ignore[attr-defined]
    name = printable(getattr(importer, "name", "another thread"))
    return f"waits for {name} to import {lock.name}"


Origin = tuple[str, str, int]
"""What an object is, and the file and line that made it."""


def origin(frame: FrameType, kind: str) -> Origin:
    """Return what an object belongs to, and where that was made.

    Args:
        frame: Where the object was made, perhaps by the standard library for one of its own.
        kind: What it is.
    """
    while frame.f_back is not None and (_is_generated(frame.f_code) or _is_maker(frame)):
        if frame.f_code.co_name == "__init__" and _is_maker(frame):
            kind = frame.f_code.co_qualname.partition(".")[0]
        frame = frame.f_back
    return kind, frame.f_code.co_filename, frame.f_lineno


def _is_maker(frame: FrameType) -> bool:
    return frame in makes_for_others or frame.f_globals.get("__name__") in STANDARD


def _is_generated(code: CodeType) -> bool:
    """Return whether a code is an ``__init__`` without a file, as that of a dataclass."""
    return code.co_name == "__init__" and code.co_filename.startswith("<")


STANDARD = {
    "concurrent.futures._base",
    "concurrent.futures.thread",
    "importlib._bootstrap",
    "queue",
    "threading",
}
_OUTERMOST = {"Thread.run", "_WorkItem.run", "WorkerContext.run", "_worker"}
