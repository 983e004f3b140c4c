"""What a kernel says when nothing comes of going on: nobody can run, or there is no end to it."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from threadsim.reporting.report import thread_table
from threadsim.runtime.durations import LAST
from threadsim.runtime.errors import (
    Deadlock,
    NotModelled,
    OutsideThread,
    SimulationError,
    StepLimit,
    TimeLimit,
)
from threadsim.runtime.formatting import seconds

if TYPE_CHECKING:
    from threadsim.runtime.kernel import Kernel

_MORE_STEPS = "A program that needs more steps takes Simulation(max_steps=…)"
_NO_TIME = "A loop that never lets time pass is the usual reason: let it sleep or wait."


def deadlock(kernel: Kernel) -> Deadlock:
    """Say that every thread waits, and none for an instant."""
    return Deadlock(
        f"nothing can run any more at {seconds(kernel.now)} s of virtual time: every thread "
        f"waits, and no wait has a deadline.\n{thread_table(kernel)}"
    )


def time_limit(kernel: Kernel) -> TimeLimit:
    """Say that time would pass ``max_elapsed``."""
    advice = "A program that needs longer takes Simulation(max_elapsed=…)."
    if kernel.epoch + kernel.max_elapsed >= LAST:
        advice = "No date lies past the year 9999: begin earlier, or wait less."
    return TimeLimit(
        f"virtual time stands at {seconds(kernel.now)} s and would pass the limit of "
        f"{seconds(kernel.max_elapsed)} s while {kernel.main.name} waits. {advice}\n"
        f"{thread_table(kernel)}"
    )


def step_limit(kernel: Kernel, since: int) -> StepLimit:
    """Say that there were more than ``max_steps`` steps.

    Args:
        kernel: Whose they were.
        since: From which instant on, in microseconds.
    """
    if kernel.now == since:
        text = (
            f"{kernel.max_steps} steps and still running at {seconds(kernel.now)} s of virtual "
            f"time. {_NO_TIME} {_MORE_STEPS}."
        )
    else:
        text = (
            f"{kernel.max_steps} steps from {seconds(since)} s to {seconds(kernel.now)} s of "
            "virtual time and still running. A loop that asks again and again for what never comes "
            f"is the usual reason. {_MORE_STEPS}, or lets time pass with sim.clock.tick(…)."
        )
    return StepLimit(f"{text}\n{thread_table(kernel)}")


def takes_limit(kernel: Kernel) -> StepLimit:
    """Say that locks were tried more than ``max_steps`` times without a switch."""
    return StepLimit(
        f"{kernel.max_steps} tries of locks without a switch and still running at "
        f"{seconds(kernel.now)} s of virtual time. {_NO_TIME} {_MORE_STEPS}.\n"
        f"{thread_table(kernel)}"
    )


def greenlet_of_its_own(name: str) -> NotModelled:
    """Say that what waits is no thread of the simulation."""
    return NotModelled(
        f"a greenlet of the program's own waits in thread {name!r}, which has no model "
        "inside a Simulation: its threads are greenlets, and this one is none of them. Let it "
        "run outside the block (so with gevent and what else is made of greenlets), or use "
        "threads."
    )


def thread_of_the_same_identifier() -> OutsideThread:
    """Say that the running OS thread is taken for one that has ended."""
    return OutsideThread(
        f"thread {threading.current_thread().name!r} has the identifier of a thread that began a "
        "Simulation and ended inside its block, so that virtual time takes the one for the other. "
        "Leave the block in the thread that entered it."
    )


def no_thread() -> RuntimeError:
    """Say that a finalizer waits between two threads."""
    return RuntimeError(
        "a finalizer tried to wait while the simulation was between two threads, so that there is "
        "no thread that could. Let it not wait."
    )


def caught_again_and_again(failure: SimulationError, times: int) -> str:
    """Say that the program catches a failure in a loop, so that it may never come out."""
    return (
        f"{type(failure).__name__}: {failure}\n"
        f"The program has caught this {times} times and goes on. A loop with a bare `except:` or "
        "`except BaseException:` does that: catch `Exception` instead.\n"
    )
