"""What a kernel says when nothing comes of going on: nobody can run, or there is no end to it."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from threadsim.reporting.report import thread_table, wait_site
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
    from collections.abc import Callable

    from threadsim.runtime.kernel import Kernel

_MORE_STEPS = "A program that needs more steps takes Simulation(max_steps=…)"
_NO_TIME = "A loop that never lets time pass is the usual reason: let it sleep or wait."


class KernelReports:
    """Makes the errors of a kernel; see ``threadsim.runtime.hooks.Reports``.

    Args:
        diagnose: Asked before a ``Deadlock`` is made; may return a better error.
    """

    wait_site = staticmethod(wait_site)

    def __init__(self, diagnose: Callable[[Kernel], SimulationError | None]) -> None:
        self._diagnose = diagnose

    def deadlock(self, kernel: Kernel) -> SimulationError:
        """Say that every thread waits, and none for an instant."""
        return self._diagnose(kernel) or Deadlock(
            f"nothing can run any more at {seconds(kernel.now)} s of virtual time: every thread "
            f"waits, and no wait has a deadline.\n{thread_table(kernel)}"
        )

    def time_limit(self, kernel: Kernel) -> SimulationError:
        """Say that time would pass ``max_elapsed``."""
        advice = "A program that needs longer takes Simulation(max_elapsed=…)."
        if kernel.epoch + kernel.max_elapsed >= LAST:
            advice = "No date lies past the year 9999: begin earlier, or wait less."
        return TimeLimit(
            f"virtual time stands at {seconds(kernel.now)} s and would pass the limit of "
            f"{seconds(kernel.max_elapsed)} s while {kernel.main.name} waits. {advice}\n"
            f"{thread_table(kernel)}"
        )

    def step_limit(self, kernel: Kernel, since: int) -> SimulationError:
        """Say that there were more than ``max_steps`` steps.

        Args:
            kernel: The kernel.
            since: The instant from which on they are counted, in microseconds.
        """
        if kernel.now == since:
            text = (
                f"{kernel.max_steps} steps and still running at {seconds(kernel.now)} s of virtual "
                f"time. {_NO_TIME} {_MORE_STEPS}."
            )
        else:
            text = (
                f"{kernel.max_steps} steps from {seconds(since)} s to {seconds(kernel.now)} s of "
                "virtual time and still running. A loop that asks again and again for what never "
                f"comes is the usual reason. {_MORE_STEPS}, or lets time pass with "
                "sim.clock.tick(…)."
            )
        return StepLimit(f"{text}\n{thread_table(kernel)}")

    def acquire_limit(self, kernel: Kernel) -> SimulationError:
        """Say that locks were tried more than ``max_steps`` times without a switch."""
        return StepLimit(
            f"{kernel.max_steps} tries of locks without a switch and still running at "
            f"{seconds(kernel.now)} s of virtual time. {_NO_TIME} {_MORE_STEPS}.\n"
            f"{thread_table(kernel)}"
        )

    def cannot_wait(self, kernel: Kernel, *, between_threads: bool) -> BaseException:
        """Say that code which is no thread of the simulation tries to wait."""
        if kernel.main.greenlet.dead:
            return OutsideThread(
                f"thread {threading.current_thread().name!r} has the identifier of a thread that "
                "began a Simulation and ended inside its block, so that virtual time takes the one "
                "for the other. Leave the block in the thread that entered it."
            )
        if between_threads:
            return RuntimeError(
                "a finalizer tried to wait while the simulation was between two threads, so that "
                "there is no thread that could. Let it not wait."
            )
        kernel.refused = NotModelled(
            f"a greenlet of the program's own waits in thread {kernel.running.name!r}, which has "
            "no model inside a Simulation: its threads are greenlets, and this one is none of "
            "them. Let it run outside the block (so with gevent and what else is made of "
            "greenlets), or use threads."
        )
        return kernel.refused

    def caught_again(self, failure: SimulationError, times: int) -> str:
        """Say that the program catches a failure in a loop, so that it may never come out."""
        return (
            f"{type(failure).__name__}: {failure}\n"
            f"The program has caught this {times} times and goes on. A loop with a bare `except:` "
            "or `except BaseException:` does that: catch `Exception` instead.\n"
        )


class ScheduleReports(KernelReports):
    """Makes the errors of one schedule of an exploration."""

    def time_limit(self, kernel: Kernel) -> SimulationError:
        """Say that time would pass ``max_elapsed``."""
        return TimeLimit(
            f"virtual time stands at {seconds(kernel.now)} s and would pass the limit of "
            f"{seconds(kernel.max_elapsed)} s. A thread that never ends is the usual reason: let "
            f"the program end it, or make it a daemon.\n{thread_table(kernel)}"
        )

    def step_limit(self, kernel: Kernel, since: int) -> SimulationError:  # noqa: ARG002
        """Say that there were more than ``max_steps`` steps."""
        return StepLimit(
            f"{kernel.max_steps:,} steps and still running at {seconds(kernel.now)} s of virtual "
            "time. A loop that looks again and again is the usual reason: under some schedule "
            "nobody else has a turn meanwhile. Let it wait for what it looks for, as Event.wait "
            f"and Queue.get do.\n{thread_table(kernel)}"
        )
