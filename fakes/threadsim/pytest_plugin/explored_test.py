"""What ``@pytest.mark.explore`` does: the test is the program, and runs once per schedule.

Inside each schedule pytest sets the test up and tears it down anew: the instance of its class,
``setup_method`` and every function-scoped fixture, autouse or not. Fixtures of a wider scope are
made once, outside, as usual. What cannot be had anew is refused by name.
"""

import inspect
import os
import unittest
from collections.abc import Callable, Sequence
from itertools import chain
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from _pytest.python import pytest_pyfunc_call

from threadsim.exploration.explore import Strategy, explore_with
from threadsim.exploration.options import Options, is_asynchronous
from threadsim.exploration.replay import replay_with
from threadsim.exploration.reports.failure import ScheduleFailure
from threadsim.exploration.schedule_string import ScheduleDiverged, read
from threadsim.pytest_plugin.plugin import contain
from threadsim.reporting.tracebacks import error_text
from threadsim.runtime.errors import NotModelled

# pytest's and our fixtures that cannot be had in each schedule, by name and module.
_REFUSED = {
    (
        "sim",
        "threadsim.pytest_plugin.plugin",
    ): "Leave it out: an explored test is a simulation already.",
    **dict.fromkeys(
        [("tmp_path", "_pytest.tmpdir"), ("tmpdir", "_pytest.legacypath")],
        "It would be another directory each time. Make one in the test, with "
        "tempfile.TemporaryDirectory(), or take tmp_path_factory for one that all share.",
    ),
    ("subtests", "_pytest.subtests"): (
        "What fails in a subtest does not fail the schedule. Let each be a test, or parametrize."
    ),
}

# What a test raises to say that it is not to be run.
_NO_FAILURES = (pytest.skip.Exception, pytest.xfail.Exception, pytest.exit.Exception)

# The names of all fixtures of a test, and whether its schedules run.
_names = pytest.StashKey[list[str]]()
_running = pytest.StashKey[bool]()


class _Refused(NotModelled):
    """A fixture cannot be made in a schedule, which is learned in one."""


def prepare(item: Any) -> None:
    """Leave the function-scoped fixtures of a test to its schedules.

    Args:
        item: The test, before its fixtures are made.

    Raises:
        pytest.fail.Exception: It, or one of its fixtures, cannot be run again and again.
    """
    if (
        not isinstance(item, pytest.Function)
        or is_asynchronous(item.obj)
        or (item.cls is not None and issubclass(item.cls, unittest.TestCase))
    ):
        pytest.fail(
            "@pytest.mark.explore: the test is asynchronous, of a unittest.TestCase or of another "
            "kind. Make it a plain function.",
            pytrace=False,
        )
    if getattr(item.obj, "is_hypothesis_test", False):
        pytest.fail(
            "@pytest.mark.explore: hypothesis draws other data for each run of the test. Call "
            "explore() inside the test instead.",
            pytrace=False,
        )
    marker: Any = item.get_closest_marker("explore")
    try:
        inspect.signature(run).bind(item, *marker.args, **marker.kwargs)
    except TypeError as error:
        raise pytest.fail.Exception(
            f"@pytest.mark.explore: {error}. It takes what explore() takes: a strategy, which has "
            "options of its own, as Exhaustive(max_schedules=…), and spurious_wakeups, "
            "early_timeouts, switch_in, keep_going.",
            pytrace=False,
        ) from None
    item.fixturenames = names = item.stash.setdefault(_names, item.fixturenames)
    known = item._fixtureinfo.name2fixturedefs
    fixtures = [known[name][-1] for name in names if name in known]
    for each in fixtures:
        if reason := _reason(each):
            pytest.fail(f"@pytest.mark.explore: the fixture {each.argname} {reason}", pytrace=False)
    anew = {"request", *(each.argname for each in fixtures if each.scope == "function")}
    # What is not known is told by pytest.
    item.fixturenames = [name for name in names if name not in anew]


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
    properties = list(item.user_properties)
    # As it is to be passed from where pytest was started.
    file, *rest = item.nodeid.split("::", 1)
    here = item.config.invocation_params.dir
    test = "::".join([Path(os.path.relpath(item.config.rootpath / file, here)).as_posix(), *rest])

    def program() -> None:
        item.user_properties[:] = properties
        _run_once(item)

    options = Options(
        program,
        spurious_wakeups,
        early_timeouts,
        switch_in,
        test,
        _given(item),
    )
    schedule = item.config.getoption("--replay-schedule")
    if schedule is not None:
        try:
            read(schedule)
        except ValueError as error:
            raise pytest.fail.Exception(f"--replay-schedule: {error}", pytrace=False) from None
    item.session._setupstate.teardown_exact(item.parent)
    item.fixturenames = item.stash[_names]
    item.stash[_running] = True
    try:
        if schedule is None:
            done = explore_with(options, strategy, keep_going=keep_going)
            item.add_report_section("call", "explore", str(done))
        else:
            replay_with(options, schedule)
    except _Refused as refused:
        raise pytest.fail.Exception(str(refused), pytrace=False) from None
    except ScheduleDiverged as error:
        raise pytest.fail.Exception(f"ScheduleDiverged: {error}", pytrace=False) from None
    except ScheduleFailure as failure:
        if isinstance(failure.__cause__, _NO_FAILURES):
            raise failure.__cause__ from None
        raise
    finally:
        item.stash[_running] = False


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


def check_anew(request: Any, fixture: "pytest.FixtureDef[Any]") -> None:
    """Refuse a fixture of a marked test that is about to be made in a schedule, if it cannot be.

    Args:
        request: What the fixture is made for.
        fixture: The fixture.

    Raises:
        NotModelled: It cannot be made in a schedule.
    """
    item = request._pyfuncitem
    if not item.stash.get(_running, False):
        return
    reason = _reason(fixture)
    if not reason and fixture.scope != "function":
        reason = (
            f"is of scope {fixture.scope} and asked for in one schedule, to be used in all. Let "
            "the test ask for it by name, or by usefixtures."
        )
    if reason:
        fixture._finalizers.clear()  # It has not been made: pytest would not look at them.
        raise _Refused(f"@pytest.mark.explore: the fixture {fixture.argname} {reason}")


def _reason(fixture: "pytest.FixtureDef[Any]") -> str:
    """Return why a fixture cannot be had in each schedule, and what to do; "" if it can."""
    advice = _REFUSED.get((fixture.argname, getattr(fixture.func, "__module__", "")), "")
    return (
        advice and f"is made for one run of the test and cannot be had in each schedule. {advice}"
    )


def _run_once(item: Any) -> None:
    """Set a test up, call it and tear it down, as pytest does, in one schedule."""
    log: Any = item.config.pluginmanager.getplugin("logging-plugin")
    output: Any = item.config.pluginmanager.getplugin("capturemanager")
    # What is shown in the end is the output of the last schedule: the one that failed, if one did.
    if output:
        output.read_global_capture()
    if log:
        log.report_handler.clear()
    if item.cls is not None:
        # pytest makes a new instance when it is asked for one.
        item.__dict__.pop("_instance", None)
        item.obj = None
    item._initrequest()
    state = item.session._setupstate
    try:
        state.setup(item)
        if log:
            log.caplog_handler.clear()
        pytest_pyfunc_call(item)
    except BaseException as error:
        contain(item, item.parent)
        try:
            state.teardown_exact(item.parent)
        except (Exception, pytest.fail.Exception) as other:  # noqa: BLE001  # As pytest takes it.
            error.add_note(f"And its fixtures end with {type(other).__name__}: {error_text(other)}")
        raise
    contain(item, item.parent)
    state.teardown_exact(item.parent)
