"""What threads read and write in the program's own code, beside locks, queues and the like.

``instrumented.py`` lets the program's functions call ``hooks.py`` before each access.
``accesses.py`` finds the accesses that no lock orders. ``switch_points.py`` is ``switch_in``.
"""
