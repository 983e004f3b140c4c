"""Runs a program under many schedules.

``explore.py`` is the loop over schedules, ``runner.py`` runs the program once, ``schedule.py`` asks
at each point which thread is next, ``execution.py`` records it. ``strategies/`` choose the next
schedule. ``schedule_string.py`` writes and reads a schedule as text, for ``replay.py``.
"""
