"""What FakeSchedulers owe their test: faults that must fire, and job errors that must be seen.

The pytest plugin asks for it at each test's end. This file needs no APScheduler, so the plugin does
not import it in every test run.
"""

from collections.abc import Callable  # noqa: TC003  # As everywhere else.
from typing import Any


class FaultNeverFired(AssertionError):
    """A test injected a fault that no job met."""


class Ledger:
    """What one scheduler owes its test: faults that must fire, errors that must be seen.

    It keeps no scheduler alive.
    """

    def __init__(self) -> None:
        self.faults: list[Any] = []
        self.errors: list[BaseException] = []
        # Whether a caller has read a job's error from its future: by the id of each job that came
        # up to run, and by the id() of the error.
        self._readers: dict[str, Callable[[], bool]] = {}
        self._was_read: dict[int, Callable[[], bool]] = {}
        if collecting:
            ledgers.append(self)

    def fault_for(self, job: Any) -> Any:
        """Return the first fault that is meant for a job, and note that it fires."""
        self._readers[job.id] = getattr(job.func, "error_was_read", bool)  # ``JobGroup`` has it.
        for fault in self.faults:
            if fault.picks(job):
                fault.fired = True
                return fault
        return None

    def note_error(self, error: BaseException, job_id: str) -> None:
        """Note which job an error is of: its future may tell whether the error was read."""
        self._was_read[id(error)] = self._readers.get(job_id, bool)

    def settle(self) -> list[BaseException]:
        """Return what is owed, once: a ``FaultNeverFired`` per fault, then the errors."""
        jobs = ", ".join(map(repr, self._readers)) or "none"
        owed: list[BaseException] = [
            FaultNeverFired(
                f"{fault.text} never fired: it picked none of the jobs that came up to run "
                f"({jobs}).{fault.hint}"
            )
            for fault in self.faults
            if not fault.fired
        ]
        owed += [error for error in self.errors if not self._was_read.get(id(error), bool)()]
        self.faults = [fault for fault in self.faults if fault.fired]
        self.errors = []
        return owed


ledgers: list[Ledger] = []
"""The ledgers of the FakeSchedulers that were made since the last check."""

collecting = False
"""Whether new ledgers are kept. The pytest plugin sets it, since it empties the list."""


def settle() -> list[BaseException]:
    """Return what all FakeSchedulers owe, once: first the faults, then the errors."""
    owed = [error for ledger in ledgers for error in ledger.settle()]
    ledgers.clear()
    return owed
