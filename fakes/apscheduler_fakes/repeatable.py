"""What would differ from run to run although no thread decides it: counters and random ids."""

import threading
import uuid
from concurrent.futures import ThreadPoolExecutor
from itertools import count
from random import Random
from typing import Any

from apscheduler_fakes.kernel import here

_uuid4 = uuid.uuid4


def uuid4() -> uuid.UUID:
    """Return a UUID that is the same in every run: APScheduler's default job ids order its jobs."""
    kernel = here()
    if kernel is None:
        return _uuid4()
    return uuid.UUID(int=kernel.random.getrandbits(128), version=4)


def new_random() -> Random:
    """Return what a simulation draws its ids from."""
    return Random(0)  # noqa: S311  # Repeatable is what is wanted.


def new_counters() -> list[tuple[Any, str, Any]]:
    """Return the counters in names of threads and pools, each as owner, name and a new one."""
    return [
        (threading, "_counter", count(1).__next__),
        (ThreadPoolExecutor, "_counter", count().__next__),
    ]
