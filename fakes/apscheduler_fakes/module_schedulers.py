"""Schedulers that a module has made before a block, and that start inside it.

After the block such a scheduler is as it was before its start, with the jobs that decorators have
declared. So each test starts it anew.
"""

from copy import copy
from functools import wraps
from typing import Any

from apscheduler.schedulers.base import BaseScheduler
from apscheduler.schedulers.blocking import BlockingScheduler

from apscheduler_fakes.far_starts import warn_of_far_starts
from apscheduler_fakes.faults import copy_of
from threadsim.primitives.lock import RLock
from threadsim.runtime.durations import as_seconds
from threadsim.runtime.kernel import here

_start = BaseScheduler.start

# The schedulers that started in this block, each with its attributes before that.
_started: list[tuple[BaseScheduler, dict[str, Any]]] = []


@wraps(_start)
def start(self: Any, paused: bool = False) -> None:
    """Start a scheduler; note how it was, if it is from before the block."""
    kernel = here()
    if kernel is None or not isinstance(self, BlockingScheduler):
        _start(self, paused)
        return
    if type(self._jobstores_lock) is not RLock:  # That of one that was made inside.
        before = {
            name: copy(each) if type(each) in (dict, list) else each
            for name, each in vars(self).items()
        }
        before.pop("_event", None)  # A BackgroundScheduler has just made it; it does so again.
        before["_pending_jobs"] = [(copy_of(job), *rest) for job, *rest in self._pending_jobs]
        _started.append((self, before))
    declared = [job for job, *_ in self._pending_jobs]  # Without its lock, a step more.
    _start(self, paused)
    warnings = warn_of_far_starts(declared, as_seconds(kernel.max_elapsed))
    kernel.remarks += [f"  {each}" for each in warnings]


def put_back() -> None:
    """Give the schedulers from before the block the attributes that they had."""
    while _started:
        scheduler, before = _started.pop()
        vars(scheduler).clear()
        vars(scheduler).update(before)
