"""Makes the error, with its text, that ends a simulation: Deadlock, TimeLimit and StepLimit."""

from threadsim.reporting.thread_table import name_locks, thread_table, threads_outside
from threadsim.reporting.waits import wait_site
from threadsim.runtime.errors import Deadlock, SimulationError, StepLimit, TimeLimit
from threadsim.runtime.formatting import seconds
from threadsim.runtime.kernel import Kernel
from threadsim.runtime.virtual_thread import VirtualThread


class KernelReports:
    """Makes the errors of a kernel; see ``threadsim.runtime.hooks.Reports``."""

    wait_site = staticmethod(wait_site)

    def deadlock(self, kernel: Kernel) -> SimulationError:
        """Return the error for threads that all wait without a deadline."""
        name_locks(kernel)
        error = Deadlock(
            f"nothing can run any more at {seconds(kernel.now)} s of virtual time: every thread "
            f"waits, and no wait has a deadline.\n{thread_table(kernel)}"
        )
        outside = ", ".join(each.name for each in threads_outside(kernel))
        if outside and not all(map(_waits_for_a_thread, kernel.threads.values())):
            error.add_note(
                f"Outside the simulation: {outside}. If one of them should wake somebody, create "
                "it inside the block; of a scheduler that is the app. With pytest, let the fixture "
                "that makes it ask for sim: def app(sim)."
            )
        return error

    def time_limit(self, kernel: Kernel) -> SimulationError:
        """Return the error for time that would pass ``max_elapsed``."""
        return TimeLimit(
            f"virtual time stands at {seconds(kernel.now)} s and would pass the limit of "
            f"{seconds(kernel.max_elapsed)} s. A loop or a job that recurs goes on for ever. Look "
            "below for a thread that waits in vain meanwhile; or let the program end the loop, or "
            "make its thread a daemon. A Simulation takes max_elapsed=….\n"
            f"{thread_table(kernel)}"
        )

    def step_limit(self, kernel: Kernel) -> SimulationError:
        """Return the error for more than ``max_steps`` steps."""
        return StepLimit(
            f"{kernel.max_steps:,} steps and still running at {seconds(kernel.now)} s of virtual "
            "time. A loop that polls or never ends is the usual reason: let it wait, as Event.wait "
            f"and Queue.get do. A Simulation takes max_steps=….\n{thread_table(kernel)}"
        )

    def caught_again(self, failure: SimulationError, times: int) -> str:
        """Return the text for a program that catches its failure in a loop."""
        return (
            f"{type(failure).__name__}: {failure}\n"
            f"The program has caught this {times} times and goes on. A loop with a bare `except:` "
            "or `except BaseException:` does that: catch `Exception` instead.\n"
        )


def _waits_for_a_thread(thread: VirtualThread) -> bool:
    """Return whether a thread waits for a lock that another has, or for another one's end."""
    holder = getattr(thread.waiting_on, "holder", None)
    joins = thread.waiting_for.startswith(("waits for the end of ", "waits to join "))
    return joins or (holder is not None and holder is not thread and not holder.done)
