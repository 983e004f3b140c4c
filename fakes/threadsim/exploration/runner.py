"""What is set up once for all schedules of an exploration, and running one of them in it."""

import concurrent.futures.thread as pools
import gc
import sys
import threading
from collections.abc import Callable, Mapping
from contextlib import ExitStack, nullcontext
from datetime import UTC, datetime
from itertools import chain, count, islice
from operator import itemgetter
from types import MappingProxyType, ModuleType, TracebackType
from typing import Any, Self
from weakref import WeakKeyDictionary

import threadsim.exploration.instrument as explored  # As in install.py.
import threadsim.patching.determinism as repeatable
import threadsim.patching.patcher as install
from threadsim.exploration.data.contents import Contents
from threadsim.exploration.execution import MAIN, Chooser, Cut, Execution, Picture, SwitchPoints
from threadsim.exploration.points import Points
from threadsim.patching.module_locks import LockReplacements
from threadsim.patching.outside_objects import OutsideObjects, locks_in
from threadsim.patching.patch_sites import with_classes
from threadsim.reporting.limits import ScheduleReports
from threadsim.reporting.trace import TraceEntry
from threadsim.reporting.tracebacks import raised_where
from threadsim.runtime.durations import as_seconds, nanoseconds_since_1970
from threadsim.runtime.errors import NotModelled, OutsideThread, SimulationError, StallLimit
from threadsim.runtime.kernel import Kernel, ThreadExit, activate
from threadsim.runtime.own_code import critical, runs_program
from threadsim.runtime.virtual_thread import VirtualThread  # noqa: TC001
from threadsim.simulation.integrations import diagnose, integrations
from threadsim.simulation.session import end_threads, never_ending, session

START = datetime(2026, 1, 1, tzinfo=UTC)

# Virtual time and steps that one schedule may take.
MAX_ELAPSED = 86_400_000_000_000
MAX_STEPS = 100_000

# Real time in seconds that a step may take.
STALL_TIMEOUT = 10.0

_reports = ScheduleReports(diagnose)

# Garbage is collected between schedules, after this many: finalizers must not run inside one.
_COLLECT_EVERY = 200


class ScheduleRunner:
    """Names swapped and time frozen for many schedules of one program.

    Args:
        program: What is run.
        early: Whether time may move although threads can run.
        spurious: Whether threads may wake up without a notification.
        given: Objects from outside that it uses, by their names.
    """

    # Never twice the same: what another exploration made is told from what is made in this one.
    _moments = 0

    def __init__(
        self,
        program: Callable[[], object],
        *,
        early: bool = False,
        spurious: bool = False,
        given: Mapping[str, object] = MappingProxyType({}),
    ) -> None:
        self.program = program
        # All that it can reach, by name.
        self._roots = {getattr(program, "__qualname__", "program"): program, **given}
        self.early = early
        self.spurious = spurious
        # What no schedule makes anew, and how the first one found it.
        # Weakly: the objects of earlier schedules come and go.
        self._kept: WeakKeyDictionary[Any, list[Any]] = WeakKeyDictionary()
        self._outside_numbers = count()
        self._errors: list[tuple[int, BaseException]] = []  # With the number of whose it is.
        self._ran = 0
        self._pools = False  # Whether the warm-up has used one.
        self._undo = ExitStack()
        self._held = LockReplacements()
        self._outside = OutsideObjects(self._held)
        self._contents = Contents()
        self._modules = set(sys.modules)  # Those that no schedule has imported.
        self._handlers = repeatable.LogHandlers()
        self._kernel: Kernel
        self._points: Points
        self._unraisable: Callable[[Any], None]

    @critical
    def __enter__(self) -> Self:
        """Set up.

        Raises:
            NotModelled: There is a simulation or an exploration around it, or beside it.
        """
        with ExitStack() as undo:
            self._kernel = self._new_kernel(None)
            names = undo.enter_context(
                session(
                    "explore()",
                    lambda: self._kernel,
                    self._held,
                    stall_timeout=STALL_TIMEOUT,
                    remedy=" of the program",
                    explores=True,
                )
            )
            undo.callback(self._outside.put_back)
            try:
                self._outside.replace(self._roots)
                self._contents.note(self._held.found)
            finally:
                self._end(self._kernel)
            self._swap(names)
            undo.callback(setattr, threading, "excepthook", threading.excepthook)
            undo.callback(setattr, sys, "unraisablehook", sys.unraisablehook)
            self._unraisable = self._bare_thread_failed(sys.unraisablehook)
            self._undo = undo.pop_all()
        return self

    @critical
    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Put everything back.

        Raises:
            KeyboardInterrupt: Somebody pressed Ctrl-C, and it has not been raised yet.
        """
        self._undo.close()
        self._raise_interruption()

    @critical
    def settle(self) -> None:
        """Take in what the first run was like; the collector runs between schedules from now on."""
        loaded = list(sys.modules.items())  # A real thread may import one meanwhile.
        imported = [module for name, module in loaded if name not in self._modules]
        self._contents.note(locks_in([*self._roots.values(), *imported]))
        # Installed ones are not followed, but what they and their classes hold takes part.
        modules = [each for each in imported if isinstance(each, ModuleType)]
        for _, names in with_classes(modules):
            self._contents.note(list(names.values()))
        self._pools = self._uses_pools()
        _collect()
        if gc.isenabled():
            gc.disable()
            self._undo.callback(gc.enable)

    def run(
        self, chooser: Chooser, *, switch_points: SwitchPoints, shown: bool = False
    ) -> Execution:
        """Run the program once.

        Args:
            chooser: Chooses the next thread.
            switch_points: Where threads can be switched.
            shown: Whether it is going to be shown, with the lines at which threads stop.

        Raises:
            KeyboardInterrupt: Somebody pressed Ctrl-C.
            NotModelled: The program does what an exploration cannot.
            OutsideThread: A thread or scheduler from outside takes part.
            SimulationError: A thread caught its end again and again.
            StallLimit: The program waits for something real.
        """
        repeatable.restart_counters()
        # A schedule may have set its own.
        threading.excepthook, sys.unraisablehook = self._thread_failed, self._unraisable
        self._ran += 1
        if self._ran % _COLLECT_EVERY == 0:
            _collect()
        self._errors.clear()
        before = self._kernel
        points = self._points = Points(
            chooser=chooser,
            kept=self._kept,
            outside_numbers=self._outside_numbers,
            switch_points=switch_points,
            early=self.early,
            spurious=self.spurious,
            first_moment=self._moments,
            shown=shown,
        )
        kernel = self._kernel = self._new_kernel(points)
        if before.interruption is not None:  # Asked for when nothing is left for that one any more.
            raise before.interruption
        value, caveat = None, self._contents.caveat
        with ExitStack() as around:
            owed = [around.enter_context(each.errors_of_a_schedule()) for each in integrations()]
            try:
                activate(kernel)
                value = self._run(kernel, points)
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
        cut = isinstance(failure, Cut)
        late_pool = not self._pools and self._uses_pools()
        return Execution(
            steps=points.steps,
            blocked=points.blocked,
            errors=[] if cut else errors,
            cut=cut,
            value=value,
            switches=kernel.trace,
            switch_points=switch_points,
            needs=SwitchPoints(points.looked or late_pool),
            numbers=points.numbers,
            origins=points.origins,
            picture=points.picture or Picture(),
            caveat=caveat,
        )

    @runs_program
    def _run(self, kernel: Kernel, points: Points) -> object:
        """Run the program and all its threads that are no daemons to their ends."""
        value = None
        try:
            try:
                value = self.program()
            except KeyboardInterrupt:
                raise
            except BaseException as error:  # noqa: BLE001  # Whatever it raises is its failure.
                if kernel.failure is None:
                    self._failed(error)
            if kernel.failure is None:
                self._exit(points, stops=self._pools or bool(points.switch_points))
        except SimulationError:
            pass  # The kernel has kept it.
        return value

    @staticmethod
    def _exit(points: Points, *, stops: bool) -> None:
        """Do what the interpreter does at its exit: end the pools and join the threads.

        What is done must not depend on how far others are, but for the stops: of all orders of
        steps that commute one is run. So threads come by their numbers.
        """
        # From then on pools refuse jobs. Without pools nobody can tell when.
        with pools._global_shutdown_lock if stops else nullcontext():
            pools._shutdown = True
        queues: Any = pools._threads_queues
        pooled = [(getattr(each, "_virtual", None), queue) for each, queue in list(queues.items())]
        ours = {
            points.numbers[each]: (each, queue) for each, queue in pooled if each in points.numbers
        }
        for number in sorted(ours):
            ours[number][1].put(None)
        for number in sorted(ours):
            points.wait_for_end(ours[number][0], None)
        # Those that have ended too. Whoever is not known yet is younger than who will start it.
        left: list[VirtualThread] = []
        # Those that daemons have started: only the stop before the exit is ordered with that.
        strays: list[VirtualThread] = []
        known, stopped = 1, False
        while True:
            for each in islice(points.numbers, known, None):
                if not each.daemon:
                    starter = points.parents[each]
                    (strays if starter.daemon or starter in strays else left).append(each)
            known = len(points.numbers)
            if left:
                left.sort(key=points.numbers.__getitem__, reverse=True)
                points.wait_for_end(left.pop(), None)
                stopped = False
            elif not stopped:
                points.before_exit()
                stopped = True
            elif strays:
                left, strays = strays, left
            else:
                break
        points.finish()
        points.note_blocked()

    def _uses_pools(self) -> bool:
        """Return whether the last schedule has handed a job to a pool, or tried to."""
        lock: Any = pools._global_shutdown_lock
        return lock in self._kept and any(lock.key in each.footprint for each in self._points.steps)

    def _raise_interruption(self) -> None:
        """Raise what Ctrl-C has left for now."""
        if self._kernel.interruption is not None:
            raise self._kernel.interruption

    @critical
    def _end(self, kernel: Kernel, points: Points | None = None) -> None:
        """End a schedule's threads and leave nothing of it to the next one."""
        kernel.begin_end()  # No more steps.
        if len(kernel.threads) > 1:
            end_threads(kernel)
        else:
            kernel.end()
            activate(None)
        pools._shutdown = False
        if points is not None:
            ScheduleRunner._moments = points.moment + 1
            points.put_back()
        self._handlers.put_back()
        self._held.reset()
        self._contents.put_back()

    @staticmethod
    def _new_kernel(points: Points | None) -> Kernel:
        return Kernel(
            points=points,
            epoch=nanoseconds_since_1970(START),
            random=repeatable.new_random(),
            max_elapsed=MAX_ELAPSED,
            max_steps=MAX_STEPS,
            reports=_reports,
        )

    def _swap(self, names: install.Patcher) -> None:
        """Swap what only an exploration does."""
        for owner, name, ours in explored.SWAPPED:
            names.swap(owner, name, ours)
        if self.spurious:
            names.swap(*explored.SPURIOUS)

    def _thread_failed(self, args: Any) -> None:
        if args.exc_type is not SystemExit:  # As threading's own hook.
            self._failed(args.exc_value)

    def _failed(self, error: BaseException) -> None:
        """Note that the running thread ends with an error."""
        # One that started while others were ended has no number.
        kernel = self._kernel
        self._errors.append((self._points.numbers.get(kernel.running, MAIN), error))
        if self._points.picture is not None:
            what = f"fails with {type(error).__name__}{raised_where(error)}"
            entry = TraceEntry(as_seconds(kernel.now), kernel.running, what)
            self._points.picture.failures[len(kernel.trace)] = entry

    def _bare_thread_failed(self, otherwise: Callable[[Any], object]) -> Callable[[Any], None]:
        def failed(args: Any) -> None:
            if str(args.err_msg).startswith("Exception ignored in thread started by"):
                self._failed(args.exc_value)
            elif args.exc_type is not ThreadExit:  # That of a thread that stood in a finalizer.
                otherwise(args)

        return failed


def _collect() -> None:
    """Collect what schedules have left behind; what is older than they are is not looked at."""
    gc.collect(1)
