"""What the FakeSchedulers of a test owe it: the pytest plugin checks this at the test's end.

This module needs no APScheduler, so that the plugin does not import it for every test run.
"""

from typing import Any

ledgers: list[Any] = []
"""The ledgers of the FakeSchedulers that were made since the last check."""

_collecting = False


def collect() -> None:
    """Keep the ledgers of all FakeSchedulers from now on: somebody empties the list."""
    global _collecting  # noqa: PLW0603  # Once per process.
    _collecting = True


def add(ledger: Any) -> None:
    """Keep a ledger, if somebody is going to check it."""
    if _collecting:
        ledgers.append(ledger)


def settle() -> list[BaseException]:
    """Return what is owed, and forget it."""
    owed = [error for ledger in ledgers for error in ledger.settle()]
    ledgers.clear()
    return owed
