"""What ``@pytest.mark.explore`` does: the test is the program, and runs once per schedule.

The function-scoped fixtures that it asks for are called anew inside each schedule, so that what
they make takes part, and their clean-up runs at the schedule's end. Those of a wider scope, autouse
ones and parameters are made once, outside, as usual.
"""

import inspect
import unittest
from collections.abc import Callable, Generator, Iterable, Sequence
from contextlib import ExitStack, contextmanager
from types import ModuleType
from typing import Any

import pytest

from apscheduler_fakes.exploration import (
    Options,
    ScheduleFailure,
    Strategy,
    explore_with,
    replay_with,
)


def prepare(item: Any) -> None:
    """Leave the function-scoped fixtures that a test asks for to its schedules.

    Args:
        item: The test, before its fixtures are made.

    Raises:
        pytest.fail.Exception: It, or one of its fixtures, cannot be run again and again.
    """
    if inspect.iscoroutinefunction(item.obj) or (item.cls and issubclass(item.cls, _CASE)):
        pytest.fail(
            "@pytest.mark.explore: the test is asynchronous or of a unittest.TestCase. Make it a "
            "plain function.",
            pytrace=False,
        )
    marker = item.get_closest_marker("explore")
    try:
        inspect.signature(run).bind(item, *marker.args, **marker.kwargs)
    except TypeError as error:
        pytest.fail(
            f"@pytest.mark.explore: {error}. It takes what explore() takes: a strategy, which has "
            "options of its own, as Exhaustive(max_schedules=…), and spurious_wakeups, "
            "early_timeouts, switch_in, keep_going.",
            pytrace=False,
        )
    anew = _made_anew(item, item._fixtureinfo.argnames)
    item.fixturenames = [name for name in item.fixturenames if name not in anew]


def run(
    item: Any,
    strategy: Strategy | None = None,
    *,
    spurious_wakeups: bool = False,
    early_timeouts: bool = False,
    switch_in: Sequence[Callable[..., object] | ModuleType] = (),
    keep_going: bool = False,
) -> None:
    """Run a test under many schedules, or under the one of ``--replay-schedule``.

    Args:
        item: The test.
        strategy: As for ``explore``.
        spurious_wakeups: As for ``explore``.
        early_timeouts: As for ``explore``.
        switch_in: As for ``explore``.
        keep_going: As for ``explore``.
    """
    __tracebackhide__ = True
    options = Options(
        _program(item), spurious_wakeups, early_timeouts, tuple(switch_in), item.nodeid
    )
    schedule = item.config.getoption("--replay-schedule")
    try:
        if schedule is None:
            done = explore_with(options, strategy, keep_going=keep_going)
            item.add_report_section("call", "explore", str(done))
        else:
            replay_with(options, schedule)
    except ScheduleFailure as failure:
        if isinstance(failure.__cause__, _NO_FAILURES):
            raise failure.__cause__ from None
        raise


_CASE = unittest.TestCase

# What a test raises to say that it is not to be run.
_NO_FAILURES = (pytest.skip.Exception, pytest.xfail.Exception, pytest.exit.Exception)


def _program(item: Any) -> Callable[[], None]:
    names = item._fixtureinfo.argnames
    anew = _made_anew(item, names)

    def program() -> None:
        instance = item.cls and item.cls()
        values = dict(item.funcargs)
        with ExitStack() as undo:
            for name, fixture in anew.items():
                function = _bound(fixture.func, instance)
                given = {each: values[each] for each in fixture.argnames}
                values[name] = undo.enter_context(_value(function, given))
            test = _bound(item.function, instance)
            test(**{name: values[name] for name in names})

    return program


def _made_anew(item: Any, names: Iterable[str]) -> dict[str, Any]:
    """Return the function-scoped fixtures behind some names, each after those that it needs."""
    found: dict[str, Any] = {}
    for name in names:
        if hasattr(item, "callspec") and name in item.callspec.params:
            continue
        fixtures = item._fixtureinfo.name2fixturedefs.get(name, ())
        if fixtures and fixtures[-1].scope != "function":
            continue
        if not fixtures or not {"request", name}.isdisjoint(fixtures[-1].argnames):
            pytest.fail(
                f"@pytest.mark.explore: the fixture {name} is made for one run of the test and "
                "cannot be called anew for each schedule. "
                + (
                    "Leave it out: an explored test is a simulation already."
                    if name == "sim"
                    else "Make what it makes in the test, or give it a wider scope."
                ),
                pytrace=False,
            )
        found |= _made_anew(item, fixtures[-1].argnames)
        found[name] = fixtures[-1]
    return found


def _bound(function: Any, instance: object) -> Any:
    """Return a function of a test's class as its instance's method."""
    plain = getattr(function, "__func__", function)
    of_class = instance is not None and getattr(type(instance), plain.__name__, None) is not None
    return plain.__get__(instance) if of_class else function


@contextmanager
def _value(function: Callable[..., Any], given: dict[str, Any]) -> Generator[Any, None, None]:
    """Call a fixture, and what follows its ``yield`` at the end."""
    if inspect.isgeneratorfunction(function):
        with contextmanager(function)(**given) as value:
            yield value
    else:
        yield function(**given)
