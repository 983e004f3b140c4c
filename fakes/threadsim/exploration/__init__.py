"""Runs a program under many schedules.

``explore.py`` is the loop over schedules, ``runner.py`` runs the program once, ``schedule.py`` asks
at each point which thread is next, ``execution.py`` records it, and ``schedule_string.py`` writes
and reads a schedule as text. ``strategies/`` choose the next schedule.
"""
