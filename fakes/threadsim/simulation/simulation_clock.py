"""The ``Clock`` of a simulation: its kernel moves the time."""

from threadsim.runtime.durations import microseconds
from threadsim.runtime.kernel import Kernel, active
from threadsim.simulation.clock import Clock
from threadsim.simulation.integrations import integrations


class SimulationClock(Clock):
    """A ``Clock`` that lets virtual threads run on its way."""

    made_by = "Simulation"
    kernel: Kernel | None = None

    def running_kernel(self, call: str) -> Kernel:
        """Return the kernel.

        Raises:
            RuntimeError: The simulation is not running.
        """
        if self.kernel is None or self.kernel is not active():
            raise RuntimeError(
                f"{call}: outside its block a simulation stands still. Write: with Simulation() "
                "as sim."
            )
        return self.kernel

    def check_usable(self, call: str) -> None:
        """Check that the simulation runs, and that what should act meanwhile is inside."""
        kernel = self.running_kernel(call)
        for each in integrations():
            each.check_before_time_passes(kernel, call)

    @property
    def microseconds(self) -> int:
        """Whole microseconds since the start."""
        return 0 if self.kernel is None else microseconds(self.kernel.now)

    def run_until(self, target: int, call: str) -> None:
        """Go to an instant; ``max_elapsed`` does not count what a test lets pass."""
        kernel = self.running_kernel(call)
        kernel.max_elapsed += target * 1_000 - kernel.now
        super().run_until(target, call)
        kernel.settle()

    def stop_at(self, target: int) -> None:
        """Move to an instant, or to the next one at which a thread runs: it may add a job."""
        kernel = self.running_kernel("Clock")
        kernel.settle()
        end = target * 1_000
        kernel.sleep("lets time pass", min([end, *kernel.deadlines.values()]))
        kernel.steps = 0
