"""What a simulation's end does to thread pools and futures that outlive it."""

import concurrent.futures.thread as pools
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager, suppress
from functools import wraps
from queue import Empty
from threading import Semaphore
from typing import Any

from threadsim.runtime.kernel import Kernel, ThreadExit, here


def outcomes() -> list[tuple[Any, str, Any]]:
    """Return what tells others how a job has ended, each as owner, name and what stands there.

    A pool's worker catches what ends it, and would call it the job's own failure.
    """
    kind: Any = Future
    return [
        (kind, name, _unless_ending(vars(kind)[name])) for name in ("set_result", "set_exception")
    ]


def _unless_ending(real: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(real)
    def unless_ending(self: Any, /, *args: Any, **kwargs: Any) -> None:
        kernel = here()
        if kernel is not None:
            kernel.check_goes_on()
        real(self, *args, **kwargs)

    return unless_ending


@contextmanager
def without_workers(kernel: Kernel) -> Iterator[None]:
    """Leave pools that outlive a simulation as if they had no workers; these end inside."""
    threads: list[Any] = [each.python_thread for each in kernel.threads.values()]
    queues: Any = pools._threads_queues
    workers = [each for each in threads if each in queues and each._target is pools._worker]
    # A worker holds its pool weakly, and no longer when it has ended.
    executors = {worker._args[0]() for worker in workers}
    queued = [queues[worker] for worker in workers]
    yield
    for queue in queued:  # Not before: the lock of one may be held, and whoever waits has an end.
        with suppress(Empty, ThreadExit):
            while True:
                queue.get_nowait()
    for executor in executors - {None}:
        executor._threads.clear()
        executor._idle_semaphore = Semaphore(0)
