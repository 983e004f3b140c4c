"""Opener: who opened a group, and what cannot go on as long as this thread waits for its jobs."""

import itertools
import os
import sys
import threading
import uuid
from collections.abc import Iterable
from concurrent.futures.thread import _worker
from traceback import walk_stack
from typing import Any

from apscheduler.schedulers.base import BaseScheduler

from jobs_synchronizer.future import JobFuture, is_over

# All that a scheduler's own thread does, it does in one of these.
_OWN_CODE = {BaseScheduler.start.__code__, BaseScheduler._process_jobs.__code__}


class Opener:
    """The thread that opened a group, for one block, and will wait for its jobs.

    Args:
        scheduler: The scheduler that is to run them.

    Attributes:
        is_open: Whether the block has not ended.
        ids: Ids for its jobs.
        futures: The futures of its jobs.
        process: The id of its process.
        thread: The thread.
        keeps_the_scheduler: Whether the scheduler can do nothing as long as this thread waits: it
            is its own, in a listener or in a job, or it has the lock of the stores.
        home: The pool that this thread is a worker of, if it is one.
        awaited: Then, what it waits for, by the pool that is to run it.
    """

    def __init__(self, scheduler: Any) -> None:
        self.is_open = True
        # Random once, then counted up: uuid4() costs as much as making a future, and a store in
        # memory hands over by id what is due at one time.
        self.ids = map(f"{uuid.uuid4().hex[:24]}{{:08x}}".format, itertools.count())
        self.futures: list[JobFuture] = []
        self.process = os.getpid()
        self.thread = threading.current_thread()
        self.keeps_the_scheduler = scheduler._jobstores_lock._is_owned() or any(
            frame.f_code in _OWN_CODE and frame.f_locals["self"] is scheduler
            for frame, _ in walk_stack(sys._getframe())
        )
        self.home = _pool_of(self.thread)
        self.awaited: dict[Any, list[JobFuture]] = {}

    def waits_for(self, pools: set[Any]) -> bool:
        """Return whether it waits for one of these pools to run a job."""
        return any(
            pool in pools and _any_awaited(futures) for pool, futures in self.awaited.items()
        )


def _pool_of(thread: threading.Thread) -> Any:
    # A pool notes its threads, too, but each only after it has started it, which may be too late
    # (test_a_job_that_begins_before_its_pool_has_noted_the_thread).
    if getattr(thread, "_target", None) is not _worker:
        return None
    pool, *_ = thread._args  # type: ignore[attr-defined]  # typeshed has it not.
    return pool()


def _any_awaited(futures: list[JobFuture]) -> bool:
    """Return whether one is not done, and forget those that are behind the last such one."""
    while futures and is_over(futures[-1]):
        futures.pop()
    return bool(futures)


def starves(pool: Any, openers: Iterable[Opener]) -> bool:
    """Return whether a pool has no worker that is free, or will ever be, while the openers wait.

    Args:
        pool: The pool.
        openers: All openers; those that are workers of no pool do not count.
    """
    workers = [each for each in openers if each.home is not None]
    starved: set[Any] = {each.home for each in workers}
    while True:
        # Of several groups that one thread has opened, one that waits is enough.
        waiting = {each.thread: each.home for each in workers if each.waits_for(starved)}
        homes = list(waiting.values())
        fed = {each for each in starved if homes.count(each) in range(each._max_workers)}
        if not fed:
            return pool in starved
        starved -= fed
