"""Signals that ask for the end, as messages instead of exceptions at any line."""

import contextlib
import signal
from collections.abc import Iterator
from queue import SimpleQueue
from types import FrameType
from typing import Any

# SIGHUP: a closed terminal; the programs have sessions of their own and would not notice.
_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Interrupted(Exception):  # No error: someone wants to stop.
    """A signal asks for the end.

    Args:
        number: The signal.
    """

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.number = number


@contextlib.contextmanager
def signals_in_a_queue() -> Iterator[SimpleQueue[Any]]:
    """Give a queue that signals come into, instead of an exception at any line.

    A KeyboardInterrupt between the start of a program and the note of it would leave it behind.
    ``SimpleQueue.put`` may be called in a signal handler,
    https://docs.python.org/3/library/queue.html#queue.SimpleQueue.put
    """
    messages: SimpleQueue[Any] = SimpleQueue()

    def interrupt(number: int, _: FrameType | None) -> None:
        # A second Ctrl-C must not disturb the cleaning up after the first. Not SIG_IGN: a
        # program started from here on would inherit that, and not end when told to.
        for one in _SIGNALS:
            signal.signal(one, lambda *_: None)
        messages.put(Interrupted(number))

    before = {
        number: signal.signal(number, interrupt)
        for number in _SIGNALS
        # nohup has a closed terminal ignored; let it.
        if number != signal.SIGHUP or signal.getsignal(number) != signal.SIG_IGN
    }
    try:
        yield messages
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
