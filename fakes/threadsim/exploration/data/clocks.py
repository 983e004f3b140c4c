"""What happened before what: a vector clock for each thread and each object of the kernel.

A clock holds, by a thread's number, how much of that thread happened before. The edges are those
that a search can reverse: two operations on one object of which one changes it, a thread's start,
and time that moves. A step is too coarse here: what follows a release within a step is not before
the next acquire.

Source: Mattern, Virtual Time and Global States of Distributed Systems, 1989.
"""

from collections.abc import Hashable

from threadsim.runtime.hooks import RELEASE, WRITE

Clock = dict[int, int]


class Clocks:
    """The clocks of one schedule.

    Args:
        main: The main thread's number.
    """

    def __init__(self, main: int) -> None:
        self._threads: dict[int, Clock] = {main: {main: 1}}
        # Of each object: the thread of its last change and what happened before that; and what
        # happened before the looks since then.
        self._changed: dict[Hashable, tuple[int, Clock]] = {}
        self._looked: dict[Hashable, Clock] = {}

    def of(self, thread: int) -> Clock:
        """Return a thread's clock."""
        return self._threads.setdefault(thread, {thread: 1})

    def touched(self, thread: int, key: Hashable, mode: int) -> None:
        """Note that a thread has touched an object."""
        mine = self.of(thread)
        changed = self._changed.get(key)
        if changed is not None and changed[0] != thread:
            join(mine, changed[1])
        if mode & (WRITE | RELEASE):
            if key in self._looked:
                join(mine, self._looked.pop(key))
            self._changed[key] = thread, mine.copy()
        else:
            join(self._looked.setdefault(key, {}), mine)
        mine[thread] += 1

    def started(self, parent: int, child: int) -> None:
        """Note that a thread has started another one."""
        mine = self.of(parent)
        self._threads[child] = mine | {child: 1}
        mine[parent] += 1

    def time_moved(self) -> None:
        """Note that time has moved because no thread could run: all happened before that."""
        everything: Clock = {}
        for clock in self._threads.values():
            join(everything, clock)
        for thread, clock in self._threads.items():
            clock.update(everything)
            clock[thread] += 1


def join(clock: Clock, other: Clock) -> None:
    """Let what happened before one clock have happened before another."""
    for thread, time in other.items():
        if clock.get(thread, 0) < time:
            clock[thread] = time
