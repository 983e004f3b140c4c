"""Futures and thread pools at the end of a block: no false outcomes, and no work for ended pools.

A pool's worker catches all errors, and would call the end of its thread a failure of its job.
"""

import concurrent.futures.thread as pools
from collections.abc import Callable
from concurrent.futures import Future
from functools import wraps
from typing import Any

from threadsim.runtime.kernel import Kernel, here


def _unless_ending(real: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(real)
    def unless_ending(self: Any, /, *args: Any, **kwargs: Any) -> None:
        kernel = here()
        if kernel is not None:
            kernel.raise_if_ending()
        real(self, *args, **kwargs)

    return unless_ending


# Real method and replacement.
REPLACEMENTS: list[tuple[Any, Any]] = [
    (real, _unless_ending(real)) for real in (Future.set_result, Future.set_exception)
]


def shut_down_pools(kernel: Kernel) -> None:
    """Shut down the pools whose workers are threads of a block, without a wait."""
    for thread in [each.python_thread for each in kernel.threads.values()]:
        worker: Any = thread
        if worker in pools._threads_queues and worker._target is pools._worker:
            pool = worker._args[0]()  # A weak reference.
            if pool is not None:
                pool._shutdown = True
                pool._threads.clear()  # They have ended; a scheduler's pool is in a cycle.
