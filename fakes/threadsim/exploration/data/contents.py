"""What semaphores, events, barriers and queues from before an exploration hold.

Each schedule finds it as the exploration has found it, and so does who comes after. Left alone are
the items themselves, things of a class derived from these, which may hold what nobody else can
tell, and all of them where real threads live beside the exploration, which may use them any time.
"""

import _queue
import _thread
import queue
import sys
import threading
from collections import deque
from collections.abc import Iterable
from contextlib import suppress
from types import FrameType
from typing import Any, NamedTuple
from weakref import WeakKeyDictionary

from threadsim.patching.patch_sites import LEFT_ALONE
from threadsim.runtime.formatting import printable

# Kept: inside a simulation these names are swapped.
SIMPLE_QUEUE: Any = _queue.SimpleQueue

_OF_A_QUEUE = {"queue", "unfinished_tasks", "is_shutdown"}

# Where each holds it, by its exact type; a SimpleQueue is its own container.
_STATE_OF: dict[type, set[str]] = {
    SIMPLE_QUEUE: set(),
    threading.Event: {"_flag"},
    threading.Semaphore: {"_value"},
    threading.BoundedSemaphore: {"_value"},
    threading.Barrier: {"_state"},
    queue.Queue: _OF_A_QUEUE,
    queue.LifoQueue: _OF_A_QUEUE,
    queue.PriorityQueue: _OF_A_QUEUE,
}


class Contents:
    """What some things hold; put back of none, where real threads may use them, too.

    Attributes:
        caveat: What to know about a failure, as some have been left otherwise; "" if none has.
    """

    def __init__(self) -> None:
        self.caveat = ""
        # Weakly: what the program lets go of must not live longer than without an exploration.
        self._held: WeakKeyDictionary[Any, _Held] = WeakKeyDictionary()
        self._left: set[str] = set()  # The kinds of those that have been left otherwise.
        listed = threading._active  # type: ignore[attr-defined]
        # Not all that are listed run, nor are all listed that do.
        frames = sys._current_frames()
        del frames[_thread.get_ident()]
        self._beside = [
            printable(getattr(listed.get(ident), "name", "a bare thread"))
            for ident, frame in frames.items()
            if not _is_of_the_runner(listed.get(ident), frame)
        ]

    def note(self, things: Iterable[Any]) -> None:
        """Note what things hold now.

        Args:
            things: Which; others among them are passed over.
        """
        for each in things:
            names = _STATE_OF.get(type(each))
            if names is not None:
                attributes = getattr(each, "__dict__", {})
                state = {name: attributes[name] for name in names & attributes.keys()}
                items = None if self._beside else _filled(state.get("queue", each), None)
                self._held[each] = _Held(state, items, _shape(each, state))

    def put_back(self, *, failed: bool) -> None:
        """Let them hold it again.

        Args:
            failed: Whether the schedule did that has left them.
        """
        # One that fails is told, and what it leaves can make others fail only if it stays.
        counts, left = self._beside or not failed, set(self._left)
        for thing, held in list(self._held.items()):
            if counts and _shape(thing, held.state) != held.shape:
                left.add(type(thing).__name__)
            if self._beside:
                continue
            if held.state:
                vars(thing).update(held.state)
            if held.items is not None:
                _filled(held.state.get("queue", thing), held.items)
        if left != self._left:
            self._left = left
            self.caveat = self._said()

    def _said(self) -> str:
        """Return the caveat."""
        what = f"What the {' and the '.join(sorted(self._left))} from outside "
        what += "holds" if len(self._left) == 1 else "hold"
        if self._beside:
            return (
                f"{what} was not put back after any schedule, as other real threads live that may "
                f"use it ({', '.join(self._beside)}): the failure may need what an earlier "
                "schedule has left, and its line may pass elsewhere. Let these threads end before, "
                "or let the program begin by making anew what it changes."
            )
        return (
            f"{what} was put back after each schedule, and nothing that the program keeps beside "
            "it, as a list or a count. Where they belong together, let the program begin by making "
            "both anew."
        )


class _Held(NamedTuple):
    """What one of them held.

    Attributes:
        state: Its attributes.
        items: What was in its container; ``None`` if it has none, or that is nobody's business.
        shape: By what it can be told whether it holds the same, without a look at the items.
    """

    state: dict[str, Any]
    items: list[Any] | None
    shape: list[object]


def _shape(thing: Any, names: Iterable[str]) -> list[object]:
    """Return what a thing's attributes hold as numbers: of a container its length."""
    if type(thing) is SIMPLE_QUEUE:
        return [SIMPLE_QUEUE.qsize(thing)]
    values = map(vars(thing).get, names)
    return [len(value) if type(value) in (deque, list) else value for value in values]


def _filled(container: Any, items: list[Any] | None) -> list[Any] | None:
    """Fill a container with other items, which stays the same one, and return what is in it.

    Args:
        container: What may be one.
        items: Its items; ``None`` leaves it as it is.

    Returns:
        Its items; ``None`` if it is of another kind.
    """
    if type(container) is SIMPLE_QUEUE:
        taken = []
        with suppress(queue.Empty):
            while True:
                taken.append(SIMPLE_QUEUE.get_nowait(container))
        items = taken if items is None else items
        for each in items:
            SIMPLE_QUEUE.put(container, each)
        return items
    if type(container) not in (deque, list):
        return None
    if items is not None:
        container.clear()
        container.extend(items)
    return list(container)


def _is_of_the_runner(thread: Any, frame: FrameType) -> bool:
    """Return whether a thread is one of the test runner's, such as the timer of a time-out.

    Args:
        thread: What ``threading`` knows of it; ``None`` if that is nothing.
        frame: Where it is.
    """
    while frame.f_back is not None:
        frame = frame.f_back
    runs = getattr(thread, "function", getattr(thread, "_target", None))
    names = getattr(runs, "__module__", ""), frame.f_globals.get("__name__", "")
    return any(str(name).partition(".")[0] in LEFT_ALONE for name in names)
