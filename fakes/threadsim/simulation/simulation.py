"""Simulation: a block in which threads are virtual and time is the program's own.

Real Flask and real APScheduler run unmodified in it, one virtual thread at a time. Time jumps to
the next instant at which a thread wakes up. Sockets, files and processes are real, and keep every
virtual thread waiting.
"""

from contextlib import ExitStack, suppress
from datetime import datetime
from typing import Self
from warnings import warn

from threadsim.patching.determinism import new_random
from threadsim.reporting.kernel_errors import KernelReports
from threadsim.reporting.trace import TraceEntry, entries
from threadsim.reporting.tracebacks import is_shown, shorten
from threadsim.runtime.durations import LAST, nanoseconds, nanoseconds_since_1970
from threadsim.runtime.errors import SimulationError
from threadsim.runtime.kernel import Kernel, here
from threadsim.runtime.own_code import critical
from threadsim.runtime.virtual_thread import VirtualThread
from threadsim.simulation.clock import forget_unreachable
from threadsim.simulation.open_blocks import next_seed, open_simulations
from threadsim.simulation.session import end_threads, never_ending, session
from threadsim.simulation.simulation_clock import SimulationClock
from threadsim.simulation.watchdog import explain

# So often threads that can run have their turn when a block ends.
_LAST_TURNS = 1_000

_reports = KernelReports()


class Simulation:
    """Run the code of a block in virtual threads and virtual time.

    Waits, sleeps and timeouts take no real time there, in the jobs of a FakeScheduler neither.

    Args:
        start: The first instant: an ISO string with its offset, an aware ``datetime``, or "now",
            the present in whole seconds.
        max_elapsed: Longest virtual time in seconds, beside what ``clock`` was told to let pass;
            more raises ``TimeLimit``.
        max_steps: Most steps; more raise ``StepLimit``. A step is a switch, a free lock that is
            taken, a vain try of one, or a look at a clock, a date, an event, a thread or a lock.
            After 1,000 steps without a switch other threads go first; shorter turns count as one
            step. While ``clock`` lets time pass, the count begins anew whenever some has passed.
        stall_timeout: Longest real time in seconds without a switch; then ``StallLimit`` is raised,
            a tenth of a second later at most. ``None`` is for ever. A breakpoint is no stall.

    Attributes:
        clock: Its ``Clock``; ``tick`` and ``move_to`` let time pass while other threads run.
        has_failed: Whether the fixture's test has failed, so that nothing runs at the block's end.

    Raises:
        ValueError: ``start`` is no instant with an offset, or a limit is no number above zero.
    """

    # Adds to an error of the block what it may be due to.
    explain = staticmethod(explain)

    def __init__(
        self,
        start: str | datetime = "2026-01-01T00:00:00Z",
        *,
        max_elapsed: float = 86_400.0,
        max_steps: int = 1_000_000,
        stall_timeout: float | None = 10.0,
    ) -> None:
        limits: dict[str, float] = {"max_elapsed": max_elapsed, "max_steps": max_steps}
        if stall_timeout is not None:
            limits["stall_timeout"] = stall_timeout
        for name, limit in limits.items():
            if not (isinstance(limit, int | float) and limit > 0):
                raise ValueError(f"Simulation({name}={limit!r}): a limit is a number above zero.")
        self.clock = SimulationClock(start)
        self._max_elapsed = nanoseconds(max_elapsed)
        self._max_steps = max_steps
        self._stall_timeout = stall_timeout
        self._kernel: Kernel | None = None
        self.has_failed = False
        self._session = ExitStack()

    @critical
    def __enter__(self) -> Self:
        """Make threads and time virtual.

        Raises:
            NotModelled: Another Simulation or exploration has not ended.
            RuntimeError: It was entered before.
        """
        if self._kernel is not None:
            raise RuntimeError("Simulation: it was entered before. Make a new one for a new block.")
        forget_unreachable()
        epoch = nanoseconds_since_1970(self.clock.now())
        kernel = Kernel(
            epoch=epoch,
            random=new_random(next_seed(self.clock.now())),
            max_elapsed=min(self._max_elapsed, LAST - epoch),
            max_steps=self._max_steps,
            reports=_reports,
        )
        self._session.enter_context(session(lambda: kernel, stall_timeout=self._stall_timeout))
        self._kernel = self.clock.kernel = kernel
        open_simulations.append(self)
        return self

    @critical
    def __exit__(self, _type: object, exc_value: BaseException | None, _traceback: object) -> None:
        """End the threads that are left, silently, and put real threads and time back.

        Raises:
            SimulationError: The program failed and caught the report, a thread caught its end again
                and again, or another thread leaves the block.
        """
        kernel = self._kernel
        assert kernel is not None
        try:
            if exc_value is not None:
                self.explain(exc_value)
            goes_on = exc_value is None and not self.has_failed and kernel.failure is None
            if goes_on and here() is kernel:
                _let_ready_threads_run(kernel)
        finally:
            open_simulations.remove(self)
            self._leave(kernel, exc_value)

    @critical
    def _leave(self, kernel: Kernel, exc_value: BaseException | None) -> None:
        if here() is not kernel:
            self._session.close()
            kernel.abandon()
            raise SimulationError(
                f"a Simulation was left in another thread than {kernel.main.name!r}, which entered "
                "it. Leave the block in the thread that enters it; a generator is left where it is "
                "closed."
            )
        raised = kernel.refused or kernel.failure
        with self._session:
            end_threads(kernel)
        if kernel.interruption is not None:
            raise kernel.interruption
        # A refusal is often why a thread waits for ever.
        failure = kernel.refused or kernel.failure or never_ending(kernel)
        if failure is not None:
            failure.simulation = self
        if failure is None or failure is exc_value or is_shown(failure):
            if exc_value is not None:
                shorten(exc_value)
            return
        shorten(failure)
        if failure is raised:
            failure.add_note(
                "It was raised inside the block and has not left it. A test that expects it has "
                "the whole block in pytest.raises, and no fixture sim: with pytest.raises("
                f"{type(failure).__name__}), Simulation(): …"
            )
        raise failure

    @property
    def threads(self) -> list[VirtualThread]:
        """The living threads, the main one first, the others in the order of their starts."""
        return [] if self._kernel is None else list(self._kernel.threads.values())

    @property
    def trace(self) -> list[TraceEntry]:
        """What ran so far, a step each; ``str(step)`` is one line."""
        return [] if self._kernel is None else entries(self._kernel.trace)

    def settle(self) -> None:
        """Let everything that can run at this instant run; time does not move.

        Raises:
            RuntimeError: The simulation is not running.
            OutsideThread: A scheduler from outside has jobs, and none runs inside.
        """
        self.clock.check_usable("Simulation.settle()")
        self.clock.running_kernel("Simulation.settle()").settle()


def _let_ready_threads_run(kernel: Kernel) -> None:
    """Give threads that could run now their turns: else they never had one."""
    with suppress(SimulationError):  # The kernel has kept it.
        for _ in range(_LAST_TURNS):
            if kernel.failure is not None or not kernel.ready:
                return
            kernel.pause()
        names = ", ".join(thread.name for thread in kernel.ready)
        warn(
            f"the Simulation ends {names}, which could still run after {_LAST_TURNS:,} turns. Let "
            "a thread that polls sleep, and end it before the block does.",
            RuntimeWarning,
            stacklevel=4,
        )
