"""A simulation swaps names, wherever they are, and puts every one of them back."""

import _thread
import concurrent.futures._base as futures
import gc
import importlib
import os
import queue
import re
import subprocess
import sys
import threading
import time
import uuid
import weakref
from collections.abc import Callable, Iterator
from concurrent.futures import Future, wait
from datetime import UTC, datetime
from itertools import compress
from operator import is_not
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from freezegun import freeze_time
from werkzeug.routing.map import Map

from threadsim import Deadlock, NotModelled, Simulation

SOURCE = """
import time
from datetime import datetime
from threading import Lock, Thread, get_ident, local
from time import monotonic, sleep, time as now

class Poll:
    clock = monotonic
    lock_class = Lock

    class Inner:
        pass
"""


@pytest.fixture
def module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The name of a module that has not been imported."""
    (tmp_path / "kept_names.py").write_text(SOURCE)
    monkeypatch.syspath_prepend(tmp_path)
    yield "kept_names"
    sys.modules.pop("kept_names", None)


def everything() -> dict[str, Any]:
    """Return every name of every module and class, with what it means."""
    names: dict[str, Any] = {}
    for name, each in list(sys.modules.items()):
        skipped = ("_pytest", "_testcapi", "coverage", "linecache")
        if not isinstance(each, ModuleType) or name.startswith(skipped):
            continue
        names |= with_prefix(name, each)
        for value in [kept for kept in vars(each).values() if isinstance(kept, type)]:
            if value.__module__ == name:
                names |= with_prefix(f"{name}.{value.__qualname__}", value)
    return names


def with_prefix(prefix: str, owner: object) -> dict[str, Any]:
    # Without a line of Python for each: there are a hundred thousand, and coverage looks at lines.
    return dict(zip(map(f"{prefix}.".__add__, vars(owner)), vars(owner).values(), strict=True))


def changes(before: dict[str, Any]) -> list[str]:
    after = everything()
    skipped = ("_classes", "__warningregistry__", "_cache")
    names = before.keys() | after.keys()
    changed = compress(names, map(is_not, map(before.get, names), map(after.get, names)))
    return [name for name in changed if not name.endswith(skipped)]


def test_every_name_is_back() -> None:
    """Modules and classes have what they had, however the block ended."""
    with Simulation():
        pass  # The first one may import what it needs.
    before = everything()
    with Simulation():
        assert time.sleep is not before["time.sleep"]
    assert changes(before) == []
    for error in (ValueError, KeyboardInterrupt):
        with pytest.raises(error), Simulation():
            raise error
    assert changes(before) == []


def test_names_kept_by_modules_and_classes_are_swapped(module: str) -> None:
    """``from time import sleep`` and ``lock_class = Lock`` are virtual inside, real outside."""
    kept = importlib.import_module(module)
    before = dict(vars(kept)), dict(vars(kept.Poll))
    with Simulation() as sim:
        kept.sleep(1)
        assert (kept.monotonic(), kept.Poll().clock(), sim.clock.elapsed) == (
            1_000_001.0,
            1_000_001.0,
            1.0,
        )
        for lock in (kept.Lock(), kept.Poll().lock_class(), Map().lock_class()):
            assert type(lock) is type(threading.Lock())
            assert type(lock).__module__ == "threadsim.primitives.lock"
        assert kept.datetime.now(UTC).year == 2026
    assert (dict(vars(kept)), dict(vars(kept.Poll))) == before


def test_what_changes_between_two_blocks_is_found_by_the_second(module: str) -> None:
    """A module or class that holds something else, and no more, is looked at again."""
    kept: Any = importlib.import_module(module)
    kept.now = kept.Poll.clock = kept.Poll.Inner.wait = None
    with Simulation():
        pass
    kept.now, kept.Poll.clock, kept.Poll.Inner.wait = time.time, time.monotonic, time.sleep
    with Simulation() as sim:
        kept.Poll.Inner.wait(1)
        assert (kept.now(), kept.Poll.clock(), sim.clock.elapsed) == (
            1_767_225_601.0,
            1_000_001.0,
            1.0,
        )
    assert (kept.now, kept.Poll.clock) == (time.time, time.monotonic)


def test_a_class_that_replaces_another_is_found(module: str) -> None:
    """A module that is loaded again has as many names as before, and other classes."""
    kept: Any = importlib.import_module(module)
    with Simulation():
        pass
    first = kept.Poll
    importlib.reload(kept)
    assert kept.Poll is not first
    del first
    gc.collect()
    for _ in range(2):
        with Simulation() as sim:
            time.sleep(1)
            assert (kept.Poll.clock(), kept.now(), sim.clock.elapsed) == (
                1_000_001.0,
                1_767_225_601.0,
                1.0,
            )
        assert kept.Poll.clock is time.monotonic
        # Inside a class too.
        kept.Poll.Inner = type("Inner", (), {"__module__": module, "clock": time.monotonic})
        with Simulation():
            assert kept.Poll.Inner.clock() == 1_000_000.0


@pytest.fixture
def library(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The name of a module of an installed package that has not been imported."""
    (tmp_path / "site-packages").mkdir()
    (tmp_path / "site-packages" / "kept_in_a_library.py").write_text(SOURCE)
    monkeypatch.syspath_prepend(tmp_path / "site-packages")
    yield "kept_in_a_library"
    sys.modules.pop("kept_in_a_library", None)


def test_a_library_is_virtual_in_each_block(library: str) -> None:
    """It makes no difference when it is imported, or that an earlier block saw another one."""
    for _ in range(2):
        with Simulation():
            kept = importlib.import_module(library)
            assert kept.Poll().clock() == 1_000_000.0
        for _ in range(2):
            assert (kept.sleep, kept.Poll.clock) == (time.sleep, time.monotonic)
            with Simulation() as sim:
                kept.sleep(1)
                assert (kept.Poll().clock(), sim.clock.elapsed) == (1_000_001.0, 1.0)
        del sys.modules[library]


def test_a_well_known_name_of_a_library_may_stand_for_something_else_at_first(
    library: str,
) -> None:
    """As where the first test with a simulation has replaced it by its own."""
    kept: Any = importlib.import_module(library)
    kept.sleep = len
    with Simulation():
        assert kept.sleep is len
    kept.sleep = time.sleep
    with Simulation() as sim:
        kept.sleep(1)
        assert sim.clock.elapsed == 1.0


def test_nothing_is_kept_alive(module: str) -> None:
    """After a block a module, its classes and what they held go when the program lets them go."""
    kept: Any = importlib.import_module(module)
    kept.thing = thing = type("Thing", (), {"__module__": module, "lock": threading.Lock()})
    with Simulation():
        kept.made = thing()
        kept.made.queue = queue.Queue()
        thread = threading.Thread(target=kept.made.queue.get)
        thread.start()
        local = kept.own = threading.local()
        local.own = thing()
    gone = [weakref.ref(each) for each in (kept, kept.Poll, thing, kept.made, kept.made.queue)]
    gone += [weakref.ref(each) for each in (thing.__dict__["lock"], thread, local.own)]
    del sys.modules[module], kept, thing, thread, local
    gc.collect()
    assert [each() for each in gone] == [None] * 8


def test_a_name_that_is_set_inside_acts_as_the_real_one_afterwards(module: str) -> None:
    """It is virtual again in the next block."""
    kept: Any = importlib.import_module(module)
    with Simulation():
        kept.now, kept.Poll.clock = time.time, time.monotonic
    assert kept.now() > 1_767_225_600
    with Simulation():
        assert kept.now() == 1_767_225_600.0
        assert kept.Poll().clock() == 1_000_000.0


class Refuses(type):
    """A metaclass that lets nobody look or change anything."""

    def __setattr__(cls, name: str, value: object) -> None:
        raise AttributeError(name)

    def __getattribute__(cls, name: str) -> Any:
        raise AttributeError(name)


class Frozen(ModuleType):
    """A module that lets nobody look or change anything."""

    __setattr__: Any = Refuses.__setattr__
    __getattribute__: Any = Refuses.__getattribute__


def test_a_class_or_module_that_refuses_is_swapped_all_the_same(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A metaclass of the program's is not asked, and neither is a module's own class."""
    names = {"__module__": "frozen", "clock": time.monotonic}
    kept = Refuses("Kept", (), names)
    frozen: Any = Frozen("frozen")
    inside = object.__getattribute__(frozen, "__dict__")
    inside |= {"kept": kept, "clock": time.monotonic}
    monkeypatch.setitem(sys.modules, "frozen", frozen)
    for refuses in (kept, frozen):
        with pytest.raises(AttributeError):
            refuses.clock  # noqa: B018  # To look is enough.
        with pytest.raises(AttributeError):
            refuses.clock = None
    with Simulation():
        assert inside["clock"]() == type.__getattribute__(kept, "clock")() == 1_000_000.0
    assert inside["clock"] is time.monotonic
    assert type.__getattribute__(kept, "clock") is time.monotonic


def test_a_name_put_back_after_the_block_is_virtual_in_the_next(
    module: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What ``monkeypatch`` has seen inside and puts back outside is found again."""
    kept: Any = importlib.import_module(module)
    with Simulation():
        monkeypatch.setattr(kept, "now", len)
    monkeypatch.undo()
    assert kept.now() > 1_767_225_600
    with Simulation():
        assert kept.now() == 1_767_225_600.0


def test_a_class_that_cannot_be_hashed_is_no_obstacle(module: str) -> None:
    """Modules hold whatever they like; only names that stand for time and threads matter."""

    class Unhashable(type):
        __hash__: Any = None

    kept: Any = importlib.import_module(module)
    kept.odd = Unhashable("Odd", (), {})()
    with Simulation() as sim:
        kept.sleep(1)
        assert sim.clock.elapsed == 1.0


def test_a_program_is_not_taken_for_a_tool_by_the_beginning_of_its_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """``coverage`` stays real; ``coverage_of_loans`` is somebody's program."""
    (tmp_path / "coverage_of_loans.py").write_text(SOURCE)
    monkeypatch.syspath_prepend(tmp_path)
    loans: Any = importlib.import_module("coverage_of_loans")
    with Simulation() as sim:
        loans.sleep(1)
        assert sim.clock.elapsed == 1.0
    del sys.modules["coverage_of_loans"]


def test_a_module_imported_inside_is_real_outside(module: str) -> None:
    """What a module took from the simulation at its import is replaced when the block ends."""
    with Simulation() as sim:
        kept = importlib.import_module(module)
        kept.sleep(1)
        assert (kept.Poll().clock(), sim.clock.elapsed) == (1_000_001.0, 1.0)

    assert (kept.sleep, kept.now, kept.monotonic) == (time.sleep, time.time, time.monotonic)
    assert (kept.Lock, kept.local) == (threading.Lock, threading.local)
    assert (kept.get_ident, kept.datetime) == (threading.get_ident, datetime)
    assert kept.Poll.lock_class is threading.Lock
    assert kept.Poll().clock() > 0


FAILING = """
import kept_names
import threading, time
from apscheduler.schedulers.background import BackgroundScheduler

scheduler = BackgroundScheduler()
scheduler.start()
{}
"""


@pytest.mark.parametrize(
    ("line", "error"),
    [("raise ValueError('no configuration')", ValueError), ("threading.Event().wait()", Deadlock)],
    ids=["raises", "waits"],
)
def test_an_import_that_fails_inside_says_why(
    module: str, tmp_path: Path, line: str, error: type[BaseException]
) -> None:
    """The error is the module's own, at its line, and what it had imported is real afterwards."""
    (tmp_path / "failing.py").write_text(FAILING.format(line))
    text = r"no configuration|nothing can run any more"
    with pytest.raises(error, match=text) as caught, Simulation():
        importlib.import_module("failing")
    lines = [str(each.statement) for each in caught.traceback if "failing.py" in str(each.path)]
    assert lines == [line]
    assert "failing" not in sys.modules
    kept = sys.modules[module]
    assert vars(kept)["sleep"] is time.sleep is _REAL_SLEEP


def test_a_module_may_grow_while_it_is_looked_at(module: str) -> None:
    """As one does that a real thread imports or fills meanwhile: its names are put back."""
    kept: Any = importlib.import_module(module)
    asked: list[object] = []

    def grow(instead: Any) -> Any:
        asked.append(instead)
        setattr(kept, f"name_{len(asked)}", None)
        return instead

    class Name(str):
        __slots__ = ()
        __hash__ = str.__hash__

        def __eq__(self, other: object) -> bool:
            return bool(grow(str.__eq__(self, other)))

    kept.Poll.__module__ = Name(module)
    with Simulation():
        assert asked
    assert kept.sleep is time.sleep
    assert kept.Poll.clock is time.monotonic


def test_a_name_that_the_program_sets_inside_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a program puts in the place of a swapped name is its own affair."""
    mine: Any = len
    with Simulation():
        monkeypatch.setattr(time, "sleep", mine)
        monkeypatch.setattr("concurrent.futures._base.set", mine)  # Which no module has of its own.
    assert time.sleep is vars(futures)["set"] is mine
    monkeypatch.undo()
    del vars(futures)["set"]
    # monkeypatch put the replacement back, and that acts as the real one.
    replacement, real = time.sleep, _REAL_SLEEP
    monkeypatch.setattr(time, "sleep", real)
    replacement(0)
    monkeypatch.undo()
    time.sleep = real


_REAL_SLEEP = time.sleep


@pytest.mark.parametrize(
    "method", ["start", *(["join", "is_alive"] if sys.version_info >= (3, 13) else [])]
)
def test_a_wrapper_sees_each_call_and_what_it_wraps_is_virtual(
    method: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Tools that watch a program wrap the methods of a thread, perhaps between two simulations."""
    wrapped, calls = getattr(threading.Thread, method), []

    def wrapper(thread: threading.Thread, **timeout: float) -> Any:
        calls.append(thread.name)
        return wrapped(thread, **timeout)

    monkeypatch.setattr(threading.Thread, method, wrapper)
    with Simulation() as sim:
        thread = threading.Thread(target=time.sleep, args=(2,), name="sleeper")
        thread.start()
        thread.join(timeout=1)
        seen = [(sim.clock.elapsed, thread.is_alive())]
        thread.join()
        seen.append((sim.clock.elapsed, thread.is_alive()))
    assert seen == [(1.0, True), (2.0, False)]
    assert set(calls) == {"sleeper"}


WRAPPED_FIRST = """
import threading

wrapped = threading.Thread.start

def wrapper(thread):
    print("start of", thread.name)
    wrapped(thread)

threading.Thread.start = wrapper

import time
from threadsim import Simulation

with Simulation() as sim:
    thread = threading.Thread(target=time.sleep, args=(86_400,), name="sleeper")
    thread.start()
    thread.join()
    print(sim.clock.elapsed)
"""


@pytest.mark.e2e
def test_a_wrapper_of_before_the_import_is_called_too(
    run_program: Callable[..., subprocess.CompletedProcess[str]],
) -> None:
    """It does not matter which is imported first, the tool or the fakes."""
    ran = run_program(WRAPPED_FIRST, **os.environ)
    assert (ran.stdout, ran.stderr) == ("start of sleeper\n86400.0\n", "")


def test_a_frozen_time_around_the_block_is_frozen_again_after_it() -> None:
    """Inside the simulation decides, around it ``freeze_time`` does."""
    with freeze_time("2020-01-01") as frozen:
        with Simulation() as sim:
            time.sleep(1)
            assert (datetime.now(UTC).year, sim.clock.elapsed, time.monotonic()) == (
                2026,
                1.0,
                1_000_001.0,
            )
        assert time.time() == 1_577_836_800.0
        frozen.tick(1)
        assert (datetime.now(UTC).second, time.time()) == (1, 1_577_836_801.0)
    assert datetime.now(UTC).year > 2020
    assert time.time is _REAL_TIME


_REAL_TIME = time.time


def test_freeze_time_works_as_before_before_and_after(module: str) -> None:
    """What freezegun remembers of a module is not spoilt by a simulation."""
    kept = importlib.import_module(module)
    for _ in range(2):
        with freeze_time("2020-01-01"):
            assert (kept.now(), kept.datetime.now(UTC).year) == (1_577_836_800.0, 2020)
        with Simulation():
            assert (kept.now(), kept.datetime.now(UTC).year) == (1_767_225_600.0, 2026)


def test_nothing_is_left_in_the_module_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """Python has no ``time.clock`` any more, and freezegun's is not left behind."""
    monkeypatch.delattr(time, "clock", raising=False)
    with Simulation():
        pass
    assert not hasattr(time, "clock")
    with freeze_time("2020-01-01"), Simulation():
        pass


def test_a_freeze_that_ends_inside_is_refused() -> None:
    """Neither may a freeze of time end inside that began outside."""
    frozen = freeze_time("2020-01-01")
    frozen.start()
    with pytest.raises(NotModelled, match="freeze_time or Clock"), Simulation():
        frozen.stop()
    assert datetime.now(UTC).year == 2020
    frozen.stop()


def test_what_is_counted_is_repeatable_inside_only() -> None:
    """Names of threads and pools begin anew in each simulation; uuid4 is the real one outside."""
    seen = []
    for _ in range(2):
        with Simulation():
            kept = uuid.uuid4
            seen.append((threading.Thread().name, uuid.uuid4(), uuid.uuid4()))
    assert seen[0][0] == seen[1][0]
    assert len({kept(), *seen[0][1:], *seen[1][1:]}) == 5


def test_random_ids_are_those_of_a_test_and_block(pytester: pytest.Pytester) -> None:
    """A second test finds nothing of the first one's; each has the same ids in every run."""
    pytester.makepyfile("""
        import uuid
        import pytest
        from threadsim import Simulation

        def draw():
            with Simulation():
                return uuid.uuid4()

        @pytest.mark.parametrize("number", range(2))
        def test_it(sim, number):
            print("drawn", uuid.uuid4())

        def test_blocks():
            print("drawn", draw(), "drawn", draw())
    """)

    def drawn(*arguments: str) -> list[str]:
        result = pytester.runpytest_inprocess("-p", "no:cacheprovider", "-s", *arguments)
        return re.findall(r"drawn ([0-9a-f-]{36})", result.stdout.str())

    ids = drawn()
    assert len(set(ids)) == 4
    assert drawn() == ids
    assert drawn("-k", "test_blocks") == ids[2:]


def test_random_ids_outside_pytest_are_those_of_a_block_and_its_start() -> None:
    """Two programs that begin at other instants have other ids."""
    program = (
        "import uuid\nfrom threadsim import Simulation\n"
        "for start in ('2026-01-01T00Z', '2026-01-01T00Z', '2027-01-01T00Z'):\n"
        "    with Simulation(start): print(uuid.uuid4())"
    )
    first, again = (
        subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
        for _ in range(2)
    )
    assert first.stdout == again.stdout
    assert len(set(first.stdout.split())) == 3


def test_a_real_thread_beside_a_simulation_has_the_real_things() -> None:
    """What began outside goes on with real locks, clocks and threads."""
    results: list[Any] = []
    go, done = threading.Lock(), threading.Lock()
    go.acquire()
    done.acquire()

    def outside() -> None:
        assert go.acquire(timeout=10)
        lock, items = threading.Lock(), queue.SimpleQueue[int]()
        future: Future[int] = Future()
        future.set_result(1)
        thread = threading.Thread(target=results.append, args=("ran",))
        thread.start()
        thread.join()
        results.extend([type(lock).__module__, type(items).__module__, time.time() > 2e9 or "real"])
        results.append(wait([future]).done == {future})
        results.append(_thread.get_ident() == threading.current_thread().ident)
        done.release()

    thread = threading.Thread(target=outside)
    thread.start()
    with Simulation():
        go.release()
        assert done.acquire(timeout=10)
    thread.join()

    assert [str(each) for each in results] == ["ran", "_thread", "_queue", "real", "True", "True"]
