"""Runs the schedules of an exploration: what is set up once for all, and one run."""

import gc
import sys
import threading
from contextlib import ExitStack, suppress
from datetime import UTC, datetime
from functools import partial
from itertools import chain
from operator import itemgetter
from types import ModuleType
from typing import Any, Self
from weakref import WeakKeyDictionary

from threadsim.exploration.data.accesses import Accesses, DataRace
from threadsim.exploration.data.functions import is_own, library_classes, own_modules
from threadsim.exploration.data.instrumented import instrumented
from threadsim.exploration.execution import MAIN, Chooser, Cut, Execution, SwitchPoints
from threadsim.exploration.instrument import SWAPPED
from threadsim.exploration.options import Options
from threadsim.exploration.points import Points
from threadsim.exploration.program_end import end_program, reopen_pools, uses_pools
from threadsim.exploration.run_options import runs
from threadsim.patching.determinism import LogHandlers, new_random, restart_counters
from threadsim.patching.outside_walk import locks_near
from threadsim.patching.patch_sites import with_classes
from threadsim.reporting.kernel_errors import KernelReports
from threadsim.reporting.tracebacks import raised_place, raised_where
from threadsim.runtime.durations import nanoseconds_since_1970
from threadsim.runtime.errors import NotModelled, OutsideThread, SimulationError, StallLimit
from threadsim.runtime.kernel import Kernel, activate
from threadsim.runtime.own_code import critical, runs_program
from threadsim.simulation.integrations import integrations
from threadsim.simulation.session import end_threads, never_ending, session

START = datetime(2026, 1, 1, tzinfo=UTC)

# Virtual time and steps that one schedule may take.
MAX_ELAPSED = 86_400_000_000_000
MAX_STEPS = 100_000

# Real time in seconds that a step may take.
STALL_TIMEOUT = 10.0

_reports = KernelReports()

# After so many schedules garbage is collected: finalizers must not run inside a schedule.
_COLLECT_EVERY = 200


class ScheduleRunner:
    """Runs many schedules of one program, with its primitives replaced.

    Args:
        options: The program and its options.

    Attributes:
        options: The same.
        races: A sentence for each kind of data whose accesses no lock orders.
        modules: The names of the modules whose code is tracked.
    """

    def __init__(self, options: Options) -> None:
        self.options = options
        self.races: dict[str, str] = {}
        self.modules: list[str] = []
        self._tracks = options.data != "off" or bool(options.switch_in)
        self._packages = runs[-1].own
        self.program = program = options.program
        # The objects that it can reach others from, by name; and the user's modules among them.
        self._roots = {getattr(program, "__qualname__", "program"): program, **options.given}
        self._own, self._reached = own_modules(self._roots.values(), self._packages)
        for names in self._own.values():
            self._roots.setdefault(str(names["__name__"]), names)
        # Weakly: the objects of earlier schedules come and go.
        kept: WeakKeyDictionary[Any, list[Any]] = WeakKeyDictionary()
        self._new_points = partial(
            Points, kept=kept, early=options.early_timeouts, spurious=options.spurious_wakeups
        )
        self._errors: list[tuple[int, BaseException]] = []  # With the thread's number.
        self._ran = 0
        self.first_run_passed = False
        self._pools_in_warm_up = False
        self._undo = ExitStack()
        self._modules = set(sys.modules)  # No schedule has imported these.
        self._handlers = LogHandlers()
        self._kernel: Kernel
        self._points: Points

    @critical
    def __enter__(self) -> Self:
        """Begin the session.

        Raises:
            NotModelled: A simulation or an exploration runs.
        """
        with ExitStack() as undo:
            self._kernel = self._new_kernel(None)
            names = undo.enter_context(session(lambda: self._kernel, stall_timeout=STALL_TIMEOUT))
            self._locks = names.locks
            try:
                names.replace_outside(self._roots, "explore()")
                self._locks.note(self._locks.found)
            finally:
                self._end(self._kernel)
            for owner, name, ours in SWAPPED:
                names.swap(owner, name, ours)
            undo.callback(setattr, threading, "excepthook", threading.excepthook)
            self._instrument(undo)
            self._undo = undo.pop_all()
        return self

    @critical
    def __exit__(self, *_: object) -> None:
        """Put everything back.

        Raises:
            KeyboardInterrupt: Ctrl-C was pressed, and has not been raised yet.
        """
        self._undo.close()
        self._raise_interruption()

    @critical
    def settle(self) -> None:
        """Note what the warm-up has imported and used; collect garbage between schedules alone."""
        loaded = list(sys.modules.items())  # A real thread may import one meanwhile.
        imported = [module for name, module in loaded if name not in self._modules]
        modules = [each for each in imported if isinstance(each, ModuleType)]
        names = [names for _, names in with_classes(modules)]
        self._locks.note(chain.from_iterable(each.values() for each in names))
        self._locks.note(locks_near([self._roots, *names]))
        self._pools_in_warm_up = uses_pools(self._points)
        if any(is_own(vars(each), self._packages) for each in modules):
            self._own, self._reached = own_modules(self._roots.values(), self._packages)
            self._instrument(self._undo)
        gc.collect(1)  # Of schedules, no older garbage.
        if gc.isenabled():
            gc.disable()
            self._undo.callback(gc.enable)

    def _instrument(self, undo: ExitStack) -> None:
        """Let the code whose data is tracked call the hooks."""
        if self._tracks:
            own = {} if self.options.data == "off" else self._own
            targets = [*self.options.switch_in, *library_classes(own.values())]
            undo.enter_context(instrumented(own, self._reached, targets))
            self.modules = sorted(str(names["__name__"]) for names in own.values())

    def run(
        self, chooser: Chooser, *, switch_points: SwitchPoints, shown: bool = False
    ) -> Execution:
        """Run the program once.

        Args:
            chooser: Chooses the next thread.
            switch_points: Where threads can be switched.
            shown: Whether to note for the report at which lines threads stop.

        Raises:
            KeyboardInterrupt: Ctrl-C was pressed.
            NotModelled: The program does what has no model.
            OutsideThread: A thread or scheduler from outside takes part.
            SimulationError: A thread caught its end again and again.
            StallLimit: The program waits for something real.
        """
        restart_counters()
        # The schedule before may have set its own hook.
        threading.excepthook = self._thread_failed
        self._ran += 1
        if self._ran % _COLLECT_EVERY == 0:
            gc.collect(1)
        self._errors.clear()
        execution = Execution(switch_points=switch_points)
        points = self._points = self._new_points(chooser=chooser, record=execution, shown=shown)
        if self._tracks:
            points.data = Accesses(points, switch_points.data, self._own.values())
            execution.races = points.data.races
        kernel = self._new_kernel(points)
        # The schedule before had no code left to raise it in. No call: Ctrl-C may come at any.
        kernel.interruption, self._kernel = self._kernel.interruption, kernel
        self._raise_interruption()
        with ExitStack() as around:
            owed = [around.enter_context(each.errors_of_a_schedule()) for each in integrations()]
            try:
                activate(kernel)
                self._run(kernel, points)
                self._raise_interruption()
            finally:
                self._end(kernel, points)
        if (unended := never_ending(kernel)) is not None:
            raise unended
        failure = kernel.failure or kernel.refused
        errors = [error for _, error in sorted(self._errors, key=itemgetter(0))]
        errors += [] if failure is None else [failure]
        errors += chain.from_iterable(owed)
        for error in errors:
            if isinstance(error, NotModelled | OutsideThread | StallLimit):
                raise error
        execution.cut = isinstance(failure, Cut)
        late_pool = not self._pools_in_warm_up and uses_pools(self._points)
        if self.options.races == "fail":
            errors += [
                DataRace(f"{text}. Order them, or pass allowed_races=[{kind!r}].")
                for kind, text in execution.races.items()
                if kind not in self.options.allowed_races
            ]
        execution.errors = [] if execution.cut else errors
        self.races = execution.races | self.races
        data = frozenset[str]() if self.options.data == "report" else frozenset(execution.races)
        execution.needs = SwitchPoints(points.looked or late_pool, data)
        execution.switches = kernel.trace
        return execution

    @runs_program
    def _run(self, kernel: Kernel, points: Points) -> None:
        """Run the program to the end of its last thread that is no daemon."""
        try:
            points.record.value = self.program()
        except KeyboardInterrupt:
            raise
        except BaseException as error:  # noqa: BLE001  # Each exception is a failure.
            if kernel.failure is None:
                self._failed(error)
        with suppress(SimulationError):  # The kernel has kept it.
            if kernel.failure is None:
                switches = self._pools_in_warm_up or points.record.switch_points.every
                end_program(points, switches=switches)

    def _raise_interruption(self) -> None:
        """Raise the interruption that waits since Ctrl-C."""
        if self._kernel.interruption is not None:
            raise self._kernel.interruption

    @critical
    def _end(self, kernel: Kernel, points: Points | None = None) -> None:
        """End a schedule's threads, and leave nothing of it to the next schedule."""
        kernel.begin_end()  # No more steps.
        end_threads(kernel)
        reopen_pools()
        if points is not None:
            points.put_back()
        self._handlers.put_back()
        self._locks.reset()

    @staticmethod
    def _new_kernel(points: Points | None) -> Kernel:
        return Kernel(
            points=points,
            epoch=nanoseconds_since_1970(START),
            random=new_random("explore"),
            max_elapsed=MAX_ELAPSED,
            max_steps=MAX_STEPS,
            reports=_reports,
        )

    def _thread_failed(self, args: Any) -> None:
        if args.exc_type is not SystemExit:  # As threading's own hook.
            self._failed(args.exc_value)

    def _failed(self, error: BaseException) -> None:
        """Note that the running thread ends with an error."""
        # A thread that started after the end has no number.
        kernel = self._kernel
        self._errors.append((self._points.numbers.get(kernel.running, MAIN), error))
        if self._points.shown:
            what = f"fails with {type(error).__name__}{raised_where(error)}"
            if place := raised_place(error):
                self._points.note(place="{}:{}".format(*place))
            kernel.trace.append((kernel.now, kernel.running, what, None))
