"""Every small program of waits: time-outs, sleeps, wake-ups without a notification, daemons.

A thread is a tuple of operations, each a name of ``OPERATIONS``; one that begins with ``daemon`` is
a daemon thread. All threads of a program share one lock, one event and one condition. Programs that
differ in the order of their threads are the same.
"""

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from itertools import combinations_with_replacement, product
from typing import Any

from lock_programs import Body, Program

DAEMON = "daemon"


class Things:
    """What the threads of one schedule share, and what they noticed.

    Attributes:
        order: Who held the lock or the condition's, in this order.
        noted: What each thread was told, by its number.
    """

    def __init__(self, threads: int) -> None:
        self.lock = threading.Lock()
        self.event = threading.Event()
        self.condition = threading.Condition()
        self.order: list[int] = []
        self.noted: list[list[object]] = [[] for _ in range(threads)]


def _take(things: Things, number: int) -> None:
    with things.lock:
        things.order.append(number)


def _hold(things: Things, number: int) -> None:
    with things.lock:
        things.order.append(number)
        time.sleep(1)


def _try(things: Things, number: int) -> bool:
    got = things.lock.acquire(timeout=1)
    if got:
        things.order.append(number)
        things.lock.release()
    return got


def _notify(things: Things, number: int) -> None:
    with things.condition:
        things.order.append(number)
        things.condition.notify()


def _wait(things: Things, number: int, timeout: float | None = None) -> bool:
    with things.condition:
        woken = things.condition.wait(timeout)
        things.order.append(number)
        return woken


OPERATIONS: dict[str, Callable[[Things, int], object]] = {
    "take": _take,
    "hold": _hold,
    "try": _try,
    "notify": _notify,
    "wait": _wait,
    "wait for 1 s": lambda things, number: _wait(things, number, 1),
    "set": lambda things, _: things.event.set(),
    "is_set": lambda things, _: things.event.is_set(),
    "wait for the event": lambda things, _: things.event.wait(1),
    "sleep": lambda _, __: time.sleep(1),
    "time": lambda _, __: time.monotonic(),
}


def bodies(operations: Sequence[str], longest: int, *, daemons: bool = False) -> list[Body]:
    """Return every thread of one to so many operations, as a daemon too if there are daemons."""
    found = [
        body for length in range(1, longest + 1) for body in product(operations, repeat=length)
    ]
    return found + [(DAEMON, *body) for body in found] if daemons else found


def programs(
    operations: Sequence[str], longest: int, threads: int, *, daemons: bool = False
) -> Iterator[Program]:
    """Return every program of so many threads; with daemons, one of them is in each."""
    chosen = combinations_with_replacement(bodies(operations, longest, daemons=daemons), threads)
    for program in chosen:
        if not daemons or any(body[0] == DAEMON for body in program):
            yield program


def runnable(program: Program, seen: list[Any]) -> Callable[[], None]:
    """Return a program as a function that leaves in a list all that its threads could notice."""

    def run() -> None:
        things = Things(len(program))
        seen[:] = [things.order, things.noted]

        def thread(number: int) -> None:
            for name in program[number]:
                if name != DAEMON:
                    things.noted[number].append(OPERATIONS[name](things, number))

        for number, body in enumerate(program):
            threading.Thread(target=thread, args=(number,), daemon=body[0] == DAEMON).start()

    return run
