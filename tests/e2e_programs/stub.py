"""The published program with iterations of 0.03 s, or one that does not get so far.

``python stub.py right|dies|never_answers --host H --port P``
"""

import argparse
import sys
import time

from jobs_synchronizer import documented


def fast_task(synchronizer: documented.JobsSynchronizer, task_id: int) -> None:
    """Do what the published task does, with short iterations."""
    for i in range(10):
        time.sleep(0.03)
        print(f"Task {task_id} running iteration {i}")  # noqa: T201  # What e2e follows.
    synchronizer.notify_task_completion(f"Task {task_id} completed execution")


def for_ever(_synchronizer: documented.JobsSynchronizer, _task_id: int) -> None:
    """End after everybody has left."""
    time.sleep(60)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("fault")
    parser.add_argument("--host", required=True)
    parser.add_argument("--port", required=True, type=int)
    options = parser.parse_args()
    if options.fault == "dies":
        sys.exit(f"\x1b[31mno settings for {options.host}\x1b[0m")
    task = fast_task if options.fault == "right" else for_ever
    documented.create_app(task=task).run(host=options.host, port=options.port)
