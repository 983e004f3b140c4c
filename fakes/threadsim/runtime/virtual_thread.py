"""A virtual thread as its kernel knows it."""

import sys
import threading
from dataclasses import dataclass, field
from types import FrameType
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable

    from greenlet import greenlet


@dataclass(slots=True, eq=False, repr=False)
class VirtualThread:
    """One thread of a simulation.

    Attributes:
        number: 0 for the main thread, then 1, 2, … in the order of the starts.
        ident: What ``threading.get_ident`` returns in it.
        given_name: Its name while it has no ``threading.Thread``.
        daemon: Whether it is a daemon thread.
        resume: Lets it run until it blocks or ends.
        python_thread: Its ``threading.Thread`` while it lives, if it has one.
        done: Whether it has ended.
        waiting_for: Its wait in words ("sleeps"); empty while it can run.
        waiting_on: The object that it waits on, if there is one.
        waiters: The threads that wait for its end, first come first.
        since: When it began to wait, in nanoseconds.
        ending: How the trace shows its end, in words.
        throws: How often its end was thrown into it.
    """

    number: int
    ident: int
    given_name: str
    daemon: bool
    greenlet: "greenlet" = field(init=False)
    resume: "Callable[[], object]" = field(init=False)
    python_thread: Any = None
    waiters: "list[VirtualThread]" = field(default_factory=list)
    done: bool = False
    ending: str = "ends"
    waiting_for: str = ""
    waiting_on: "Waitable | None" = None
    since: int = 0
    throws: int = 0

    @property
    def name(self) -> str:
        """Its name, as ``threading`` shows it."""
        return self.given_name if self.python_thread is None else str(self.python_thread.name)

    @property
    def frame(self) -> FrameType | None:
        """The innermost frame of its suspended stack; ``None`` before it runs and after its end."""
        return self.greenlet.gr_frame

    def close(self) -> None:
        """Mark it as ended and let go of what it held."""
        if sys.version_info < (3, 13) and self.python_thread is not None:
            self.python_thread._is_stopped = True
        # A bare thread is there too, once it has asked for its Thread object.
        threading._active.pop(self.ident, None)  # type: ignore[attr-defined]
        self.given_name = self.name
        self.python_thread = None
        self.done = True
        self.waiting_for = self.ending
        self.waiting_on = None

    def __repr__(self) -> str:
        return f"<VirtualThread {self.number} {self.name!r}>"


class Waitable(Protocol):
    """What a thread can wait on.

    Attributes:
        waiters: The threads that wait, first come first.
    """

    waiters: list[VirtualThread]


# One switch: the instant, the thread, what it waits for, and what ``Reports.wait_site`` keeps.
TraceRow = tuple[int, VirtualThread, str, Any]
