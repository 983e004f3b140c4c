"""A shutdown of a scheduler, as it begins: its event comes when all jobs have ended."""

from collections.abc import Callable
from typing import Any


class ExecutorsLock:
    """The lock of a scheduler's executors, which a shutdown takes before it waits for their jobs.

    Args:
        lock: The lock itself, which its owner may take again.
        on_taken: Called by who has taken it in a ``with`` statement.
        on_failed: Called by who has released it when such a statement failed: it has no event.

    Attributes:
        depth: In how many such statements the thread is that has it.
    """

    def __init__(
        self, lock: Any, on_taken: Callable[[], None], on_failed: Callable[[], None]
    ) -> None:
        self._lock = lock
        self._on_taken = on_taken
        self._on_failed = on_failed
        self.depth = 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._lock, name)

    def __enter__(self) -> Any:
        with self._lock:
            self.depth += 1
            try:
                self._on_taken()
            except BaseException:
                self.depth -= 1
                raise
            return self._lock.__enter__()

    def __exit__(self, kind: object, *_: object) -> None:
        self.depth -= 1
        self._lock.release()
        if kind:
            self._on_failed()
