"""``@pytest.mark.explore``: the test is the program, and runs once per schedule.

In each schedule pytest sets the test up and tears it down anew: the instance of its class,
``setup_method`` and every function-scoped fixture, autouse or not. Fixtures of a wider scope are
made once, outside, as usual. A fixture that cannot be made anew is refused by name.
"""

import inspect
import os
import unittest
from contextlib import suppress
from functools import partial
from hashlib import sha256
from itertools import chain
from typing import Any

import pytest
from _pytest.python import pytest_pyfunc_call

from threadsim import Exploration, ScheduleDiverged, ScheduleFailure, explore
from threadsim.exploration.explore import explore_with
from threadsim.exploration.options import Options, is_asynchronous
from threadsim.exploration.replay import replay_with, run_schedule
from threadsim.exploration.strategies.strategy import Strategy
from threadsim.pytest_plugin.failures import contain
from threadsim.pytest_plugin.summary import KEY
from threadsim.runtime.errors import NotModelled

# Fixtures of pytest, and one of this package, that belong to one run of a test.
_OF_ONE_RUN = {"tmp_path", "tmpdir", "subtests", "sim"}

# A test raises these to say that it is not to be run.
_NO_FAILURES = (pytest.skip.Exception, pytest.xfail.Exception, pytest.exit.Exception)

# The names of all fixtures of a test. Its schedules make them; before, pytest makes the others.
_names = pytest.StashKey[list[str]]()


class _Refused(NotModelled):
    """A fixture cannot be made in a schedule."""


def prepare(item: Any) -> None:
    """Leave the function-scoped fixtures of a test to its schedules.

    Args:
        item: The test, before its fixtures are made.

    Raises:
        pytest.fail.Exception: The test, or one of its fixtures, cannot be run again and again.
    """
    if (
        not isinstance(item, pytest.Function)
        or is_asynchronous(item.obj)
        or (item.cls is not None and issubclass(item.cls, unittest.TestCase))
        or getattr(item.obj, "is_hypothesis_test", False)
    ):
        raise _failed(
            "it marks a plain function, and no coroutine, test of a unittest.TestCase, doctest or "
            "test whose data hypothesis draws. Call explore() inside this test instead."
        )
    item.fixturenames = names = item.stash.setdefault(_names, item.fixturenames)
    known = item._fixtureinfo.name2fixturedefs
    fixtures = [known[name][-1] for name in names if name in known]
    anew = {"request", *(each.argname for each in fixtures if each.scope == "function")}
    # pytest refuses names that it does not know.
    item.fixturenames = [name for name in names if name not in anew]


def _failed(text: str) -> BaseException:
    return pytest.fail.Exception(f"@pytest.mark.explore: {text}", pytrace=False)


def run(item: Any) -> None:
    """Run a test under many schedules, or under the schedule of ``--replay-schedule``."""
    __tracebackhide__ = True
    file = os.path.relpath(item.path, item.config.invocation_params.dir)
    test = f"{file}::{item.nodeid.partition('::')[2]}"  # As from where pytest was started.
    marker = item.get_closest_marker("explore")
    schedule = item.config.getoption("--replay-schedule")
    program = partial(_run_once, item)
    try:
        bound = inspect.signature(explore).bind(program, *marker.args, **marker.kwargs)
        arguments = bound.arguments
        search = {key: arguments.pop(key) for key in ("strategy", "keep_going") if key in arguments}
        options = Options(**arguments, test=test, given=_given(item))
        item.session._setupstate.teardown_exact(item.parent)
        item.fixturenames = item.stash[_names]
        if schedule is None:
            done = _explore(item, options, **search)
            item.add_report_section("call", "explore", str(done))
            item.user_properties.append((KEY, (done.schedules, done.complete, done.within)))
        else:
            replay_with(options, schedule)
    except (_Refused, ScheduleDiverged, TypeError, ValueError) as error:  # None of the program's.
        raise _failed(f"{error}") from None
    except ScheduleFailure as failure:
        if isinstance(failure.__cause__, _NO_FAILURES):
            raise failure.__cause__ from None
        raise


def _explore(
    item: Any, options: Options, strategy: Strategy | None = None, *, keep_going: bool = False
) -> Exploration:
    """Explore a test; a schedule that failed in the last run comes first."""
    __tracebackhide__ = True
    kept = f"threadsim/{sha256(item.nodeid.encode()).hexdigest()}"
    cache: Any = getattr(item.config, "cache", None)
    failed = cache and cache.get(kept, "")
    if failed:
        with suppress(ScheduleDiverged):  # The test has become another one.
            run_schedule(options, failed)
    try:
        done = explore_with(options, strategy, keep_going=keep_going)
    except ScheduleFailure as failure:
        if cache:
            cache.set(kept, failure.schedule)
        raise
    if failed:
        cache.set(kept, "")
    return done


def _given(item: Any) -> dict[str, object]:
    """Return the objects from outside that a test uses, by name."""
    given = {
        item.name: item.function,
        "the test's class": item.cls,
        "the test's parameters": item.callspec.params if hasattr(item, "callspec") else {},
    }
    for fixture in chain.from_iterable(item._fixtureinfo.name2fixturedefs.values()):
        if fixture.cached_result is not None:  # In a list a lock can be replaced.
            fixture.cached_result = list(fixture.cached_result)
        given[f"the fixture {fixture.argname}"] = fixture.cached_result
        given[fixture.argname] = fixture.func
    return given


def check_fixture(request: Any, fixture: "pytest.FixtureDef[Any]") -> None:
    """Refuse a fixture that is about to be made in a schedule, if it cannot be.

    Raises:
        NotModelled: It cannot be made in a schedule.
    """
    item = request._pyfuncitem
    if item.fixturenames is not item.stash.get(_names, None):  # Its schedules do not run.
        return
    if fixture.argname in _OF_ONE_RUN:
        reason = (
            "belongs to one run of a test and cannot be made in each schedule. Leave it out; for a "
            "directory use tempfile.TemporaryDirectory() in the test."
        )
    elif fixture.scope != "function":
        reason = (
            f"of scope {fixture.scope} would be made in one schedule and used in all. Let the test "
            "ask for it by name, or by usefixtures."
        )
    else:
        return
    fixture._finalizers.clear()  # pytest expects none, as the fixture is not made.
    raise _Refused(f"the fixture {fixture.argname} {reason}")


def _run_once(item: Any) -> None:
    """Set a test up, call it and tear it down, as pytest does, in one schedule."""
    log: Any = item.config.pluginmanager.getplugin("logging-plugin")
    output: Any = item.config.pluginmanager.getplugin("capturemanager")
    # pytest shows the output of the last schedule: that of the failure, if there is one.
    if output:
        output.read_global_capture()
    if log:
        log.report_handler.clear()
    if item.cls is not None:
        # pytest makes a new instance then.
        item.__dict__.pop("_instance", None)
        item.obj = None
    item._initrequest()
    state = item.session._setupstate
    try:
        state.setup(item)
        if log:
            log.caplog_handler.clear()
        pytest_pyfunc_call(item)
    except BaseException:
        contain(item, item.parent)
        with suppress(Exception, pytest.fail.Exception):
            state.teardown_exact(item.parent)
        raise
    contain(item, item.parent)
    state.teardown_exact(item.parent)
