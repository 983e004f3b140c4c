"""What a Simulation and an exploration do alike: begin a block, end its threads, and leave it."""

import asyncio
import logging
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from itertools import chain
from typing import Any

from threadsim.patching.futures import shut_down_pools
from threadsim.patching.patcher import Patcher
from threadsim.primitives.dates import virtual_dates
from threadsim.primitives.signals import interruptible
from threadsim.primitives.trace_functions import traces_apart
from threadsim.runtime.errors import NotModelled, SimulationError
from threadsim.runtime.kernel import Kernel, ThreadExit, activate
from threadsim.simulation.integrations import integrations
from threadsim.simulation.watchdog import watched

# The session that has replaced names, and the one that is refused meanwhile. The first counts.
_open: dict[object, None] = {}


@contextmanager
def session(kernel: Callable[[], Kernel], *, stall_timeout: float | None) -> Iterator[Patcher]:
    """Replace names, dates and signal handlers in this block. A kernel is active when it begins.

    Args:
        kernel: Returns the kernel that is active, or was last.
        stall_timeout: Longest real time in seconds without a switch; ``None`` is for ever.

    Raises:
        NotModelled: Another Simulation or exploration has not ended, or an event loop runs here.
    """
    if asyncio._get_running_loop() is not None:
        raise NotModelled(
            "a Simulation or explore() in a coroutine has no model: an await inside would wait "
            "for real. Begin it in a plain function, where no event loop runs."
        )
    token = object()
    try:
        _open[token] = None  # No call, and so is its end: Ctrl-C may come at any.
        if next(iter(_open)) is not token:
            raise NotModelled(
                "a Simulation or explore() beside or inside another one has no model: names are "
                "replaced for the whole process. Let one end before the other begins. A block that "
                "is still open must be left in the thread that entered it."
            )
        with interruptible(kernel), watched(stall_timeout), virtual_dates():
            activate(kernel())  # Virtual locks are made inside.
            names = Patcher()
            try:
                names.swap(sys, "unraisablehook", partial(_unraisable, sys.unraisablehook))
                names.install(chain.from_iterable(each.patches() for each in integrations()))
                with traces_apart():
                    yield names
            finally:
                names.uninstall()
                activate(None)
    finally:
        del _open[token]


def _unraisable(otherwise: Callable[[Any], object], args: Any) -> None:
    """Say of a report that it was raised in a finalizer, where Python ignores all errors."""
    error = args.exc_value
    if isinstance(error, SimulationError):
        where = args.err_msg if args.object is None else repr(args.object)
        error.add_note(
            f"It was raised in a finalizer or the callback of a weak reference ({where}). Python "
            "goes on after an error there; the block ends with it."
        )
    elif args.exc_type is not ThreadExit:  # The end of a thread that was in a finalizer.
        otherwise(args)


def end_threads(kernel: Kernel) -> None:
    """End the threads that are left, without a word. Then no kernel is active.

    A pool with such a thread acts like one that was shut down.
    """
    are_left, before = len(kernel.threads) > 1, logging.root.manager.disable
    activate(None)  # One of them may hold logging's lock. The real one is free.
    if are_left:  # To disable logging is slow.
        logging.disable(logging.CRITICAL)
    activate(kernel)
    try:
        shut_down_pools(kernel)
        kernel.end()
    finally:
        activate(None)
        if are_left:
            logging.disable(before)
    for each in integrations():
        each.end_of_block()


def never_ending(kernel: Kernel) -> SimulationError | None:
    """Return the error for threads that have caught their end again and again."""
    if not kernel.abandoned:
        return None
    names = ", ".join(thread.name for thread in kernel.abandoned)
    return SimulationError(
        f"the simulation could not end {names}: it caught every exception that should end it. Let "
        "BaseException through there."
    )
