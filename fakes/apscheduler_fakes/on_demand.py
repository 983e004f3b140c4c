"""What a test asks to go wrong, as methods of FakeScheduler.

Each takes a job's id, or a predicate on APScheduler's ``Job``; jobs added later count too.
"""

from apscheduler_fakes.faults import (
    Hang,
    Ledger,
    Lose,
    Miss,
    Refuse,
    Selector,
    Skip,
)
from threadsim.runtime.errors import raise_together


class FaultsOnDemand:
    """The calls that make jobs end otherwise than by running, and the check that they did."""

    _ledger: Ledger

    def miss(self, job: Selector) -> None:
        """Let a job start later than its ``misfire_grace_time``: SUBMITTED and MISSED, no run.

        A job without a grace (``None``) is never too late for APScheduler: it runs, and ``check()``
        says that the fault never fired.
        Source: ``executors/base.py:117``.
        """
        self._ledger.add(Miss(job))

    def skip(self, job: Selector) -> None:
        """Let a job find ``max_instances`` runs of itself: REMOVED, MAX_INSTANCES, no SUBMITTED.

        Source: ``schedulers/base.py:1198``.
        """
        self._ledger.add(Skip(job))

    def refuse(self, job: Selector) -> None:
        """Let the executor refuse a job as a pool that is shut down does: REMOVED, a log line.

        Source: ``schedulers/base.py:1212``.
        """
        self._ledger.add(Refuse(job))

    def lose(self, job: Selector) -> None:
        """Let a job be cancelled in its pool's queue: REMOVED, SUBMITTED, then nothing for ever.

        The count of the id's running instances stays one too high; not so for a job of a
        ``JobGroup``, whose future has a ``JobLost``. Source: ``executors/pool.py:20``, where the
        cancelled future's callback fails.
        """
        self._ledger.add(Lose(job))

    def hang(self, job: Selector) -> None:
        """Let a job's body begin and never return: REMOVED, SUBMITTED, then nothing for ever.

        It counts as a running instance, and ``shutdown(wait=True)`` would wait for it. Source:
        ``executors/base.py:131``.
        """
        self._ledger.add(Hang(job))

    def check(self) -> None:
        """Fail if a fault never fired or a job's error was seen by nobody; pytest does this itself.

        Raises:
            FaultNeverFired: One fault never fired.
            BaseException: One job failed inside ``add_job`` or in a pool.
            BaseExceptionGroup: Several of these.
        """
        raise_together("FakeScheduler: nobody saw this", self._ledger.settle())
