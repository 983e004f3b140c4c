"""Every program of two or three threads with a few operations each on two locks.

A thread is a sequence of operations: ``A`` and ``a`` acquire and release the first lock, ``B`` and
``b`` the second, ``?A`` and ``?B`` try one without waiting and release it at once when it was free.
A thread releases only what it holds and does not acquire what it holds; it may end with a lock.
Programs that differ in the order of their threads or in the names of the locks are the same.
"""

import threading
import time
from collections.abc import Callable, Iterator
from itertools import chain, combinations_with_replacement, product

Body = tuple[str, ...]
Program = tuple[Body, ...]

PLAIN = ("A", "a", "B", "b")
WITH_TRIES = (*PLAIN, "?A", "?B")

# Others go first: ``sleep(0)``.
GIVE_WAY = "-"

SWAP = str.maketrans("AaBb", "BbAa")


def bodies(operations: tuple[str, ...], longest: int) -> list[Body]:
    """Return every thread of one to so many operations."""
    found: list[Body] = []
    grown: list[Body] = [()]
    for _ in range(longest):
        grown = [(*body, each) for body in grown for each in operations if _fits(body, each)]
        found += grown
    return found


def programs(operations: tuple[str, ...], longest: int, threads: int) -> Iterator[Program]:
    """Return every program of so many threads."""
    for program in combinations_with_replacement(sorted(bodies(operations, longest)), threads):
        if program <= _renamed(program):
            yield program


def programs_with_main(
    operations: tuple[str, ...], longest: int, threads: int
) -> Iterator[Program]:
    """Return every program of so many threads, of which main is the last and so another one."""
    for program in product(bodies(operations, longest), repeat=threads):
        if program <= tuple(_swapped(body) for body in program):
            yield program


def runnable(
    program: Program, seen: list[object], *, with_main: bool = False
) -> Callable[[], None]:
    """Return a program as a function that leaves in a list all that its threads could notice.

    Args:
        program: What its threads do.
        seen: The list.
        with_main: Whether main is the last of its threads; it frees what it holds however it ends.
    """

    def run() -> None:
        locks = {"A": threading.Lock(), "B": threading.Lock()}
        orders: dict[str, list[int]] = {"A": [], "B": []}
        tries: list[list[bool]] = [[] for _ in program]

        def thread(number: int, held: list[threading.Lock]) -> None:
            for operation in program[number]:
                lock = locks[operation[-1].upper()]
                if operation in locks:
                    lock.acquire()
                    held.append(lock)
                    orders[operation].append(number)
                elif operation.islower():
                    held.remove(lock)
                    lock.release()
                else:
                    tries[number].append(lock.acquire(blocking=False))
                    if tries[number][-1]:
                        orders[operation[-1]].append(number)
                        lock.release()

        seen[:] = [orders, tries]
        *others, last = range(len(program))
        for each in others if with_main else [*others, last]:
            threading.Thread(target=thread, args=(each, [])).start()
        if with_main:
            held: list[threading.Lock] = []
            try:
                thread(last, held)
            finally:
                for lock in held:
                    lock.release()

    return run


def sections(locks: str, longest: int, threads: int) -> Iterator[Program]:
    """Return every program of so many threads with one to so many critical sections each.

    A thread is a sequence of names of locks, one for each section. Those that differ in the names
    of the locks are the same, those that differ in the order of their threads are not: which of
    them runs by default decides what is tried first.
    """
    found = [body for length in range(1, longest + 1) for body in product(locks, repeat=length)]
    for program in product(found, repeat=threads):
        if locks.startswith("".join(dict.fromkeys(chain(*program)))):
            yield program


def sections_that_give_way() -> Iterator[Program]:
    """Return every program of a thread that gives way between its sections beside two of one.

    The thread has three or four sections on two locks, of which those inside may be ``GIVE_WAY``.
    """
    found = [body for length in (3, 4) for body in product("AB" + GIVE_WAY, repeat=length)]
    giving = [body for body in found if GIVE_WAY in body and GIVE_WAY not in (body[0], body[-1])]
    for one, other, body in product("AB", "AB", giving):
        for program in (
            (body, (one,), (other,)),
            ((one,), body, (other,)),
            ((one,), (other,), body),
        ):
            if next(chain(*program)) == "A":
                yield program


def runnable_sections(program: Program, seen: list[object]) -> Callable[[], None]:
    """Return a program of sections as a function that leaves the order of each lock's in a list."""

    def run() -> None:
        locks = {name: threading.Lock() for name in sorted({*chain(*program)} - {GIVE_WAY})}
        orders: dict[str, list[int]] = {name: [] for name in locks}
        seen[:] = [orders]

        def thread(number: int) -> None:
            for name in program[number]:
                if name == GIVE_WAY:
                    time.sleep(0)
                    continue
                with locks[name]:
                    orders[name].append(number)

        for number in range(len(program)):
            threading.Thread(target=thread, args=(number,)).start()

    return run


def _fits(body: Body, operation: str) -> bool:
    name = operation[-1].upper()
    held = sum({name: 1, name.lower(): -1}.get(each, 0) for each in body) > 0
    return held == operation.islower()


def _renamed(program: Program) -> Program:
    return tuple(sorted(map(_swapped, program)))


def _swapped(body: Body) -> Body:
    return tuple(each.translate(SWAP) for each in body)
