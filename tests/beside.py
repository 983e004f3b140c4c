"""A real thread beside a simulation, and waiting for what no lock tells."""

import _thread
import os
from collections.abc import Callable
from typing import Any


def beside(
    run: Callable[[], object],
    *,
    # Kept here they stay the real ones inside a simulation.
    start: Callable[..., Any] = _thread.start_new_thread,
    allocate: Callable[[], Any] = _thread.allocate_lock,
) -> None:
    """Run a function in a real thread beside the simulation, to its end."""
    over = allocate()
    over.acquire()

    def run_in_a_bare_thread() -> None:
        run()
        over.release()

    start(run_in_a_bare_thread, ())
    over.acquire()


def until(happened: Callable[[], bool], pause: Callable[[], object] = os.sched_yield) -> None:
    """Look until something has happened."""
    while not happened():
        pause()
