"""The end of a program: does in virtual threads what the interpreter does at its exit.

It ends the pools of ``concurrent.futures`` and joins all threads that are no daemons. It goes by
the threads' numbers: independent steps must come in the same order in every schedule.
"""

import concurrent.futures.thread as pools
from contextlib import nullcontext
from typing import Any

from threadsim.exploration.dependence import EXIT
from threadsim.exploration.execution import SchedulePoint
from threadsim.exploration.points import Points
from threadsim.runtime.hooks import WRITE


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
    # The end of the program cuts daemon threads off.
    points.point(SchedulePoint("end the program"))
    points.touch(EXIT, WRITE)
    points.finish()
    points.note_blocked()


def _join_threads(points: Points) -> None:
    """Join all threads that are no daemons, those that began first before others."""
    joined = {points.kernel.main}
    while left := [each for each in points.numbers if not each.daemon and each not in joined]:
        joined.add(first := min(left, key=points.numbers.__getitem__))
        points.wait_for_end(first, None)


def uses_pools(points: Points) -> bool:
    """Return whether a thread of the schedule has handed a job to a pool, or tried to."""
    lock: Any = pools._global_shutdown_lock
    return lock in points.kept and any(lock.key in step.footprint for step in points.steps)


def reopen_pools() -> None:
    """Let the pools of the next schedule take jobs."""
    pools._shutdown = False
