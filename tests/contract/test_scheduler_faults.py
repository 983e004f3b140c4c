"""A fault that FakeScheduler has on demand, and the same one made to happen to a real scheduler."""

import logging
from collections.abc import Callable
from typing import Any, NamedTuple

import pytest
from apscheduler.schedulers.base import STATE_RUNNING

from subject import HOUR, Subject


def nothing() -> None:
    """Do nothing."""


def occupy(subject: Subject, gate: Any, job_id: str) -> None:
    """Keep the only worker busy until the gate opens, and forget that."""

    def occupation() -> None:
        gate.wait()

    subject.scheduler.add_job(occupation, id=job_id)
    subject.settle()
    subject.forget()


def miss(subject: Subject, gate: Any) -> None:
    """Be too late when the worker is free."""
    occupy(subject, gate, "other")
    subject.scheduler.add_job(nothing, "date", id="a", run_date=subject.start - HOUR)
    subject.run_behind(gate, "MISSED a")


def skip(subject: Subject, gate: Any) -> None:
    """Leave an instance running."""
    occupy(subject, gate, "a")
    subject.scheduler.add_job(nothing, id="a")


def refuse(subject: Subject, _gate: Any) -> None:
    """Shut the pool down."""
    subject.scheduler._executors["default"]._pool.shutdown()
    subject.scheduler.add_job(nothing, id="a")


def lose(subject: Subject, gate: Any) -> None:
    """Cancel what is queued in the pool."""
    occupy(subject, gate, "other")
    subject.scheduler.add_job(nothing, id="a")
    subject.settle()
    subject.scheduler._executors["default"]._pool.shutdown(wait=False, cancel_futures=True)


def hang(subject: Subject, gate: Any) -> None:
    """Let a body wait until the test is over."""

    def body() -> None:
        subject.say("begun")
        gate.wait()

    subject.scheduler.add_job(body, id="a")
    subject.wait_for("begun")


def die(subject: Subject, _gate: Any) -> None:
    """Start again, with a thread that ends at once."""
    subject.scheduler.shutdown()
    subject.scheduler._main_loop = lambda: None
    subject.scheduler.start()
    subject.settle()
    subject.scheduler.add_job(nothing, id="a")


class Facts(NamedTuple):
    """The traces of a fault.

    Attributes:
        happen: What makes it happen to a real scheduler.
        look: What the look at the stores says.
        bodies: What the job says.
        logged: The log lines beside ``Added job``, without the names and times in them.
        instances: How many runs of the job the executor counts.
        stays: Whether the job stays in its store.
    """

    happen: Callable[[Subject, Any], None]
    look: list[str]
    bodies: list[str]
    logged: set[str]
    instances: int = 0
    stays: bool = False


REMOVED = "Removed job %s"
FACTS = {
    "miss": Facts(
        miss,
        look=["REMOVED a", "SUBMITTED a"],
        bodies=["MISSED a"],
        logged={REMOVED, 'Run time of job "%s" was missed by %s'},
    ),
    "skip": Facts(
        skip,
        look=["REMOVED a", "MAX_INSTANCES a"],
        bodies=[],
        logged={
            'Execution of job "%s" skipped: maximum number of running instances reached (%d)',
            REMOVED,
        },
    ),
    "refuse": Facts(
        refuse,
        look=["REMOVED a"],
        bodies=[],
        logged={'Error submitting job "%s" to executor "%s"', REMOVED},
    ),
    "lose": Facts(
        lose,
        look=["REMOVED a", "SUBMITTED a"],
        bodies=[],
        logged={REMOVED, "exception calling callback for %r"},
        instances=1,
    ),
    "hang": Facts(
        hang,
        look=["REMOVED a", "SUBMITTED a"],
        bodies=[],
        logged={REMOVED, 'Running job "%s" (scheduled at %s)'},
        instances=1,
    ),
    "die": Facts(die, look=[], bodies=[], logged=set(), stays=True),
}


def lines(caplog: pytest.LogCaptureFixture) -> set[str]:
    """Return the log lines about the job, without those about the job that keeps a worker busy."""
    return {
        str(record.msg)
        for record in caplog.records
        if record.name.startswith(("apscheduler", "concurrent"))
        and not any("other" in str(arg) or "occupation" in str(arg) for arg in record.args or ())
        and "cheduler" not in str(record.msg)
    }


@pytest.mark.parametrize("fault", FACTS)
def test_a_fault_leaves_the_same_facts(
    fault: str, faulty: Subject, gate: Any, caplog: pytest.LogCaptureFixture
) -> None:
    """Events in their order, log lines, what the store keeps and what the executor counts."""
    facts = FACTS[fault]
    scheduler = faulty.scheduler
    caplog.set_level(logging.INFO)
    scheduler.start()
    faulty.settle()
    if faulty.has_faults:
        getattr(scheduler, fault)(*([] if fault == "die" else ["a"]))
        scheduler.add_job(nothing, id="a")
    else:
        facts.happen(faulty, gate)
    faulty.settle()

    heard = [line for line in faulty.heard if line.endswith(" a")]
    assert heard == ["ADDED a", *facts.look, *facts.bodies]
    assert lines(caplog) == {'Added job "%s" to job store "%s"', *facts.logged}
    # A real one is skipped because of a run that is counted.
    in_the_way = fault == "skip" and not faulty.has_faults
    assert scheduler._executors["default"]._instances["a"] == facts.instances + in_the_way
    assert faulty.ids() == ["a"] * facts.stays
    assert scheduler.state == STATE_RUNNING
    thread = getattr(scheduler, "_thread", None)  # A FakeScheduler has a dead one or none.
    assert bool(thread and not thread.is_alive()) == (fault == "die")
    scheduler.shutdown(wait=False)  # Nobody waits for a job that hangs.
