"""The end of a program: does in virtual threads what the interpreter does at its exit.

It ends the pools of ``concurrent.futures`` and joins all threads that are no daemons. It goes by
the threads' numbers: independent steps must come in the same order in every schedule.
"""

import concurrent.futures.thread as pools
from contextlib import nullcontext
from itertools import islice
from typing import Any

from threadsim.exploration.points import Points
from threadsim.runtime.virtual_thread import VirtualThread  # noqa: TC001


def end_program(points: Points, *, switches: bool) -> None:
    """End the pools and join the threads.

    Args:
        points: The schedule points of the schedule that runs.
        switches: Whether other threads may run before the pools refuse jobs.
    """
    with pools._global_shutdown_lock if switches else nullcontext():
        pools._shutdown = True
    queues: Any = pools._threads_queues
    pooled = [(getattr(each, "_virtual", None), queue) for each, queue in list(queues.items())]
    numbers = points.numbers
    workers = sorted((numbers[each], each, queue) for each, queue in pooled if each in numbers)
    for _, _, queue in workers:
        queue.put(None)
    for _, worker, _ in workers:
        points.wait_for_end(worker, None)
    _join_threads(points)
    points.finish()
    points.note_blocked()


def _join_threads(points: Points) -> None:
    """Join all threads that are no daemons, and stop before the end."""
    left: list[VirtualThread] = []
    # A thread that a daemon starts, or such a thread, is joined after the stop before the end: it
    # may come too late to be joined at all.
    late: list[VirtualThread] = []
    known, stopped = 1, False
    while True:
        for thread in islice(points.numbers, known, None):
            if not thread.daemon:
                starter = points.parents[thread]
                (late if starter.daemon or starter in late else left).append(thread)
        known = len(points.numbers)
        if left:
            # A thread that starts another one has a smaller number.
            left.sort(key=points.numbers.__getitem__, reverse=True)
            points.wait_for_end(left.pop(), None)
            stopped = False
        elif not stopped:
            points.before_exit()
            stopped = True
        elif late:
            left, late = late, left
        else:
            return


def uses_pools(points: Points) -> bool:
    """Return whether a thread of the schedule has handed a job to a pool, or tried to."""
    lock: Any = pools._global_shutdown_lock
    return lock in points.kept and any(lock.key in step.footprint for step in points.steps)


def reopen_pools() -> None:
    """Let the pools of the next schedule take jobs."""
    pools._shutdown = False
