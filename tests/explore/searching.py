"""The outcomes of a program under a strategy."""

from collections.abc import Callable, Iterable, Iterator
from typing import Any

from threadsim import Deadlock, Exhaustive
from threadsim.exploration.execution import ALL_POINTS, Execution
from threadsim.exploration.explore import begin, schedules, warm_up
from threadsim.exploration.options import Options
from threadsim.exploration.runner import ScheduleRunner
from threadsim.exploration.strategies.strategy import Strategy


def world_of(program: Callable[[], Any], *, data: str = "off", **options: Any) -> ScheduleRunner:
    """Return a runner of a program's schedules, which watches no data by default."""
    return ScheduleRunner(Options(program, data=data, **options))


def outcomes(program: Callable[[], Any], strategy: Strategy, **options: Any) -> dict[Any, int]:
    """Return every outcome, a value or the kind of an error, and how often it came."""
    with world_of(program, **options) as world:
        return outcomes_in(world, strategy)


def outcomes_in(world: ScheduleRunner, strategy: Strategy) -> dict[Any, int]:
    """Return the same for a world's program."""
    return counted(schedules(world, begin(world, strategy)))


def outcomes_with_every_stop(world: ScheduleRunner, bound: int | None) -> dict[Any, int]:
    """Return the same of every order within a bound, with a stop wherever there can be one."""
    return counted(_with_every_stop(world, bound))


def _with_every_stop(world: ScheduleRunner, bound: int | None) -> Iterator[Execution]:
    warm_up(world)
    search = Exhaustive(bound, reduction=False).search()
    search.switch_points = ALL_POINTS
    more = True
    while more:
        ran = world.run(search.choose, switch_points=ALL_POINTS)
        yield ran
        more = search.advance(ran)


def counted(every: Iterable[Execution]) -> dict[Any, int]:
    """Return how often each outcome of some schedules came; schedules that were cut have none."""
    found: dict[Any, int] = {}
    for ran in every:
        if not ran.cut:
            # A function is asked when all is over.
            value = ran.value() if callable(ran.value) else ran.value
            outcome = outcome_of(*ran.errors) if ran.errors else value
            found[outcome] = found.get(outcome, 0) + 1
    return found


def outcome_of(*errors: BaseException) -> str:
    """Return the errors of a schedule as an outcome."""
    return " and ".join(
        "Deadlock" if isinstance(error, Deadlock) else f"{type(error).__name__}: {error}"
        for error in errors
    )
