"""Schedulers of real threads, from outside a simulation, that should take part in it."""

import threading
import time

from apscheduler_fakes.errors import OutsideThread, SimulationError
from apscheduler_fakes.kernel import Kernel
from apscheduler_fakes.leftovers import scheduler_of
from apscheduler_fakes.report import living_threads, thread_table
from apscheduler_fakes.scheduler import started

_sleep = time.sleep  # Kept: inside a simulation it is swapped.

# As many real milliseconds may pass before a real thread that was woken has its turn.
_MILLISECONDS = 50

# What to do about a scheduler from outside.
INSIDE = (
    "Create the app inside the `with Simulation()` block; with pytest, let the fixture that makes "
    "it ask for sim: def app(sim)."
)


def taking_part_from_outside(kernel: Kernel) -> SimulationError | None:
    """Say whether what looks like a deadlock waits for a real thread, and for which."""
    for thread in scheduler_threads_outside(kernel):
        return OutsideThread(
            f"the scheduler of thread {thread.name!r} was started outside the simulation, so its "
            f"jobs never run in virtual time, and nothing else can run any more. {INSIDE}\n"
            f"{thread_table(kernel)}"
        )
    if kernel.explored is None and _threads_outside(kernel):
        for _ in range(_MILLISECONDS):
            if kernel.refused is not None:
                break
            _sleep(0.001)
    return kernel.refused


def scheduler_threads_outside(kernel: Kernel) -> list[threading.Thread]:
    """Return the threads of schedulers from outside; none, where there is a scheduler inside."""
    inside = [thread.python_thread for thread in kernel.threads.values()]
    if any(scheduler_of(thread) is not None for thread in inside) or started():
        return []  # Those from outside may be another test's.
    return [each for each in _threads_outside(kernel) if scheduler_of(each) is not None]


def _threads_outside(kernel: Kernel) -> list[threading.Thread]:
    return [each for each in living_threads() if each.ident not in kernel.threads]
