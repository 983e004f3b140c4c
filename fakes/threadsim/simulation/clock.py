"""Clock: frozen time, over freezegun, that moves when the test says so.

Alone it fakes no waiting: ``time.sleep`` and every wait on a lock take real time. Importing this
module needs neither freezegun nor greenlet.
"""

import gc
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from datetime import UTC, datetime, tzinfo
from math import inf
from typing import Any, Self
from unittest.mock import patch

from threadsim.runtime.durations import MICROSECOND, microseconds, nanoseconds
from threadsim.runtime.errors import raise_together

# Functions that return the sources of work which run now, such as FakeSchedulers, in the order in
# which they come at one instant. ``next_due()`` of a source returns when it is due next, ``None``
# for never; ``run_until_idle(call)`` runs what is due now and returns its ``errors``.
timed_sources: list[Callable[[], Sequence[Any]]] = []


class Clock:
    """Time that stands still until ``tick`` or ``move_to``, which run the jobs due on the way.

    The clock stops at each due time of a started FakeScheduler and runs its jobs, in order of time.
    At one instant the scheduler that was made first comes first.

    Waits and sleeps take real time, and no tick runs the jobs of a scheduler with a thread of its
    own: use a ``Simulation`` for them. ``as_completed`` of ``concurrent.futures`` reads
    ``time.monotonic``, so its timeout ends only with a tick. Lengths are whole microseconds.

    Args:
        start: The first instant: an ISO string with its offset, an aware ``datetime``, or "now",
            the present in whole seconds.

    Raises:
        ValueError: ``start`` is something else, has no offset, or is no instant.
    """

    # The name of the class that a user calls, for errors.
    made_by = "Clock"

    def __init__(self, start: str | datetime = "2026-01-01T00:00:00Z") -> None:
        if start == "now":
            start = datetime.now(UTC).replace(microsecond=0)
        self._start = _instant(start, f"{self.made_by}({start!r})")
        self._moved = 0
        self._freezegun: Any = None
        self._time: Any = None
        self._undo = ExitStack()

    def __enter__(self) -> Self:
        """Freeze time.

        Raises:
            ImportError: freezegun is not installed.
            RuntimeError: The clock was entered before.
        """
        if self._freezegun is not None:
            raise RuntimeError("Clock: it was entered before. Make a new Clock for a new block.")
        import freezegun.api  # noqa: PLC0415  # Importing this module needs no freezegun.

        forget_unreachable()
        self._freezegun = freezegun.api
        freeze = freezegun.freeze_time(self._start.replace(tzinfo=None), ignore=["_pytest."])
        self._time = freeze.start()  # Refused inside a simulation.
        self._undo.callback(freeze.stop)
        self._undo.enter_context(_keeping_folds(freezegun.api))
        # threading and pytest have kept the real time now. freezegun also looks for these names
        # among a call's callers, and would give real time to a job in a worker thread
        # (test_a_job_in_a_worker_thread_sees_the_clock) and to a test function.
        ignored = [each for each in freeze.ignore if each not in ("threading", "_pytest.")]
        freezegun.api.ignore_lists[-1] = tuple(ignored)
        return self

    def __exit__(self, *_: object) -> None:
        """Let time go on as it was before."""
        self._undo.close()
        self._time = None

    def __repr__(self) -> str:
        return f"<Clock at {self.now().isoformat()}>"

    def now(self) -> datetime:
        """Return the clock's instant, in UTC."""
        return self._start + self.microseconds * MICROSECOND

    @property
    def elapsed(self) -> float:
        """Seconds since the start."""
        return self.microseconds / 1_000_000

    def tick(self, seconds: float) -> None:
        """Let time pass, and run the jobs due on the way.

        Args:
            seconds: The length, 0 or more, rounded to microseconds; the least is one.

        Raises:
            ValueError: ``seconds`` is no number, negative, infinite or NaN.
            RuntimeError: The clock is not entered, or another freeze of time lies over it.
            OutsideThread: In a simulation: a scheduler from outside has jobs, none runs inside.
            BaseException: A job raised it. It is raised at the end; several come as a group.
        """
        call = f"Clock.tick({seconds!r})"
        self.check_usable(call)
        if not (isinstance(seconds, int | float) and 0 <= seconds < inf):
            raise ValueError(f"{call}: time goes forward. Pass a number of seconds, 0 or more.")
        length = microseconds(nanoseconds(seconds)) or int(seconds > 0)
        self.run_until(self.microseconds + length, call)

    def move_to(self, instant: str | datetime) -> None:
        """Let time pass until an instant, and run the jobs due on the way.

        Args:
            instant: An ISO string with its offset or an aware ``datetime``, not before ``now()``.

        Raises:
            ValueError: ``instant`` is something else, has no offset, or lies in the past.
            RuntimeError: The clock is not entered, or another freeze of time lies over it.
            OutsideThread: In a simulation: a scheduler from outside has jobs, none runs inside.
            BaseException: A job raised it. It is raised at the end; several come as a group.
        """
        call = f"Clock.move_to({instant!r})"
        self.check_usable(call)
        target = (_instant(instant, call) - self._start) // MICROSECOND
        if target < self.microseconds:
            raise ValueError(f"{call}: it is {self.now().isoformat()} already; time goes forward.")
        self.run_until(target, call)

    # What follows is not for tests; ``SimulationClock`` has its own versions.

    @property
    def microseconds(self) -> int:
        """Whole microseconds since the start."""
        return self._moved

    def stop_at(self, target: int) -> None:
        """Move to an instant, in microseconds since the start, or stop before it."""
        self._moved = target
        self._time.move_to(self.now().replace(tzinfo=None))

    def check_usable(self, call: str) -> None:
        """Check that time can pass.

        Raises:
            RuntimeError: The clock is not entered, or another freeze of time lies over it.
        """
        if self._time is None:
            raise RuntimeError(
                f"{call}: outside its block a Clock stands still. Write: with Clock() as clock."
            )
        if self._freezegun.freeze_factories[-1] is not self._time:
            raise RuntimeError(
                f"{call}: a freeze_time or Clock that began inside this one's block decides the "
                "time now, so this would change nothing. Move that one, or end it first."
            )

    def run_until(self, target: int, call: str) -> None:
        """Go to an instant, in microseconds since the start, and run the jobs due on the way."""
        errors: list[BaseException] = []
        while True:
            runs = self._next_runs()
            stop = min([target, *(due for due, _ in runs)])
            if stop > self.microseconds:
                self.stop_at(stop)
                continue
            ripe = [source for due, source in runs if due <= self.microseconds]
            if not ripe:
                break
            for source in ripe:
                # A job of an earlier source may have paused or stopped this one.
                if source in _active_sources():
                    errors += source.run_until_idle(call).errors
        raise_together(f"{call}: several jobs failed", errors)

    def _next_runs(self) -> list[tuple[int, Any]]:
        """Return when each source has to run next, in microseconds since the start."""
        times = [(source.next_due(), source) for source in _active_sources()]
        return [((time - self._start) // MICROSECOND, source) for time, source in times if time]


def _instant(instant: str | datetime, call: str) -> datetime:
    """Return an instant in UTC."""
    with suppress(ValueError, OverflowError):
        when = datetime.fromisoformat(instant) if isinstance(instant, str) else instant
        if isinstance(when, datetime) and when.utcoffset() is not None:
            return when.astimezone(UTC)
    raise ValueError(
        f"{call}: pass an aware datetime, or a string with an offset as 2026-01-01T00:00:00Z."
    )


def _active_sources() -> list[Any]:
    return [source for active in timed_sources for source in active()]


def forget_unreachable() -> None:
    """Collect the schedulers of earlier tests, whose jobs would run otherwise."""
    if _active_sources():
        gc.collect()


@contextmanager
def _keeping_folds(api: Any) -> Iterator[None]:
    """Let freezegun tell the two hours apart when clocks are set back.

    freezegun 1.5 drops ``fold`` (PEP 495). ``now(tz)`` then lies an hour back in the second hour,
    and a job that is due then is due again for ever.
    """
    make, now = api.datetime_to_fakedatetime, vars(api.FakeDatetime)["now"]

    def make_with_fold(instant: datetime) -> Any:
        return make(instant).replace(fold=instant.fold)

    def now_with_fold(cls: Any, tz: tzinfo | None = None) -> Any:
        if tz is None:
            return now.__get__(None, cls)()
        return make_with_fold(cls._time_to_freeze().replace(tzinfo=UTC).astimezone(tz))

    folds = patch.object(api, "datetime_to_fakedatetime", make_with_fold)
    with folds, patch.object(api.FakeDatetime, "now", classmethod(now_with_fold)):
        yield
