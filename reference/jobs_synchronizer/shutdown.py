"""A shutdown of a scheduler, as it begins: its event comes when all jobs have ended."""

from collections.abc import Callable
from typing import Any


class ExecutorsLock:
    """The lock of a scheduler's executors, which a shutdown takes before it waits for their jobs.

    Args:
        lock: The lock itself, which its owner may take again.
        on_taken: Called by who has taken it in a ``with`` statement.
        on_failed: Called by who has released it when such a statement failed: it has no event.
    """

    def __init__(
        self, lock: Any, on_taken: Callable[[], None], on_failed: Callable[[], None]
    ) -> None:
        self._lock = lock
        self._on_taken = on_taken
        self._on_failed = on_failed

    def __getattr__(self, name: str) -> Any:
        return getattr(self._lock, name)

    def __enter__(self) -> Any:
        with self._lock:
            self._on_taken()
            return self._lock.__enter__()  # Not in the first line: on_taken() may raise.

    def __exit__(self, kind: object, *_: object) -> None:
        self._lock.release()
        if kind:
            self._on_failed()
