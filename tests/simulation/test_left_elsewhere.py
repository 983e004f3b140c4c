"""A block that another thread leaves than the one that entered it: told, and nothing stays."""

import signal
import threading
import time
from collections.abc import Generator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from datetime import datetime
from typing import Any

import pytest

from beside import beside, until
from threadsim import NotModelled, Simulation, SimulationError
from threadsim.runtime.kernel import active

REAL = time.sleep, threading.Lock, threading.Thread.start, vars(datetime)["now"]

own = threading.local()

pytestmark = pytest.mark.usefixtures("bare_threads_forgotten")


class Block:
    """A simulation in a generator, as in a fixture, with a thread inside that waits."""

    def __init__(self) -> None:
        self.errors: list[BaseException] = []
        self.ended: list[str] = []
        self.thread = threading.Thread()
        self._generator = self._block()

    def enter(self) -> None:
        """Enter the block."""
        next(self._generator)

    def leave(self) -> None:
        """Leave the block, and keep the error."""
        try:
            self._generator.close()
        except BaseException as error:  # noqa: BLE001  # For the test.
            self.errors.append(error)

    def _block(self) -> Generator[None]:
        with Simulation() as sim:
            pool = ThreadPoolExecutor(1)
            pool.submit(time.sleep, 5)
            pool.submit(self.ended.append, "what was queued")
            self.thread = threading.Thread(target=self._wait, name="waits")
            self.thread.start()
            sim.settle()
            yield

    def _wait(self) -> None:
        with ExitStack() as stack:
            stack.callback(self.ended.append, "its finally clause")
            time.sleep(1000)


def enter_in_a_thread_that_ends(block: Block) -> None:
    beside(block.enter)
    kernel: Any = active()
    until(lambda: kernel.main.greenlet.dead)


def check(block: Block, text: str) -> None:
    [error] = block.errors
    assert isinstance(error, SimulationError)
    assert text in str(error)
    assert (time.sleep, threading.Lock, threading.Thread.start, vars(datetime)["now"]) == REAL
    assert not block.thread.is_alive()
    assert block.ended == []
    with Simulation() as sim:
        thread = threading.Thread(target=time.sleep, args=(1,))
        thread.start()
        thread.join()
        assert sim.clock.elapsed == 1.0
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)


def test_a_block_left_in_another_thread_is_told_there() -> None:
    """Names are put back, and its threads are forgotten, for only their own OS thread ends them."""
    handlers = signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGURG)
    own.value = "mine"
    block = Block()
    block.enter()
    beside(block.leave)
    try:
        check(block, "was left in another thread than 'MainThread', which entered it")
        assert own.value == "mine"
    finally:
        signal.signal(signal.SIGINT, handlers[0])
        signal.signal(signal.SIGURG, handlers[1])


def test_a_block_whose_thread_has_ended_is_told_to_whoever_begins_another() -> None:
    """It is still open; leaving it, wherever, puts names back."""
    block = Block()
    enter_in_a_thread_that_ends(block)
    with pytest.raises(NotModelled, match="that is still open must be left in the thread"):
        Simulation().__enter__()
    block.leave()
    check(block, "a Simulation was left in another thread than 'Dummy-")
