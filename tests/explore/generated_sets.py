"""The generated sets of programs on which reduction is compared with trying every order.

Each is finite, and its size is asserted. ``nox -s soundness`` takes at most ``MOST`` programs of
each, the other tests a few. What reduction finds of every program is recorded (``recorded/``); when
it was, all of them were compared.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial
from typing import Any, NamedTuple

import lock_programs
import wait_programs
from lock_programs import PLAIN, WITH_TRIES, Program
from searching import outcome_of, world_of

from threadsim import Exhaustive, Random
from threadsim.exploration.execution import ALL_POINTS
from threadsim.exploration.explore import begin, schedules
from threadsim.exploration.runner import ScheduleRunner
from threadsim.exploration.strategies.strategy import Strategy

# A search of every order takes long: all programs together would take an hour.
MOST = 20

Bounds = tuple[int | None, ...]

EVERY: Bounds = (None, 0, 1, 2)

# Trying every order of these without a bound takes days.
WITHIN: Bounds = (0, 1, 2)

# A sample of so many schedules.
FEW = 5

LOCKS = ("take", "hold", "try", "sleep")
EVENTS = ("set", "is_set", "wait for the event", "sleep")
CONDITIONS = ("notify", "wait", "wait for 1 s")

EARLY = {"early_timeouts": True}
SPURIOUS = {"spurious_wakeups": True}


class AtEveryPoint(Exhaustive):
    """An exhaustive search that can switch threads at each point, as samples can."""

    def search(self, steps: int = 1) -> Any:
        """Return such a search."""
        search = super().search(steps)
        search.switch_points = ALL_POINTS
        return search


class Generated(NamedTuple):
    """A set of programs.

    Attributes:
        number: How many there are.
        programs: Makes them.
        runnable: Makes a function of a program, and of a list that it leaves in what was noticed.
        bounds: The bounds on preemptions within which outcomes are compared.
        options: What ``world_of`` takes.
    """

    number: int
    programs: Callable[[], Iterator[Program]]
    runnable: Callable[[Program, list[Any]], Callable[[], None]] = wait_programs.runnable
    bounds: Bounds = EVERY
    options: Mapping[str, Any] = {}

    def some(self, most: int) -> list[Program]:
        """Return at most so many of the programs, spread over the whole set."""
        return list(self.programs())[:: -(-self.number // most)]

    def losses(
        self, programs: Iterable[Program], bounds: Bounds | None = None
    ) -> Iterator[tuple[Program, int | None]]:
        """Compare some of the programs and yield each that lost an outcome, with the bound.

        Args:
            programs: Which.
            bounds: Within which bounds; ``None`` takes all.
        """
        with world_of(lambda: None, **self.options) as world:
            for program in programs:
                for bound in bounds or self.bounds:
                    every = self._outcomes(world, program, Exhaustive(bound, reduction=False))
                    if self._outcomes(world, program, Exhaustive(bound)) != every:
                        yield program, bound

    def strangers(
        self, programs: Iterable[Program], seeds: Iterable[int]
    ) -> Iterator[tuple[Program, int]]:
        """Yield each program of which a sample finds an outcome that the search of all does not.

        A daemon thread that the end of the program stops before a release has noted less than one
        that is stopped elsewhere, so that search has to switch threads there, too.

        Args:
            programs: Which.
            seeds: What samples of a few schedules each are drawn from.
        """
        with world_of(lambda: None, **self.options) as world:
            for program in programs:
                daemons = any(body[0] == wait_programs.DAEMON for body in program)
                of_all = AtEveryPoint() if daemons else Exhaustive()
                every = self._outcomes(world, program, of_all)
                for seed in seeds:
                    if not self._outcomes(world, program, Random(FEW, seed)) <= every:
                        yield program, seed

    def _outcomes(self, world: ScheduleRunner, program: Program, strategy: Strategy) -> set[str]:
        seen: list[object] = []
        world.program = self.runnable(program, seen)
        found = set()
        for ran in schedules(world, begin(world, strategy)):
            if not ran.cut:
                found.add(f"{seen} {outcome_of(*ran.errors)}")
        return found


def _of_locks(
    number: int, operations: tuple[str, ...], longest: int, threads: int, bounds: Bounds = EVERY
) -> Generated:
    programs = partial(lock_programs.programs, operations, longest, threads)
    return Generated(number, programs, lock_programs.runnable, bounds)


def _with_main(
    number: int, operations: tuple[str, ...], longest: int, threads: int, bounds: Bounds = EVERY
) -> Generated:
    programs = partial(lock_programs.programs_with_main, operations, longest, threads)
    return Generated(number, programs, partial(lock_programs.runnable, with_main=True), bounds)


def _of_waits(
    number: int,
    operations: tuple[str, ...],
    longest: int,
    *,
    threads: int = 2,
    daemons: bool = False,
    bounds: Bounds = EVERY,
    options: Mapping[str, Any] = {},  # Nobody changes it.
) -> Generated:
    programs = partial(wait_programs.programs, operations, longest, threads, daemons=daemons)
    return Generated(number, programs, bounds=bounds, options=options)


# The name says what is in a program: so many threads of at most so many operations (or critical
# sections) each.
SETS = {
    "locks-2x3": _of_locks(56, PLAIN, 3, 2),
    "locks-3x2": _of_locks(28, PLAIN, 2, 3),
    "locks-3x3": _of_locks(280, PLAIN, 3, 3),
    "tries-2x2": _of_locks(90, WITH_TRIES, 2, 2),
    "tries-2x3": _of_locks(1056, WITH_TRIES, 3, 2, WITHIN),
    "tries-3x2": _of_locks(570, WITH_TRIES, 2, 3, WITHIN),
    "main-2x3": _with_main(98, PLAIN, 3, 2),
    "main-3x2": _with_main(108, PLAIN, 2, 3),
    "main-tries-2x2": _with_main(162, WITH_TRIES, 2, 2),
    "sections-2x3": Generated(
        98,
        partial(lock_programs.sections, "AB", 3, 2),
        lock_programs.runnable_sections,
    ),
    "sections-3x2": Generated(
        292,
        partial(lock_programs.sections, "ABC", 2, 3),
        lock_programs.runnable_sections,
        (None,),
    ),
    "giving-way-3x1": Generated(
        144,
        lock_programs.sections_that_give_way,
        lock_programs.runnable_sections,
        (0, 1),  # More than that takes minutes.
    ),
    "times-2x2": _of_waits(210, LOCKS, 2),
    "early-times-2x1": _of_waits(10, LOCKS, 1, options=EARLY),
    "early-times-2x2": _of_waits(210, LOCKS, 2, bounds=WITHIN, options=EARLY),
    "early-times-3x1": _of_waits(20, LOCKS, 1, threads=3, bounds=(0, 1), options=EARLY),
    "events-2x2": _of_waits(210, EVENTS, 2),
    "early-events-2x1": _of_waits(10, EVENTS, 1, options=EARLY),
    "early-events-2x2": _of_waits(210, EVENTS, 2, bounds=WITHIN, options=EARLY),
    "wake-ups-2x1": _of_waits(6, CONDITIONS, 1, options=SPURIOUS),
    "wake-ups-2x2": _of_waits(78, CONDITIONS, 2, bounds=WITHIN, options=SPURIOUS),
    "wake-ups-3x1": _of_waits(10, CONDITIONS, 1, threads=3, bounds=(0,), options=SPURIOUS),
    "daemons-2x2": _of_waits(222, ("take", "set", "is_set"), 2, daemons=True),
    "daemons-in-time-3x1": _of_waits(
        100, ("hold", "try", "sleep", "set"), 1, threads=3, daemons=True, bounds=WITHIN
    ),
    "daemons-early-2x1": _of_waits(26, LOCKS, 1, daemons=True, options=EARLY),
    "daemons-woken-2x1": _of_waits(15, CONDITIONS, 1, daemons=True, options=SPURIOUS | EARLY),
}
