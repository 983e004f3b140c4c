"""What happened before what: a vector clock for each thread and each object of the kernel.

A clock holds, by a thread's number, how much of that thread happened before. The edges are those
that a search can reverse: two operations on one object of which one changes it, a thread's start,
and time that moves. A step is too coarse here: what follows a release within a step is not before
the next acquire.

Sources: Mattern, Virtual Time and Global States of Distributed Systems, 1989; the short cut for a
clock that is known already: Flanagan and Freund, FastTrack, PLDI 2009.
"""

from collections.abc import Hashable, Mapping
from types import MappingProxyType
from typing import NamedTuple

from threadsim.runtime.hooks import RELEASE, WRITE

_CHANGES = WRITE | RELEASE

Known = Mapping[int, int]
"""How much of each other thread happened before, by number. It is never changed."""


class Moment(NamedTuple):
    """A moment of a thread.

    Attributes:
        thread: Its number.
        time: How often it has touched something.
        known: What of the others has happened before.
    """

    thread: int
    time: int = 1
    known: Known = MappingProxyType({})

    def follows(self, other: "Moment") -> bool:
        """Return whether another moment has happened before this one, or is of the same thread."""
        return other.thread == self.thread or self.known.get(other.thread, 0) >= other.time


class Clocks:
    """The clocks of one schedule."""

    def __init__(self) -> None:
        self._now = _Clocks()
        # The threads whose present moment others may know.
        self._known = set[int]()
        # Of each object: the last change, and each thread's last look since then.
        self._changed: dict[Hashable, Moment] = {}
        self._looked: dict[Hashable, dict[int, Moment]] = {}

    def now(self, thread: int) -> Moment:
        """Return a thread's present moment, which no other thread knows yet."""
        if thread in self._known:
            self._known.remove(thread)
            _, time, known = self._now[thread]
            self._now[thread] = Moment(thread, time + 1, known)
        return self._now[thread]

    def join(self, thread: int, moment: Moment) -> None:
        """Let a moment have happened before a thread's present one."""
        now = self._now[thread]
        if not now.follows(moment):
            known = _all_of(now.known, moment.known, {moment.thread: moment.time})
            self._now[thread] = Moment(thread, now.time, known)

    def touched(self, thread: int, key: Hashable, mode: int) -> None:
        """Note that a thread has touched an object."""
        changed = self._changed.get(key)
        if changed is not None and changed.thread != thread:
            self.join(thread, changed)
        if mode & _CHANGES:
            for looked in self._looked.pop(key, {}).values():
                self.join(thread, looked)
            self._changed[key] = self._now[thread]
        else:
            self._looked.setdefault(key, {})[thread] = self._now[thread]
        self._known.add(thread)

    def started(self, parent: int, child: int) -> None:
        """Note that a thread has started another one."""
        self.join(child, self._now[parent])
        self._known.add(parent)

    def time_moved(self) -> None:
        """Note that time has moved because no thread could run: all happened before that."""
        times = {thread: now.time for thread, now in self._now.items()}
        known = _all_of(times, *(now.known for now in self._now.values()))
        self._now.update({each: Moment(each, times[each], known) for each in times})
        self._known.update(times)


class _Clocks(dict[int, Moment]):
    """The present moment of each thread."""

    def __missing__(self, thread: int) -> Moment:
        return self.setdefault(thread, Moment(thread))


def _all_of(*clocks: Known) -> Known:
    """Return the latest time of each thread in some clocks."""
    found: dict[int, int] = {}
    for clock in clocks:
        for thread, time in clock.items():
            if found.get(thread, 0) < time:
                found[thread] = time
    return found
