"""Runs a program under many schedules.

``explore.py`` is the loop over schedules and ``runner.py`` runs the program once. ``points.py`` is
where locks and queues stop a thread, ``schedule.py`` asks at each such point which thread is next
and moves time. ``strategies/`` choose: within a schedule, and the next schedule.
``schedule_string.py`` writes and reads a schedule as text, for ``replay.py``.
"""
