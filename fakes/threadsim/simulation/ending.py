"""The end of a block's threads, which Simulation and explore share."""

import logging
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from threadsim.patching.futures import without_workers
from threadsim.runtime.errors import SimulationError
from threadsim.runtime.kernel import Kernel, activate
from threadsim.simulation.integrations import integrations


@contextmanager
def without_threads(kernel: Kernel) -> Iterator[None]:
    """Leave what outlives the block as if it had no threads; they end inside."""
    with ExitStack() as undo:
        undo.enter_context(without_workers(kernel))
        for each in integrations():
            undo.enter_context(each.end_of_block(kernel))
        yield


@contextmanager
def silence(kernel: Kernel) -> Iterator[None]:
    """Keep logging quiet: pool workers and APScheduler log whatever ends a thread.

    No kernel is active afterwards.
    """
    # A leftover thread may have logging's lock. The real one under it lets this OS thread in.
    activate(None)
    before = logging.root.manager.disable
    logging.disable(logging.CRITICAL)
    activate(kernel)
    try:
        yield
    finally:
        activate(None)
        logging.disable(before)


def abandoned(kernel: Kernel) -> SimulationError | None:
    """Name the threads that have caught their end again and again."""
    if not kernel.abandoned:
        return None
    names = ", ".join(thread.name for thread in kernel.abandoned)
    return SimulationError(
        f"the simulation could not end {names}: it caught every exception that should end it. Let "
        "BaseException through there."
    )
