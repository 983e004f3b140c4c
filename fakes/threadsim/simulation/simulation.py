"""Simulation: the block in which threads are virtual and time is the program's own.

Inside it real Flask and real APScheduler run unmodified, one virtual thread at a time, and time
jumps to the next instant at which somebody wakes up. What is not virtual (sockets, files,
processes) runs for real and keeps every thread waiting; what would go wrong quietly is refused.

A real lock or ``threading.local`` that was made before the block and that no module or class holds,
or whose class is derived from theirs, knows one OS thread only: it takes all virtual threads for
the same one.
"""

import threading
from _thread import get_ident
from contextlib import ExitStack, suppress
from datetime import datetime
from types import TracebackType
from typing import Any, Self

from threadsim.patching.determinism import new_random
from threadsim.patching.module_locks import LockReplacements
from threadsim.patching.patcher import Patcher
from threadsim.primitives.dates import virtual_dates
from threadsim.primitives.signals import interruptible
from threadsim.primitives.trace_functions import traces_apart
from threadsim.reporting.limits import KernelReports
from threadsim.reporting.trace import TraceEntry, entries, outlook
from threadsim.reporting.tracebacks import is_shown, shorten
from threadsim.runtime.durations import LAST, microseconds, nanoseconds, nanoseconds_since_1970
from threadsim.runtime.errors import NotModelled, SimulationError
from threadsim.runtime.kernel import Kernel, activate, active
from threadsim.runtime.own_code import critical
from threadsim.runtime.virtual_thread import VirtualThread
from threadsim.simulation.clock import Clock, forget_unreachable
from threadsim.simulation.ending import abandoned, silence, without_threads
from threadsim.simulation.integrations import diagnose, integrations, more_patches
from threadsim.simulation.open_blocks import open_simulations
from threadsim.simulation.process_lock import alone
from threadsim.simulation.watchdog import watched

# Seconds to the end of time, and more.
_LONGEST = 1e12


_reports = KernelReports(diagnose)


class Simulation:
    """Run what stands inside the block in virtual threads and virtual time.

    Waits, sleeps and time-outs take no real time there, in a FakeScheduler's jobs neither.

    Args:
        start: The first instant: an ISO string with its offset or an aware ``datetime``.
        max_elapsed: Longest virtual time in seconds, beside what ``clock`` was told to let pass;
            more raises ``TimeLimit``.
        max_steps: Most steps; more raise ``StepLimit``. A step is a switch, a vain try of a lock,
            or a look at a clock, a date, an event, a thread or a lock. As many free
            locks may be taken without a switch between them. While ``clock`` lets time pass, the
            count begins anew whenever some has passed.
        stall_timeout: Longest real time in seconds without a switch, to be exceeded by no more than
            itself; then something is really blocked, or busy, and ``StallLimit`` is raised.
            ``None`` is for ever. A breakpoint is no stall.

    Attributes:
        clock: Its ``Clock``; ``tick`` and ``move_to`` let time pass while everyone else runs.

    Raises:
        TypeError: ``start`` is something else, or a limit is no number.
        ValueError: ``start`` has no offset, or a limit is not positive.
    """

    def __init__(
        self,
        start: str | datetime = "2026-01-01T00:00:00Z",
        *,
        max_elapsed: float = 86_400.0,
        max_steps: int = 1_000_000,
        stall_timeout: float | None = 10.0,
    ) -> None:
        limits = {"max_elapsed": max_elapsed, "max_steps": max_steps}
        if stall_timeout is not None:
            limits["stall_timeout"] = stall_timeout
        for name, limit in limits.items():
            if isinstance(limit, bool) or not isinstance(limit, int | float):
                raise TypeError(
                    f"Simulation({name}={limit!r}): a limit is a number, not a "
                    f"{type(limit).__name__}. Pass a positive one."
                )
            if not limit > 0:
                raise ValueError(
                    f"Simulation({name}={limit!r}): a limit that is not above zero lets nothing "
                    "run. Pass a positive number."
                )
        self.clock = _SimulationClock(start)
        self._max_elapsed = nanoseconds(min(max_elapsed, _LONGEST))
        self._max_steps = max_steps
        # Longer than a thread can wait is for ever.
        for_ever = stall_timeout is None or stall_timeout > threading.TIMEOUT_MAX
        self._stall_timeout = None if for_ever else stall_timeout
        self._kernel: Kernel | None = None
        self._outlook: list[str] = []
        self._undo = ExitStack()

    @critical
    def __enter__(self) -> Self:
        """Make threads and time virtual.

        Raises:
            NotModelled: It stands inside another simulation, or beside that of another thread.
            RuntimeError: It was entered before.
        """
        if (outer := active()) is not None:
            raise NotModelled(_is_open(outer))
        if self._kernel is not None:
            raise RuntimeError("Simulation: it was entered before. Make a new one for a new block.")
        forget_unreachable()
        start = self.clock.now()
        with ExitStack() as undo:
            undo.enter_context(alone("a Simulation"))
            epoch = nanoseconds_since_1970(start)
            kernel = self._kernel = self.clock.kernel = Kernel(
                epoch=epoch,
                random=new_random(),
                max_elapsed=min(self._max_elapsed, LAST - epoch),
                max_steps=self._max_steps,
                reports=_reports,
            )
            undo.enter_context(interruptible(lambda: kernel))
            undo.enter_context(virtual_dates())
            # In this order: a virtual lock that replaces a real one is made inside.
            undo.callback(activate, None)
            activate(kernel)
            names = Patcher(LockReplacements())
            undo.callback(names.uninstall)
            names.install(more_patches())
            undo.enter_context(traces_apart())
            longer = ", or let it take its time: Simulation(stall_timeout=None)"
            undo.enter_context(watched(self._stall_timeout, longer))
            self._undo = undo.pop_all()
        open_simulations.append(self)
        if kernel.interruption is not None:  # The block may run for long before it waits.
            self.__exit__(None, None, None)
        return self

    @critical
    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc_value: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """End the threads that are left, silently, and put real threads and time back.

        Raises:
            SimulationError: The program failed and something swallowed the report, a thread caught
                its end again and again, or another thread has left the block.
        """
        if self not in open_simulations:
            return  # The interpreter's end has ended it (test_an_open_simulation_ends_with_python).
        open_simulations.remove(self)
        kernel = self._kernel
        assert kernel is not None
        if kernel.is_left_elsewhere():
            self._undo.close()
            with without_threads(kernel):
                kernel.abandon()
            # For its main thread, if that still waits.
            kernel.failure = _left_elsewhere(kernel)
            raise kernel.failure
        # What was refused is why somebody waits for ever.
        raised = kernel.refused or kernel.failure
        self._outlook = outlook(kernel)
        with self._undo, silence(kernel), without_threads(kernel):
            kernel.end()
        if kernel.interruption is not None:
            raise kernel.interruption
        failure = kernel.refused or kernel.failure or abandoned(kernel)
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

    @property
    def outlook(self) -> list[str]:
        """What comes after the ``trace``, in words; nothing if nobody will wake by itself."""
        kernel = self._kernel
        return self._outlook if kernel is None or kernel.ending else outlook(kernel)

    def settle(self) -> None:
        """Let everything that can run at this instant run; time does not move.

        Raises:
            RuntimeError: The simulation is not running.
            OutsideThread: A scheduler from outside has jobs, and none runs inside.
        """
        self.clock.check_useful("Simulation.settle()").settle()


class _SimulationClock(Clock):
    """The clock of a simulation, whose kernel moves the time."""

    _made_by = "Simulation"
    kernel: Kernel | None = None

    def __enter__(self) -> Self:
        raise RuntimeError("Simulation.clock: it is running already. Use it without `with`.")

    def check_usable(self, call: str) -> Kernel:
        """Return the kernel, if it is the running simulation's."""
        if self.kernel is None or self.kernel is not active():
            raise RuntimeError(
                f"{call}: outside its block a simulation stands still. Write: with Simulation() "
                "as sim."
            )
        return self.kernel

    def check_useful(self, call: str) -> Kernel:
        """Return the kernel, if those whose time passes are inside."""
        kernel = self.check_usable(call)
        for each in integrations():
            each.check_before_time_passes(kernel, call)
        return kernel

    def _check_usable(self, call: str) -> None:
        self.check_useful(call)

    @property
    def _microseconds(self) -> int:
        return 0 if self.kernel is None else microseconds(self.kernel.now)

    def _advance(self, target: int, call: str) -> None:
        kernel = self.check_usable(call)
        # What the test asks for is no sign of a hang.
        longest = kernel.max_elapsed + target * 1_000 - kernel.now
        kernel.max_elapsed = min(longest, LAST - kernel.epoch)
        super()._advance(target, call)
        kernel.settle()

    def _move(self, target: int) -> None:
        kernel = self.check_usable("Clock")
        kernel.settle()
        # No further than to the next instant at which a thread runs: it may give a FakeScheduler
        # something to do before that.
        end = target * 1_000
        deadline = min(end, kernel.next_deadline() or end)
        kernel.block("lets time pass", deadline=deadline)
        kernel.count_anew()


def _end_at_exit() -> None:
    """End what a generator or a debugger has left open: later no thread could be waited for."""
    reached = [
        each
        for each in open_simulations
        if (kernel := each._kernel) is not None
        and (kernel.os_ident == get_ident() or kernel.main.greenlet.dead)
    ]
    for simulation in reached:
        with suppress(SimulationError):
            simulation.__exit__(None, None, None)


threading._register_atexit(_end_at_exit)  # type: ignore[attr-defined]  # As concurrent.futures does.


def _is_open(outer: Kernel) -> str:
    if outer.main.greenlet.dead:
        return (
            f"a Simulation that thread {outer.main.name!r} entered is still open, and that thread "
            "has ended. Leave its block in the thread that enters it, or close the generator in "
            "which it stands."
        )
    return (
        "a Simulation inside a Simulation has no model. Use the outer one."
        if outer.os_ident == get_ident()
        else "a Simulation beside a Simulation has no model, and thread "
        f"{outer.main.name!r} runs one. Use one after the other, or a process for each."
    )


# Simulations that another thread has left. What is unwound when it is collected would run for real.
_out_of_reach: list[Kernel] = []


def _left_elsewhere(kernel: Kernel) -> SimulationError:
    _out_of_reach.append(kernel)
    virtual = kernel.running is not kernel.main
    leaves: Any = kernel.running if virtual else threading.current_thread()
    names = ", ".join(thread.name for thread in kernel.abandoned)
    return SimulationError(
        f"the block of a Simulation that thread {kernel.main.name!r} entered was left in thread "
        f"{leaves.name!r}, which cannot end the threads inside ({names or 'there are none'}). "
        "Names and time are put back. Leave the block in the thread that enters it; a generator is "
        "left where it is closed."
    )
