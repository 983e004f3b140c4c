"""Runs a program under many schedules.

``explore.py`` is the loop over schedules and ``runner.py`` runs the program once. ``points.py``
says before which operations of locks and queues a thread stops, and ``data/`` before which reads
and writes. ``schedule.py`` stops it, asks which thread is next, and moves time. ``strategies/``
choose: the thread of each step, and the next schedule. ``schedule_string.py`` writes and reads a
schedule as text, for ``replay.py``.
"""
