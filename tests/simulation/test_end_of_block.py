"""What has its turn when a block ends, and what is ended then."""

import _thread
import queue
import re
import threading
import time
import weakref
from collections.abc import Callable

import pytest

from beside import beside
from threadsim import Deadlock, Simulation, explore


def test_what_is_ready_has_its_turn_before_the_block_ends() -> None:
    """A thread that was just started, one that was just woken, and one that they start."""
    seen: list[str] = []
    items = queue.Queue[str]()

    def take() -> None:
        seen.append(items.get())
        threading.Thread(target=seen.append, args=["started by it"]).start()

    with Simulation() as sim:
        threading.Thread(target=take).start()
        sim.settle()
        items.put("woken")
        threading.Thread(target=seen.append, args=["started"]).start()

    assert seen == ["woken", "started", "started by it"]


def test_time_does_not_move_for_them() -> None:
    """A thread that sleeps is ended in its sleep."""
    seen: list[str] = []

    def sleep() -> None:
        seen.append("begins")
        seen.append(f"goes on: {time.sleep(1)}")  # type: ignore[func-returns-value]

    with Simulation() as sim:
        threading.Thread(target=sleep).start()

    assert seen == ["begins"]
    assert sim.clock.elapsed == 0.0


def test_a_thread_that_never_rests_is_ended_and_named() -> None:
    """After 1,000 turns a warning says so."""
    turns: list[None] = []

    def poll() -> None:
        while True:
            turns.append(None)
            time.sleep(0)

    with (
        pytest.warns(RuntimeWarning, match=r"ends Poller, which could still run after 1,000 turns"),
        Simulation(),
    ):
        threading.Thread(target=poll, name="Poller").start()

    assert len(turns) == 1_000


def test_nothing_more_runs_after_an_error() -> None:
    """The error of the block is what counts."""
    seen: list[str] = []

    with pytest.raises(ValueError, match="of the block"), Simulation():
        threading.Thread(target=seen.append, args=["ran"]).start()
        raise ValueError("of the block")

    assert seen == []


def test_an_error_of_such_a_thread_is_shown_as_ever(capsys: pytest.CaptureFixture[str]) -> None:
    """It ends the thread; a report of the simulation ends the block."""

    def wait_for_ever() -> None:
        threading.Event().wait()

    with Simulation():
        threading.Thread(target=wait_for_ever, daemon=True).start()
    assert capsys.readouterr().err == ""


def test_it_adds_no_schedules_to_an_exploration() -> None:
    """An exploration runs a program to its end anyway."""

    def program() -> None:
        threading.Thread(target=time.time).start()

    assert explore(program).schedules == 1


def test_a_wait_for_what_an_earlier_block_has_left_says_so() -> None:
    """Its holder will never let go of it."""
    with Simulation() as sim:
        kept = threading.Lock()

        def hold() -> None:
            kept.acquire()
            threading.Event().wait()

        threading.Thread(target=hold, name="Holder", daemon=True).start()
        sim.settle()

    with pytest.raises(Deadlock) as caught, Simulation():
        kept.acquire()

    assert "held by Holder, which ended with an earlier block" in str(caught.value)


def test_a_start_that_was_kept_of_a_block_starts_a_real_thread() -> None:
    """A function of a block acts as the real one afterwards."""
    with Simulation():
        start = _thread.start_new_thread
    lock = threading.Lock()
    lock.acquire()
    start(lock.release, ())
    assert lock.acquire(timeout=10)


# Errors that a real wait is the reason of


def wait_really(look: Callable[[], None]) -> None:
    """Wait for real, as for a socket, as long as the watch has to look for a note."""
    beside(look)
    raise TimeoutError("timed out")


def serve_nobody() -> None:
    """Be a server thread that is ready and has no turn."""


def test_an_error_after_a_real_wait_says_who_could_have_run(look: Callable[[], None]) -> None:
    """A client of a server in the same block learns why it had no answer."""
    with pytest.raises(TimeoutError) as caught, Simulation():
        threading.Thread(target=serve_nobody, name="server").start()
        wait_really(look)

    [note] = caught.value.__notes__
    assert re.fullmatch(
        r"Before it, nothing was switched for 7\.\d s of real time, although server could run\. A "
        r"real wait, as for a socket, keeps all virtual threads\. Call the app by its test client, "
        r"or run the server outside the block\.",
        note,
    )


def test_an_error_where_nobody_could_run_has_no_note(look: Callable[[], None]) -> None:
    """Nor has one without such a wait."""
    with pytest.raises(TimeoutError) as caught, Simulation():
        wait_really(look)
    assert not hasattr(caught.value, "__notes__")

    with pytest.raises(TimeoutError) as caught, Simulation():
        threading.Thread(target=serve_nobody).start()
        raise TimeoutError
    assert not hasattr(caught.value, "__notes__")


def test_the_fixture_sim_adds_the_note_too(pytester: pytest.Pytester) -> None:
    """The error does not pass through the block's end there."""
    pytester.makepyfile("""
        import _thread
        import threading
        from threadsim.simulation import watchdog

        def test_it(sim):
            threading.Thread(target=print, name="server").start()
            watchdog.current[0].waited = 20, ["server"]
            raise TimeoutError("timed out")
    """)

    result = pytester.runpytest_inprocess("-p", "no:cacheprovider")

    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*Before it, nothing was switched for 2.0 s*server could run*"])


# Finalizers


@pytest.mark.parametrize("kind", ["__del__", "weakref"])
def test_a_deadlock_in_a_finalizer_says_that_it_was_one(kind: str) -> None:
    """Python shows no more than "Exception ignored" of it; the block ends with it."""

    class Connection:
        def __del__(self) -> None:
            if kind == "__del__":
                threading.Event().wait()

    def closed(_: object) -> None:
        threading.Event().wait()

    with pytest.raises(Deadlock) as caught, Simulation():
        connection = Connection()
        kept = weakref.ref(connection, closed) if kind == "weakref" else None
        del connection
        assert kept is None or kept() is None

    notes = "\n".join(caught.value.__notes__)
    assert "It was raised in a finalizer or the callback of a weak reference (" in notes
    assert {"__del__": "Connection.__del__", "weakref": "closed"}[kind] in notes
