"""Schedulers of real threads, from outside a simulation, that should take part in it."""

import threading
import time

from apscheduler_fakes.errors import OutsideThread, SimulationError
from apscheduler_fakes.kernel import Kernel
from apscheduler_fakes.leftovers import has_work, scheduler_of
from apscheduler_fakes.report import thread_table, threads_outside
from apscheduler_fakes.scheduler import started

_sleep = time.sleep  # Kept: inside a simulation it is swapped.

# As many real milliseconds may pass before a real thread that was woken has its turn.
_MILLISECONDS = 50

# What to do about a scheduler from outside.
_INSIDE = (
    "Create the app inside the `with Simulation()` block, or the explored program; with pytest, "
    "let the fixture that makes it ask for sim: def app(sim)."
)


def taking_part_from_outside(kernel: Kernel) -> SimulationError | None:
    """Say whether what looks like a deadlock waits for a real thread, and for which."""
    for thread in _scheduler_threads_outside(kernel):
        return OutsideThread(
            f"the scheduler of thread {thread.name!r} was started outside the simulation, so its "
            f"jobs never run in virtual time, and nothing else can run any more. {_INSIDE}\n"
            f"{thread_table(kernel)}"
        )
    if kernel.explored is None and threads_outside(kernel):
        for _ in range(_MILLISECONDS):
            if kernel.refused is not None:
                break
            _sleep(0.001)
    return kernel.refused


def check_no_work_outside(kernel: Kernel, call: str) -> None:
    """Raise an error if time is to pass for a scheduler that it does not reach.

    Args:
        kernel: Whose time it is.
        call: What lets it pass.

    Raises:
        OutsideThread: A scheduler from outside has jobs, and none runs inside.
    """
    for thread in _scheduler_threads_outside(kernel):
        if has_work(scheduler_of(thread)):
            kernel.refused = OutsideThread(
                f"{call}: the scheduler of thread {thread.name!r} has jobs and was started "
                "outside the simulation, so they never run in virtual time, and there is no other "
                f"scheduler whose jobs would. {_INSIDE}"
            )
            raise kernel.refused


def _scheduler_threads_outside(kernel: Kernel) -> list[threading.Thread]:
    """Return the threads of schedulers from outside; none, where there is a scheduler inside."""
    inside = [thread.python_thread for thread in kernel.threads.values()]
    if any(scheduler_of(thread) is not None for thread in inside) or started():
        return []  # Those from outside may be another test's.
    return [each for each in threads_outside(kernel) if scheduler_of(each) is not None]
