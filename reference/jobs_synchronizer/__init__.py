"""Wait for one-off jobs and answer with their statuses.

``documented`` is the published program with its faults, ``corrected`` its twin made right. This
package exports the corrected one only. It imports nothing from ``apscheduler_fakes`` or ``tests``
(``tests/test_rooms.py``).
"""

from jobs_synchronizer.corrected import JobsSynchronizer, create_app

__all__ = ["JobsSynchronizer", "create_app"]
