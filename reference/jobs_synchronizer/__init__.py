"""Wait for one-off jobs and answer with their statuses.

``documented`` is the published program with its faults, ``corrected`` its twin made right. This
package exports the corrected one only. It imports nothing from ``fakes/`` or ``tests/``
(``tests/test_rooms.py``).
"""

from jobs_synchronizer.corrected import JobsSynchronizer, create_app
from jobs_synchronizer.errors import (
    JobLost,
    JobMissed,
    JobNotRun,
    JobRefused,
    JobRemoved,
    JobSkipped,
)
from jobs_synchronizer.group import GroupResult, JobGroup
from jobs_synchronizer.run import JobFuture

__all__ = [
    "GroupResult",
    "JobFuture",
    "JobGroup",
    "JobLost",
    "JobMissed",
    "JobNotRun",
    "JobRefused",
    "JobRemoved",
    "JobSkipped",
    "JobsSynchronizer",
    "create_app",
]
