"""Makes the error, with its text, that ends a simulation: Deadlock, TimeLimit and StepLimit."""

from collections.abc import Callable

from threadsim.reporting.thread_table import thread_table
from threadsim.reporting.waits import wait_site
from threadsim.runtime.errors import Deadlock, NotModelled, SimulationError, StepLimit, TimeLimit
from threadsim.runtime.formatting import seconds
from threadsim.runtime.kernel import Kernel
from threadsim.runtime.virtual_thread import VirtualThread


class KernelReports:
    """Makes the errors of a kernel; see ``threadsim.runtime.hooks.Reports``.

    Args:
        hints: Returns what may be the reason of a ``Deadlock`` outside the simulation.
    """

    wait_site = staticmethod(wait_site)
    _time_advice = (
        " while {main} waits. A program that needs longer takes Simulation(max_elapsed=…)."
    )
    _step_advice = (
        "A loop that never {ends} is the usual reason: let it sleep or wait. A program that needs "
        "more steps takes Simulation(max_steps=…)."
    )

    def __init__(self, hints: Callable[[Kernel], list[str]]) -> None:
        self._hints = hints

    def deadlock(self, kernel: Kernel) -> SimulationError:
        """Return the error for threads that all wait without a deadline."""
        error = Deadlock(
            f"nothing can run any more at {seconds(kernel.now)} s of virtual time: every thread "
            f"waits, and no wait has a deadline.\n{thread_table(kernel)}"
        )
        if not all(map(_waits_for_a_thread, kernel.threads.values())):
            for hint in self._hints(kernel):
                error.add_note(hint)
        return error

    def time_limit(self, kernel: Kernel) -> SimulationError:
        """Return the error for time that would pass ``max_elapsed``."""
        advice = self._time_advice.format(main=kernel.main.name)
        return TimeLimit(
            f"virtual time stands at {seconds(kernel.now)} s and would pass the limit of "
            f"{seconds(kernel.max_elapsed)} s{advice}\n{thread_table(kernel)}"
        )

    def step_limit(self, kernel: Kernel, since: int) -> SimulationError:
        """Return the error for more than ``max_steps`` steps since an instant in nanoseconds."""
        advice = self._step_advice.format(ends="ends" if kernel.now > since else "lets time pass")
        return StepLimit(
            f"{kernel.max_steps:,} steps and still running at {seconds(kernel.now)} s of virtual "
            f"time. {advice}\n{thread_table(kernel)}"
        )

    def cannot_wait(self, kernel: Kernel, *, between_threads: bool) -> BaseException:
        """Return the error for a wait in code that is no thread of the simulation."""
        if between_threads:
            return RuntimeError(
                "a finalizer tried to wait while the simulation was between two threads, so that "
                "there is no thread that could. Let it not wait."
            )
        kernel.refused = NotModelled(
            f"a greenlet of the program's own waits in thread {kernel.running.name!r}. It is no "
            "thread of the simulation. Let it run outside the block, or use threads."
        )
        return kernel.refused

    def caught_again(self, failure: SimulationError, times: int) -> str:
        """Return the text for a program that catches its failure in a loop."""
        return (
            f"{type(failure).__name__}: {failure}\n"
            f"The program has caught this {times} times and goes on. A loop with a bare `except:` "
            "or `except BaseException:` does that: catch `Exception` instead.\n"
        )


class ScheduleReports(KernelReports):
    """Makes the errors of one schedule of an exploration."""

    _time_advice = (
        ". A thread that never ends is the usual reason: let the program end it, or make it a "
        "daemon."
    )
    _step_advice = (
        "A loop that polls is the usual reason: in some schedule no other thread runs meanwhile. "
        "Let it wait, as Event.wait and Queue.get do."
    )


def _waits_for_a_thread(thread: VirtualThread) -> bool:
    """Return whether a thread waits for a lock that another has, or for another one's end."""
    holder = getattr(thread.waiting_on, "holder", None)
    joins = thread.waiting_for.startswith(("waits for the end of ", "waits to join "))
    return joins or (holder is not None and holder is not thread and not holder.done)
