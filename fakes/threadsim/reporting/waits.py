"""Says what a thread waits for: the call into the standard library, and the lock's holder."""

from types import FrameType

from threadsim.reporting.frames import can_wait
from threadsim.runtime.own_code import is_own
from threadsim.runtime.virtual_thread import VirtualThread

HELD_BY = ", held by "

# The calls in which a thread begins. They say nothing of a wait.
_OUTERMOST = {"Thread.run", "_WorkItem.run", "WorkerContext.run", "_worker"}

WaitSite = tuple[str, VirtualThread | None, bool] | None
"""The call into the standard library, the lock's holder, and whether that has ended.

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
    call = ""
    while frame is not None:
        name = frame.f_code.co_qualname
        if name == "_ModuleLock.acquire":
            # Another thread imports the module. It does not hold the lock that is waited for.
            return "an import", thread, False
        if can_wait(frame) and name not in _OUTERMOST:
            call = name
        elif not is_own(frame):
            break
        frame = frame.f_back
    holder = getattr(thread.waiting_on, "holder", None)
    return call, holder, holder is not None and holder.done


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
    held = f"{HELD_BY}{holder.name}{', which has ended' if ended else ''}" if holder else ""
    return f"{doing} in {call}{held}" if call else f"{doing}{held}"
