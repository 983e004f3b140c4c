"""Generated programs of two or three threads that read and write data, under locks and beside."""

import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from itertools import product
from typing import Any

COUNT = 0


class State:
    """What the threads of a program share."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.event = threading.Event()
        self.n = 0
        self.made: dict[str, str] = {}
        self.items: list[str] = []
        self.guarded = 0
        self.cell = _cell()
        self.changed = threading.Condition()
        self.ready = False
        self.numbers = _numbers(self)
        self.box: Box | None = None


class Box:
    """An object that a thread makes."""

    def __init__(self) -> None:
        self.value = 0


class Thread:
    """What a thread has seen.

    Args:
        name: Its name.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self.seen: list[object] = []


def _cell() -> tuple[Callable[[], int], Callable[[], None]]:
    n = 0

    def read() -> int:
        return n

    def add() -> None:
        nonlocal n
        n += 1

    return read, add


def _numbers(state: State) -> Iterator[int]:
    while True:
        yield state.n
        state.n += 1


def _read(state: State, thread: Thread) -> None:
    thread.seen.append(state.n)


def _write(state: State, thread: Thread) -> None:
    state.n = ord(thread.name)


def _add(state: State, _thread: Thread) -> None:
    state.n += 1


def _make(state: State, thread: Thread) -> None:
    if "x" not in state.made:
        state.made["x"] = thread.name


def _look(state: State, thread: Thread) -> None:
    thread.seen.append(state.made.get("x"))


def _append(state: State, thread: Thread) -> None:
    state.items.append(thread.name)


def _each(state: State, thread: Thread) -> None:
    thread.seen.append([each for each in state.items])  # noqa: C416  # A loop is what is tried.


def _add_locked(state: State, _thread: Thread) -> None:
    with state.lock:
        state.guarded += 1


def _read_locked(state: State, thread: Thread) -> None:
    with state.lock:
        thread.seen.append(state.guarded)


def _set(state: State, _thread: Thread) -> None:
    state.n = 7
    state.event.set()


def _is_set(state: State, thread: Thread) -> None:
    if state.event.is_set():
        thread.seen.append(state.n)


def _add_to_cell(state: State, _thread: Thread) -> None:
    state.cell[1]()


def _read_cell(state: State, thread: Thread) -> None:
    thread.seen.append(state.cell[0]())


def _add_to_global(_state: State, _thread: Thread) -> None:
    global COUNT  # noqa: PLW0603  # It is what is tried.
    COUNT += 1


def _next(state: State, thread: Thread) -> None:
    with suppress(StopIteration, ValueError):  # It runs in another thread, or has failed.
        thread.seen.append(next(state.numbers))


def _notify(state: State, _thread: Thread) -> None:
    state.ready = True
    with state.changed:
        state.changed.notify()


def _wait(state: State, thread: Thread) -> None:
    with state.changed:
        if not state.ready:
            thread.seen.append(state.changed.wait(1))


def _make_box(state: State, thread: Thread) -> None:
    state.box = Box()
    state.box.value += ord(thread.name)


def _look_into_box(state: State, thread: Thread) -> None:
    box = state.box
    if box is not None:
        thread.seen.append(box.value)
        box.value += 1


def _pop(state: State, thread: Thread) -> None:
    thread.seen.append(state.made.pop("x", None))


def _set_default(state: State, thread: Thread) -> None:
    thread.seen.append(state.made.setdefault("x", thread.name))


def _update(state: State, thread: Thread) -> None:
    state.made.update(x=thread.name, y=thread.name)


def _length(state: State, thread: Thread) -> None:
    thread.seen.append(len(state.made))


OPERATIONS: list[Callable[[State, Thread], None]] = [
    _read,
    _write,
    _add,
    _make,
    _look,
    _append,
    _each,
    _add_locked,
    _read_locked,
    _set,
    _is_set,
    _add_to_cell,
    _read_cell,
    _add_to_global,
    _next,
    _notify,
    _wait,
    _make_box,
    _look_into_box,
    _pop,
    _set_default,
    _update,
    _length,
]

Program = tuple[tuple[int, ...], ...]
"""The operations of each thread, by their numbers."""


def programs(threads: int, length: int) -> Iterator[Program]:
    """Return all programs of so many threads with so many operations each."""
    bodies = list(product(range(len(OPERATIONS)), repeat=length))
    for program in product(bodies, repeat=threads):
        if list(program) == sorted(program):  # Threads in another order are the same program.
            yield program


def runnable(program: Program) -> Callable[[], Any]:
    """Return a function that runs a program, and returns what it came to."""

    def run() -> Any:
        global COUNT  # noqa: PLW0603
        COUNT = 0
        state = State()
        threads = [Thread(name) for name, _ in zip("abc", program, strict=False)]

        def body(thread: Thread, numbers: tuple[int, ...]) -> None:
            for number in numbers:
                OPERATIONS[number](state, thread)

        real = [
            threading.Thread(target=body, args=each) for each in zip(threads, program, strict=True)
        ]
        for each in real:
            each.start()
        for each in real:
            each.join()
        seen = [thread.seen for thread in threads]
        box = state.box and state.box.value
        values = [state.n, state.made, state.items, state.guarded, state.cell[0](), COUNT, box]
        return str([seen, *values])

    return run
