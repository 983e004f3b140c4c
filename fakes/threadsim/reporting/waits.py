"""Says what a thread waits for: the call into the standard library, and the lock's holder."""

from contextlib import suppress
from types import FrameType

from threadsim.reporting.frames import at_line, can_wait
from threadsim.runtime.own_code import is_of_program, is_own
from threadsim.runtime.virtual_thread import VirtualThread

HELD_BY = ", held by "

# The calls in which a thread begins. They say nothing of a wait.
_OUTERMOST = {"Thread.run", "_WorkItem.run", "WorkerContext.run", "_worker"}

# What each file is that a wait has met: "" for the program's files and for libraries that wait for
# nobody, and else one of these.
_OWN, _WAITING = "own", "waiting"
_kinds: dict[str, str] = {}

WaitSite = tuple[str, VirtualThread | None, str] | None
"""The call into the standard library, the lock's holder, and how that has ended, in words.

``None`` for a thread that does not wait.
"""


def wait_site(thread: VirtualThread, frame: FrameType | None) -> WaitSite:
    """Return the site of a thread's wait. No text is made here: a switch has to be fast.

    Args:
        thread: A thread that waits, or is about to do something.
        frame: Its innermost frame.
    """
    if not thread.waiting_for.startswith("waits "):
        return None
    call = kind = ""
    while frame is not None:
        code = frame.f_code
        try:
            kind = _kinds[code.co_filename]
        except KeyError:
            kind = _kinds[code.co_filename] = _kind_of(frame)
        if kind is not _OWN:
            if kind is not _WAITING or code.co_qualname in _OUTERMOST:
                break
            call = code.co_qualname
        frame = frame.f_back
    holder = getattr(thread.waiting_on, "holder", None)
    ended = holder.waiting_for if holder is not None and holder.done else ""
    return call, holder, "has ended" if ended == "ends" else ended


def _made_at(lock: object) -> str:
    """Return the file and line of the program that made a lock in a simulation, or ""."""
    code, offset = getattr(lock, "maker", None) or (None, 0)
    if code is None or not is_of_program(code.co_filename):
        return ""
    line = next(line for begin, end, line in code.co_lines() if begin <= offset < end)
    return at_line(code.co_filename, line or 0)


def _kind_of(frame: FrameType) -> str:
    return _WAITING if can_wait(frame) else _OWN if is_own(frame) else ""


def wait_text(thread: VirtualThread, doing: str, site: WaitSite) -> str:
    """Return what a thread waits for, in words.

    Args:
        thread: A thread that waits, or is about to do something.
        doing: What it waits for, or is about to do.
        site: The site of the wait.
    """
    if site is None:
        return doing
    call, holder, ended = site
    if call and holder is thread:
        # A Condition waits on a lock of its own, which only the waiting thread holds.
        return f"waits in {call}"
    held = f"{HELD_BY}{holder.name}{ended and f', which {ended}'}" if holder else ""
    return f"{doing} in {call}{held}" if call else f"{doing}{held}"


def with_name(wait: str, lock: object, frame: FrameType | None, made: str = "") -> str:
    """Return the words of a wait with the lock's variable, or with the line that made it.

    Args:
        wait: The words, such as "waits for a Lock".
        lock: What the thread waits on.
        frame: The thread's innermost frame.
        made: The file and line that made the lock, as " at app.py:7"; "" if that is not known.
    """
    kind = type(lock).__name__.removeprefix("Replaced")
    while frame is not None and is_own(frame):
        frame = frame.f_back
    if frame is None or kind not in wait:
        return wait
    places = [("", frame.f_locals)]
    for name, value in frame.f_locals.items():
        owner = type(value).__name__ if name == "self" else name
        with suppress(Exception):  # A proxy, as Flask's request, may have no object just now.
            places.append((f"{owner}.", vars(value)))
    places.append(("", frame.f_globals))
    found = (
        f"{prefix}{name}"
        for prefix, names in places
        for name, value in list(names.items())
        if value is lock
    )
    name = next(found, (made or _made_at(lock)).removeprefix(" at "))
    plain = wait.replace(f" an {kind}", f" a {kind}")
    return plain.replace(f" a {kind}", f" {kind} {name}", 1) if name else wait
