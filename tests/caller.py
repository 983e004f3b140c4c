"""What the caller of a group gets of a job, in one line, and when it was known."""

import concurrent.futures
from collections.abc import Callable

from jobs_synchronizer import JobFuture

# Seconds for which a caller waits.
DEADLINE = 30.0

Gets = Callable[[JobFuture, str], None]


def told(future: JobFuture, clock: Callable[[], float] | None) -> str:
    """Wait for a job as a caller does, and say what is known then.

    Args:
        future: The job's future.
        clock: Returns the seconds since the test began; ``None`` leaves the time out.
    """
    concurrent.futures.wait([future], timeout=DEADLINE)
    when = "at once" if clock is None else f"after {clock():g} s"
    if not future.done():
        return f"pending {when}, last seen: {future.last_seen}"
    if future.cancelled():
        return f"cancelled {when}"
    error = future.exception()
    if error is None:
        return f"{future.result()!r} {when}"
    text = str(error).replace(f"(id {future.job_id})", "(id …)")
    return f"{type(error).__name__} {when}: {text}"
