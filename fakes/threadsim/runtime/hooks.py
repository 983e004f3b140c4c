"""The protocols of the objects that a kernel is given: its reports and its schedule points."""

from collections.abc import Hashable
from types import FrameType
from typing import Any, Protocol

from threadsim.runtime.errors import SimulationError
from threadsim.runtime.virtual_thread import VirtualThread

# How a step used an object.
READ = 1  # It read it. Two reads commute.
WRITE = 2  # It acquired or changed it.
RELEASE = 4  # It released it (a lock, a thread's end).
WAITED = 8  # It could run only after a release.


class Reports(Protocol):
    """Makes the errors of a kernel, and what its trace keeps of a wait."""

    def wait_site(self, thread: VirtualThread, frame: FrameType | None) -> object:
        """Return what is shown of a wait beside ``waiting_for``; no text is made here."""

    def deadlock(self, kernel: Any) -> SimulationError:
        """Return the error when every thread waits and no wait has a deadline."""

    def time_limit(self, kernel: Any) -> SimulationError:
        """Return the error when time would pass ``max_elapsed``."""

    def step_limit(self, kernel: Any) -> SimulationError:
        """Return the error after more than ``max_steps`` steps."""

    def caught_again(self, failure: SimulationError, times: int) -> str:
        """Return the text for stderr when a program has caught its failure so many times."""


class SchedulePoints(Protocol):
    """Stops threads before operations that other threads can notice, in an exploration."""

    # What the kernel calls.

    def begin(self, kernel: Any) -> None:
        """Take the kernel."""

    def spawned(self, thread: VirtualThread) -> None:
        """Note that the running thread has started another one."""

    def before_end(self) -> None:
        """Stop before the running thread ends."""

    def ended(self, thread: VirtualThread) -> None:
        """Note that a thread has ended."""

    def next_thread(self) -> VirtualThread | None:
        """Return the next thread after one has ended; ``None`` after a failure."""

    def sleep(self, deadline: int | None) -> None:
        """Stop until an instant."""

    def pause(self) -> None:
        """Stop, so that other threads can go first."""

    def before_wait(self, timeout: float) -> None:
        """Stop before the deadline of a wait is computed."""

    def read_clock(self) -> None:
        """Stop before the clock is read."""

    # What primitives call.

    def new_name(self) -> tuple[tuple[int, int], int]:
        """Return a name that is the same in all schedules, and the moment."""

    def new_object(self, kind: str) -> tuple[tuple[int, int], int]:
        """Return the name of a new object, and the moment."""

    def key_of(self, thing: Any) -> Hashable:
        """Return the name of an object."""

    def touch(self, key: Hashable, mode: int) -> None:
        """Note that the running step touched an object."""

    def acquire(self, lock: Any, blocking: bool, timeout: float) -> bool:
        """Stop until a lock is free, at most for the time-out; return whether it is free."""

    def before_release(self, lock: Any) -> None:
        """Stop before a lock is released."""

    def peek(self, thing: Any, *, at_itself: bool = False) -> None:
        """Stop before an object is looked at."""

    def before_put(self, queue: Any) -> None:
        """Stop before an item is put into a queue."""

    def before_get(self, queue: Any, timeout: float | None) -> None:
        """Stop until a queue has an item, at most for the time-out."""

    def before_start(self, thread: Any) -> None:
        """Stop before a ``Thread`` is started."""

    def peek_started(self, thread: Any) -> None:
        """Stop before a look whether a ``Thread`` has been started."""

    def peek_alive(self, thread: Any) -> None:
        """Stop before a look whether a ``Thread`` is alive."""

    def wait_for_end(self, thread: VirtualThread, deadline: int | None) -> None:
        """Stop until a thread has ended, or until an instant."""
