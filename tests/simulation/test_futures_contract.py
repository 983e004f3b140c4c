"""Pools and futures keep the standard library's promises, in a simulation and for real."""

import concurrent.futures
import threading
import time
from collections.abc import Callable
from concurrent.futures import (
    FIRST_COMPLETED,
    FIRST_EXCEPTION,
    BrokenExecutor,
    CancelledError,
    Future,
    InvalidStateError,
    ThreadPoolExecutor,
    as_completed,
    wait,
)
from typing import Any

import pytest

# A wait in these tests, in seconds: real threads really wait for it.
SHORT = 0.01

pytestmark = pytest.mark.usefixtures("kind")


def fail() -> None:
    raise ValueError("boom")


def test_a_pool_runs_what_it_is_given_and_hands_back_what_comes_out() -> None:
    """A future has its call's value, or raises its call's error."""
    with ThreadPoolExecutor(max_workers=2, thread_name_prefix="mine") as pool:
        name = pool.submit(lambda: threading.current_thread().name)
        error = pool.submit(fail)
        assert name.result() in {"mine_0", "mine_1"}
        assert name.result(timeout=0) == name.result(timeout=-1)
        with pytest.raises(ValueError, match="boom"):
            error.result(1000)
        assert isinstance(error.exception(), ValueError)
        assert (name.done(), name.running(), name.cancelled(), name.cancel()) == (
            True,
            False,
            False,
            False,
        )


def test_a_pool_has_as_many_workers_as_it_needs() -> None:
    """Idle workers are used again; no more than the largest number are made."""
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        barrier = threading.Barrier(2)
        futures = [pool.submit(barrier.wait) for _ in range(4)]
        assert sorted(future.result() for future in futures) == [0, 0, 1, 1]
    with pytest.raises(ValueError, match="max_workers must be greater than 0"):
        ThreadPoolExecutor(0)


def test_results_of_map_come_in_the_order_of_its_arguments() -> None:
    """``map`` waits for each in turn, raises what a call raised, and gives up at its time-out."""
    with ThreadPoolExecutor(3) as pool:
        assert list(pool.map(pow, [2, 3, 4], [3, 2, 1])) == [8, 9, 4]
        with pytest.raises(ZeroDivisionError):
            list(pool.map(lambda x: 1 / x, [1, 0]))
        event = threading.Event()
        with pytest.raises(TimeoutError):
            list(pool.map(lambda _: event.wait(), [1], timeout=SHORT))
        event.set()


def test_a_result_that_is_late_raises_at_the_time_out() -> None:
    """``result`` and ``exception`` give up when their time is over."""
    event = threading.Event()
    with ThreadPoolExecutor(1) as pool:
        future = pool.submit(event.wait)
        for ask in (future.result, future.exception):
            for timeout in (SHORT, 0, -1):
                with pytest.raises(TimeoutError):
                    ask(timeout)
        event.set()


def test_what_has_not_begun_can_be_cancelled() -> None:
    """A queued call is cancelled and never runs; a running one is not."""
    event = threading.Event()
    ran: list[int] = []
    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(event.wait)
        while not first.running():
            time.sleep(SHORT)
        second = pool.submit(ran.append, 1)
        assert (first.cancel(), second.cancel(), second.cancelled()) == (False, True, True)
        event.set()
        with pytest.raises(CancelledError):
            second.result()
    assert ran == []


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"wait": True}, [True, True]),
        ({"wait": True, "cancel_futures": True}, [True, False]),
        ({"wait": False}, [True, True]),
        ({"wait": False, "cancel_futures": True}, [True, False]),
    ],
    ids=["wait", "wait and cancel", "go", "go and cancel"],
)
def test_a_pool_that_is_shut_down_ends_as_it_was_told(
    options: dict[str, bool], expected: list[bool]
) -> None:
    """What runs ends; what is queued runs too, unless it is cancelled; nothing new is taken."""
    began, seen = threading.Event(), threading.Event()
    pool = ThreadPoolExecutor(1)

    def begin() -> None:
        began.set()
        if options["wait"]:
            time.sleep(SHORT)
        else:
            seen.wait()

    first = pool.submit(begin)
    began.wait()
    second = pool.submit(int)
    pool.shutdown(**options)
    assert first.done() is options["wait"]
    seen.set()
    with pytest.raises(RuntimeError, match="cannot schedule new futures after shutdown"):
        pool.submit(int)
    pool.shutdown()

    assert [first.done(), second.done() and not second.cancelled()] == expected


def test_every_worker_is_initialised() -> None:
    """The initializer runs once in each worker, with its arguments."""
    names: list[tuple[str, str]] = []

    def initialise(word: str) -> None:
        names.append((threading.current_thread().name, word))

    barrier = threading.Barrier(2)
    with ThreadPoolExecutor(2, "pool", initialise, ("hello",)) as pool:
        for _ in range(2):
            pool.submit(barrier.wait)

    assert sorted(names) == [("pool_0", "hello"), ("pool_1", "hello")]


def test_a_pool_whose_initializer_raises_is_broken(caplog: pytest.LogCaptureFixture) -> None:
    """What is queued fails, what comes later is refused, and the error is logged."""
    with ThreadPoolExecutor(1, initializer=fail) as pool:
        future = pool.submit(int)
        with pytest.raises(BrokenExecutor):
            future.result()
        with pytest.raises(BrokenExecutor):
            pool.submit(int)
    assert "Exception in initializer:" in caplog.text


def test_callbacks_run_when_the_future_is_done() -> None:
    """A callback runs in the worker, or at once if it comes late; its error is its own."""
    names: list[object] = []

    def note(future: Future[Any]) -> None:
        names.append((threading.current_thread().name, future.result()))

    event = threading.Event()
    with ThreadPoolExecutor(1, "pool") as pool:
        future = pool.submit(lambda: event.wait() and 5)
        future.add_done_callback(note)
        event.set()
    future.add_done_callback(note)

    assert names == [("pool_0", 5), (threading.current_thread().name, 5)]


def test_a_future_by_hand_passes_through_its_states() -> None:
    """A future that nobody runs is set by hand, once."""
    future: Future[int] = Future()
    seen: list[object] = [future.done(), future.set_running_or_notify_cancel(), future.running()]
    thread = threading.Thread(target=lambda: future.set_result(7))
    thread.start()
    seen += [future.result(), future.done()]
    thread.join()

    assert seen == [False, True, True, 7, True]
    with pytest.raises(InvalidStateError):
        future.set_result(8)
    assert "finished returned int" in repr(future)


def three(pool: ThreadPoolExecutor) -> tuple[list[Future[Any]], Callable[[], None]]:
    """Return a done future, one that raised and one that runs until the function is called."""
    event = threading.Event()
    futures: list[Future[Any]] = [pool.submit(int), pool.submit(fail), pool.submit(event.wait)]
    for future in futures[:2]:
        future.exception()
    return futures, event.set


def test_wait_parts_the_done_from_the_others() -> None:
    """``wait`` returns when all are done, the first is, one raised, or its time is over."""
    with ThreadPoolExecutor(3) as pool:
        futures, finish = three(pool)
        for options in (
            {"return_when": FIRST_COMPLETED},
            {"return_when": FIRST_EXCEPTION},
            {"timeout": SHORT},
            {"timeout": 0},
        ):
            done, not_done = wait(futures, **options)
            assert (done, not_done) == (set(futures[:2]), {futures[2]})
        finish()
        result = concurrent.futures.wait([*futures, *futures])
        assert (result.done, result.not_done) == (set(futures), set())
        with pytest.raises(ValueError, match="Invalid return condition"):
            wait([Future()], return_when="x")


def test_as_completed_yields_each_when_it_is_done() -> None:
    """``as_completed`` yields what is done first, each once, and raises at its time-out."""
    with ThreadPoolExecutor(3) as pool:
        futures, finish = three(pool)
        results = as_completed([*futures, *futures])
        assert {next(results), next(results)} == set(futures[:2])
        with pytest.raises(TimeoutError, match=r"1 \(of 3\) futures unfinished"):
            list(as_completed(futures, timeout=SHORT))
        finish()
        assert list(results) == futures[2:]
