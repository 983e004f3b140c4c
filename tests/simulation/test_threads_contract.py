"""Threads keep the standard library's promises, in a simulation and for real."""

import _thread
import concurrent.futures
import gc
import pickle
import re
import signal
import sys
import threading
import time
import uuid
import weakref
from contextlib import nullcontext
from contextvars import ContextVar
from pathlib import Path
from threading import Event, Lock, Thread, Timer, current_thread, get_ident, local
from typing import Any

import pytest

from beside import until

# A wait in these tests, in seconds: real threads really wait for it.
SHORT = 0.01

pytestmark = pytest.mark.usefixtures("kind")

VARIABLE = ContextVar("VARIABLE", default="unset")


class Adder(Thread):
    """A subclass with a constructor and a ``run`` of its own."""

    def __init__(self, *numbers: int) -> None:
        super().__init__(name="adder")
        self.numbers = numbers
        self.total: int | None = None

    def run(self) -> None:
        """Add."""
        self.total = sum(self.numbers)


def test_a_thread_runs_its_target_with_its_arguments() -> None:
    """``join`` returns when the target has."""
    calls: list[object] = []
    thread = threading.Thread(
        target=lambda *args, **kwargs: calls.append((args, kwargs)), args=(1,), kwargs={"two": 2}
    )
    thread.start()
    thread.join()
    assert calls == [((1,), {"two": 2})]
    Thread(target=None).run()


def test_a_subclass_runs_its_own_run() -> None:
    """What a program overrides is called."""
    thread = Adder(1, 2, 3)
    thread.start()
    thread.join()

    assert (thread.name, thread.total) == ("adder", 6)


def test_a_thread_is_alive_from_its_start_to_its_end() -> None:
    """``is_alive``, ``ident`` and the repr follow a thread's life."""
    event = Event()
    thread = Thread(target=event.wait, name="waiter")
    seen = [thread.is_alive(), thread.ident, thread.native_id]
    assert repr(thread) == "<Thread(waiter, initial)>"
    thread.start()
    seen += [thread.is_alive(), isinstance(thread.ident, int), isinstance(thread.native_id, int)]
    assert repr(thread) == f"<Thread(waiter, started {thread.ident})>"
    event.set()
    thread.join()
    seen += [thread.is_alive(), isinstance(thread.ident, int)]
    assert repr(thread) == f"<Thread(waiter, stopped {thread.ident})>"

    assert seen == [False, None, None, True, True, True, False, True]


def test_a_join_ends_at_its_time_out() -> None:
    """A join with a time-out returns while the thread lives on; negative means at once."""
    event = Event()
    thread = Thread(target=event.wait)
    thread.start()
    for timeout in (SHORT, 0, -1):
        thread.join(timeout)
        assert thread.is_alive()
    event.set()
    thread.join(1000)
    assert not thread.is_alive()
    thread.join()


def test_a_thread_can_be_joined_by_several() -> None:
    """Everybody who waits for its end goes on then."""
    awaited = Thread(target=time.sleep, args=(0.02,))
    awaited.start()
    others = [Thread(target=awaited.join) for _ in range(2)]
    for other in others:
        other.start()
    for other in others:
        other.join(1000)
    assert [thread.is_alive() for thread in (awaited, *others)] == [False] * 3


def test_what_cannot_be_joined_or_started_says_why() -> None:
    """Joining oneself or an unstarted thread, and starting twice, are refused."""
    thread = Thread(target=time.sleep, args=(0,))
    with pytest.raises(RuntimeError, match="cannot join thread before it is started"):
        thread.join()
    with pytest.raises(RuntimeError, match="cannot join current thread"):
        current_thread().join()
    thread.start()
    with pytest.raises(RuntimeError, match="threads can only be started once"):
        thread.start()
    thread.join()
    with pytest.raises(RuntimeError, match="cannot set daemon status of active thread"):
        current_thread().daemon = True

    class Careless(Thread):
        def __init__(self) -> None:
            pass

    with pytest.raises(RuntimeError, match=r"thread\.__init__\(\) not called"):
        Careless().start()


@pytest.mark.parametrize(
    ("timeout", "error"), [(float("nan"), ValueError), (1e30, OverflowError), ("1", TypeError)]
)
def test_a_wrong_time_out_of_a_join_is_refused(
    timeout: Any, error: type[Exception], kind: str
) -> None:
    """What is no time to wait is refused with the real error."""
    event = Event()
    thread = Thread(target=event.wait)
    thread.start()
    with pytest.raises(error):
        thread.join(timeout)
    over = Thread(target=int)
    over.start()
    over.join()
    # Earlier Pythons ignore the time-out of a thread that has ended.
    looks = sys.version_info >= (3, 13) or isinstance(timeout, str)
    with pytest.raises(error) if looks or kind == "virtual" else nullcontext():
        over.join(timeout)
    setter = Timer(SHORT, event.set)
    setter.start()
    # Python 3.11 and 3.12 then take a real thread for stopped, and join would not wait for it.
    until(lambda: thread not in threading.enumerate(), lambda: time.sleep(SHORT / 10))
    setter.join()


def test_a_thread_knows_itself() -> None:
    """``current_thread``, ``get_ident`` and ``enumerate`` agree, in every thread."""
    seen: list[object] = []

    def look() -> None:
        thread = current_thread()
        seen.append(thread)
        seen.append(thread.ident == get_ident() == threading.get_ident() == _thread.get_ident())
        seen.append(thread in threading.enumerate())

    thread = Thread(target=look)
    thread.start()
    thread.join()
    look()

    assert seen == [thread, True, True, threading.main_thread(), True, True]
    assert thread not in threading.enumerate()
    assert threading.active_count() == len(threading.enumerate())


def test_a_thread_is_a_daemon_if_its_maker_is() -> None:
    """``daemon`` is inherited, unless it is given."""
    seen: list[bool] = []

    def make() -> None:
        seen.append(Thread().daemon)
        seen.append(Thread(daemon=False).daemon)

    for daemon in (False, True):
        thread = Thread(target=make, daemon=daemon)
        thread.start()
        thread.join()

    assert seen == [False, False, True, False]


def test_a_thread_can_be_renamed() -> None:
    """A name given while it runs is the one that is shown."""
    event = Event()
    thread = Thread(target=event.wait)
    thread.start()
    thread.name = "renamed"
    assert [each.name for each in threading.enumerate() if each is thread] == ["renamed"]
    event.set()
    thread.join()
    assert thread.name == "renamed"


def test_an_exception_in_a_thread_goes_to_the_excepthook(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The hook gets the exception and the thread; ``SystemExit`` ends a thread silently."""
    caught: list[object] = []
    monkeypatch.setattr(
        threading,
        "excepthook",
        lambda args: caught.append((args.exc_type, str(args.exc_value), args.thread)),
    )

    def fail() -> None:
        raise ValueError("boom")

    thread = Thread(target=fail)
    thread.start()
    thread.join()
    assert caught == [(ValueError, "boom", thread)]
    # pytest's own hook takes it for an error.
    monkeypatch.setattr(threading, "excepthook", threading.__excepthook__)
    silent = Thread(target=sys.exit)
    silent.start()
    silent.join()
    assert not silent.is_alive()


@pytest.mark.parametrize("bare", [False, True])
def test_a_traceback_of_a_thread_shows_the_program_alone(
    bare: bool, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Frames of the standard library may stand above, and nothing of what runs the thread."""
    monkeypatch.setattr(sys, "unraisablehook", sys.__unraisablehook__)
    monkeypatch.setattr(threading, "excepthook", threading.__excepthook__)

    def fail() -> None:
        Event().wait("soon")  # type: ignore[arg-type]

    if bare:
        _thread.start_new_thread(fail, ())
    else:
        Thread(target=fail).start()
    shown = ""
    while "TypeError: " not in shown:
        time.sleep(SHORT)
        shown += capsys.readouterr().err
    files = re.findall(r'File "(.*)", line', shown)
    assert [file for file in files if file.endswith("test_threads_contract.py")] == [__file__]
    assert {Path(file).name for file in files} <= {"threading.py", Path(__file__).name}


def test_what_stands_in_goes_by_the_names_of_the_real_things() -> None:
    """In reprs, in errors, and for pickle."""
    assert repr(threading.local()).startswith("<_thread._local object at 0x")
    assert repr(threading.local) == "<class '_thread._local'>"
    for method in (threading.Thread.start, threading.Thread.is_alive, threading.Event.is_set):
        assert repr(method).startswith(f"<function {method.__qualname__} at 0x")
        assert (method.__module__, "." in method.__qualname__) == ("threading", True)
    with pytest.raises(TypeError, match=r"^Thread\.join\(\) got an unexpected keyword argument"):
        threading.current_thread().join(until=1)  # type: ignore[call-arg]
    assert pickle.loads(pickle.dumps(threading.local)) is threading.local  # noqa: S301  # Its own.


def test_a_local_can_be_referred_to_weakly() -> None:
    """As a key of a WeakKeyDictionary it goes when nobody else has it."""
    known = weakref.WeakKeyDictionary({(plain := local()): 1})
    assert list(known) == [plain]
    del plain
    gc.collect()
    assert list(known) == []


def test_a_local_is_one_per_thread() -> None:
    """Each thread has its own attributes, bare threads too; a subclass is initialised in each."""

    class Counter(local):
        def __init__(self, start: int) -> None:
            self.value = start

    plain, counter = threading.local(), Counter(5)
    plain.x = "main"
    counter.value += 1
    seen: list[object] = []
    done = Event()

    def look() -> None:
        seen.append((hasattr(plain, "x"), counter.value))
        plain.x = counter.value = 0
        seen.append((plain.x, counter.value, vars(plain)))
        done.set()

    thread = Thread(target=look)
    thread.start()
    thread.join()
    done.clear()
    _thread.start_new_thread(look, ())
    done.wait()

    assert seen == [(False, 5), (0, 0, {"x": 0})] * 2
    assert (plain.x, counter.value) == ("main", 6)
    del plain.x
    assert not hasattr(plain, "x")


def test_a_thread_has_a_context_of_its_own() -> None:
    """A context variable that one thread sets is unset in another."""
    seen: list[str] = []

    def change() -> None:
        seen.append(VARIABLE.get())
        VARIABLE.set("other")

    token = VARIABLE.set("main")
    thread = Thread(target=change)
    thread.start()
    thread.join()

    # From Python 3.14 a thread may inherit its maker's; none of these does.
    assert (seen, VARIABLE.get()) == (["unset"], "main")
    VARIABLE.reset(token)


def test_a_thread_handles_its_own_exceptions() -> None:
    """An exception under way in one thread is none in another."""
    seen: list[object] = []
    try:
        raise ValueError("main's")  # noqa: TRY301
    except ValueError:
        thread = Thread(target=lambda: seen.append(sys.exc_info()))
        thread.start()
        thread.join()
        seen.append(str(sys.exc_info()[1]))

    assert seen == [(None, None, None), "main's"]


def test_a_timer_calls_later_or_not_at_all() -> None:
    """A timer calls its function after its interval, unless it is cancelled."""
    calls: list[int] = []
    timers = [Timer(SHORT, calls.append, [1]), Timer(1000, calls.append, [2])]
    for timer in timers:
        timer.start()
    timers[1].cancel()
    for timer in timers:
        timer.join()

    assert calls == [1]


def test_a_bare_thread_runs_and_has_an_identifier() -> None:
    """``_thread.start_new_thread`` returns what ``get_ident`` is in there."""
    done = Lock()
    done.acquire()
    seen: list[Any] = []

    def run(*args: int, **kwargs: int) -> None:
        thread = current_thread()
        seen.extend([get_ident(), args, kwargs, thread is current_thread(), thread.daemon])
        done.release()
        sys.exit()

    ident = _thread.start_new_thread(run, (1,), {"two": 2})
    done.acquire()
    ident_of_other = _thread.start_new_thread(run, ())
    done.acquire()

    assert seen == [ident, (1,), {"two": 2}, True, True, ident_of_other, (), {}, True, True]


def test_two_bare_threads_stay_themselves() -> None:
    """A bare thread is the same object whenever it asks, also while others ask."""
    seen: list[bool] = []
    turns = [Event() for _ in range(4)]

    def ask(first: int) -> None:
        turns[first].wait()
        me = current_thread()
        turns[first + 1].set()
        turns[2].wait()
        seen.append(me is current_thread())
        if len(seen) == 2:
            turns[3].set()

    _thread.start_new_thread(ask, (0,))
    _thread.start_new_thread(ask, (1,))
    turns[0].set()
    turns[3].wait()

    assert seen == [True, True]


def test_without_a_hook_an_exception_in_a_bare_thread_is_printed(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """It says which function failed, and how."""
    monkeypatch.setattr(sys, "unraisablehook", sys.__unraisablehook__)
    monkeypatch.setattr(threading, "excepthook", threading.__excepthook__)

    def fail() -> None:
        raise ValueError("boom")

    _thread.start_new_thread(fail, ())
    shown = ""
    while "ValueError: boom" not in shown:
        time.sleep(SHORT)
        shown += capsys.readouterr().err

    assert "in fail\n" in shown


def test_a_hook_that_fails_ends_no_other_thread(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The main thread goes on."""

    def fail() -> None:
        raise ValueError("boom")

    def hook_in_a_bare_thread(_: object) -> None:
        raise KeyError("hook")

    monkeypatch.setattr(threading, "excepthook", sys.exit)
    monkeypatch.setattr(sys, "unraisablehook", hook_in_a_bare_thread)
    thread = Thread(target=fail)
    thread.start()
    thread.join()
    _thread.start_new_thread(fail, ())
    time.sleep(SHORT)

    monkeypatch.setattr(sys, "unraisablehook", sys.__unraisablehook__)
    monkeypatch.setattr(sys, "stderr", None)
    _thread.start_new_thread(fail, ())
    time.sleep(SHORT)


NAMES = ("exc_type", "exc_value", "exc_traceback", "err_msg", "object")


def test_a_function_kept_by_a_class_is_not_a_method() -> None:
    """``clock = time.monotonic`` in a class body can be called through its objects."""

    class Poll:
        clock = time.monotonic
        sleep = time.sleep
        ident = threading.get_ident

    poll: Any = Poll()
    before = poll.clock()
    poll.sleep(SHORT)

    assert poll.clock() - before >= SHORT
    assert poll.ident() == get_ident()


def test_a_function_has_the_names_of_the_real_one() -> None:
    """By its module and name APScheduler finds what a job calls."""
    functions: list[Any] = [time.sleep, threading.get_ident, uuid.uuid4, concurrent.futures.wait]

    assert [f"{each.__module__}.{each.__qualname__} {each.__name__}" for each in functions] == [
        "time.sleep sleep",
        "_thread.get_ident get_ident",
        "uuid.uuid4 uuid4",
        "concurrent.futures._base.wait wait",
    ]
    assert repr(time.sleep) == "<built-in function sleep>"


def test_a_thread_and_what_it_held_are_freed() -> None:
    """A thread that has ended keeps nothing alive."""

    class Thing:
        gone = 0

        def __del__(self) -> None:
            Thing.gone += 1

    thread = Thread(target=id, args=(Thing(),))
    thread.start()
    thread.join()
    del thread
    gc.collect()

    assert Thing.gone == 1


def test_a_handler_of_a_signal_is_set_in_the_main_thread_alone() -> None:
    """Any other thread is refused."""
    refused: list[str] = []

    def set_one() -> None:
        try:
            signal.signal(signal.SIGTERM, signal.SIG_DFL)
        except ValueError as error:
            refused.append(str(error))

    before = signal.getsignal(signal.SIGTERM)
    thread = Thread(target=set_one)
    thread.start()
    thread.join()

    assert refused == ["signal only works in main thread of the main interpreter"]
    assert signal.signal(signal.SIGTERM, before) is before
