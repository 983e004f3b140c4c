"""Makes the error, with its text, that ends a simulation: Deadlock, TimeLimit and StepLimit."""

from threadsim.reporting.thread_table import name_locks, thread_table
from threadsim.reporting.waits import wait_site
from threadsim.runtime.errors import Deadlock, SimulationError, StepLimit, TimeLimit
from threadsim.runtime.formatting import seconds
from threadsim.runtime.kernel import Kernel


class KernelReports:
    """Makes the errors of a kernel; see ``threadsim.runtime.hooks.Reports``."""

    wait_site = staticmethod(wait_site)

    def deadlock(self, kernel: Kernel) -> SimulationError:
        """Return the error for threads that all wait without a deadline."""
        name_locks(kernel)
        return Deadlock(
            f"nothing can run any more at {seconds(kernel.now)} s of virtual time: every thread "
            f"waits, and no wait has a deadline.\n{thread_table(kernel)}"
        )

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
